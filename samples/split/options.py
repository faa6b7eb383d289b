"""The command line of `penstock-split`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import attrs

from penstock.samples.command.parser import CommandParser, folder_path, whole_number

__all__ = ["Options", "parse_options"]

_DESCRIPTION = """\
Splits the lines of the files of a folder into shards with the same number of lines, in the order of the file names, and
writes a summary.
"""

_EPILOG = """\
examples:
  penstock-split logs shards --shards 8
  penstock-split logs shards --files '*.log' --checkpoint work     run it again to go on where it was
OUT is written whole or not at all, and must not be there before. It has the files 000.txt, 001.txt … and summary.json.

exit status:
  0 success; 2 wrong use, or something cannot be read or written; 130 ended by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP
"""


@attrs.frozen
class Options:
    """The options of the user."""

    folder: Path
    out: Path
    files: str = "*"
    shards: int = 4
    threads: int = 4
    checkpoint: Path | None = None
    quiet: bool = False


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Return the options of a command line.

    Raises:
        SystemExit: 2 after one line that says what is wrong; 0 after --help or --version.
    """
    parser = CommandParser("penstock-split", _DESCRIPTION, _EPILOG)
    parser.add_argument("folder", type=folder_path, metavar="FOLDER", help="the folder with the files")
    parser.add_argument("out", type=folder_path, metavar="OUT", help="the folder to make")
    parser.add_argument("--files", default="*", metavar="PATTERN", help="only files like this, such as '*.log'")
    parser.add_argument("--shards", type=whole_number(1), default=4, metavar="N", help="how many shards; default: 4")
    parser.add_argument("--threads", type=whole_number(1), default=4, metavar="N", help="files at once; default: 4")
    parser.add_argument(
        "--checkpoint", type=folder_path, metavar="FOLDER", help="keep what was done here, and go on with what is there"
    )
    parser.add_argument("--quiet", action="store_true", help="say nothing if all is well")
    given = parser.parse_args(arguments)
    if not given.files or "/" in given.files:
        parser.error(f"argument --files: expected the pattern of a name, such as '*.log', got {given.files!r}")
    return Options(**vars(given))
