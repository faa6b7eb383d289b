"""Runs the program with its options, and turns errors into an exit status."""

from __future__ import annotations

import math
import time
import warnings
from contextlib import AsyncExitStack
from pathlib import Path
from typing import BinaryIO

import attrs
import trio

from penstock.blocks import LoopHeldWarning, MemoryBudget, TimeLimitExceeded
from penstock.samples.command.leaves import leaves
from penstock.samples.command.output import is_stream, open_output
from penstock.samples.command.show import name_of
from penstock.samples.command.streams import why
from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.index import run_index
from penstock.samples.streams.lines.indexer import PLACE, Indexer
from penstock.samples.streams.lines.inputs import Inputs, UnreadableFileError, chunks_of, open_inputs
from penstock.samples.streams.lines.merge import run_merge
from penstock.samples.streams.lines.merger import OutOfOrderError
from penstock.samples.streams.lines.options import Command, Options
from penstock.samples.streams.lines.parsing import Parsing
from penstock.samples.streams.lines.presentation import Presentation
from penstock.samples.streams.lines.replay import Decoder, Player, run_replay
from penstock.samples.streams.lines.stats import TooManyValuesError, run_stats
from penstock.samples.streams.lines.writing import writer
from penstock.samples.watch import Watch

__all__ = ["run_program"]

OK, BAD_LINES, WRONG_USE, TOO_LATE, NOBODY_READS = 0, 1, 2, 124, 141
LEFT_OUT, KEPT = "were left out", "stay with the line before them"


@attrs.frozen
class Result:
    """What a run has found.

    Args:
        rows: the rows of the table.
        bad: the lines that are not as expected.
        what_became: what became of them.
    """

    rows: dict[str, str]
    bad: BadLines
    what_became: str


def run_program(options: Options, presentation: Presentation) -> int:
    """Run the program and return the exit status; errors that a user can fix are shown, not raised.

    Raises:
        KeyboardInterrupt: after Ctrl-C or a signal; the end of the run has been shown.
    """
    run = Run(options)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LoopHeldWarning)  # it is for people who write programs
            return _run(run, presentation)
    except (KeyboardInterrupt, Exception, BaseExceptionGroup) as error:
        causes = list(leaves(error))
        if any(isinstance(cause, KeyboardInterrupt) for cause in causes):
            presentation.error(f"stopped; {_what_is_left(options)}")
            raise KeyboardInterrupt from None
        late = [cause for cause in causes if isinstance(cause, TimeLimitExceeded)]
        if late:
            presentation.error(f"{late[0]}\n{_what_is_left(options)}")
            return TOO_LATE
        messages = [run.explained(cause) for cause in causes]
        if None in messages:
            raise
        if any(isinstance(cause, BrokenPipeError) for cause in causes):
            return NOBODY_READS  # silently, as SIGPIPE ends other programs
        for message in messages:
            presentation.error(str(message))
        return WRONG_USE


def _what_is_left(options: Options) -> str:
    name = name_of(options.output, "standard output")
    return f"{name} did not get all" if is_stream(options.output) else f"{name} was left as it was"


def _run(run: Run, presentation: Presentation) -> int:
    options = run.options
    started = time.perf_counter()
    watch = Watch(options.record, options.diagram, options.time_limit)
    try:
        with open_output(options.output) as output:
            result = trio.run(run.run, output, watch)
    finally:
        saved = watch.save()
        for problem in saved.problems:
            presentation.error(problem)
    presentation.bad_lines(result.bad, run.names, result.what_became)
    rows = {
        "from": run.names[0] if len(run.names) == 1 else f"{len(run.names)} files",
        "to": name_of(options.output, "standard output"),
        **result.rows,
        "time": f"{time.perf_counter() - started:.3f} s",
    }
    problems = [presentation.result(options.command.value.capitalize(), rows, saved)]
    report = watch.report()
    if options.report and report is not None:
        problems.append(presentation.report(report))
    unshown = [problem for problem in problems if problem is not None]
    if unshown:
        presentation.error(f"cannot write the results to standard output: {unshown[0]}")
    return WRONG_USE if saved.problems or unshown else BAD_LINES if result.bad.total else OK


class Run:
    """One run of a command.

    Args:
        options: the options.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.names = [name_of(path, "standard input") for path in options.files]
        self._inputs = Inputs()

    def explained(self, error: BaseException) -> str | None:
        """Return a message for an error that a user can fix; None for any other."""
        if isinstance(error, (UnreadableFileError, OutOfOrderError, TooManyValuesError)):
            return str(error)
        unreadable = self._inputs.explained(error)
        if unreadable is not None:
            return str(unreadable)
        if isinstance(error, OSError):  # the inputs have explained theirs
            return f"cannot write {name_of(self.options.output, 'standard output')}: {why(error)}"
        return None

    async def run(self, output: BinaryIO, watch: Watch) -> Result:
        """Run the command."""
        async with AsyncExitStack() as stack:
            self._inputs = await self._open(stack)
            run = {
                Command.STATS: self._stats,
                Command.MERGE: self._merge,
                Command.REPLAY: self._replay,
                Command.INDEX: self._index,
            }[self.options.command]
            return await run(output, watch)

    async def _open(self, stack: AsyncExitStack) -> Inputs:
        """Open the files; a pipe or a terminal may wait for its first bytes."""
        limit = self.options.time_limit
        with trio.move_on_after(math.inf if limit is None else limit):
            return await open_inputs(self.options.files, stack)
        raise TimeLimitExceeded(f"the files gave no data within the time limit of {limit:g} s")

    async def _stats(self, output: BinaryIO, watch: Watch) -> Result:
        options = self.options
        counts = await run_stats(chunks_of(self._inputs), options.keys, self._parsing(), self._budget(), watch)
        output.write(counts.text(options.top).encode("utf-8", "backslashreplace"))
        rows = {
            "lines": f"{counts.lines:,}",
            "counted": f"{counts.values.total():,}",
            "values": f"{len(counts.values):,}",
        }
        return Result(rows, counts.bad, LEFT_OUT)

    async def _merge(self, output: BinaryIO, watch: Watch) -> Result:
        files, times = chunks_of(self._inputs), self.options.times
        merged = await run_merge(files, self.names, times, self._parsing(), output, watch)
        return Result({"lines": f"{merged.lines:,}"}, merged.bad, KEPT)

    async def _replay(self, output: BinaryIO, watch: Watch) -> Result:
        options = self.options
        speed = None if math.isinf(options.speed) else options.speed
        decoder, player = Decoder(options.times, options.show), Player(writer(output), speed)
        (file,) = chunks_of(self._inputs)
        await run_replay(file, decoder, player, watch)
        late = "" if speed is None else f"up to {player.late * 1e3:,.0f} ms"
        return Result({"lines": f"{decoder.lines:,}", "late": late}, decoder.bad, KEPT)

    async def _index(self, output: BinaryIO, watch: Watch) -> Result:
        indexer = Indexer(self.names, self._budget().batch_size(PLACE), self._folder())
        await run_index(chunks_of(self._inputs), self.options.keys, self._parsing(), indexer, output, watch)
        rows = {
            "lines": f"{indexer.lines:,}",
            "indexed": f"{indexer.places:,}",
            "partial files": f"{indexer.partial_files:,}",
        }
        return Result(rows, indexer.bad, LEFT_OUT)

    def _folder(self) -> Path | None:
        """The folder for partial files: that of the output, where there must be room for the index."""
        output = self.options.output
        return None if is_stream(output) else output.resolve().parent

    def _parsing(self) -> Parsing:
        return Parsing.by(self.options.processes)

    def _budget(self) -> MemoryBudget:
        return self.options.memory or MemoryBudget()
