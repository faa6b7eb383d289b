"""The model of a run's length, for suggestions and bottlenecks.

A run of N items takes the longest of
- the service time of any one stage, divided by its concurrency;
- the processor time of all stages, divided by the number of processors that the run could have had;
- the service time of all stages that run on the loop, which take turns there.

Service times grow while the processors are busy, because a call then also waits for a processor. The busier they were,
the more of a call's waiting time is explained by that, and the more a stage is judged by its processor time instead of
its wall-clock time. In the same way, while plain functions keep the loop busy, the time of an async function counts as
waiting for its turn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import attrs

IN_TASKS = ("tasks", "agent", "body")
"""Places whose code does not run while a plain function holds the loop."""
AT_LEAST = 0.05
"""The share of a processor that a program always gets, however busy other programs are."""


@attrs.frozen
class Stage:
    """The measurements of a block that calls a function or reads an iterable, or of an agent or the body.

    Attributes:
        name: The block, the agent, or "body".
        place: Where its function ran or its iterable was read: "loop", "tasks" (async functions), or the kind of its
            executor; "agent" or "body".
        concurrency: The maximum number of calls at once.
        items: The number of items that it has worked on.
        seconds: The sum of the wall-clock seconds of its calls.
        cpu: Seconds of processor time of its calls; 0 for async functions, for which it is not known.
        is_source: Whether it feeds other stages, one item after the other.
        mean: The average number of calls at once, if it was changed during the run; else 0.
        held: Seconds in which calls waited only for the keys of their items.
    """

    name: str
    place: str
    concurrency: int
    items: int
    seconds: float
    cpu: float
    is_source: bool = False
    mean: float = 0.0
    held: float = 0.0

    @property
    def at_once(self) -> float:
        """The number of calls at once in this run."""
        return self.mean or self.concurrency

    @property
    def takes_turns(self) -> bool:
        """Whether the stage shares the loop with others."""
        return self.place == "loop"

    @property
    def can_be_parallel(self) -> bool:
        """Whether a higher `concurrency` is enough to run the stage in parallel."""
        return not self.takes_turns and not self.is_source


class Model:
    """Computes the time that the stages of a run need by themselves.

    Args:
        stages: The measured stages, in order; each has worked on at least one item.
        seconds: The length of the run, > 0.
        processors: The number of usable processors; less than 1 if other programs leave no more.

    Attributes:
        service: For each stage, the seconds that its calls would take on a machine without other load.
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
        """Return the seconds that a stage needs by itself, with its concurrency."""
        return self.service[stage.name] / stage.at_once

    def limit(self, concurrency: Mapping[str, int] | None = None) -> float:
        """Return the minimum length of a run, in seconds.

        Args:
            concurrency: The concurrency of each stage; by default as measured.
        """
        at_once = {stage.name: stage.at_once for stage in self.stages} if concurrency is None else concurrency
        parallel = (self.service[stage.name] / at_once[stage.name] for stage in self.stages if not stage.takes_turns)
        return max([self.cpu, self.loop, *parallel])

    def limit_if(self, stage: Stage, load: float) -> float:
        """Return the minimum length of a run, in seconds, if one stage needed up to `load` seconds by itself."""
        stages: list[Stage] = []
        for other in self.stages:
            part = min(1.0, load / self.load(other)) if other is stage else 1.0
            seconds = self.service[other.name] * part
            stages.append(attrs.evolve(other, seconds=seconds, cpu=min(other.cpu * part, seconds)))
        return Model(stages, math.inf, self.processors).limit()


def crowding(busy: float, seconds: float) -> float:
    """Return the share of a wait that was for a turn: 0 if `busy` is up to half of the time, 1 if it is all of it."""
    return min(1.0, max(0.0, 2 * busy / seconds - 1))


def available(stages: Sequence[Stage], seconds: float, processors: int, free: float | None) -> float:
    """Return the number of processors that the stages could have had: those that they used plus the free ones.

    Args:
        stages: The measured stages.
        seconds: The length of the run, > 0.
        processors: The number of usable processors.
        free: The average number of free processors. None if not known: then other programs are assumed to use none.
    """
    if free is None:
        return processors
    return min(processors, max(AT_LEAST, sum(stage.cpu for stage in stages) / seconds + free))
