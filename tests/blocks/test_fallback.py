"""Another function for items for which the first one has failed."""

import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from penstock.agents import Pipeline
from penstock.blocks import (
    Budget,
    Call,
    DeadLetter,
    Fallback,
    Filter,
    Flatten,
    Fold,
    Lease,
    Network,
    Processes,
    Rate,
    Recording,
    ResourcePool,
    Retry,
    Skip,
    Tap,
    TimeLimitExceeded,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import contents, faults, linked, run

variable: ContextVar[str] = ContextVar("variable", default="none")


def half(n: int) -> str:
    """Refuse odd numbers."""
    if n % 2:
        raise ValueError(n)
    return f"half of {n}"


def roughly(n: int) -> str:
    """Stand in."""
    return f"about half of {n}"


def iterate(n: int) -> Any:
    """Give one result as a generator."""
    yield roughly(n)


def broken(n: int) -> str:
    """Fail too."""
    raise KeyError(n)


def third(n: int) -> int:
    """A key."""
    return n % 3


def later(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same as an async function."""

    async def call(*args: Any) -> Any:
        await trio.sleep(0.1)
        return function(*args)

    return call


def listed(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same as a function that gives several results."""

    def call(*args: Any) -> list[Any]:
        return [function(*args)]

    return call


def generated(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same as an async generator function."""

    async def call(*args: Any) -> Any:
        await trio.sleep(0.1)
        yield function(*args)

    return call


EXPECTED = ["half of 0", "about half of 1", "half of 2", "about half of 3"]


async def test_its_result_takes_the_place_of_the_missing_one(autojump_clock: object) -> None:
    for block in (
        Transformer(half, on_error=Fallback(roughly)),
        Transformer(later(half), concurrency=3, on_error=Fallback(later(roughly))),
        Transformer(half, executor=OnLoop(1.0, 3), concurrency=3, on_error=Fallback(roughly)),
        Transformer(half, executor=OnLoop(1.0), key=lambda n: n % 2, ordered=True, on_error=Fallback(roughly)),
        TransformMany(listed(half), on_error=Fallback(listed(roughly))),
        TransformMany(generated(half), concurrency=2, on_error=Fallback(generated(roughly))),
        TransformMany(listed(half), executor=OnLoop(), on_error=Fallback(listed(roughly))),
    ):
        results = linked(block)
        network = await run(block, range(4))
        assert contents(results) == EXPECTED
        assert network.balance().ok
        assert network.balance().dropped == 0
        assert network.statistics()[block.name].retried == 2
        assert network.statistics()[block.name].failed == 0


async def test_it_works_in_processes(real_time: None) -> None:
    block = Transformer(int, executor=Processes(1), on_error=Fallback(len))
    results = linked(block)
    await run(block, ["1", "two", "3"])
    assert contents(results) == [1, 3, 3]


def test_it_works_in_a_pipeline() -> None:
    assert list(Pipeline(half, on_error=Fallback(roughly)).run(range(4))) == EXPECTED
    letters: list[Any] = []
    policy = Fallback(broken, then=DeadLetter(lambda info: letters.append(info.item)))
    assert list(Pipeline(half, on_error=Retry(1, then=policy)).run(range(4))) == EXPECTED[::2]
    assert letters == [1, 3]
    with pytest.raises(TypeError, match="give DeadLetter a function"):
        Pipeline(half, on_error=Fallback(broken, then=DeadLetter(UnboundedBuffer())))


async def test_the_first_function_is_tried_again_before() -> None:
    calls: list[str] = []

    def first(n: int) -> str:
        calls.append("first")
        return half(n)

    def second(n: int) -> str:
        calls.append("second")
        return roughly(n)

    block = Transformer(first, on_error=Retry(2, then=Fallback(second)))
    results = linked(block)
    await run(block, [1])
    assert calls == ["first", "first", "first", "second"]
    assert contents(results) == ["about half of 1"]


async def test_if_it_fails_too_its_exception_leads_to_the_first() -> None:
    with faults(KeyError) as found:
        await run(Call(half, on_error=Fallback(broken), name="call"), [2, 3])
    assert isinstance(found[0].__cause__, ValueError)
    assert "raised by the fallback of call 'call'; its function had raised ValueError(3)" in found[0].__notes__
    assert "in call, item 2: 3" in found[0].__notes__


async def test_what_happens_then_can_be_chosen() -> None:
    block = Transformer(half, on_error=Fallback(broken, then="skip"))
    results = linked(block)
    network = await run(block, range(4))
    assert contents(results) == ["half of 0", "half of 2"]
    assert network.balance()["half"].dropped == {"skipped": 2}
    assert network.statistics()["half"].failed == 2


async def test_its_budget_bounds_the_items_that_need_it() -> None:
    with faults(ValueError):
        await run(Call(half, on_error=Fallback(roughly, budget=Budget(at_most=1))), [1, 3])
    skips = Transformer(half, on_error=Fallback(roughly, budget=Budget(at_most=1), then=Skip()))
    results = linked(skips)
    await run(skips, [1, 3])
    assert contents(results) == ["about half of 1"]


async def test_it_gets_the_lease_and_the_context_of_the_item() -> None:
    pool = ResourcePool(["device"])

    def first(n: int, lease: Lease[str]) -> str:
        raise ValueError(n)

    def second(n: int, lease: Lease[str]) -> str:
        return f"{n} on {lease.value} for {variable.get()}"

    block = Transformer(first, resource=pool, context=True, on_error=Fallback(second))
    results = linked(block)
    async with Network(block):
        for n in range(3):
            variable.set(f"user {n}")
            await block.send(n)
    assert contents(results) == [f"{n} on device for user {n}" for n in range(3)]


async def test_a_retry_with_a_resource_goes_on_although_the_next_item_waits_for_a_lease() -> None:
    failed: set[int] = set()

    def first(n: int, lease: Lease[str]) -> int:
        if n not in failed:
            failed.add(n)
            raise ValueError(n)
        return n

    block = Transformer(first, resource=ResourcePool(["device"]), on_error=Retry(1))
    results = linked(block)
    await run(block, range(5))
    assert contents(results) == list(range(5))


async def test_with_a_resource_the_function_must_take_a_lease() -> None:
    with pytest.raises(TypeError, match="cannot be"):
        Transformer(half, resource=ResourcePool([1]), on_error=Fallback(roughly))  # type: ignore[arg-type]


async def test_it_has_the_same_time_limit(autojump_clock: object) -> None:
    async def slow(n: int) -> None:
        await trio.sleep(5)

    with faults(TimeLimitExceeded) as found:
        await run(Call(slow, time_limit=1, on_error=Fallback(slow)), [7])
    assert "item 1, 7, was not done within its time limit of 1 s" in str(found[0])


async def test_it_is_logged_and_recorded(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "penstock")
    block = Transformer(half, on_error=Fallback(roughly))
    linked(block)
    recording = Recording()
    async with Network(block, recording=recording):
        await block.send(1)
    assert "item 1: fallback: ValueError(1)" in caplog.text
    assert "item_fallback" in {getattr(record, "penstock_event", None) for record in caplog.records}
    spans = [span for span in recording.spans if span.stage == "half" and span.item]
    assert len({span.item for span in spans}) == 1
    assert [bool(span.error) for span in spans] == [True, False]


async def test_a_broken_key_has_no_fallback() -> None:
    def key(n: int) -> int:
        raise KeyError(n)

    with faults(KeyError):
        await run(Call(later(half), key=key, on_error=Fallback(later(roughly))), [1])


def test_wrong_uses_are_refused() -> None:
    with pytest.raises(TypeError, match="Fallback: the function must be callable, got 5"):
        Fallback(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="Fallback: budget must be a Budget or None, got 3"):
        Fallback(roughly, budget=3)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError, match="the Fallback of transformer 'half': the function is a generator function"):
        Transformer(half, on_error=Fallback(iterate))
    TransformMany(listed(half), on_error=Fallback(iterate))
    with pytest.raises(TypeError, match="must be a plain function, like its own"):
        Transformer(half, on_error=Fallback(later(roughly)))
    with pytest.raises(TypeError, match="must be an `async def` function, like its own"):
        Transformer(later(half), on_error=Fallback(roughly))
    with pytest.raises(TypeError, match="must be an asynchronous generator function, like its own"):
        TransformMany(generated(half), on_error=Fallback(roughly))
    with pytest.raises(ValueError, match="a Retry ends in fail"):
        Transformer(half, on_error=Fallback(roughly, then=Retry(1)))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    for make in (
        lambda: Tap(half, on_error=Fallback(roughly)),
        lambda: Filter(bool, on_error=Fallback(bool)),
        lambda: Flatten[int](on_error=Fallback(list)),
        lambda: Fold(max, 0, on_error=Fallback(max)),
    ):
        with pytest.raises(ValueError, match="it takes no Fallback; only Transformer, TransformMany and Call"):
            make()


@given(
    items=st.lists(st.integers(0, 9), max_size=20),
    kind=st.sampled_from(["loop", "tasks", "executor"]),
    concurrency=st.integers(1, 3),
    ordered=st.booleans(),
    options=st.sets(st.sampled_from(["rate", "retry", "key", "limit", "priority"])),
    then=st.sampled_from(["fail", "skip"]),
)
def test_each_item_has_one_result(
    items: list[int], kind: str, concurrency: int, ordered: bool, options: set[str], then: Any
) -> None:
    def stand_in(n: int) -> str:
        if n == 9 and then == "skip":
            raise KeyError(n)
        return roughly(n)

    made: dict[str, Any] = {
        "rate": {"rate": Rate(10)},
        "key": {} if kind == "loop" else {"key": third},
        "limit": {"time_limit": 60.0},
        "priority": {"priority": float},
    }
    extra: dict[str, Any] = {name: value for option in options for name, value in made.get(option, {}).items()}
    if kind == "executor":
        extra["executor"] = OnLoop(0.1, concurrency)
    fallback = Fallback(later(stand_in) if kind == "tasks" else stand_in, then=then)
    block: Any = Transformer(
        later(half) if kind == "tasks" else half,
        concurrency=1 if kind == "loop" else concurrency,
        ordered=ordered,
        on_error=Retry(1, then=fallback) if "retry" in options else fallback,
        **extra,
    )
    results = linked(block)

    async def main() -> None:
        with trio.fail_after(1000):
            network = await run(block, items)
        assert network.balance().ok

    trio.run(main, clock=MockClock(autojump_threshold=0))
    expected = [roughly(n) if n % 2 else half(n) for n in items if n != 9 or then == "fail"]
    found = contents(results)
    assert sorted(found) == sorted(expected)
    if (ordered or (concurrency == 1 and not options & {"key"})) and "priority" not in options:
        assert found == expected
