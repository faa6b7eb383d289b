"""Plans a run: finds the pictures that need work and the thumbnails that are up to date. It also makes the manifest."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import attrs

from penstock.samples.images.contact_sheet import SheetEntry, sheet_name
from penstock.samples.images.manifest import Entry, read_manifest
from penstock.samples.images.names import shown_name
from penstock.samples.images.progress import describe
from penstock.samples.images.record import Job
from penstock.samples.images.run import Finished, RunResult
from penstock.samples.images.settings import Settings

__all__ = ["Plan", "make_plan", "no_longer_belongs"]

_OURS = re.compile(r"(.*-[0-9a-f]{8}(-[0-9]+)?|contact-sheet(-[0-9]+)?)\.jpg", re.DOTALL)


@attrs.frozen
class Plan:
    """The plan of a run.

    Args:
        jobs: the pictures that need work, numbered from 1 without gaps.
        kept: the entries that are up to date, by number of the picture.
        began: when the plan was made (`time.time_ns()`).
    """

    jobs: Sequence[Job]
    kept: dict[int, Entry] = attrs.field(factory=dict[int, Entry])
    began: int = attrs.field(factory=time.time_ns)

    def on_sheet(self, folder: Path) -> list[SheetEntry]:
        """Return the entries of the contact sheet for images that are up to date; they have no places yet."""
        return [
            SheetEntry(-1, number, shown_name(Path(entry.source)), folder / entry.thumbnail)
            for number, entry in self.kept.items()
        ]

    def entries(self, result: RunResult) -> list[Entry]:
        """Return the entries of the manifest after the run, in order, without pictures that the run has not reached."""
        entries = dict(self.kept)
        for image in result.finished:
            entries[image.number] = self._finished(image)
        for failure in result.failures:
            job = self.jobs[failure.sequence - 1]
            error = describe(failure).removeprefix(f"{shown_name(failure.path)}: ")
            entries[job.number] = Entry(os.path.abspath(job.path), error=error)
        return [entry for _, entry in sorted(entries.items())]

    def _finished(self, image: Finished) -> Entry:
        size, modified = _stat(image.path)
        return Entry(
            os.path.abspath(image.path),
            image.written.name,
            image.digest,
            {stamp.phase.value: stamp.finished - stamp.started for stamp in image.stamps},
            note=image.note,
            size=size,
            modified=modified if modified < self.began else -1,  # else nothing tells which content was read
            length=_stat(image.written)[0],
        )


def make_plan(jobs: Sequence[Job], settings: Settings, resumes: bool) -> Plan:
    """Return a plan for `jobs`; if the run resumes, without those that are up to date by the manifest."""
    plan = Plan(jobs)
    known = read_manifest(settings.output, settings) if resumes else {}
    if not known:
        return plan
    wanted: list[Job] = []
    for job in jobs:
        entry = known.get(job.name)
        if entry is not None and _is_up_to_date(entry, job, settings.output):
            plan.kept[job.number] = entry
        else:
            wanted.append(attrs.evolve(job, sequence=len(wanted) + 1))
    return attrs.evolve(plan, jobs=wanted)


def _is_up_to_date(entry: Entry, job: Job, folder: Path) -> bool:
    if entry.source != os.path.abspath(job.path) or (entry.size, entry.modified) != _stat(job.path):
        return False
    return _stat(folder / entry.thumbnail)[0] == entry.length > 0


def _stat(path: Path) -> tuple[int, int]:
    """Return the size and the time of the last change; -1 and -1 if the file cannot be read."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return -1, -1
    return status.st_size, status.st_mtime_ns


def no_longer_belongs(folder: Path, plan: Plan, result: RunResult) -> list[str]:
    """Return the thumbnails and pages of earlier runs that this run would not have made, in order."""
    names = {entry.thumbnail for entry in plan.kept.values()} | {image.written.name for image in result.finished}
    count = len(names)
    pages = {page.file.name for page in result.pages}
    return sorted(set(_ours_in(folder)) - names - (pages or {sheet_name(n) for n in range(1, count + 1)}))


def _ours_in(folder: Path) -> Iterator[str]:
    try:
        with os.scandir(folder) as found:
            yield from (entry.name for entry in found if _OURS.fullmatch(entry.name) and entry.is_file())
    except OSError:
        return
