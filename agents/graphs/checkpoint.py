"""Where a graph keeps its results, so that it can go on after it was killed."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

import attrs

from penstock.blocks.base.error_info import annotate

from .near_names import near_names


class Checkpoint:
    """A folder in which a graph keeps the results of its tasks: `graph.run(checkpoint=Checkpoint("results"))`.

    Run the same program again after it was killed or has failed: results that are in the folder are read, and only the
    other tasks are run. A result is found by what the task is: its group, its function, `version`, and its arguments.
    It is not found by what the function does, and not by what is in a file whose name is an argument: give another
    `version` if the function has changed, and an argument more, such as the time of the file, if files change. A task
    whose input has another result than before is run again.

    - Functions must be at the top level of a module. Functions, arguments and results are pickled.
    - A task of which a result is there is not run: what it does besides its result is not done again.
    - A task that gets an `Ended` with a failure, and those behind it, are run every time.
    - A result is one file, in a folder with many of them. They stay until the program deletes them.
    - Files are read by `pickle`: use only a folder that nobody else can write to.

    Args:
        folder: The folder; it is made if it is not there.
        version: A text or number; with another one, all tasks are run again. Or a dict of these by the name of a task,
            or of the function of a `map` or another group: with another one, only these run again, and those that need
            their results if these differ.

    Raises:
        TypeError: `folder` is no path, or `version` is something else.
    """

    def __init__(self, folder: str | os.PathLike[str], *, version: str | int | Mapping[str, str | int] = 1) -> None:
        if not isinstance(folder, str | os.PathLike):
            raise TypeError(f"Checkpoint: folder must be a path, got {folder!r}")
        if not os.fspath(folder):
            raise ValueError("Checkpoint: folder is empty; for the working directory, give '.'")
        self.folder: Path = Path(folder).absolute()
        self.version: str | int | Mapping[str, str | int] = version
        each = version.values() if isinstance(version, Mapping) else [version]
        if not all(isinstance(one, str | int) for one in each):
            raise TypeError(f"{self}: version must be a text, a number, or a dict of these by name, got {version!r}")

    def version_of(self, group: str) -> str | int:
        """The version of a group of tasks."""
        return self.version.get(group, 1) if isinstance(self.version, Mapping) else self.version

    def prepare(self, groups: Iterable[str]) -> None:
        """Make the folder, and check that it can be written to.

        Args:
            groups: The groups of tasks in the graph.

        Raises:
            OSError: It cannot be made or written to.
            ValueError: `version` has a name that is not in the graph.
        """
        known = {*groups}
        for name in self.version if isinstance(self.version, Mapping) else ():
            if name not in known:
                raise ValueError(f"{self}: version has {name!r}, but no task has this name; {near_names(name, known)}")
        probe = self.folder / f"{uuid.uuid4()}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            annotate(error, f"{self}: results cannot be written to this folder; give another one")
            raise

    def __repr__(self) -> str:
        return f"Checkpoint({str(self.folder)!r})"


@attrs.frozen
class CheckpointReport:
    """What a checkpoint has done in a run; `results.checkpoint`.

    Attributes:
        loaded: How many results were in the folder already.
        saved: How many were written.
        redone: For each task that was run although there was a file for it, the reason.
    """

    loaded: int
    saved: int
    redone: Mapping[str, str]
