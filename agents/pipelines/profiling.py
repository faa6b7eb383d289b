"""Measures the tasks of a pipeline with some items, one task after the other.

Each function is called once with each item, as in a run: by one worker, in a thread. The first half of the calls tells
the times, the second half how long the interpreter lock is held, because looking at the lock costs time. What a plan
leaves as it is written runs as a pipeline of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import median, quantiles
from typing import Any, Final

import attrs
import trio

from penstock.agents.plans.gauge import Gauge, typical
from penstock.agents.plans.hand_over_costs import HandOverCosts
from penstock.agents.plans.lock_share import LockSampler
from penstock.agents.plans.pipeline_profile import FREE, PipelineProfile
from penstock.agents.plans.task_profile import TaskProfile
from penstock.blocks import Filter, Take, Tap, Threads, Transformer, TransformMany
from penstock.blocks.base.callables import check_answer, check_ran
from penstock.blocks.base.checks import check_count
from penstock.blocks.executors.by_value import pickled

from .hand_over_probe import measure_hand_over
from .pipeline_task import PipelineTask, tasks_of
from .run import check_place
from .sources import Items
from .steps import FunctionCall, Step, step_of
from .stream_context import StreamContext

WHO: Final = "Pipeline.profile"
COPIED: Final = 5
"""Of this many results, the copies are measured."""


async def profile_steps(
    steps: Sequence[Step],
    items: Items[Any],
    count: int,
    gauge: Gauge | None = None,
    measure_costs: Callable[[Gauge], HandOverCosts] = measure_hand_over,
) -> PipelineProfile:
    """Measure the tasks of a pipeline.

    Args:
        steps: The pipeline.
        items: Where the items come from.
        count: The greatest number of items.
        gauge: The instruments.
        measure_costs: Measures what it costs to hand an item over.
    """
    check_count(WHO, "count", count)
    gauge = gauge or Gauge()
    sample = await collect((step_of(WHO, Take, (count,), {}, "take"),), items)
    if not sample:
        raise ValueError(f"{WHO}: needs one item or more to measure, got none")
    free = await in_thread(free_cores, [gauge])
    (hand_over,) = await in_thread(measure_costs, [gauge])
    given = typical(await in_thread(gauge.copy, sample[:COPIED]))
    profiles: list[TaskProfile] = []
    things = sample
    for task in tasks_of(steps):
        measure = measure_fixed if task.call is None else measure_function
        profile, things = await measure(task, things, gauge)
        cost = typical(await in_thread(gauge.copy, things[:COPIED]))
        calls = profile.calls_per_item / len(sample)
        profiles.append(attrs.evolve(profile, calls_per_item=calls, result_bytes=cost.size, copy_seconds=cost.seconds))
    free += await in_thread(free_cores, [gauge])
    if not gauge.has_lock():
        profiles = [attrs.evolve(profile, lock_share=0.0) for profile in profiles]
    elif min(free) < FREE:
        profiles = [attrs.evolve(profile, lock_share=None) for profile in profiles]
    return PipelineProfile(
        tasks=tuple(profiles),
        items=len(sample),
        item_bytes=given.size,
        item_copy_seconds=given.seconds,
        free_cores=min(free),
        hand_over=hand_over,
    )


def run_profile(steps: Sequence[Step], items: Items[Any], count: int) -> PipelineProfile:
    """Measure the tasks of a pipeline in a plain program.

    Raises:
        RuntimeError: The caller runs in trio.
    """
    check_place("run_profile()", "`await pipeline.profile(items)`")
    return trio.run(profile_steps, steps, items, count)


async def collect(steps: Sequence[Step], items: Items[Any]) -> list[Any]:
    """Run some steps, and return all results."""
    async with StreamContext[Any](steps, items, {}) as results:
        return [result async for result in results]


async def in_thread(function: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Call a function with each item in a thread, and return the results."""
    return await collect((step_of(WHO, Transformer, (function,), {"executor": Threads(1)}, "measure"),), items)


def free_cores(gauge: Gauge) -> float:
    """How many of two cores are free."""
    return gauge.free_cores()


# A step that a plan leaves as it is


async def measure_fixed(task: PipelineTask, things: list[Any], gauge: Gauge) -> tuple[TaskProfile, list[Any]]:
    """Run a step by itself; its start and end do not count."""
    nothing = await timed_run(task.step, [], gauge)
    seconds, processor, results = await timed_run(task.step, things, gauge)
    calls = max(len(things), 1)
    each = max(0.0, seconds - nothing[0]) / calls
    used = min(max(0.0, processor - nothing[1]) / calls, each)
    share = used / each if each else 0.0
    return (
        TaskProfile(
            name=task.name,
            seconds=each,
            processor_seconds=used,
            lock_share=share,
            calls_per_item=len(things),
            is_fixed=True,
        ),
        results,
    )


async def timed_run(step: Step, things: list[Any], gauge: Gauge) -> tuple[float, float, list[Any]]:
    """Run a step; return the seconds, those of all processors, and the results."""
    start, used = gauge.wall(), gauge.all_processors()
    results = await collect((step,), things)
    return gauge.wall() - start, gauge.all_processors() - used, results


# A function


@attrs.define
class Meter:
    """Calls a function, and measures the calls.

    Attributes:
        call: The function.
        name: The name of the task.
        gauge: The instruments.
        half: The number of calls without a look at the lock.
        sampler: What looks at the lock in the other calls.
        seconds: Of each call of the first half.
        processor: Seconds of processor time of each call of the first half.
        failed: The number of calls that raised.
    """

    call: FunctionCall
    name: str
    gauge: Gauge
    half: int
    sampler: LockSampler
    seconds: list[float] = attrs.field(factory=list[float])
    processor: list[float] = attrs.field(factory=list[float])
    failed: int = 0

    def __call__(self, item: Any) -> list[Any]:
        """Measure one call, and return what the task hands on."""
        gauge, sampler = self.gauge, self.sampler
        if len(self.seconds) >= self.half and not sampler.has_begun:
            sampler.begin()
        used, start = gauge.processor(), gauge.wall()
        sampler.is_inside = True
        try:
            return self._results(item)
        except Exception:
            self.failed += 1
            raise
        finally:
            sampler.is_inside = False
            seconds = gauge.wall() - start
            if not sampler.has_begun:
                self.seconds.append(seconds)
                self.processor.append(gauge.processor() - used)

    def _results(self, item: Any) -> list[Any]:
        """Call the function; return what the task hands on."""
        answer, kind = self.call.function(item), self.call.kind
        if kind is TransformMany:
            return list(answer)
        if kind is Filter:
            check_answer(f"filter {self.name!r}", "the predicate", answer)
            return [item] if answer else []
        check_ran(self.name, "the function", answer)
        return [item] if kind is Tap else [answer]

    @property
    def processor_seconds(self) -> float:
        """Seconds of processor time of one call; if the clock has long ticks, all calls share them."""
        seconds, total = median(self.seconds or [0.0]), sum(self.seconds)
        if seconds > 10 * self.gauge.tick:
            return min(seconds, median(self.processor))
        if total < 10 * self.gauge.tick:
            return seconds  # too short to be measured
        return seconds * min(1.0, sum(self.processor) / total)

    @property
    def lock_share(self) -> float | None:
        """The share of the time with the interpreter lock; None if it is not known."""
        share = self.sampler.looks.share
        used, seconds = sum(self.processor), sum(self.seconds)
        return None if share is None else min(share, used / seconds if seconds else 1.0)


async def measure_function(task: PipelineTask, things: list[Any], gauge: Gauge) -> tuple[TaskProfile, list[Any]]:
    """Call a function with each item."""
    assert task.call is not None
    options = {"executor": Threads(1), "on_error": task.call.options.get("on_error", "fail"), "name": task.name}
    with gauge.sampler() as sampler:
        meter = Meter(task.call, task.name, gauge, (len(things) + 1) // 2, sampler)
        lists = await collect((step_of(WHO, Transformer, (meter,), options, task.name),), things)
    seconds = meter.seconds or [0.0]
    quarters = quantiles(seconds, n=4, method="inclusive") if len(seconds) > 1 else [0.0] * 3
    return (
        TaskProfile(
            name=task.name,
            seconds=median(seconds),
            spread_seconds=quarters[2] - quarters[0],
            processor_seconds=meter.processor_seconds,
            lock_share=meter.lock_share,
            calls_per_item=len(things),
            failed=meter.failed,
            is_stateful=task.is_stateful,
            is_alone=task.is_alone,
            in_processes=can_be_sent(task.call.function),
        ),
        [result for results in lists for result in results],
    )


def can_be_sent(function: Callable[..., Any]) -> bool:
    """Whether a function can be sent to other processes."""
    try:
        pickled(function, WHO)
    except TypeError:
        return False
    return True
