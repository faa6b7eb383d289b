"""The command `penstock-split FOLDER OUT`; also `python -m penstock.samples.split`."""

import sys
from collections.abc import Sequence

from penstock.samples.command.entry import run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status, which `--help` explains."""
    return run_command(_run, arguments)


def _run(arguments: Sequence[str] | None) -> int:
    # Here, so that Ctrl-C while trio is being imported ends the same way.
    from penstock.samples.split.options import parse_options
    from penstock.samples.split.program import run_program

    return run_program(parse_options(arguments))


if __name__ == "__main__":
    sys.exit(main())
