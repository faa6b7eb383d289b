"""Functions that answer questions, wherever they run."""

import inspect
import math
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from penstock.agents import Mailbox, NotAnswered, Service, gather
from penstock.agents.conversations import service as service_module
from penstock.blocks import (
    Broadcast,
    LoopHeldWarning,
    Network,
    Processes,
    Rate,
    Retry,
    Stalled,
    Threads,
    TimeLimitExceeded,
    Transformer,
)
from penstock.blocks.functions.injected import hold_loop
from tests.blocks.executors.kinds import OnLoop
from tests.blocks.tools import contents, faults, linked


def double(n: int) -> int:
    """Answer a number."""
    if n < 0:
        raise ValueError(n)
    return 2 * n


async def double_later(n: int) -> int:
    """Answer a number after a second."""
    await trio.sleep(1)
    return double(n)


def add(numbers: tuple[int, int]) -> int:
    """Add two numbers."""
    return numbers[0] + numbers[1]


def services() -> dict[str, Service[int, int]]:
    """A service of each kind."""
    return {
        "loop": Service(double),
        "tasks": Service(double_later, concurrency=3),
        "executor": Service(double, executor=OnLoop(1.0, 3), concurrency=3),
        "tasks by key": Service(double_later, concurrency=3, key=lambda n: n % 2),
        "executor by key": Service(double, executor=OnLoop(1.0, 3), concurrency=3, key=lambda n: n % 2),
        "executor with a limit": Service(double, executor=OnLoop(1.0, 3), concurrency=3, time_limit=60),
        "loop with a rate": Service(double, rate=Rate(10)),
        "tasks with a retry": Service(double_later, on_error=Retry(1)),
        "executor with a retry": Service(double, executor=OnLoop(1.0, 3), concurrency=3, on_error=Retry(1)),
        "loop with a retry": Service(double, on_error=Retry(1)),
    }


KINDS = tuple(services())


@pytest.mark.parametrize("kind", KINDS)
async def test_each_asker_gets_the_answer_to_its_own_question(kind: str, autojump_clock: object) -> None:
    service = services()[kind]
    answers: dict[int, int | None] = {}

    async def ask(n: int) -> None:
        try:
            answers[n] = await service.ask(n)
        except ValueError as error:
            answers[n] = error.args[0] if f"to {service}" in error.__notes__[-1] else None

    async with Network(service) as network, trio.open_nursery() as nursery:
        for n in range(-2, 12):
            nursery.start_soon(ask, n)
    assert answers == {n: n if n < 0 else 2 * n for n in range(-2, 12)}
    assert network.balance().ok
    assert service.asked.open == 0
    assert (service.asked.answered, service.asked.failed) == (12, 2)


@pytest.mark.parametrize("executor", [Threads, Processes])
async def test_it_answers_from_real_executors(executor: Callable[[int], Any], real_time: None) -> None:
    service = Service(math.sqrt, executor=executor(2), concurrency=2, name="far")
    async with Network(service):
        assert await service.ask(4) == 2
        with pytest.raises(ValueError, match=r"math domain error|nonnegative"):
            await service.ask(-3)


async def test_the_asker_hears_of_a_question_that_cannot_be_sent(real_time: None) -> None:
    service = Service[Any, Any](repr, executor=Processes(1), name="far")
    async with Network(service):
        with pytest.raises(Exception, match="pickle") as caught:
            await service.ask(lambda: 1)
        assert "to service 'far'" in caught.value.__notes__[-1]
        assert await service.ask(4) == "4"


async def test_a_coordinator_is_some_lines_of_await(autojump_clock: object) -> None:
    """A → (B, C) → D, with uneven times."""

    async def slow(n: int) -> int:
        await trio.sleep(n % 3)
        return n

    a, b = Service(slow, concurrency=8, name="a"), Service(slow, concurrency=8, name="b")
    c, d = Service(slow, concurrency=8, name="c"), Service(add, name="d")

    async def dag(n: int) -> tuple[int, int]:
        first = await a.ask(n)
        left, right = await gather(b.ask(first + 1), c.ask(first + 2))
        return n, await d.ask((left, right))

    stage = Transformer(dag, concurrency=8)
    results = linked(stage)
    async with Network(stage, a, b, c, d) as network:
        for n in range(20):
            await stage.send(n)
    assert contents(results) == [(n, 2 * n + 3) for n in range(20)]
    assert network.balance().ok


async def test_a_generator_function_or_a_coroutine_as_an_answer_is_refused() -> None:
    async def later() -> None: ...

    service = Service[int, Any](lambda n: later(), name="odd")
    async with Network(service):
        with pytest.raises(TypeError, match="service 'odd'"):
            await service.ask(1)


async def test_a_retry_calls_the_function_again(autojump_clock: object) -> None:
    tries: list[int] = []

    def flaky(n: int) -> int:
        tries.append(n)
        if len(tries) < 3:
            raise OSError(n)
        return n

    service = Service(flaky, on_error=Retry(2, backoff=1))
    async with Network(service) as network:
        assert await service.ask(5) == 5
    assert tries == [5, 5, 5]
    assert network.statistics()["flaky"].retried == 2


@pytest.mark.parametrize("kind", ["tasks", "executor"])
async def test_a_late_call_fails_its_asker(kind: str, autojump_clock: object) -> None:
    options: dict[str, Any] = {} if kind == "tasks" else {"executor": OnLoop(5.0)}
    service: Service[int, int] = (
        Service(sleep_five, time_limit=2) if kind == "tasks" else Service(double, time_limit=2, **options)
    )
    async with Network(service):
        with pytest.raises(TimeLimitExceeded, match="item 1, 7, was not done within its time limit of 2 s"):
            await service.ask(7)


async def sleep_five(n: int) -> int:
    """Answer a number after five seconds."""
    await trio.sleep(5)
    return n


async def test_a_question_that_waits_is_taken_back_and_one_in_work_is_counted_as_late(autojump_clock: object) -> None:
    seen: list[int] = []

    async def slow(n: int) -> int:
        seen.append(n)
        await trio.sleep(2)
        return n

    service = Service(slow)
    async with Network(service) as network, trio.open_nursery() as nursery:
        nursery.start_soon(service.ask, 1)
        await wait_all_tasks_blocked()
        nursery.start_soon(service.ask, 2)
        nursery.start_soon(service.ask, 3)
        await trio.sleep(1)
        nursery.cancel_scope.cancel()
    assert seen == [1]
    assert network.balance().ok
    assert network.balance()["slow"].dropped == {"cancelled": 2}
    assert (service.asked.cancelled, service.asked.late, service.asked.open) == (3, 1, 0)


async def test_a_question_whose_asker_is_gone_is_not_worked_on() -> None:
    """It was forwarded while its asker was cancelled, so it is in the queue although nothing waits for it."""
    front = Mailbox[int, int](name="front")
    seen: list[int] = []
    service = Service[int, None](seen.append)
    async with Network(service, front), trio.open_nursery() as nursery:
        nursery.start_soon(front.ask, 1)
        await wait_all_tasks_blocked()
        request: Any = front.receive_nowait()
        nursery.cancel_scope.cancel()
        with trio.CancelScope(shield=True):
            await wait_all_tasks_blocked()
            await request.forward(service)
            await wait_all_tasks_blocked()
    assert not seen


async def test_the_most_urgent_question_is_answered_first(autojump_clock: object) -> None:
    seen: list[int] = []

    async def slow(n: int) -> None:
        seen.append(n)
        await trio.sleep(1)

    service = Service(slow)

    async def ask(n: int, priority: int) -> None:
        await service.ask(n, priority=priority)

    async with Network(service), trio.open_nursery() as nursery:
        for n in range(6):
            nursery.start_soon(ask, n, 128)
            await wait_all_tasks_blocked()
        nursery.start_soon(ask, 99, 200)
    assert seen == [0, 99, 1, 2, 3, 4, 5]


async def test_a_full_service_waits_or_rejects(autojump_clock: object) -> None:
    for overflow, expected in (("wait", 0), ("reject", 2)):
        service: Service[int, int] = Service(double_later, capacity=2, overflow=overflow)  # type: ignore[call-overload]
        reasons: list[str] = []

        async def ask(service: Service[int, int], reasons: list[str]) -> None:
            try:
                await service.ask(1)
            except NotAnswered as error:
                reasons.append(error.reason)

        async with Network(service), trio.open_nursery() as nursery:
            for _ in range(4):
                nursery.start_soon(ask, service, reasons)
        assert reasons == ["overflowed"] * expected


async def test_requests_come_along_links_and_can_be_forwarded() -> None:
    box = Mailbox[int, int](name="box")
    service = Service(double)
    box.link_target(service)
    async with Network(box):
        assert await box.ask(3) == 6
        assert await service.ask(4) == 8


async def test_a_question_is_taken_back_from_where_it_waits(autojump_clock: object) -> None:
    box = Mailbox[int, int](name="box")
    service = Service(double_later, name="slow", capacity=2)
    box.link_target(service)
    async with Network(box) as network, trio.open_nursery() as nursery:
        for n in range(4):
            nursery.start_soon(box.ask, n)
        await trio.sleep(0.5)
        nursery.cancel_scope.cancel()
    assert network.balance().ok
    assert network.balance().dropped == 3
    assert box.asked.cancelled == 4


async def test_the_stop_of_the_network_ends_all_questions(autojump_clock: object) -> None:
    service = Service(double_later, name="slow")
    reasons: list[str] = []

    async def ask() -> None:
        try:
            await service.ask(1)
        except NotAnswered as error:
            reasons.append(error.reason)

    async with trio.open_nursery() as nursery, Network(service) as network:
        nursery.start_soon(ask)
        nursery.start_soon(ask)
        await trio.sleep(0.5)
        network.cancel()
    assert reasons == ["stopped", "stopped"]
    with pytest.raises(NotAnswered) as caught:
        await service.ask(1)
    assert caught.value.reason == "stopped"


async def test_a_fault_of_the_executor_stops_the_network() -> None:
    def broken(n: int) -> int:
        raise KeyboardInterrupt

    service = Service(broken)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with Network(service):
            await service.ask(1)
    assert caught.group_contains(KeyboardInterrupt)


async def test_a_circle_of_services_is_named() -> None:
    async def forth(n: int) -> int:
        return await back.ask(n)

    async def home(n: int) -> int:
        return await there.ask(n)

    there, back = Service(forth, name="there"), Service(home, name="back")
    with faults(Stalled) as found:
        async with Network(there, back):
            await there.ask(1)
    text = str(found[0])
    assert "waits for the answer to request" in text
    assert "or forward the request; or raise the concurrency" in text


def test_wrong_options_are_refused() -> None:
    with pytest.raises(TypeError, match="service 's': on_error must be a Retry or None, got 'skip'"):
        Service(double, on_error="skip", name="s")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    with pytest.raises(ValueError, match="give its Retry no `then`"):
        Service(double, on_error=Retry(1, then="skip"), name="s")
    with pytest.raises(ValueError, match="overflow must be 'wait' or 'reject'"):
        Service(double, overflow="drop", name="s")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    with pytest.raises(ValueError, match="ageing must be a number > 0"):
        Service(double, ageing=0, name="s")
    with pytest.raises(ValueError, match="needs an executor or an async function"):
        Service(double, concurrency=2)
    with pytest.raises(TypeError, match="key must be a plain function"):
        Service(double, key=double_later)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="the function must be callable, got 5"):
        Service(5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
    with pytest.raises(TypeError, match="generator function"):
        Service(generate)


def generate(n: int) -> Any:
    """Give several answers, which is one too many."""
    yield n


async def test_a_service_answers_in_a_network_only() -> None:
    with pytest.raises(RuntimeError, match="service 'double' is in no network, and cannot answer; enter a Network"):
        await Service(double).ask(1)


async def test_only_questions_can_be_sent_to_a_service() -> None:
    service = Service(double, name="s")
    with faults(TypeError):
        async with Network(service):
            await service.send(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


# Generated conversations

SECONDS = st.sampled_from([0.0, 0.5, 1.0, 2.0])


@st.composite
def conversations(draw: st.DrawFn) -> list[tuple[float, float, bool, int]]:
    """For each question: when it is asked, how long its asker waits, whether it fails, and its priority."""
    return draw(st.lists(st.tuples(SECONDS, SECONDS, st.booleans(), st.integers(0, 255)), max_size=20))


def run_conversations(asked: list[tuple[float, float, bool, int]], kind: str, hops: int, stop_at: float | None) -> None:
    """Run conversations, and check that each question ends exactly once and no task is left."""
    made: dict[str, Callable[[], Service[Any, Any]]] = {
        "loop": lambda: Service(work_now),
        "tasks": lambda: Service(work_later, concurrency=2, capacity=3),
        "executor": lambda: Service(work_now, executor=OnLoop(0.5, 2), concurrency=2),
        "rejects": lambda: Service(work_later, concurrency=2, capacity=2, overflow="reject"),
    }
    service = made[kind]()
    front = Mailbox[Any, Any]()
    if hops == 2:
        front.link_target(service)
    ends: list[str] = []

    async def forward() -> None:
        async for request in front:
            with request:
                if request.body[0] % 5 == 4:
                    continue  # forgotten
                await request.forward(service)

    async def ask(n: int, when: float, patience: float, fails: bool, priority: int) -> None:
        await trio.sleep(when)
        door: Service[Any, Any] | Mailbox[Any, Any] = front if hops else service
        end = "cancelled"
        with trio.move_on_after(patience + 0.25):
            try:
                assert await door.ask((n, fails), priority=priority) == n
                end = "answered"
            except ValueError as error:
                end = "failed" if error.args == (n,) else "another's"
            except NotAnswered:
                end = "not_answered"
        ends.append(end)
        if len(ends) == len(asked):
            all_ended.set()

    all_ended = trio.Event()
    if not asked:
        all_ended.set()

    async def main() -> None:
        async with trio.open_nursery() as outer:
            async with Network(service, front) as network, trio.open_nursery() as nursery:
                for n, question in enumerate(asked):
                    (nursery if stop_at is None else outer).start_soon(ask, n, *question)
                if hops == 1:
                    (nursery if stop_at is None else outer).start_soon(forward_until_stopped, forward)
                if stop_at is not None:
                    await trio.sleep(stop_at)
                    network.cancel()
                else:
                    await all_ended.wait()
                    if hops < 2:
                        front.complete()
            assert network.balance().ok
        found = (front if hops else service).asked
        assert found.asked == len(asked) == len(ends)
        assert found.open == 0
        assert {end: ends.count(end) for end in ("answered", "failed", "not_answered", "cancelled")} == {
            "answered": found.answered,
            "failed": found.failed,
            "not_answered": found.not_answered,
            "cancelled": found.cancelled,
        }
        assert not len(service._core.asked.waits)
        assert not len(front._core.asked.waits)

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def forward_until_stopped(forward: Callable[[], Awaitable[None]]) -> None:
    """Forward requests until the network is stopped."""
    with suppress(trio.BrokenResourceError):
        await forward()


def work_now(body: tuple[int, bool]) -> int:
    """Answer, or fail."""
    n, fails = body
    if fails:
        raise ValueError(n)
    return n


async def work_later(body: tuple[int, bool]) -> int:
    """Answer, or fail, after some time."""
    await trio.sleep(0.5)
    return work_now(body)


SERVICE_KINDS = st.sampled_from(["loop", "tasks", "executor", "rejects"])


@given(asked=conversations(), kind=SERVICE_KINDS, hops=st.integers(0, 2), stop_at=st.sampled_from([None, 0.0, 1.1]))
def test_every_question_ends_exactly_once(
    asked: list[tuple[float, float, bool, int]], kind: str, hops: int, stop_at: float | None
) -> None:
    run_conversations(asked, kind, hops, stop_at)


RETRIED: list[dict[str, Any]] = [{}, {"key": double}, {"time_limit": 60}]


@pytest.mark.parametrize("options", RETRIED, ids=["plain", "by key", "with a limit"])
async def test_in_an_executor_a_retry_that_succeeds_answers(options: Any, autojump_clock: object) -> None:
    failed: set[int] = set()

    def flaky(n: int) -> int:
        if n not in failed:
            failed.add(n)
            raise ConnectionError(n)
        return n

    service = Service(flaky, executor=OnLoop(1.0, 2), concurrency=2, on_error=Retry(1), **options)
    answers: list[int] = []

    async def ask(n: int) -> None:
        answers.append(await service.ask(n))

    async with Network(service), trio.open_nursery() as nursery:
        for n in range(5):
            nursery.start_soon(ask, n)
    assert sorted(answers) == list(range(5))


@pytest.mark.parametrize("retry", [None, Retry(1)])
async def test_an_answer_that_comes_too_late_is_not_given(retry: Retry | None, autojump_clock: object) -> None:
    calls: list[int] = []

    async def stubborn(n: int) -> int:
        calls.append(n)
        with trio.CancelScope(shield=True):
            await trio.sleep(2)
        return n

    def slow(n: int) -> int:
        calls.append(n)
        hold_loop(2)
        return n

    for service in (Service(stubborn, time_limit=1, on_error=retry), Service(slow, time_limit=1, on_error=retry)):
        calls.clear()
        async with Network(service):
            with pytest.raises(TimeLimitExceeded):
                await service.ask(1)
        assert len(calls) == (1 if retry is None else 2)
        assert service.asked.failed == 1


async def test_two_services_behind_a_broadcast_answer_once() -> None:
    box, both = Mailbox[int, int](), Broadcast[Any]()
    box.link_target(both)
    for n in range(2):
        both.link_target(Service(double, name=f"service {n}"))
    async with Network(box) as network:
        assert await box.ask(3) == 6
    assert network.balance().ok


async def test_a_priority_is_checked_also_if_the_answer_comes_at_once() -> None:
    service = Service(double)
    async with Network(service):
        with pytest.raises(ValueError, match="priority must be an int from 0 to 255, got 999"):
            await service.ask(1, priority=999)


async def test_a_request_is_not_forwarded_to_a_service_in_no_network() -> None:
    box = Mailbox[int, int]()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.ask, 1)
        request = await box.receive()
        with pytest.raises(RuntimeError, match="is in no network"):
            await request.forward(Service(double))
        request.reply(1)


async def test_of_two_async_services_behind_a_broadcast_the_quicker_one_answers(autojump_clock: object) -> None:
    box, both = Mailbox[int, int](), Broadcast[Any]()
    box.link_target(both)
    for n in range(2):
        both.link_target(Service(double_later, name=f"service {n}"))
    async with Network(box) as network:
        assert await box.ask(3) == 6
    assert network.balance().ok
    assert box.asked.late == 1


async def test_a_question_whose_asker_is_gone_is_not_given_to_an_async_function() -> None:
    front = Mailbox[int, int](name="front")
    seen: list[int] = []

    async def see(n: int) -> int:
        seen.append(n)
        return n

    service = Service(see)
    async with Network(service, front):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(front.ask, 1)
            await wait_all_tasks_blocked()
            request: Any = front.receive_nowait()
            nursery.cancel_scope.cancel()
        await request.forward(service)
        await wait_all_tasks_blocked()
    assert not seen


async def test_an_exception_that_is_raised_again_has_one_note() -> None:
    error = ValueError("down")

    def broken(n: int) -> int:
        raise error

    service = Service(broken)
    async with Network(service):
        for _ in range(3):
            with pytest.raises(ValueError, match="down"):
                await service.ask(1)
    assert len(error.__notes__) == 1


async def test_a_function_that_holds_the_loop_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service_module, "LOOP_HELD", -1.0)
    service = Service(double, name="slow one")
    async with Network(service):
        with pytest.warns(LoopHeldWarning, match="service 'slow one' held the event loop"):
            assert await service.ask(1) == 2


class Stop(BaseException):
    """No error, and no cancellation."""


async def test_what_is_no_exception_stops_the_network() -> None:
    async def stop(n: int) -> int:
        raise Stop

    service = Service(stop)
    with pytest.raises(BaseExceptionGroup) as caught:
        async with Network(service):
            await service.ask(1)
    assert caught.group_contains(Stop)


async def test_a_coroutine_as_an_answer_is_refused_also_after_a_wait() -> None:
    service = Service[int, Any](lambda n: double_later(n), name="odd", on_error=Retry(1))
    async with Network(service):
        with pytest.raises(TypeError, match="service 'odd'"):
            await service.ask(1)


def test_the_function_is_found_behind_its_wrappers() -> None:
    assert inspect.unwrap(service_module.Answered(double)) is double
    assert inspect.unwrap(service_module.OfBody(double)) is double
