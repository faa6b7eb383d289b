"""What keeps a run as long as it is: the model behind suggestions and bottlenecks.

It is the chapter's, with processors: a run of N items takes the longest of
- the service time of any one stage, divided by its concurrency;
- the processor time of all stages, divided by the number of processors that it could have had;
- the service time of all stages that run on the loop, which take turns there.

Service times swell while the processors are busy: what a stage has waited then is counted as waiting for a processor,
the more so the busier they were, so that a stage is judged by its processor time rather than by the clock. In the same
way the time of an async function is counted as waiting for its turn while the loop is busy with plain functions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs

IN_TASKS = ("tasks", "agent", "body")
"""Places from which nothing runs while a plain function has the loop."""
AT_LEAST = 0.05
"""A program that asks for no more of a processor gets it, however busy others keep them all."""


@attrs.frozen
class Stage:
    """What was measured of a block that calls a function or reads an iterable, or of an agent or the body.

    Attributes:
        name: The block, the agent, or "body".
        place: Where its function ran or its iterable was read: "loop", "tasks" (async functions), or the kind of its
            executor; "agent" or "body".
        concurrency: How many calls it was allowed at once.
        items: How many items it has worked on.
        seconds: Summed up over its calls, by the clock on the wall.
        cpu: Seconds of processor time of its calls; 0 for async functions, of which it is not known.
        is_source: Whether it feeds the others, one item after the other.
    """

    name: str
    place: str
    concurrency: int
    items: int
    seconds: float
    cpu: float
    is_source: bool = False

    @property
    def takes_turns(self) -> bool:
        """Whether it shares the loop with others."""
        return self.place == "loop"

    @property
    def can_be_parallel(self) -> bool:
        """Whether another concurrency is all that it takes."""
        return not self.takes_turns and not self.is_source


class Model:
    """How long the stages of a run need by themselves.

    Args:
        stages: What was measured, in order; each has worked on an item at least.
        seconds: How long the run took, > 0.
        processors: How many there are to use; less than one if others have left no more.

    Attributes:
        service: By stage: seconds that its calls would take on a machine with nothing else to do.
        cpu: Seconds that all calls take if the processors share them.
        loop: Seconds that all calls on the loop take.
    """

    def __init__(self, stages: Sequence[Stage], seconds: float, processors: float) -> None:
        self.stages = stages
        self.processors = processors
        self.cpu: float = sum(stage.cpu for stage in stages) / processors
        on_loop = [stage for stage in stages if stage.takes_turns]
        held = sum(stage.seconds for stage in on_loop)
        self.service: dict[str, float] = {}
        for stage in stages:
            busy = held if stage.place in IN_TASKS else self.cpu if stage.cpu else 0.0
            self.service[stage.name] = stage.seconds - crowding(busy, seconds) * max(0.0, stage.seconds - stage.cpu)
        self.loop = sum(self.service[stage.name] for stage in on_loop)

    def load(self, stage: Stage) -> float:
        """Seconds that a stage needs by itself, its concurrency counted in."""
        return self.service[stage.name] / stage.concurrency

    def limit(self, concurrency: Mapping[str, int] | None = None) -> float:
        """How long a run takes, at the least.

        Args:
            concurrency: By stage; by default as it was.
        """
        at_once = {stage.name: stage.concurrency for stage in self.stages} if concurrency is None else concurrency
        parallel = (self.service[stage.name] / at_once[stage.name] for stage in self.stages if not stage.takes_turns)
        return max([self.cpu, self.loop, *parallel])

    def limit_if(self, stage: Stage, load: float) -> float:
        """How long a run would take, at the least, if one stage needed no more than that many seconds by itself."""
        stages: list[Stage] = []
        for other in self.stages:
            part = min(1.0, load / self.load(other)) if other is stage else 1.0
            seconds = self.service[other.name] * part
            stages.append(attrs.evolve(other, seconds=seconds, cpu=min(other.cpu * part, seconds)))
        return Model(stages, math.inf, self.processors).limit()


def crowding(busy: float, seconds: float) -> float:
    """Which part of a wait was for a turn: none if a processor was free for half of the time, all if none ever was."""
    return min(1.0, max(0.0, 2 * busy / seconds - 1))


def available(stages: Sequence[Stage], seconds: float, processors: int, free: float | None) -> float:
    """How many processors the stages could have had: those that they used, and those that were free.

    Args:
        stages: What was measured.
        seconds: How long the run took, > 0.
        processors: How many there are to use.
        free: How many were free, on average; None if that is not known: then others are taken to use none.
    """
    if free is None:
        return processors
    return min(processors, max(AT_LEAST, sum(stage.cpu for stage in stages) / seconds + free))
