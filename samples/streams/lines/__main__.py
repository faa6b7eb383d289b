"""The command `penstock-lines COMMAND FILE…`; also `python -m penstock.samples.streams.lines`."""

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
    from penstock.samples.streams.lines.options import parse_options
    from penstock.samples.streams.lines.presentation import Presentation
    from penstock.samples.streams.lines.program import run_program

    options = parse_options(arguments)
    return run_program(options, Presentation(quiet=options.quiet, table_to_error=options.output == STANDARD))


if __name__ == "__main__":
    sys.exit(main())
