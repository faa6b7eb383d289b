"""The command `penstock-sentences [FILE] --output PATH`; also `python -m penstock.samples.sentences`."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status: 0, 1 (bytes replaced), 2 (wrong use) or 130 (Ctrl-C)."""
    try:
        # Here, so that Ctrl-C while trio and rich are being imported ends the same way.
        from penstock.samples.sentences.options import parse_options
        from penstock.samples.sentences.presentation import Presentation
        from penstock.samples.sentences.program import run_program

        for stream in (sys.stdout, sys.stderr):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:  # a terminal that lacks a character must not end the run
                reconfigure(errors="replace")
        options = parse_options(arguments)
        return run_program(options, Presentation(quiet=options.quiet))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
