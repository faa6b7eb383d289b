"""The command `penstock-sentences [FILE]`; also `python -m penstock.samples.sentences`."""

import sys
from collections.abc import Sequence

from penstock.samples.command.ready import ready_streams
from penstock.samples.command.signals import stopped_by_signals


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status, which `--help` explains."""
    ready_streams()
    with stopped_by_signals() as stop:
        try:
            return _run(arguments)
        except KeyboardInterrupt:
            return stop.exit_status


def _run(arguments: Sequence[str] | None) -> int:
    # Here, so that Ctrl-C while trio and rich are being imported ends the same way.
    from penstock.samples.command.show import STANDARD
    from penstock.samples.sentences.options import parse_options
    from penstock.samples.sentences.presentation import Presentation
    from penstock.samples.sentences.program import run_program

    options = parse_options(arguments)
    presentation = Presentation(quiet=options.quiet, table_to_error=options.output == STANDARD)
    try:
        return run_program(options, presentation)
    except ModuleNotFoundError as error:
        if error.name != "sentencex":
            raise
        presentation.error(
            "sentencex, which finds the ends of sentences, is not installed; try: pip install 'penstock[sentences]'"
        )
        return 2


if __name__ == "__main__":
    sys.exit(main())
