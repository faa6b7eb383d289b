"""The command `penstock-split FOLDER OUT`; also `python -m penstock.samples.split`."""

import sys
from collections.abc import Sequence

from penstock.samples.command.leaves import leaves
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
        except BaseExceptionGroup as group:
            if any(isinstance(error, KeyboardInterrupt) for error in leaves(group)):
                return stop.exit_status
            raise


def _run(arguments: Sequence[str] | None) -> int:
    # Here, so that Ctrl-C while trio is being imported ends the same way.
    from penstock.samples.split.options import parse_options
    from penstock.samples.split.program import run_program

    return run_program(parse_options(arguments))


if __name__ == "__main__":
    sys.exit(main())
