"""The progress of a learner, in a JSON file in the learner's folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import attrs

from penstock.samples.command.whole_file import WholeFile

__all__ = ["FILE_NAME", "Entry", "Progress", "UnreadableProgress"]

FILE_NAME = "penstock-workshop.json"


class UnreadableProgress(Exception):
    """The file with the progress cannot be read."""


@attrs.frozen
class Entry:
    """The progress in one exercise.

    Args:
        checks: how often the answer was checked.
        hints: how many hints were shown.
        is_solved: whether a check has found the answer right.
        saw_solution: whether the solution was shown before it was solved.
    """

    checks: int = 0
    hints: int = 0
    is_solved: bool = False
    saw_solution: bool = False

    def __str__(self) -> str:
        if not self.is_solved:
            return f"begun, {self.checks} {'check' if self.checks == 1 else 'checks'}" if self.checks else "begun"
        after = [f"{self.hints} {'hint' if self.hints == 1 else 'hints'}"] * (self.hints > 0)
        after += ["a look at the solution"] * self.saw_solution
        return f"solved after {' and '.join(after)}" if after else "solved"


@attrs.frozen
class Progress:
    """The progress in all exercises that were begun, by number."""

    entries: dict[int, Entry] = attrs.field(factory=dict[int, Entry])

    @classmethod
    def read(cls, folder: Path) -> Progress:
        """Read the progress in a folder; it is empty if the learner has not begun.

        Raises:
            UnreadableProgress: the file is damaged.
            OSError: the file cannot be opened.
        """
        path = folder / FILE_NAME
        try:
            text = path.read_text("utf-8")
        except FileNotFoundError:
            return cls()
        except UnicodeDecodeError:
            raise UnreadableProgress("it is not UTF-8") from None
        try:
            found = json.loads(text)
            return cls({int(number): _entry(fields) for number, fields in found["exercises"].items()})
        except json.JSONDecodeError as error:
            raise UnreadableProgress(f"line {error.lineno}: {error.msg}") from None
        except (TypeError, ValueError, KeyError, AttributeError):
            raise UnreadableProgress("it does not have the form that this program writes") from None

    def with_entry(self, number: int, entry: Entry) -> Progress:
        """Return the progress with another entry for one exercise."""
        return Progress({**self.entries, number: entry})

    def write(self, folder: Path) -> None:
        """Write the progress, whole or not at all.

        Raises:
            OSError: the file cannot be written.
        """
        entries = {str(number): attrs.asdict(entry) for number, entry in sorted(self.entries.items())}
        with WholeFile(folder / FILE_NAME) as file:
            file.write(json.dumps({"version": 1, "exercises": entries}, indent=2).encode() + b"\n")


def _entry(fields: object) -> Entry:
    """An entry from the file; each field must have its type."""
    if not isinstance(fields, dict):
        raise TypeError
    known = attrs.asdict(Entry())
    values: dict[str, Any] = {name: value for name, value in cast("dict[str, object]", fields).items() if name in known}
    if any(type(value) is not type(known[name]) for name, value in values.items()):
        raise TypeError
    return Entry(**values)
