"""How a path is shown to the user."""

from pathlib import Path

STANDARD = Path("-")  # stands for standard input or standard output


def shown(path: Path) -> str:
    """A path on one line, whatever its name is made of."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


def name_of(path: Path, standard: str) -> str:
    """A path, or what the stream is called that "-" stands for."""
    return standard if path == STANDARD else shown(path)
