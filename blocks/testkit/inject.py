"""Puts faults and delays in front of the functions of blocks, by the names of the blocks."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, cast

import attrs

from ..base.callables import check_answer, is_async_generator
from ..base.checks import check_function, check_number
from ..core.block import inside
from ..functions.async_runner import AsyncRunner
from ..functions.executor_runner import ExecutorRunner
from ..functions.function_block import FunctionCore
from ..functions.injected import CountedOrder, Effect, Injected, injected_async, injected_generator
from ..network import Network

On = int | Collection[int] | Callable[[Any], bool] | None


def _check_on(instance: object, attribute: Any, on: object) -> None:
    who = type(instance).__name__
    numbers = cast("Collection[object]", on) if isinstance(on, Collection) else (on,)
    if on is None or (all(map(_is_number, numbers)) and not isinstance(on, (str, bytes))):
        return
    if isinstance(on, Collection) or not callable(on):
        raise TypeError(
            f"{who}: {attribute.name} must be the number of a call, counted from 1, several numbers, or a function of "
            f"the item, got {on!r}"
        )
    check_function(who, "on", on)


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


@attrs.frozen
class Fault:
    """The function of a block is not called, and an exception is raised instead.

    Args:
        error: The exception, of which a copy is raised each time; or a class of exceptions, called without arguments.
        on: Which calls fail: the number of a call, counted from 1; a collection of numbers, for example `range(1, 4)`;
            or a function that gets the item and returns whether its calls fail. None (default) for all calls.

    Raises:
        TypeError: An argument is of another kind.
    """

    error: BaseException | type[BaseException]
    on: On = attrs.field(default=None, validator=_check_on)

    def __attrs_post_init__(self) -> None:
        is_class = isinstance(self.error, type) and issubclass(self.error, BaseException)
        if not is_class and not isinstance(self.error, BaseException):
            raise TypeError(f"Fault: error must be an exception or a class of exceptions, got {self.error!r}")

    def make(self) -> BaseException:
        """Make the exception for one call."""
        if isinstance(self.error, type):
            return self.error()
        try:
            return copy.copy(self.error)
        except Exception:  # its class takes other arguments than it keeps
            return self.error


@attrs.frozen
class Delay:
    """The function of a block is called later, as if it took more time.

    An async function waits by trio's clock. A plain function on the loop holds the loop, as a slow function does: with
    a `trio.testing.MockClock` the clock is put forward, otherwise the delay takes real time. In an executor, it takes
    real time in the worker.

    Args:
        seconds: How much later, >= 0.
        on: Which calls are delayed, as for `Fault`.

    Raises:
        ValueError: `seconds` is not a number >= 0.
        TypeError: `on` is of another kind.
    """

    seconds: float
    on: On = attrs.field(default=None, validator=_check_on)

    def __attrs_post_init__(self) -> None:
        check_number("Delay", "seconds", self.seconds)


class InjectedCalls:
    """What has happened to the calls of a block since the start of the injection.

    Attributes:
        calls: The number of calls; a further try of an item is a call too.
        faults: How many of them have failed because of a `Fault`.
        delays: How many of them were delayed.
    """

    def __init__(self, effects: Iterable[Fault | Delay]) -> None:
        self._effects = tuple(effects)
        self._known: dict[object, Effect | None] = {}
        self._taken: dict[int, int] = {}
        self._is_off = False
        self.calls: int = 0
        self.faults: int = 0
        self.delays: int = 0

    def __repr__(self) -> str:
        return f"<InjectedCalls: {self.calls} calls, {self.faults} faults, {self.delays} delays>"

    def next_call(self, item: Any) -> Effect | None:
        """What happens to the next call, with this item; None if nothing does."""
        self.calls += not self._is_off
        return self._effect(self.calls, item)

    def call_of(self, key: object, item: Any) -> Effect | None:
        """What happens to the call with a key; the answer for a key is always the same."""
        if key not in self._known:
            self._known[key] = self.next_call(item)
        return self._known[key]

    def taken(self, number: int) -> None:
        """Count the first call of an item, which may begin later."""
        self.calls += 1
        self._taken[number] = self.calls

    def call_of_taken(self, number: int, item: Any) -> Effect | None:
        """What happens to a call for an item that was taken: its first one, or a further try."""
        call = self._taken.pop(number, None)
        return self.next_call(item) if call is None else self._effect(call, item)

    def _effect(self, call: int, item: Any) -> Effect | None:
        if self._is_off:
            return None
        hits = [effect for effect in self._effects if happens(effect.on, call, item)]
        delays = [effect.seconds for effect in hits if isinstance(effect, Delay)]
        error = next((effect.make() for effect in hits if isinstance(effect, Fault)), None)
        self.delays += bool(delays)
        self.faults += error is not None
        return Effect(sum(delays), error) if hits else None

    def end(self) -> None:
        """Let nothing happen any more."""
        self._is_off = True


def happens(on: On, number: int, item: Any) -> bool:
    """Whether an effect happens to a call."""
    if on is None or isinstance(on, int):
        return on is None or on == number
    if isinstance(on, Collection):
        return number in on
    answer = on(item)
    check_answer("inject", "on", answer)
    return bool(answer)


Effects = Fault | Delay | Iterable[Fault | Delay]


class Injection(Mapping[str, InjectedCalls]):
    """What `inject` gives: the calls of each block, by its name."""

    def __init__(self, calls: dict[str, InjectedCalls]) -> None:
        self._calls = calls

    def __getitem__(self, name: str) -> InjectedCalls:
        return self._calls[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._calls)

    def __len__(self) -> int:
        return len(self._calls)

    def __repr__(self) -> str:
        return f"Injection({self._calls!r})"


@contextmanager
def inject(network: Network, effects: Mapping[str, Effects]) -> Generator[Injection]:
    """Let functions of blocks fail or be late, as long as the `with` block runs.

    It may be around the `async with` of the network, or in it. At its end, all functions are called as before.

    Calls are counted for each block from 1, from the beginning of the `with` block; a further try of an item is a call
    too. In an executor they are counted in the order of the items, however the workers share them.

    Args:
        network: The network, which has not ended.
        effects: A `Fault`, a `Delay`, or several of them, by the name of the block. All delays of a call happen, and
            then its first fault.

    Returns:
        The numbers of calls, faults and delays, by the name of the block.

    Raises:
        ValueError: No block, or more than one, has a name; or a block calls no function, or holds state of its function
            in an executor.
        TypeError: An effect is neither a `Fault` nor a `Delay`.
    """
    cores = {name: core_named(network, name) for name in effects}
    calls = {name: InjectedCalls(checked(name, effect)) for name, effect in effects.items()}
    with ExitStack() as stack:
        for name, core in cores.items():
            stack.enter_context(in_front_of(core, calls[name]))
        yield Injection(calls)


@contextmanager
def in_front_of(core: FunctionCore[Any], calls: InjectedCalls) -> Generator[None]:
    """Put faults and delays in front of the function of a block."""
    function, runner = core.function, core.runner
    if not isinstance(runner, AsyncRunner):
        use(core, Injected(function, calls))
        try:
            yield
        finally:
            calls.end()
            use(core, function)
        return
    order = runner.order
    runner.order = cast("Any", CountedOrder(order, calls))
    wrap = injected_generator if is_async_generator(function) else injected_async
    use(core, wrap(function, calls, runner))
    try:
        yield
    finally:
        calls.end()
        runner.order = order
        use(core, function)


def use(core: FunctionCore[Any], function: Callable[..., Any]) -> None:
    """Let a block call another function from now on."""
    core.function = function
    if core.host is not None and not core.finished and core.broken is None:
        core.runner.bind()  # before the start, the runner takes the function then


def checked(name: str, effects: Effects) -> list[Fault | Delay]:
    """Return the effects for a block; raise a `TypeError` if there is anything else among them."""
    found: list[object] = [effects]
    if isinstance(effects, Iterable):
        found = list(cast("Iterable[object]", effects))
    if not all(isinstance(effect, (Fault, Delay)) for effect in found):
        raise TypeError(f"inject: block {name!r} must get a Fault, a Delay, or a list of these, got {effects!r}")
    return cast("list[Fault | Delay]", found)


def core_named(network: Network, name: str) -> FunctionCore[Any]:
    """Return the core of a block that calls a function, by its name."""
    found: list[Any] = [inside(block) for block in network.blocks if block.name == name]
    if len(found) == 1 and isinstance(found[0], FunctionCore):
        core: FunctionCore[Any]
        (core,) = found
        if core.keeper() is not None and isinstance(core.runner, ExecutorRunner):
            raise ValueError(
                f"inject: {core} holds the state of its function in its executor, where nothing can be put in front of "
                "it; make the block without executor= in this test"
            )
        return core
    names = ", ".join(repr(block.name) for block in network.blocks if isinstance(inside(block), FunctionCore))
    if len(found) > 1:
        problem = f"{len(found)} blocks of network {network.name!r} are named {name!r}; give each its own name"
    elif found:
        problem = f"{found[0]} calls no function"
    else:
        problem = f"network {network.name!r} has no block {name!r}"
    raise ValueError(f"inject: {problem}; blocks that call a function: {names or 'none'}")
