"""Exercise 4: lets the learner's network stall, and compares its circle of waits with what the learner has written."""

from __future__ import annotations

import contextlib
import io
import re
from types import ModuleType
from typing import cast

from penstock.blocks import Stalled
from penstock.samples.workshop.laws import Refused, leaves, part, require, run

__all__ = ["HINTS", "check"]

HINTS = (
    "The group of six waits until six numbers have come. How many numbers can leave the fork until then?",
    "A broadcast sends its next number only when all its targets have taken the one before. So a full path stops the "
    "other one, too.",
    "Begin with the fork. What does it wait for? Ask the same of each part that you find, until you are back.",
)
LATE = (
    "It only waits: something outside could still go on. Leave out what sleeps; let a part be full, or lack a message."
)
REFUSED = "Penstock has seen before the start that it must stall. Make a mistake that depends on the run."


def check(answer: ModuleType) -> str:
    """Check the answer; return what was seen."""
    part(answer, "main")
    circle = _circle(_stalled(answer))
    written: object = getattr(answer, "CIRCLE", None)
    names = [str(name) for name in cast("list[object]", written)] if isinstance(written, tuple | list) else []
    what = "`CIRCLE` has the parts of the circle, each before the part that it waits for"
    require(
        len(names) > 1, what, f"`CIRCLE` is {written!r}", "It stalls. Now write down the names of the parts that wait."
    )
    if _turned(names) == _turned(circle):
        return f"it stalls, and you know why: {' → '.join([*circle, circle[0]])}"
    raise Refused(what, f"you write {' → '.join([*names, names[0]])}", _why(names, circle))


def _stalled(answer: ModuleType) -> Stalled:
    """What the learner's run raises."""

    async def main() -> Stalled | None:
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                await answer.main()
        except Exception as error:
            for leaf in leaves(error):
                if isinstance(leaf, Stalled):
                    return leaf
            raise
        return None

    stalled = run(main, answer=answer, hints={TimeoutError: LATE, ValueError: REFUSED}, within=3600.0)
    if stalled is None:
        hint = "Everything has gone through. Give one of the paths less room, or let something wait for more."
        raise Refused("the network stalls", "it has ended, and nothing is stuck", hint)
    return stalled


def _circle(stalled: Stalled) -> list[str]:
    """The names of the parts in the circle of a report."""
    lines = () if stalled.diagnosis is None else stalled.diagnosis.cycle
    if not lines:
        advice = "; ".join(() if stalled.diagnosis is None else stalled.diagnosis.advice)
        hint = "Something is forgotten there. In a circle, each part does what it should, and still waits for another."
        raise Refused("the parts wait for each other in a circle", f"it stalls without a circle: {advice}", hint)
    return [_name(line.partition(" waits ")[0]) for line in lines]


def _name(subject: str) -> str:
    """The name of a part: "bounded buffer 'narrow'" is narrow, and "the body of network 'x'" is body."""
    quoted = re.search(r"'(.*)'", subject)
    return "body" if subject.startswith("the body") or quoted is None else quoted[1]


def _turned(names: list[str]) -> list[str]:
    """The same circle from its first name in the alphabet on."""
    start = names.index(min(names))
    return names[start:] + names[:start]


def _why(names: list[str], circle: list[str]) -> str:
    if _turned(names[::-1]) == _turned(circle):
        return "The other way round: each part comes before the part for which it waits."
    if missing := [name for name in circle if name not in names]:
        known = [name for name in names if name in circle]
        return (
            f"{len(missing)} more in the circle. What does {known[0]!r} wait for?" if known else "None of these waits."
        )
    if extra := [name for name in names if name not in circle]:
        return f"Nothing in the circle waits for {extra[0]!r}; it could go on by itself, or waits without being needed."
    return "These are the parts, but the order is another one. Begin at one part and ask each time: for what?"
