"""The command `penstock-workshop`; also `python -m penstock.samples.workshop`."""

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
            print("\npenstock-workshop: stopped", file=sys.stderr)
            return stop.exit_status


def _run(arguments: Sequence[str] | None) -> int:
    # Here, so that Ctrl-C while trio and rich are being imported ends the same way.
    from penstock.samples.workshop.commands import run_command
    from penstock.samples.workshop.options import parse_options
    from penstock.samples.workshop.screen import Screen

    return run_command(parse_options(arguments), Screen())


if __name__ == "__main__":
    sys.exit(main())
