"""How a path is shown to the user."""

from pathlib import Path


def shown(path: Path) -> str:
    """A path on one line, whatever its name is made of."""
    text = str(path)
    return text if text.isprintable() else ascii(text)
