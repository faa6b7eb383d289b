"""Runs the sentence program as the options say, and turns what can go wrong into an exit status."""

import time
from collections.abc import Iterator
from functools import partial
from typing import BinaryIO, cast

import trio

from penstock.blocks import TimeLimitExceeded
from penstock.samples.command.whole_file import WholeFile
from penstock.samples.sentences.control_flow import run_control_flow
from penstock.samples.sentences.options import Options
from penstock.samples.sentences.phrase import Counts, PhraseSource
from penstock.samples.sentences.presentation import Presentation
from penstock.samples.sentences.sequential import run_sequential
from penstock.samples.sentences.show import shown
from penstock.samples.sentences.sources import FilePhrases, RandomPhrases, UnreadableFileError
from penstock.samples.watch import Watch

OK, REPLACED, WRONG_USE, TOO_LATE, INTERRUPTED = 0, 1, 2, 124, 130


def run_program(options: Options, presentation: Presentation) -> int:
    """Does what the options say and returns the exit status; what a user can mend is shown, not raised."""
    try:
        return _run(options, presentation)
    except (KeyboardInterrupt, UnreadableFileError, OSError, BaseExceptionGroup) as error:
        causes = list(_leaves(error))
        if any(isinstance(cause, KeyboardInterrupt) for cause in causes):
            presentation.error(f"stopped; {shown(options.output)} was left as it was")
            return INTERRUPTED
        late = [cause for cause in causes if isinstance(cause, TimeLimitExceeded)]
        if late:
            presentation.error(f"{late[0]}\n{shown(options.output)} was left as it was")
            return TOO_LATE
        if not all(isinstance(cause, UnreadableFileError | OSError) for cause in causes):
            raise
        for cause in causes:
            presentation.error(_explained(cause, options))
        return WRONG_USE


def _run(options: Options, presentation: Presentation) -> int:
    started = time.perf_counter()
    watch = Watch(options.record, options.diagram, options.time_limit)
    try:
        with _source(options) as source, WholeFile(options.output) as output:
            with presentation.progress(source):
                counts = _write(source, output, options, presentation, watch)
            replaced = source.replaced
    finally:
        saved = watch.save()
        for problem in saved.problems:
            presentation.error(problem)
    presentation.result(options, counts, replaced, time.perf_counter() - started, saved)
    report = watch.report()
    if options.report and report is not None:
        presentation.report(report)
    return WRONG_USE if saved.problems else REPLACED if replaced else OK


def _source(options: Options) -> FilePhrases | RandomPhrases:
    if options.file is not None:
        return FilePhrases(options.file, options.undecodable)
    return RandomPhrases(options.seed, options.sentences)


def _write(
    source: PhraseSource, output: BinaryIO, options: Options, presentation: Presentation, watch: Watch
) -> Counts:
    if options.mode == "sequential":
        return run_sequential(source, output, on_sentence=presentation.on_sentence)
    # trio.run takes positional arguments only.
    main = partial(run_control_flow, limit=options.limit, on_sentence=presentation.on_sentence, watch=watch)
    return trio.run(main, source, output)


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(each)
    else:
        yield error


def _explained(error: BaseException, options: Options) -> str:
    # The source has its own error, so an OSError is one of the output.
    if isinstance(error, OSError):
        return f"cannot write {shown(options.output)}: {error.strerror or error}"
    return str(error)
