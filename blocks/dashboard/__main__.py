"""The command `python -m penstock.blocks.dashboard`: runs a program with a page, shows a recording, or finds a page."""

from __future__ import annotations

import runpy
import sys
import threading
import traceback
from argparse import REMAINDER, Action, ArgumentParser, Namespace
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ..recording.recording import Recording
from .attaching import CannotAttachError, attach
from .dashboard import Dashboard, say
from .listening import UnusableAddressError

FAILED = 1
wait = threading.Event.wait


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command, and return its exit status: that of the program, or 2 (wrong use)."""
    parser = options_parser()
    options = parser.parse_args(arguments)
    is_recording = options.program.endswith(".json") and not options.is_module
    try:
        recording = Recording.load(options.program) if is_recording else None
        if not options.is_module and not Path(options.program).is_file():
            parser.error(f"no such file: {options.program}")
        with Dashboard(options.port, chart=options.chart) as dashboard:
            if recording is None:
                return run(options)
            dashboard.show(recording)
            stay("the page shows a recording")
            return 0
    except (UnusableAddressError, ValueError, OSError) as error:
        parser.error(str(error))


class Attach(Action):
    """Asks a running program for its page."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: object, option_string: str | None = None
    ) -> None:
        """Print the address, and end the command."""
        assert isinstance(values, int)
        try:
            print(f"the page of process {values} is at {attach(values)}")
        except CannotAttachError as error:
            parser.error(f"--attach: {error}")
        parser.exit()


def options_parser() -> ArgumentParser:
    """Make the parser of the options."""
    parser = ArgumentParser(
        "python -m penstock.blocks.dashboard",
        description="Run a program with a page in the browser that shows its networks, show a recording there, or ask "
        "a program that runs for its page.",
    )
    parser.add_argument("--port", type=int, default=0, help="the port of the page (default: any free one)")
    parser.add_argument("--chart", action="store_true", help="record the networks, so that the page has their charts")
    parser.add_argument("--stay", action="store_true", help="keep the page after the program, until Ctrl-C")
    parser.add_argument(
        "--attach",
        type=int,
        metavar="PID",
        action=Attach,
        help="ask a process that has called show_on_signal for its page, and print the address",
    )
    parser.add_argument("-m", dest="is_module", action="store_true", help="the program is a module, not a file")
    parser.add_argument("program", help="the file of the program, or a recording (*.json)")
    parser.add_argument("arguments", nargs=REMAINDER, help="the arguments of the program")
    return parser


def run(options: Namespace) -> int:
    """Run a program as if Python had been called with it, and return the exit status."""
    sys.argv[:] = [options.program, *options.arguments]
    try:
        if options.is_module:
            runpy.run_module(options.program, run_name="__main__", alter_sys=True)
        else:
            sys.path[0] = str(Path(options.program).resolve().parent)
            runpy.run_path(options.program, run_name="__main__")
    except Exception:
        traceback.print_exc()
        return FAILED
    finally:
        if options.stay:
            stay("the program has ended")
    return 0


def stay(why: str) -> None:
    """Keep the page until Ctrl-C."""
    say(f"{why}; Ctrl-C closes the page")
    with suppress(KeyboardInterrupt):
        wait(threading.Event())


if __name__ == "__main__":
    sys.exit(main())
