"""Runs the sentence program with its options, and turns errors into an exit status."""

import time
import warnings
from functools import partial
from typing import BinaryIO

import trio

from penstock.blocks import LoopHeldWarning, TimeLimitExceeded
from penstock.samples.command.leaves import leaves
from penstock.samples.command.output import is_stream, open_output
from penstock.samples.command.show import name_of
from penstock.samples.command.streams import why
from penstock.samples.sentences.control_flow import run_control_flow
from penstock.samples.sentences.options import Options
from penstock.samples.sentences.phrase import Counts, PhraseSource
from penstock.samples.sentences.presentation import Presentation
from penstock.samples.sentences.sequential import run_sequential
from penstock.samples.sentences.sources import FilePhrases, RandomPhrases, UnreadableFileError
from penstock.samples.watch import Watch

OK, REPLACED, WRONG_USE, TOO_LATE, NOBODY_READS = 0, 1, 2, 124, 141


def run_program(options: Options, presentation: Presentation) -> int:
    """Runs the program and returns the exit status; errors that a user can fix are shown, not raised.

    Raises:
        KeyboardInterrupt: After Ctrl-C or a signal; the end of the run has been shown.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LoopHeldWarning)  # it is for people who write programs
            return _run(options, presentation)
    except (KeyboardInterrupt, UnreadableFileError, OSError, BaseExceptionGroup) as error:
        causes = list(leaves(error))
        if any(isinstance(cause, KeyboardInterrupt) for cause in causes):
            presentation.error(f"stopped; {_what_is_left(options)}")
            raise KeyboardInterrupt from None
        late = [cause for cause in causes if isinstance(cause, TimeLimitExceeded)]
        if late:
            presentation.error(f"{late[0]}\n{_what_is_left(options)}")
            return TOO_LATE
        if not all(isinstance(cause, UnreadableFileError | OSError) for cause in causes):
            raise
        if any(isinstance(cause, BrokenPipeError) for cause in causes):
            return NOBODY_READS  # silently, as SIGPIPE ends other programs
        for cause in causes:
            presentation.error(_explained(cause, options))
        return WRONG_USE


def _run(options: Options, presentation: Presentation) -> int:
    started = time.perf_counter()
    watch = Watch(options.record, options.diagram, options.time_limit)
    try:
        with _source(options) as source, open_output(options.output) as output:
            with presentation.progress(source):
                counts = _write(source, output, options, presentation, watch)
            replaced = source.replaced
    finally:
        saved = watch.save()
        for problem in saved.problems:
            presentation.error(problem)
    problems = [presentation.result(options, counts, replaced, time.perf_counter() - started, saved)]
    report = watch.report()
    if options.report and report is not None:
        problems.append(presentation.report(report))
    unshown = [problem for problem in problems if problem is not None]
    if unshown:
        presentation.error(f"cannot write the results to standard output: {unshown[0]}")
    return WRONG_USE if saved.problems or unshown else REPLACED if replaced else OK


def _source(options: Options) -> FilePhrases | RandomPhrases:
    if options.file is None:
        return RandomPhrases(options.seed, options.sentences)
    from penstock.samples.sentences.splitter import PhraseSplitter  # only this needs a library

    return FilePhrases(options.file, PhraseSplitter(options.language), options.encoding, options.undecodable)


def _write(
    source: PhraseSource, output: BinaryIO, options: Options, presentation: Presentation, watch: Watch
) -> Counts:
    if options.mode == "sequential":
        return run_sequential(source, output, on_sentence=presentation.on_sentence)
    # trio.run takes positional arguments only.
    main = partial(run_control_flow, limit=options.governor, on_sentence=presentation.on_sentence, watch=watch)
    return trio.run(main, source, output)


def _what_is_left(options: Options) -> str:
    name = name_of(options.output, "standard output")
    return f"{name} did not get all" if is_stream(options.output) else f"{name} was left as it was"


def _explained(error: BaseException, options: Options) -> str:
    # The source raises an error of its own class, so an OSError comes from the output.
    if isinstance(error, OSError):
        return f"cannot write {name_of(options.output, 'standard output')}: {why(error)}"
    return str(error)
