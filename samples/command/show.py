"""Shows paths to the user."""

from pathlib import Path

STANDARD = Path("-")  # stands for standard input or standard output


def shown(path: Path) -> str:
    """Return a path as one printable line."""
    text = str(path)
    return text if text.isprintable() else ascii(text)


def name_of(path: Path, standard: str) -> str:
    """Return a path, or the name of the stream that "-" stands for."""
    return standard if path == STANDARD else shown(path)
