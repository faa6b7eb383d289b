"""The command line of `penstock-lines`."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

import attrs

from penstock.blocks import MemoryBudget
from penstock.samples.command.parser import CommandParser, file_path, option_names, whole_number
from penstock.samples.command.show import STANDARD
from penstock.samples.observing import add_observing_options
from penstock.samples.streams.lines.keys import Fields, Keys, Pattern
from penstock.samples.streams.lines.times import UNITS, FieldTimes, PatternTimes, Times

__all__ = ["Command", "Options", "parse_options"]

MOST_FILES = 256
"""The number of files that are read at once."""

_DESCRIPTION = """\
Reads traces and logs, plain or compressed by gzip: files, pipes, and standard input (-). The lines are JSON objects, or
any text with --pattern and --time-pattern. The memory does not grow with the files.

  stats    counts the lines by the values of a field, or by what a pattern finds
  merge    merges files that are sorted by time into one
  replay   prints the lines of a file at the pace of their times
  index    writes where each value of a field stands: files, lines and bytes, sorted by the value
"""

_EPILOG = """\
examples:
  penstock-lines stats trace.pfw.gz --by name,cat --processes 4
  penstock-lines stats server.log --pattern ' (ERROR|WARNING) '
  penstock-lines merge a.pfw.gz b.pfw.gz --output all.pfw
  penstock-lines merge a.log b.log --time-pattern '^[0-9-]+ [0-9:,]+'
  penstock-lines replay trace.pfw.gz --speed 10 --show name,dur
  penstock-lines index trace.pfw.gz --by name --memory "64 MiB" --output names.index
An output file is written whole or not at all; an older file is replaced.

exit status:
  0 success; 1 some lines were not as expected, and are reported; 2 wrong use, or something cannot be read or written,
  was cut off, or is not sorted; 124 ended by the time limit, 130 by Ctrl-C, 143 by SIGTERM, 129 by SIGHUP; 141 the
  reader has gone
"""


class Command(Enum):
    """What the program does."""

    STATS = "stats"
    MERGE = "merge"
    REPLAY = "replay"
    INDEX = "index"


_FOR = {
    "by": (Command.STATS, Command.INDEX),
    "pattern": (Command.STATS, Command.INDEX),
    "top": (Command.STATS,),
    "time": (Command.MERGE, Command.REPLAY),
    "time_pattern": (Command.MERGE, Command.REPLAY),
    "unit": (Command.MERGE, Command.REPLAY),
    "speed": (Command.REPLAY,),
    "show": (Command.REPLAY,),
    "processes": (Command.STATS, Command.MERGE, Command.INDEX),
    "memory": (Command.STATS, Command.INDEX),
}
"""The commands that have an option."""


@attrs.frozen
class Options:
    """The options of the user."""

    command: Command
    files: tuple[Path, ...]
    output: Path = STANDARD
    by: tuple[str, ...] = ()
    pattern: str | None = None
    top: int | None = None
    time: str = "ts"
    time_pattern: str | None = None
    unit: str = "us"
    speed: float = 1.0
    show: tuple[str, ...] = ()
    processes: int = 0
    memory: MemoryBudget | None = None
    quiet: bool = False
    record: Sequence[Path] = ()
    report: bool = False
    diagram: Sequence[Path] = ()
    time_limit: float | None = None

    @property
    def keys(self) -> Keys:
        """What lines are counted or indexed by."""
        return Fields(self.by) if self.pattern is None else Pattern(self.pattern)

    @property
    def times(self) -> Times:
        """What the times of lines are."""
        if self.time_pattern is None:
            return FieldTimes(self.time, self.unit)
        return PatternTimes(self.time_pattern, self.unit)


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """Return the options of a command line.

    Raises:
        SystemExit: 2 after one line that says what is wrong; 0 after --help or --version.
    """
    parser = _parser()
    given = {
        name: value
        for name, value in vars(parser.parse_intermixed_args(arguments)).items()
        if value is not None and value is not False and value != []
    }
    command = given["command"] = Command(given["command"])
    files = given["files"] = tuple(given.get("files", ()))
    for name, commands in _FOR.items():
        if name in given and command not in commands:
            parser.error(f"{option_names([name])} is for {' and '.join(each.value for each in commands)}")
    _check_files(parser, command, files)
    if command in _FOR["by"] and ("by" in given) == ("pattern" in given):
        parser.error(f"{command.value} needs either --by FIELD or --pattern REGEX")
    for name in ("time", "show"):
        if "time_pattern" in given and name in given:
            parser.error(f"--{name} is for lines of JSON, and --time-pattern is for any text: give one of them")
    return Options(**given)


def _check_files(parser: CommandParser, command: Command, files: Sequence[Path]) -> None:
    if not files:
        parser.error(f"{command.value} needs a FILE, or - for standard input")
    if command is Command.REPLAY and len(files) > 1:
        parser.error("replay takes one FILE; merge several first: penstock-lines merge A B | penstock-lines replay -")
    if len(files) > MOST_FILES:
        parser.error(f"up to {MOST_FILES} files are read at once, got {len(files)}; put files together with cat")
    if files.count(STANDARD) > 1:
        parser.error("standard input (-) can be read only once")


def _parser() -> CommandParser:
    parser = CommandParser("penstock-lines", _DESCRIPTION, _EPILOG)
    commands = [command.value for command in Command]
    parser.add_argument("command", choices=commands, metavar="COMMAND", help=", ".join(commands))
    parser.add_argument(
        "files", nargs="*", type=file_path, metavar="FILE", help="a text, plain or of gzip; - for standard input"
    )
    parser.add_argument(
        "--output",
        type=file_path,
        metavar="FILE",
        help="the file to write, or to replace; - is standard output (the default)",
    )
    _add_keys(parser)
    _add_times(parser)
    parser.add_argument(
        "--processes",
        type=whole_number(1),
        metavar="N",
        help="stats, merge, index: parse in N worker processes (default: in a thread)",
    )
    parser.add_argument(
        "--memory",
        type=_memory,
        metavar="SIZE",
        help='stats, index: what is collected may take this much memory, such as "500 MB"; an index is written in '
        "parts and merged if it is larger (default: half of the free memory)",
    )
    parser.add_argument("--quiet", action="store_true", help="no table, only errors")
    add_observing_options(parser)
    return parser


def _add_keys(parser: CommandParser) -> None:
    parser.add_argument(
        "--by",
        type=_fields,
        metavar="FIELD,…",
        help="stats, index: the field of the JSON objects, or several; a.b is the field b of the field a",
    )
    parser.add_argument(
        "--pattern",
        type=_expression,
        metavar="REGEX",
        help="stats, index: instead, what this regular expression finds first in a line: its groups, or all of it",
    )
    parser.add_argument("--top", type=whole_number(1), metavar="N", help="stats: only the N most frequent values")


def _add_times(parser: CommandParser) -> None:
    parser.add_argument(
        "--time", type=_field, metavar="FIELD", help="merge, replay: the field with the time (default: ts)"
    )
    parser.add_argument(
        "--time-pattern",
        type=_expression,
        metavar="REGEX",
        help="merge, replay: instead, the time is what this regular expression finds first in a line",
    )
    parser.add_argument(
        "--unit",
        choices=list(UNITS),
        help="merge, replay: the unit of times that are numbers (default: us, microseconds); others are in ISO 8601",
    )
    parser.add_argument(
        "--speed",
        type=_speed,
        metavar="X",
        help="replay: X times as fast as the times say, or max for no waiting (default: 1)",
    )
    parser.add_argument(
        "--show", type=_fields, metavar="FIELD,…", help="replay: print the values of these fields, not the line"
    )


def _field(text: str) -> str:
    if not text:
        raise argparse.ArgumentTypeError("expected the name of a field, got ''")
    return text


def _fields(text: str) -> tuple[str, ...]:
    return tuple(_field(name) for name in text.split(","))


def _expression(text: str) -> str:
    try:
        re.compile(text.encode("utf-8", "surrogateescape"))
    except (re.error, RecursionError, OverflowError) as error:
        raise argparse.ArgumentTypeError(f"expected a regular expression, got {text!r}: {error}") from None
    return text


def _speed(text: str) -> float:
    try:
        value = math.inf if text == "max" else float(text)
    except ValueError:
        value = math.nan
    if not value > 0:
        raise argparse.ArgumentTypeError(f"expected a number > 0 or max, got {text!r}")
    return value


def _memory(text: str) -> MemoryBudget:
    try:
        return MemoryBudget(int(text) if text.isdecimal() else text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error).removeprefix("memory budget: ")) from None
