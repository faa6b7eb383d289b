"""Describes the graph, runs it, and turns errors into an exit status."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from penstock.agents import Checkpoint, CheckpointReport, TaskGraph
from penstock.blocks import Threads
from penstock.samples.command.leaves import leaves
from penstock.samples.command.show import shown
from penstock.samples.command.streams import show, why
from penstock.samples.split.options import Options
from penstock.samples.split.steps import (
    ChangedError,
    Counted,
    Shard,
    Source,
    count,
    join,
    make_plan,
    source,
    write_shard,
)

__all__ = ["run_program"]

OK, WRONG_USE = 0, 2


class UsageError(Exception):
    """Something that the user can mend."""


def run_program(options: Options) -> int:
    """Run the program and return the exit status; errors that a user can mend are shown, not raised."""
    try:
        text = _run(options)
    except (Exception, ExceptionGroup) as error:
        causes = list(leaves(error))
        if not all(isinstance(cause, UsageError | ChangedError | OSError) for cause in causes):
            raise
        for cause in causes:
            print(f"penstock-split: {_explained(cause)}", file=sys.stderr)
        return WRONG_USE
    problem = None if options.quiet else show(Console(), lambda console: console.print(text, highlight=False))
    if problem is not None:
        print(f"penstock-split: cannot write to standard output: {problem}", file=sys.stderr)
    return OK if problem is None else WRONG_USE


def _explained(error: BaseException) -> str:
    if isinstance(error, OSError):
        name = "" if error.filename is None else f"{shown(Path(os.fsdecode(error.filename)))}: "
        return f"{name}{why(error)}"
    return str(error)


def _run(options: Options) -> str:
    """Split, and return what to say."""
    if os.path.lexists(options.out):
        raise UsageError(f"{shown(options.out)}: it is there already; give another folder, or remove it")
    sources = _sources(options)
    if not sources:
        raise UsageError(f"{shown(options.folder)}: there is no file like {options.files!r}")
    with _whole_folder(options.out) as draft:
        folder = draft
        if options.checkpoint is not None:
            folder = options.checkpoint.absolute() / "shards"
            folder.mkdir(parents=True, exist_ok=True)
        counted, shards, report = split(sources, options, folder)
        _give_names(shards, folder, draft)
        (draft / "summary.json").write_text(_summary(counted, shards))
    there = "" if report is None else f"; {report.loaded} of {report.loaded + report.saved} tasks were done before"
    return f"{counted.total:,} lines of {len(sources):,} files in {len(shards):,} shards{there}"


def split(
    sources: list[Source], options: Options, folder: Path
) -> tuple[Counted, list[Shard], CheckpointReport | None]:
    """Run the graph: count each file, join what was counted, plan, and write the shards."""
    graph = TaskGraph("split", executor=Threads(options.threads))
    counted = graph.reduce(join, graph.map(count, sources))
    plan = graph.call(make_plan, counted, options.shards, str(folder))
    shards = graph.fan_out(plan, options.shards, write_shard)
    checkpoint = None if options.checkpoint is None else Checkpoint(options.checkpoint / "results")
    results = graph.run_sync(keep=[counted], on_error="continue", checkpoint=checkpoint)
    return results[counted], results[shards], results.checkpoint


def _sources(options: Options) -> list[Source]:
    """The files, by name; hidden ones are left out."""
    paths = sorted(path for path in options.folder.iterdir() if not path.name.startswith("."))
    return [source(path) for path in paths if path.match(options.files) and path.is_file()]


def _summary(counted: Counted, shards: list[Shard]) -> str:
    summary = {
        "files": {file.path: lines for file, lines in counted.lines},
        "lines": counted.total,
        "longest line": counted.longest,
        "shards": [
            {"name": _name(index), "lines": shard.lines, "bytes": shard.size, "sha256": shard.digest}
            for index, shard in enumerate(shards)
        ],
    }
    return json.dumps(summary, indent=1) + "\n"


def _name(index: int) -> str:
    return f"{index:03}.txt"


def _give_names(shards: list[Shard], folder: Path, draft: Path) -> None:
    """Put the shards into the new folder; those of a checkpoint are copied, so that the next run finds them.

    Raises:
        UsageError: One of them is not there any more, or not as it was.
    """
    for index, shard in enumerate(shards):
        path = folder / shard.file
        if not path.is_file() or path.stat().st_size != shard.size:
            raise UsageError(f"{shown(path)}: this shard is not as it was written; remove the folder of the checkpoint")
        if folder == draft:
            path.rename(draft / _name(index))
        else:
            shutil.copyfile(path, draft / _name(index))


@contextmanager
def _whole_folder(out: Path) -> Generator[Path]:
    """A new hidden folder beside `out`, which gets this name if the body ends well, and is removed if not."""
    draft = out.absolute().with_name(f".penstock-{secrets.token_hex(8)}.tmp")
    try:
        draft.mkdir()
    except OSError as error:
        raise UsageError(f"{shown(out)}: it cannot be made: {why(error)}") from error
    try:
        yield draft
        draft.rename(out)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
