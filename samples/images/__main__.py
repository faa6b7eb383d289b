"""The entry of `penstock-images` and `python -m penstock.samples.images`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from penstock.samples.command.ready import ready_streams

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command with `arguments` (default: those of the process); return its exit status."""
    ready_streams()
    try:
        from penstock.samples.images.application import run_command
    except ModuleNotFoundError as error:
        if error.name not in ("PIL", "numpy", "rich"):
            raise
        print(
            f"penstock-images: {error.name} is not installed; try: pip install 'penstock[samples]'",
            file=sys.stderr,
        )
        return 2
    except KeyboardInterrupt:  # Ctrl-C came during the imports
        return 130
    return run_command(arguments)


if __name__ == "__main__":
    sys.exit(main())
