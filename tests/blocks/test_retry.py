"""Further tries: for which exceptions, after which pauses, and until when, wherever the function runs."""

import math
import operator
import random
import re
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest
import trio

from penstock.blocks import (
    Call,
    DeadLetter,
    ErrorInfo,
    Fail,
    Network,
    Processes,
    Retry,
    Skip,
    Threads,
    TimeLimitExceeded,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from penstock.blocks.functions.policies import Attempt, Failures
from tests.blocks.tools import Fussy, contents, faults, linked, notes, run
from tests.blocks.ways import every_way, make

# Deciding, without a loop


def always(value: Any) -> Callable[[], Any]:
    return lambda: value


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"times": 0}, "Retry: times must be an int >= 1, got 0"),
        ({"times": 1.5}, "Retry: times must be an int >= 1, got 1.5"),
        ({"backoff": -1}, "Retry: backoff must be a number >= 0, got -1"),
        ({"backoff": math.inf}, "Retry: backoff must be a number >= 0, got inf"),
        ({"max_backoff": -1}, "Retry: max_backoff must be a number >= 0, got -1"),
        ({"max_backoff": math.nan}, "Retry: max_backoff must be a number >= 0, got nan"),
        ({"jitter": -0.1}, "Retry: jitter must be a number >= 0, got -0.1"),
        ({"jitter": 1.1}, "Retry: jitter must be between 0 and 1, got 1.1"),
        ({"max_seconds": 0}, "Retry: max_seconds must be a number > 0, got 0"),
        ({"max_seconds": math.inf}, "Retry: max_seconds must be a number > 0, got inf"),
    ],
)
def test_a_retry_says_what_is_wrong_with_its_numbers(arguments: dict[str, Any], message: str) -> None:
    options: dict[str, Any] = {"times": 1, **arguments}
    with pytest.raises(ValueError, match=re.escape(message)):
        Retry(**options)


@pytest.mark.parametrize(
    "on", ["x", 5, None, (), ValueError("x"), KeyboardInterrupt, (ValueError, BaseException), (ValueError, "x"), int]
)
def test_a_retry_says_what_is_wrong_with_the_exceptions(on: Any) -> None:
    message = (
        "Retry: on must be a type of exceptions (a subclass of Exception), a tuple of these, or a function that is "
        f"given the exception, got {on!r}"
    )
    with pytest.raises(TypeError, match=re.escape(message)):
        Retry(1, on=on)


@pytest.mark.parametrize(
    ("retry", "expected"),
    [
        (Retry(4), [0, 0, 0, 0]),
        (Retry(4, backoff=0.5, jitter=0), [0.5, 1, 2, 4]),
        (Retry(4, backoff=0.5, max_backoff=1.5, jitter=0), [0.5, 1, 1.5, 1.5]),
        (Retry(4, backoff=40, jitter=0), [40, 60, 60, 60]),
        (Retry(4, backoff=40, max_backoff=math.inf, jitter=0), [40, 80, 160, 320]),
        (Retry(4, backoff=1, max_backoff=0), [0, 0, 0, 0]),
        (Retry(4, backoff=lambda attempt: attempt * 300), [300, 600, 900, 1200]),
        (Retry(4, backoff=lambda attempt: attempt * 300, max_backoff=500), [300, 500, 500, 500]),
    ],
)
def test_the_pauses_double_up_to_the_longest(retry: Retry, expected: list[float]) -> None:
    assert [retry.delay(attempt) for attempt in (1, 2, 3, 4)] == expected


def test_after_any_number_of_tries_the_pause_is_the_longest() -> None:
    assert Retry(10_000, backoff=1e300, jitter=0).delay(10_000) == 60
    assert Retry(10_000, backoff=1e-9, jitter=0).delay(10_000) == 60


@pytest.mark.parametrize(
    ("retry", "least"),
    [
        (Retry(9, backoff=2, jitter=0), 8.0),
        (Retry(9, backoff=2, jitter=0.25), 6.0),
        (Retry(9, backoff=2), 4.0),
        (Retry(9, backoff=2, jitter=1), 0.0),
    ],
)
def test_jitter_shortens_a_pause_by_up_to_its_share(
    retry: Retry, least: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(random, "random", always(0.0))
    assert retry.delay(3) == 8
    monkeypatch.setattr(random, "random", always(0.5))
    assert retry.delay(3) == (8 + least) / 2
    monkeypatch.setattr(random, "random", always(1.0))
    assert retry.delay(3) == least


def test_jitter_shortens_the_longest_pause_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", always(0.5))
    assert Retry(9, backoff=2, max_backoff=4, jitter=1).delay(8) == 2


def test_a_function_gives_exact_pauses_unless_jitter_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random, "random", always(0.5))
    assert Retry(1, backoff=lambda attempt: 8.0).delay(1) == 8
    assert Retry(1, backoff=lambda attempt: 8.0, jitter=1).delay(1) == 4


def test_a_seed_repeats_the_pauses() -> None:
    def pauses(seed: int) -> list[float]:
        random.seed(seed)
        return [Retry(9, backoff=1).delay(attempt) for attempt in range(1, 5)]

    assert pauses(1) == pauses(1) != pauses(2)


@pytest.mark.parametrize("seconds", [-1.0, math.nan, math.inf])
def test_a_function_must_give_a_pause(seconds: float) -> None:
    retry = Retry(1, backoff=lambda attempt: seconds)
    with pytest.raises(ValueError, match=f"Retry: backoff must give seconds >= 0, got {seconds} for try 1"):
        retry.delay(1)


def is_busy(error: Exception) -> bool:
    return "busy" in str(error)


OS_ERRORS = ExceptionGroup("g", [ConnectionError("a"), ExceptionGroup("h", [TimeoutError("b")])])


@pytest.mark.parametrize(
    ("on", "error", "expected"),
    [
        (Exception, ValueError("x"), True),
        (OSError, ConnectionError("x"), True),
        (OSError, ValueError("x"), False),
        ((ValueError, OSError), ConnectionError("x"), True),
        ((ValueError, OSError), KeyError("x"), False),
        (OSError, OS_ERRORS, True),
        (ConnectionError, OS_ERRORS, False),
        ((ConnectionError, TimeoutError), OS_ERRORS, True),
        (ExceptionGroup, OS_ERRORS, True),
        (Exception, OS_ERRORS, True),
        (is_busy, ValueError("busy"), True),
        (is_busy, ValueError("gone"), False),
        (operator.attrgetter("args"), ValueError(), False),
    ],
)
def test_the_exception_decides_whether_there_is_a_further_try(on: Any, error: Exception, expected: bool) -> None:
    assert Retry(1, on=on).retries(error) is expected


def test_the_tries_are_counted_and_the_time_runs_from_the_first_failure() -> None:
    failures = Failures("block", Retry(3, backoff=2, jitter=0, max_seconds=10))
    first = failures.try_again(ValueError(), None, now=100.0)
    assert first == Attempt(1, 2.0, 100.0)
    second = failures.try_again(ValueError(), first, now=103.0)
    assert second == Attempt(2, 4.0, 100.0)
    assert failures.try_again(ValueError(), second, now=102.0) == Attempt(3, 8.0, 100.0)  # begins at 110: in time
    assert failures.try_again(ValueError(), second, now=102.1) is None
    assert failures.try_again(ValueError(), Attempt(3, 8.0, 100.0), now=100.0) is None  # there were three


# In a network: every way to call a function


@every_way
async def test_retry_tries_again_in_place(way: str) -> None:
    function = Fussy(1, times=2)
    block = make(way, function, on_error=Retry(2))
    collector = linked(block)
    network = await run(block, range(3))
    assert sorted(contents(collector)) == [0, 10, 20]
    assert function.calls.count(1) == 3
    assert network.balance()["t"].dropped == {}


@every_way
async def test_retry_waits_before_each_further_try(way: str) -> None:
    block = make(way, Fussy(1), on_error=Retry(3, backoff=1, jitter=0, then="skip"))
    collector = linked(block)
    start = trio.current_time()
    async with Network(block):
        for n in range(3):
            await block.send(n)
        await trio.sleep(6.9)
        assert 10 not in contents(collector)
    assert trio.current_time() - start == 7  # 1 + 2 + 4


@every_way
async def test_retry_keeps_the_place_in_the_order(way: str) -> None:
    block = make(way, Fussy(1, times=1), on_error=Retry(1, backoff=5))
    collector = linked(block)
    await run(block, range(4))
    got = contents(collector)
    assert got[-1] == (10 if "unordered" in way else 30)
    assert "unordered" in way or got == [0, 10, 20, 30]


@every_way
async def test_a_retry_can_end_in_a_fault(way: str) -> None:
    function = Fussy(1)
    block = make(way, function, on_error=Retry(2, backoff=0.1))
    linked(block)
    with faults(ValueError) as found:
        await run(block, range(3))
    assert notes(found[0]) == ["in t, item 2: 1"]
    assert function.calls.count(1) == 3


@every_way
async def test_a_retry_can_end_in_a_dead_letter(way: str) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    block = make(way, Fussy(1), on_error=Retry(2, then=DeadLetter(dead)))
    linked(block)
    await run(block, range(3))
    assert [letter.number for letter in contents(dead)] == [2]


@every_way
async def test_several_items_are_retried_one_after_the_other(way: str) -> None:
    block = make(way, Fussy(0, 1, 2, times=3), on_error=Retry(3, backoff=1.0))
    collector = linked(block)
    await run(block, range(5))
    assert sorted(contents(collector)) == [0, 10, 20, 30, 40]


@every_way
async def test_a_backoff_that_raises_is_a_fault_of_the_item(way: str) -> None:
    def broken(attempt: int) -> float:
        raise KeyError("backoff")

    block = make(way, Fussy(1), on_error=Retry(1, backoff=broken))
    linked(block)
    with faults(KeyError) as found:
        await run(block, range(3))
    assert notes(found[0]) == ["in t, item 2: 1"]
    assert str(found[0].__cause__) == "bad 1"


@every_way
async def test_a_backoff_below_0_is_a_fault_that_says_so(way: str) -> None:
    block = make(way, Fussy(1), on_error=Retry(1, backoff=lambda attempt: -1.0))
    linked(block)
    with faults(ValueError) as found:
        await run(block, range(3))
    assert str(found[0]) == "Retry: backoff must give seconds >= 0, got -1.0 for try 1"
    assert notes(found[0]) == ["in t, item 2: 1"]


@every_way
async def test_cancelling_during_a_pause_discards_the_item(way: str) -> None:
    block = make(way, Fussy(1), on_error=Retry(1, backoff=100))
    linked(block)
    async with Network(block) as network:
        await block.send(1)
        await trio.sleep(1)
        assert network.balance()["t"].held == 1
        network.cancel()
    assert network.balance()["t"].discarded == 1


class Picky:
    """A function that raises what it is told to, once for each entry."""

    def __init__(self, **errors: list[Exception]) -> None:
        self.errors = {int(item.removeprefix("for_")): those for item, those in errors.items()}
        self.calls: list[int] = []

    def __call__(self, item: int) -> int:
        self.calls.append(item)
        if self.errors.get(item):
            raise self.errors[item].pop(0)
        return item * 10

    @property
    def as_async(self) -> Callable[[int], Any]:
        """The same as an `async def` function."""

        async def picky(item: int) -> int:
            return self(item)

        return picky


@every_way
async def test_an_exception_of_another_type_goes_to_the_last_policy_at_once(way: str) -> None:
    dead: UnboundedBuffer[ErrorInfo] = UnboundedBuffer()
    function = Picky(
        for_1=[ConnectionError("a"), ConnectionError("b")],
        for_2=[ValueError("c")],
        for_3=[ConnectionError("d"), ValueError("e")],
    )
    block = make(way, function, on_error=Retry(5, on=ConnectionError, then=DeadLetter(dead)))
    collector = linked(block)
    network = await run(block, range(5))
    assert sorted(contents(collector)) == [0, 10, 40]
    assert sorted((letter.item, str(letter.exception)) for letter in contents(dead)) == [(2, "c"), (3, "e")]
    assert [function.calls.count(item) for item in range(5)] == [1, 3, 1, 2, 1]
    assert network.statistics()["t"].retried == 3


@every_way
async def test_without_a_further_try_an_exception_is_the_fault_that_it_would_be_without_retry(way: str) -> None:
    block = make(way, Picky(for_1=[ValueError("c")]), on_error=Retry(5, on=OSError))
    linked(block)
    with faults(ValueError) as found:
        await run(block, range(3))
    assert notes(found[0]) == ["in t, item 2: 1"]


@every_way
async def test_a_function_that_chooses_exceptions_and_raises_is_a_fault_of_the_item(way: str) -> None:
    block = make(way, Fussy(1), on_error=Retry(5, on=lambda error: bool(error.args[1])))
    linked(block)
    with faults(IndexError) as found:
        await run(block, range(3))
    assert notes(found[0]) == ["in t, item 2: 1"]
    assert str(found[0].__cause__) == "bad 1"


@every_way
async def test_no_try_begins_after_the_total_time(way: str) -> None:
    function = Fussy(1)
    block = make(way, function, on_error=Retry(99, backoff=2, jitter=0, max_seconds=15, then="skip"))
    collector = linked(block)
    start = trio.current_time()
    await run(block, range(3))
    assert trio.current_time() - start == 2 + 4 + 8  # the next one would begin 30 seconds after the first failure
    assert function.calls.count(1) == 4
    assert sorted(contents(collector)) == [0, 20]


async def test_the_time_of_the_tries_themselves_counts_for_the_total_time() -> None:
    async def slow(item: int) -> int:
        await trio.sleep(4)
        raise ValueError(item)

    call = Call(slow, on_error=Retry(99, max_seconds=10, then="skip"), name="call")
    start = trio.current_time()
    network = await run(call, [1])
    assert trio.current_time() - start == 4 + 4 + 4 + 4  # the last one begins 8 seconds after the first failure
    assert network.statistics()["call"].retried == 3


async def test_each_item_has_a_total_time_of_its_own() -> None:
    function = Fussy(1, 2)
    call = Call(function, on_error=Retry(99, backoff=4, max_backoff=4, jitter=0, max_seconds=10, then="skip"))
    await run(call, [1, 2])
    assert function.calls == [1, 1, 1, 2, 2, 2]


@every_way
async def test_jitter_spreads_the_tries_of_items_that_failed_together(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = iter([0.0, 0.5, 0.75])
    monkeypatch.setattr(random, "random", lambda: next(numbers))
    function = Picky(for_0=[OSError()], for_1=[OSError()], for_2=[OSError()])
    block = make(way, function, on_error=Retry(1, backoff=8, jitter=1))
    collector = linked(block)
    start = trio.current_time()
    await run(block, range(3))
    assert sorted(contents(collector)) == [0, 10, 20]
    one_by_one = way in ("inline", "one task")  # the others go on with the next item during a pause
    assert trio.current_time() - start == (8 + 4 + 2 if one_by_one else 8)


async def test_an_item_that_takes_too_long_can_be_tried_again() -> None:
    seconds = iter([9, 1])

    async def work(item: int) -> int:
        await trio.sleep(next(seconds))
        return item

    block = Transformer(work, time_limit=5, on_error=Retry(1, on=TimeLimitExceeded))
    collector = linked(block)
    await run(block, [7])
    assert contents(collector) == [7]


async def test_outputs_of_a_failed_try_are_not_handed_on() -> None:
    function = Picky(for_1=[ConnectionError()], for_2=[ValueError()])

    def twice(item: int) -> list[int]:
        return [function(item)] * 2

    many = TransformMany(twice, on_error=Retry(1, on=OSError, backoff=1, then="skip"))
    collector = linked(many)
    await run(many, range(4))
    assert contents(collector) == [0, 0, 10, 10, 30, 30]


def picky(item: int) -> int:
    """Fail for each third item in one way, and for the next one in another."""
    if item % 3 == 1:
        raise ConnectionError(item)
    if item % 3 == 2:
        raise ValueError(item)
    return item


EXECUTORS: dict[str, Callable[[], Executor]] = {
    "threads": lambda: Threads(2),
    "standard threads": lambda: ThreadPoolExecutor(2),
    "processes": lambda: Processes(2),
    "standard processes": lambda: ProcessPoolExecutor(2),
}


@pytest.mark.usefixtures("real_time")
@pytest.mark.parametrize(
    "kind", [pytest.param(kind, marks=pytest.mark.slow if "processes" in kind else ()) for kind in EXECUTORS]
)
async def test_the_type_of_an_exception_counts_also_if_it_comes_from_elsewhere(kind: str) -> None:
    executor = EXECUTORS[kind]()
    retry = Retry(2, on=ConnectionError, backoff=0.001, max_seconds=100, then=Skip())
    block = Transformer(picky, executor=executor, concurrency=2, on_error=retry, name="t")
    collector = linked(block)
    network = await run(block, range(9))
    assert contents(collector) == [0, 3, 6]
    assert network.statistics()["t"].retried == 6
    if not isinstance(executor, (Threads, Processes)):
        executor.shutdown()


def test_a_retry_shows_its_options() -> None:
    assert repr(Retry(1, then=Fail())) == (
        "Retry(times=1, backoff=0.0, then=Fail(), on=<class 'Exception'>, max_backoff=60.0, jitter=0.5, "
        "max_seconds=None)"
    )
