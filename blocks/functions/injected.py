"""Faults and delays that a test has put in front of the function of a block.

The loop decides for each call what happens to it, also for calls in an executor: there each job gets the effects for
its items. So the result does not depend on how workers share the items. `Acting` is sent to worker processes, so this
module imports little.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import wraps
from typing import Any, Protocol

import attrs

from .at_end import END, Function
from .reorder import Reorder


@attrs.frozen
class Effect:
    """What happens before a call.

    Attributes:
        seconds: How long the call waits before anything else.
        error: What is raised instead of the call, if anything.
    """

    seconds: float = 0.0
    error: BaseException | None = None

    def act(self, sleep: Callable[[float], object]) -> None:
        """Wait, and raise the error if there is one."""
        if self.seconds:
            sleep(self.seconds)
        self.fail()

    def fail(self) -> None:
        """Raise the error if there is one."""
        if self.error is not None:
            raise self.error


class Plan(Protocol):
    """Decides what happens to the calls of one block."""

    def next_call(self, item: Any) -> Effect | None:
        """What happens to the next call, with this item; None if nothing does."""
        ...

    def call_of(self, key: object, item: Any) -> Effect | None:
        """What happens to the call with a key; the answer for a key is always the same."""
        ...

    def taken(self, number: int) -> None:
        """Count the first call of an item, which may begin later."""
        ...

    def call_of_taken(self, number: int, item: Any) -> Effect | None:
        """What happens to a call for an item that was taken: its first one, or a further try."""
        ...


class Acting:
    """A function for one job: the effects happen before its calls, in order.

    Args:
        function: The function.
        effects: One for each item of the job.
    """

    def __init__(self, function: Function, effects: Sequence[Effect | None]) -> None:
        self._function = function
        self._effects = effects
        self._calls = 0

    def __call__(self, item: Any) -> Any:
        """Let the next effect happen, and call the function."""
        effect = self._effects[self._calls]
        self._calls += 1
        if effect is not None:
            effect.act(time.sleep)
        return self._function(item)


class Injected:
    """A plain function of a block, with a plan in front of it.

    Args:
        function: The function of the block.
        plan: Decides what happens to its calls.
    """

    def __init__(self, function: Function, plan: Plan) -> None:
        self.function: Function = function
        self._plan = plan

    @property
    def __wrapped__(self) -> Function:
        return self.function

    def __call__(self, item: Any) -> Any:
        """Call the function on the loop."""
        alone = item_alone(item)
        effect = None if alone is END else self._plan.next_call(alone)
        if effect is not None:
            effect.act(hold_loop)
        return self.function(item)

    def of_job(self, first: int, places: Sequence[int], tries: int, items: Sequence[Any]) -> Function:
        """The function for a job in an executor.

        Args:
            first: The number of the first item of its batch.
            places: The places of the items in the batch.
            tries: How many times the items were tried before.
            items: The items.
        """
        effects = [
            None if item_alone(item) is END else self._plan.call_of((first + place, tries), item_alone(item))
            for place, item in zip(places, items, strict=True)
        ]
        return Acting(self.function, effects) if any(effects) else self.function


class CountedOrder:
    """The order of the items of a runner; tells a plan about each item that is started.

    Trio starts tasks in any order. So the calls in tasks are counted when their items are taken.

    Args:
        order: The order itself.
        plan: Is told.
    """

    def __init__(self, order: Reorder[Any], plan: Plan) -> None:
        self._order = order
        self._plan = plan

    @property
    def started(self) -> int:
        """How many items were started."""
        return self._order.started

    @property
    def handed_on(self) -> int:
        """How many items were handed on."""
        return self._order.handed_on

    def start(self) -> int:
        """Start an item; return its number."""
        number = self._order.start()
        self._plan.taken(number)
        return number

    def done(self, number: int, entry: Any) -> Sequence[Any]:
        """Take a finished entry; return the entries that can be handed on now, in order."""
        return self._order.done(number, entry)

    def clear(self) -> None:
        """Forget the entries that are done."""
        self._order.clear()


class Beginning(Protocol):
    """A runner with tasks.

    Attributes:
        starting: The number of the item whose call began last.
    """

    starting: int


def injected_async(function: Function, plan: Plan, runner: Beginning) -> Function:
    """An async function with a plan in front of it."""

    @wraps(function)
    async def call(item: Any) -> Any:
        await let_act(effect_of_task(plan, runner, item))
        return await function(item)

    return call


def injected_generator(function: Function, plan: Plan, runner: Beginning) -> Function:
    """An async generator function with a plan in front of it."""

    @wraps(function)
    async def generate(item: Any) -> AsyncGenerator[Any, None]:
        await let_act(effect_of_task(plan, runner, item))
        outputs = function(item)
        try:
            async for output in outputs:
                yield output
        finally:
            await outputs.aclose()

    return generate


def effect_of_task(plan: Plan, runner: Beginning, item: Any) -> Effect | None:
    """What happens to the call that begins now in a task."""
    item = item_alone(item)
    return None if item is END else plan.call_of_taken(runner.starting, item)


async def let_act(effect: Effect | None) -> None:
    """Let an effect happen in a task."""
    if effect is None:
        return
    if effect.seconds:
        import trio

        await trio.sleep(effect.seconds)
    effect.fail()


def hold_loop(seconds: float) -> None:
    """Hold the loop; a clock that jumps only jumps."""
    import trio.testing  # late: workers do without it

    clock = trio.lowlevel.current_clock()
    if isinstance(clock, trio.testing.MockClock):
        clock.jump(seconds)
    else:
        time.sleep(seconds)


def item_alone(item: Any) -> Any:
    """Return an item without its context or lease."""
    from ..core.carried import plain  # late: workers do without it

    return plain(item)
