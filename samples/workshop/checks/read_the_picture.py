"""Exercise 2: compares what the learner has read in the picture with the learner's own recording."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import attrs

from penstock.blocks import Activity, Recording, Span
from penstock.samples.workshop.laws import Refused, number_in, require

__all__ = ["HINTS", "RECORDING", "check"]

HINTS = (
    "The slowest stage has no thin lines and no hatched bars once the pipeline is full. The stages before it wait to "
    "hand on, and the stages after it wait for input.",
    "The fill time is read at the bars of item 1: from the left end of its first bar to the right end of its last bar.",
    "For the steady time, take the right ends of the bars in the row `show`: (the last − the first) ÷ (items − 1).",
    "`python -m penstock.blocks.recording 02_run.json` prints the time of each step.",
)
STAGES = ("load", "scale", "noise", "show")
RECORDING = "02_run.json"
NEAR = 0.1


@attrs.frozen
class Run:
    """What can be read in the recording of a run.

    Args:
        slowest: the stage with the longest work per item.
        fill: seconds from the start of the first work until the first item is out.
        steady: seconds per item that leaves, from the first to the last.
        total: seconds from the start of the first work until the last item is out.
        means: seconds of work per item, by stage.
        items: the number of items.
    """

    slowest: str
    fill: float
    steady: float
    total: float
    means: dict[str, float]
    items: int


def check(answer: ModuleType) -> str:
    """Check the answer; return what was seen."""
    seen = _read(Path(str(answer.__file__)).parent / RECORDING)
    _check_slowest(answer, seen)
    fill = number_in(answer, "FILL_SECONDS", "a number of seconds")
    steady = number_in(answer, "STEADY_SECONDS", "a number of seconds")
    require(_near(fill, seen.fill), "the fill time is right to 10 %", f"you read {fill:g} s", _why_fill(fill, seen))
    require(
        _near(steady, seen.steady),
        "the steady time is right to 10 %",
        f"you read {steady:g} s",
        _why_steady(steady, seen),
    )
    return (
        f"{seen.slowest} is the slowest stage, the pipeline is full after {seen.fill:.2f} s, and then an item takes "
        f"{seen.steady:.2f} s (without a pipeline: {sum(seen.means.values()):.2f} s)"
    )


def _read(path: Path) -> Run:
    law, again = "there is a recording of a whole run", "Run your file once: it makes the recording and the picture."
    try:
        recording = Recording.load(path)
    except FileNotFoundError:
        raise Refused(law, f"there is no {path.name} beside your file", again) from None
    except (ValueError, OSError) as error:
        raise Refused(law, f"{path.name} cannot be read: {error}", f"Delete {path.name}. {again}") from None
    work = {stage: _work_of(recording, stage) for stage in STAGES}
    counts = {stage: len(spans) for stage, spans in work.items()}
    if min(counts.values()) < 2 or len(set(counts.values())) > 1:
        raise Refused(law, f"the stages have worked on {counts}", f"The run was stopped, or the stages differ. {again}")
    means = {stage: sum(span.seconds for span in spans) / len(spans) for stage, spans in work.items()}
    start = work["load"][0].start
    ends = [span.end for span in work["show"]]
    return Run(
        slowest=max(means, key=lambda stage: means[stage]),
        fill=ends[0] - start,
        steady=(ends[-1] - ends[0]) / (len(ends) - 1),
        total=ends[-1] - start,
        means=means,
        items=len(ends),
    )


def _work_of(recording: Recording, stage: str) -> list[Span]:
    spans = [span for span in recording.spans if span.stage == stage and span.activity is Activity.WORK]
    return sorted(spans, key=lambda span: span.end)


def _near(number: float, right: float) -> bool:
    return abs(number - right) <= NEAR * right


def _check_slowest(answer: ModuleType, seen: Run) -> None:
    name: object = getattr(answer, "SLOWEST", None)
    require(
        name in STAGES,
        "`SLOWEST` is the name of a stage",
        f"`SLOWEST` is {name!r}",
        f"Write one of {', '.join(map(repr, STAGES))} at the top of your file.",
    )
    if name == seen.slowest:
        return
    if STAGES.index(str(name)) < STAGES.index(seen.slowest):
        hint = f"{name!r} waits at times to hand an item on (hatched): something after it is slower."
    else:
        hint = f"{name!r} waits at times for an item (thin lines): something before it is slower."
    raise Refused("`SLOWEST` is the slowest stage", f"`SLOWEST` is {name!r}", hint)


def _why_fill(fill: float, seen: Run) -> str:
    if _near(fill, 1000 * seen.fill):
        return "Write seconds, not milliseconds."
    if _near(fill, seen.total):
        return "This is the whole run. When is the first item out, and not the last?"
    if any(_near(fill, mean) for mean in seen.means.values()):
        return "This is the work of one stage. The first item has to pass all four."
    return "Follow item 1: from the left end of its bar in `load` to the right end of its bar in `show`."


def _why_steady(steady: float, seen: Run) -> str:
    if _near(steady, 1000 * seen.steady):
        return "Write this in seconds too, not in milliseconds."
    if _near(steady, seen.total / seen.items):
        return "This is the whole run ÷ items, so the fill time is in it. Begin to count when the first item is out."
    if _near(steady, sum(seen.means.values())):
        return (
            "This is how long one item takes through all stages. How long is it from the end of one item to the next?"
        )
    return "In the row `show`, take the right ends: (the last − the first) ÷ (items − 1)."
