"""The exercises of the workshop, in order, and where their parts are."""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable
from importlib import resources
from types import ModuleType
from typing import cast

import attrs

__all__ = ["EXERCISES", "Exercise", "find_exercise"]

HERE = "penstock.samples.workshop"
LINK = re.compile(r"\[([^\]]+)\]\((?:\.\./)+([\w./-]+)(?:#[\w-]+)?\)")
"""A link to another page of the documentation."""


@attrs.frozen
class Exercise:
    """An exercise: a page, a skeleton, a checker with hints, and a solution.

    Args:
        number: its number, from 1.
        name: the name of its modules.
        title: what the learner does, in a few words.
        minutes: about how long it takes.
    """

    number: int
    name: str
    title: str
    minutes: int

    @property
    def file_name(self) -> str:
        """The name of the learner's file."""
        return f"{self.number:02}_{self.name}.py"

    @property
    def page_name(self) -> str:
        """The name of the page in the learner's folder."""
        return f"{self.number:02}_{self.name}.md"

    def page(self) -> str:
        """Return the page, as Markdown; a link to the documentation becomes the name of the file there."""
        return LINK.sub(r"\1 (docs/\2)", self._text("pages", f"{self.name}.md"))

    def skeleton(self) -> str:
        """Return the file that the learner begins with."""
        return self._text("skeletons", f"{self.name}.py")

    def solution(self) -> str:
        """Return a file that solves the exercise."""
        return self._text("solutions", f"{self.name}.py")

    def check(self, answer: ModuleType) -> str:
        """Check an answer; return a sentence on what was seen.

        Raises:
            Refused: the answer breaks a law.
        """
        return cast("Callable[[ModuleType], str]", self._checker().check)(answer)

    @property
    def hints(self) -> tuple[str, ...]:
        """The hints, from the first small one to one that nearly is the solution."""
        return cast("tuple[str, ...]", self._checker().HINTS)

    def _checker(self) -> ModuleType:
        return importlib.import_module(f"{HERE}.checks.{self.name}")

    def _text(self, folder: str, name: str) -> str:
        return resources.files(HERE).joinpath(folder, name).read_text("utf-8")


EXERCISES = (
    Exercise(1, "own_stage", "Write a stage of your own", 25),
    Exercise(2, "read_the_picture", "Read the picture of a run", 15),
    Exercise(3, "governor", "Put a governor in and predict the peak", 20),
    Exercise(4, "make_it_hang", "Make it hang on purpose", 20),
    Exercise(5, "balance", "Balance the load by hand", 25),
    Exercise(6, "faults", "Fault and shutdown", 20),
    Exercise(7, "cancel", "Cancel", 15),
    Exercise(8, "compress_encrypt", "Compress, then encrypt", 25),
    Exercise(9, "cut_a_chain", "Cut a chain by hand", 20),
    Exercise(10, "split_and_join", "Split and join, with losses", 20),
)


def find_exercise(number: int) -> Exercise | None:
    """Return the exercise with a number; None if there is none."""
    return next((each for each in EXERCISES if each.number == number), None)
