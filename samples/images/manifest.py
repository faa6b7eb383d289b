"""The manifest of an output folder: it lists the result of each picture, for people, programs and `--resume`."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import attrs

from penstock.samples.images.output import write_whole
from penstock.samples.images.record import Phase
from penstock.samples.images.settings import Settings

__all__ = ["MANIFESTS", "Entry", "read_manifest", "rules_of", "write_manifest"]

MANIFESTS = ("manifest.csv", "manifest.json")
_RULES = 1  # increase this when the same picture and settings give a different thumbnail than before
_COLUMNS = ("source", "thumbnail", "digest", *(f"{phase.value}_seconds" for phase in Phase), "error", "note")


@attrs.frozen
class Entry:
    """The result of one picture.

    Args:
        source: the whole path of the picture.
        thumbnail: the file name in the output folder; empty if there is no thumbnail.
        digest: the SHA-256 of the thumbnail's file.
        seconds: seconds of work, by phase.
        error: the reason why there is no thumbnail; empty if there is one.
        note: the assumption that was needed to read the picture; empty if none was.
        size: the bytes of the picture's file; -1 if it does not exist.
        modified: the time of the last change of the picture's file, in nanoseconds; -1 if it does not exist.
        length: the bytes of the thumbnail's file.
    """

    source: str
    thumbnail: str = ""
    digest: str = ""
    seconds: Mapping[str, float] = attrs.field(factory=dict[str, float])
    error: str = ""
    note: str = ""
    size: int = -1
    modified: int = -1
    length: int = -1


def rules_of(settings: Settings) -> dict[str, Any]:
    """Return everything that a thumbnail depends on except its picture."""
    size = list(settings.size)
    return {"rules": _RULES, "size": size, "noise": settings.noise, "layers": settings.layers, "seed": settings.seed}


def write_manifest(folder: Path, entries: Sequence[Entry], settings: Settings) -> list[Path]:
    """Write both files, each whole or not at all, and return their paths.

    Raises:
        OSError: one of them cannot be written.
    """
    images = [attrs.asdict(entry) | {"seconds": _rounded(entry)} for entry in entries]
    as_json = json.dumps({"settings": rules_of(settings), "images": images}, indent=1)
    paths = [folder / name for name in MANIFESTS]
    for path, text in zip(paths, (_as_csv(entries), as_json + "\n"), strict=True):
        write_whole(path, text.encode("utf-8", "surrogateescape"))
    return paths


def _as_csv(entries: Iterable[Entry]) -> str:
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(_COLUMNS)
    for entry in entries:
        seconds = _rounded(entry)
        times = [seconds.get(phase.value, "") for phase in Phase]
        rows.writerow([entry.source, entry.thumbnail, entry.digest, *times, entry.error, entry.note])
    return text.getvalue()


def _rounded(entry: Entry) -> dict[str, float]:
    return {phase: round(seconds, 6) for phase, seconds in entry.seconds.items()}


def read_manifest(folder: Path, settings: Settings) -> dict[str, Entry]:
    """Return the entries of an earlier run with the same settings, by thumbnail; none if there is no such manifest."""
    try:
        data: Any = json.loads((folder / MANIFESTS[1]).read_bytes())
        if data["settings"] != rules_of(settings):
            return {}
        entries = [_entry(image) for image in cast("list[Any]", data["images"])]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return {
        entry.thumbnail: entry
        for entry in entries
        if entry.thumbnail and entry.thumbnail == os.path.basename(entry.thumbnail)
    }


def _entry(image: Any) -> Entry:
    entry = Entry(**image)
    texts = (entry.source, entry.thumbnail, entry.digest, entry.error, entry.note)
    numbers = (entry.size, entry.modified, entry.length)
    if not all(isinstance(text, str) for text in texts) or not all(isinstance(number, int) for number in numbers):
        raise TypeError("the manifest has values of other types than were written")
    return attrs.evolve(entry, seconds={str(phase): float(seconds) for phase, seconds in dict(entry.seconds).items()})
