"""Several awaitables at once, and the first of several attempts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
import trio

from penstock.agents import Scope, Winner, first_success, gather, race


async def after(seconds: float, value: Any) -> Any:
    await trio.sleep(seconds)
    if isinstance(value, Exception):
        raise value
    return value


async def fail_now(error: Exception) -> None:
    raise error


async def test_gather_returns_all_results_in_order() -> None:
    async with Scope() as scope:
        one, two = scope.spawn(after, 2, "a"), scope.spawn(after, 1, 2)
        assert await gather(one, two) == ("a", 2)
        assert await gather(one) == ("a",)
        assert await gather([one, two, one]) == ["a", 2, "a"]
        assert await gather(scope.spawn(after, 1, n) for n in range(3)) == [0, 1, 2]
        assert await gather() == ()
        assert await gather([]) == []
        began = trio.current_time()
        assert await gather(after(3, 1), after(3, 2)) == (1, 2)
        assert trio.current_time() == began + 3


async def test_the_first_exception_ends_a_gather_and_comes_out_as_it_is() -> None:
    async with Scope() as scope:
        good, bad = scope.spawn(after, 5, "good"), scope.spawn(after, 1, KeyError("bad"), hold=True)
        with pytest.raises(KeyError, match="bad"):
            await gather(good, bad)
        assert not good.done()
        with pytest.raises(ExceptionGroup) as raised:
            await gather(fail_now(KeyError(1)), fail_now(ValueError(2)))
        assert {type(error) for error in raised.value.exceptions} == {KeyError, ValueError}
    assert await good == "good"


async def test_gather_needs_awaitables() -> None:
    wrongs: list[Any] = [[1], "ab", (after,)]
    for wrong in wrongs:
        with pytest.raises(TypeError, match="gather: needs handles or other awaitables, got"):
            await gather(wrong)


def attempt(seconds: float, value: Any, log: list[str]) -> Callable[[], Awaitable[Any]]:
    async def run() -> Any:
        log.append(f"{value} starts at {trio.current_time():g}")
        try:
            return await after(seconds, value)
        except trio.Cancelled:
            log.append(f"{value} is cancelled")
            raise

    return run


async def test_the_first_result_wins_a_race_and_the_others_are_cancelled() -> None:
    log: list[str] = []
    winner = await race(attempt(3, "a", log), attempt(1, ValueError("b"), log), attempt(2, "c", log))
    assert winner == Winner(2, "c")
    assert trio.current_time() == 2
    assert log[-1] == "a is cancelled"


async def test_the_first_of_results_at_the_same_moment_wins() -> None:
    async def at_once(value: int) -> int:
        return value

    winner = await race(partial(at_once, 1), partial(at_once, 2))
    assert winner.value == winner.index + 1


@pytest.mark.parametrize("how", [race, first_success])
async def test_if_all_fail_all_come_out_in_order(how: Callable[..., Awaitable[Any]]) -> None:
    with pytest.raises(ExceptionGroup, match="all attempts have failed") as raised:
        await how(attempt(2, ValueError("a"), []), attempt(1, KeyError("b"), []))
    assert [type(error) for error in raised.value.exceptions] == [ValueError, KeyError]
    assert raised.value.exceptions[1].__notes__ == ["in attempt 1, 'run'"]


async def test_attempts_in_turn() -> None:
    log: list[str] = []
    assert await first_success(attempt(1, ValueError("a"), log), attempt(1, "b", log), attempt(1, "c", log)) == "b"
    assert log == ["a starts at 0", "b starts at 1"]
    log.clear()
    assert await first_success(attempt(1, "a", log), attempt(1, "b", log)) == "a"
    assert len(log) == 1


async def test_a_hedged_attempt_starts_the_next_one_after_a_while() -> None:
    log: list[str] = []
    attempts = attempt(10, "a", log), attempt(1, ValueError("b"), log), attempt(4, "c", log), attempt(1, "d", log)
    assert await first_success(*attempts, hedge=2) == "d"
    assert log == ["a starts at 0", "b starts at 2", "c starts at 3", "d starts at 5", *log[4:]]
    assert {*log[4:]} == {"a is cancelled", "c is cancelled"}
    assert trio.current_time() == 6


async def test_a_cancelled_race_leaves_nothing() -> None:
    log: list[str] = []
    with trio.move_on_after(1):
        await race(attempt(3, "a", log), attempt(3, "b", log))
    assert {*log[2:]} == {"a is cancelled", "b is cancelled"}


@pytest.mark.parametrize("how", [race, first_success])
async def test_wrong_attempts_are_refused(how: Callable[..., Awaitable[Any]]) -> None:
    with pytest.raises(ValueError, match=f"{how.__name__}: needs at least one function"):
        await how()
    with pytest.raises(TypeError, match="needs asynchronous functions without arguments, got 3; give the function"):
        await how(3)
    with pytest.raises(TypeError, match="needs asynchronous functions"):
        await how(int)


async def test_a_wrong_pause_is_refused() -> None:
    with pytest.raises(ValueError, match="first_success: hedge must be a number > 0, got 0"):
        await first_success(attempt(1, 1, []), hedge=0)


async def test_what_gather_refuses_leaves_no_coroutine_behind() -> None:
    wrong: Any = 3
    with pytest.raises(TypeError, match="got 3"):
        await gather(after(1, 1), wrong, after(1, 2))
