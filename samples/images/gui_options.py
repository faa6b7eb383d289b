"""The options of `penstock-images` for the page in the browser."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import attrs

__all__ = ["GuiChoice", "add_gui_options", "gui_choice"]

_NOT_WITH = ("compare", "record", "report", "diagram", "time_limit", "concurrency")
_NOT_THERE = ("recursive", "resume", "errors", "on_error", "quiet")


@attrs.frozen
class GuiChoice:
    """How the page is served.

    Args:
        host: the address to listen at.
        port: the port; 0 for any free one.
        start_folder: the page can choose folders below this folder.
        opens_browser: whether to open the page in a browser.
        output: the folder for thumbnails; None for a temporary folder.
        stays: whether the program goes on when the last page is closed.
    """

    host: str
    port: int
    start_folder: Path
    opens_browser: bool
    output: Path | None
    stays: bool = False


def add_gui_options(parser: argparse.ArgumentParser) -> None:
    """Add `--gui` and its options."""
    group = parser.add_argument_group("in the browser")
    group.add_argument(
        "--gui",
        action="store_true",
        help="show all this on a page in the browser, which starts with the other options. Thumbnails go to a "
        "temporary folder unless --output is given. Needs: pip install 'penstock[gui]'",
    )
    group.add_argument("--port", type=_port, metavar="N", default=0, help="port of the page (default: any free port)")
    group.add_argument(
        "--host",
        metavar="NAME",
        default="127.0.0.1",
        help="name or address to listen at (default: %(default)s, this machine only); everyone who knows the "
        "printed address can use the page, and nothing is encrypted",
    )
    group.add_argument(
        "--start-folder",
        type=Path,
        metavar="DIR",
        help="the page can choose folders below this one (default: the folder of PICTURES, or the current folder)",
    )
    group.add_argument(
        "--stay", action="store_true", help="do not end when the last page is closed, only by Quit or Ctrl-C"
    )
    group.add_argument("--no-browser", action="store_true", help="print the address of the page and open no browser")


def gui_choice(parser: argparse.ArgumentParser, given: argparse.Namespace) -> GuiChoice | None:
    """Return how the page is served; None without `--gui`. End the program if other options do not go with it."""
    if not given.gui:
        if (
            given.port
            or given.start_folder
            or given.no_browser
            or given.stay
            or given.host != parser.get_default("host")
        ):
            parser.error("--port, --host, --start-folder, --stay and --no-browser are for --gui")
        return None
    for name in _NOT_WITH:
        if getattr(given, name) != parser.get_default(name):
            parser.error(f"--gui cannot be used with --{name.replace('_', '-')}: the page has its own control for that")
    for name in _NOT_THERE:
        if getattr(given, name) != parser.get_default(name):
            parser.error(f"--gui cannot be used with --{name.replace('_', '-')}: the page cannot do that")
    if len(given.sources) > 1 or any(str(source) == "-" or os.path.isfile(source) for source in given.sources):
        parser.error("--gui shows one folder of pictures at a time; name one folder, or none")
    if given.executor == "dask":
        parser.error("--gui runs phases in threads or processes, not in dask")
    start = given.start_folder or (given.sources[0] if given.sources else Path())
    return GuiChoice(given.host, given.port, start, not given.no_browser, given.output, given.stay)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 65536):
        raise argparse.ArgumentTypeError(f"expected a whole number from 0 to 65535, got {text!r}")
    return int(text)
