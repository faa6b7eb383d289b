"""The command line of `penstock-workshop`."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from pathlib import Path

import attrs

from penstock.samples.command.parser import CommandParser, whole_number
from penstock.samples.observing import seconds
from penstock.samples.workshop.exercise import EXERCISES, Exercise, find_exercise

__all__ = ["Command", "Options", "parse_options"]


class Command(Enum):
    """What the program does."""

    LIST = "list"
    START = "start"
    CHECK = "check"
    HINT = "hint"
    SOLUTION = "solution"


@attrs.frozen
class Options:
    """What was given on the command line.

    Args:
        command: what to do.
        exercise: the exercise; None for `list`.
        folder: the learner's folder.
        again: whether `start` begins anew.
        time_limit: seconds that a check may take.
    """

    command: Command
    exercise: Exercise | None
    folder: Path
    again: bool = False
    time_limit: float = 30.0


DESCRIPTION = """\
Exercises on pipelines and agents that check themselves.

  penstock-workshop list         the exercises, and how far you are
  penstock-workshop start 1      shows exercise 1, and copies its file into this folder
  penstock-workshop check 1      checks your file
  penstock-workshop hint 1       shows the next hint
  penstock-workshop solution 1   shows an answer
"""
EPILOG = """\
Your answers and your progress (penstock-workshop.json) are plain files in the folder.
Exit status: 0 if done or solved, 1 if not solved yet, 2 if the program was used wrongly.
"""


def parse_options(arguments: Sequence[str] | None) -> Options:
    """Return the options; wrong use ends the program with status 2 and one line."""
    parser = CommandParser("penstock-workshop", DESCRIPTION, EPILOG)
    commands = [command.value for command in Command]
    parser.add_argument("command", choices=commands, metavar="COMMAND", help=", ".join(commands))
    parser.add_argument("number", nargs="?", type=whole_number(1), metavar="N", help="the number of an exercise")
    parser.add_argument("--folder", type=Path, default=Path(), metavar="DIR", help="your folder (default: this one)")
    parser.add_argument("--again", action="store_true", help="start: keep your file as *.old, and begin anew")
    parser.add_argument(
        "--time-limit", type=seconds, default=30.0, metavar="SECONDS", help="check: the longest time (default: 30)"
    )
    given = parser.parse_args(arguments)
    command = Command(given.command)
    exercise: Exercise | None = None
    if command is not Command.LIST:
        if given.number is None:
            parser.error(f"{command.value} needs the number of an exercise, such as: {command.value} 1")
        exercise = find_exercise(given.number)
        if exercise is None:
            parser.error(f"there is no exercise {given.number}; they go from 1 to {len(EXERCISES)}")
    elif given.number is not None:
        parser.error("list takes no number")
    if given.again and command is not Command.START:
        parser.error("--again goes with start only")
    if not given.folder.is_dir():
        parser.error(f"there is no folder {str(given.folder)!r}; make it first")
    return Options(command, exercise, given.folder, given.again, given.time_limit)
