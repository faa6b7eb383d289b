"""Writes a recording to a file, in the format of the file's extension, and reads it back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import NoReturn

from ..base.error_info import shorten
from ..charts.gantt import lay_out
from ..charts.png import to_png
from ..charts.svg import to_svg
from ..charts.tape import Tape
from .chrome import to_chrome
from .read_chrome import ADVICE, Contents, read_chrome

FORMS = (".json", ".svg", ".png")


def save(recording: Tape, path: str | os.PathLike[str], width: int, start: float | None, end: float | None) -> None:
    """Write a recording to a file; the file is opened only when all of its content is ready."""
    form = Path(path).suffix.lower()
    if form == ".json":
        content = json.dumps(to_chrome(recording), separators=(",", ":"), allow_nan=False).encode()
    elif form == ".svg":
        content = to_svg(lay_out(recording, width, start, end)).encode()
    elif form == ".png":
        content = to_png(lay_out(recording, width, start, end))
    else:
        raise ValueError(
            f"recording: a file must be called {', '.join(f'*{form}' for form in FORMS)}, got {str(path)!r}"
        )
    Path(path).write_bytes(content)


def load(path: str | os.PathLike[str]) -> Contents:
    """Read a `.json` file that `save` has written."""
    try:
        trace = json.loads(Path(path).read_bytes(), object_pairs_hook=unambiguous, parse_constant=refuse)
    except (ValueError, RecursionError) as error:  # RecursionError: objects nested too deep
        raise ValueError(
            f"{path}: expected a recording of a network as JSON, got invalid JSON ({error}); {ADVICE}"
        ) from error
    return read_chrome(trace, path)


def unambiguous(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object; refuse a key that comes twice, which readers understand differently."""
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {shorten(twice)} comes twice in an object")
    return found


def refuse(constant: str) -> NoReturn:
    """Refuse NaN and Infinity: Python reads them, but JSON does not have them."""
    raise ValueError(f"{constant} is not a number in JSON")
