"""Questions to mailboxes: each ends in exactly one way, and nothing waits forever."""

import gc
import logging
import pickle
from contextlib import suppress
from typing import Any

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from penstock.agents import Agent, AskStatistics, Mailbox, Message, NotAnswered, Request
from penstock.blocks import Broadcast, Call, Filter, Network, PriorityBuffer, Stalled
from penstock.blocks.core.block import inside
from tests.agents.conversations.answerers import Answerer, Box
from tests.blocks.tools import faults


def statistics(**ends: int) -> AskStatistics:
    """The statistics of a mailbox."""
    numbers = dict.fromkeys(("asked", "answered", "failed", "not_answered", "cancelled", "late"), 0)
    return AskStatistics(**(numbers | ends))


# How a question ends


async def test_it_is_answered() -> None:
    box = Box(name="box")
    async with Network(Answerer(box)) as network:
        assert await box.ask(21) == 42
    assert network.balance().ok
    assert box.asked == statistics(asked=1, answered=1)


async def test_the_asker_gets_the_exception_and_the_agent_goes_on() -> None:
    box = Box(name="box")
    async with Network(Answerer(box, "raises")):
        for body in (1, 2):
            with pytest.raises(ValueError, match=str(body)) as caught:
                await box.ask(body)
            assert "raised by what was asked: request" in caught.value.__notes__[0]
    assert box.asked == statistics(asked=2, failed=2)


async def test_a_request_can_be_failed() -> None:
    box = Box(name="box")
    async with Network(Answerer(box, "fails")):
        with pytest.raises(KeyError):
            await box.ask(1)


@pytest.mark.parametrize(
    ("how", "reason", "why"),
    [
        ("leaves", "forgotten", "its `with` block ended without a reply"),
        ("forgets", "forgotten", "the loop over its mailbox went on without a reply"),
        ("ends", "forgotten", "nothing refers to it any more"),
    ],
)
async def test_a_question_that_is_forgotten_is_not_answered(how: str, reason: str, why: str) -> None:
    box = Box(name="box")
    async with Network(Answerer(box, how)) as network:
        with pytest.raises(NotAnswered, match=rf"request \d+ to mailbox 'box' gets no answer: {why}") as caught:
            await box.ask(1)
        assert caught.value.reason == reason
    assert network.balance().ok
    assert box.asked == statistics(asked=1, not_answered=1)


async def test_a_loop_that_keeps_its_requests_has_not_forgotten_them() -> None:
    box = Box(name="box")
    agent = Answerer(box, "keeps")
    answers: list[int] = []

    async def ask() -> None:
        answers.append(await box.ask(len(answers)))

    async with Network(agent), trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        assert len(agent.kept) == 3
        for request in agent.kept:
            request.reply(7)
    assert answers == [7, 7, 7]


async def test_two_requests_may_be_received_before_the_first_is_answered() -> None:
    class Pairs(Agent):
        def __init__(self, box: Box) -> None:
            self.box = box
            super().__init__(inputs=[box])

        async def run(self) -> None:
            first = await self.box.receive()
            second = await self.box.receive()
            first.reply(second.body)
            second.reply(first.body)

    box = Box()
    answers: dict[int, int] = {}

    async def ask(body: int) -> None:
        answers[body] = await box.ask(body)

    async with Network(Pairs(box)), trio.open_nursery() as nursery:
        nursery.start_soon(ask, 1)
        nursery.start_soon(ask, 2)
    assert answers == {1: 2, 2: 1}


async def test_what_waits_when_the_last_reader_has_ended_is_not_answered() -> None:
    box = Box(name="box")
    reasons: list[str] = []

    async def ask(body: int) -> None:
        with pytest.raises(NotAnswered) as caught:
            await box.ask(body)
        reasons.append(caught.value.reason)

    async with trio.open_nursery() as nursery:
        for body in range(3):
            nursery.start_soon(ask, body)
        await wait_all_tasks_blocked()  # so that all wait before the agent begins
        async with Network(Answerer(box, "ends", name="a")) as network:
            await wait_all_tasks_blocked()
            with pytest.raises(NotAnswered, match="it takes no more") as caught:
                await box.ask(1)
            assert caught.value.reason == "ended"
    assert sorted(reasons) == ["ended", "ended", "forgotten"]
    assert network.balance().ok


async def test_a_fault_ends_the_questions_of_tasks_outside() -> None:
    box = Box(name="box")
    asking = trio.Event()
    reasons: list[str] = []

    async def ask() -> None:
        await asking.wait()
        with pytest.raises(NotAnswered) as caught:
            await box.ask(1)
        reasons.append(caught.value.reason)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        with faults(OSError):
            async with Network(Answerer(box, "faults")):
                asking.set()
                await trio.sleep_forever()
    assert reasons == ["stopped"]
    with pytest.raises(NotAnswered, match="was stopped") as caught:
        await box.ask(1)
    assert caught.value.reason == "stopped"


async def test_a_question_that_a_policy_drops_is_not_answered() -> None:
    box = Box(name="box")
    odd = Filter[Request[Any, Any]](lambda request: request.body % 2 == 1, name="odd")
    box.link_target(odd)
    odd.link_target(Call(lambda request: request.reply("odd")))
    async with Network(box) as network:
        assert await box.ask(1) == "odd"
        with pytest.raises(NotAnswered, match=r"it was dropped by filter 'odd' \(filtered\)") as caught:
            await box.ask(2)
        assert caught.value.reason == "dropped"
    assert network.balance().ok


async def test_a_question_whose_block_fails_gets_a_reason_too() -> None:
    def broken(request: Request[Any, Any]) -> None:
        raise ValueError

    box = Box(name="box")
    box.link_target(Call(broken, on_error="skip", name="work"))
    async with Network(box):
        with pytest.raises(NotAnswered, match=r"dropped by call 'work' \(skipped\)"):
            await box.ask(1)


async def test_a_full_mailbox_makes_askers_wait(autojump_clock: object) -> None:
    box = Box(capacity=1, name="box")
    answers: list[int] = []

    async def ask(body: int) -> None:
        answers.append(await box.ask(body))

    async with Network(Answerer(box, "is_slow")), trio.open_nursery() as nursery:
        for body in range(5):
            nursery.start_soon(ask, body)
    assert sorted(answers) == [0, 2, 4, 6, 8]


async def test_a_full_mailbox_may_reject(autojump_clock: object) -> None:
    box = Box(capacity=1, overflow="reject", name="box")
    ends: list[str] = []

    async def ask(body: int) -> None:
        try:
            await box.ask(body)
            ends.append("answered")
        except NotAnswered as error:
            ends.append(str(error).partition(": ")[2])

    async with Network(Answerer(box, "is_slow")), trio.open_nursery() as nursery:
        for body in range(5):
            nursery.start_soon(ask, body)
            await wait_all_tasks_blocked()
    assert sorted(ends) == ["answered"] * 2 + ["it is full, and rejects"] * 3


# Cancellation of the asker


async def test_a_question_that_nothing_has_taken_is_taken_back(autojump_clock: object) -> None:
    box = Box(name="box")
    async with Network(Answerer(box, "is_slow")) as network, trio.open_nursery() as nursery:
        nursery.start_soon(box.ask, 1)
        await wait_all_tasks_blocked()
        with trio.move_on_after(0.5):
            await box.ask(2)
        assert len(box) == 0
    assert network.balance().ok
    assert network.balance()["box"].dropped == {"cancelled": 1}
    assert box.asked == statistics(asked=2, answered=1, cancelled=1)


async def test_the_answer_to_an_asker_that_is_gone_is_counted(autojump_clock: object) -> None:
    box = Box(name="box")
    async with Network(Answerer(box, "is_slow")):
        with trio.move_on_after(0.5):
            await box.ask(2)
    assert box.asked == statistics(asked=1, cancelled=1, late=1)


async def test_an_exception_for_an_asker_that_is_gone_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    box = Box(name="box")
    agent = Answerer(box, "keeps")
    caplog.set_level(logging.WARNING, "penstock")
    async with Network(agent):
        with trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(box.ask, 2)
                await wait_all_tasks_blocked()
                scope.cancel()
        request = agent.kept.pop()
        assert not request.is_wanted
        with request:
            raise ValueError("too late")
    assert "its asker no longer waits, and gets no exception: ValueError('too late')" in caplog.text
    assert box.asked == statistics(asked=1, cancelled=1, late=1)


async def test_an_asker_that_waits_for_room_leaves_nothing_behind() -> None:
    box = Box(capacity=1, name="box")
    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(box.ask, 1)
            nursery.start_soon(box.ask, 2)
            await wait_all_tasks_blocked()
            scope.cancel()
    assert len(box) == 0
    assert box.asked == statistics(asked=2, cancelled=2)


async def test_many_that_are_taken_back_are_released() -> None:
    box = Box(name="box")

    class Big:
        alive = 0

        def __init__(self) -> None:
            Big.alive += 1

        def __del__(self) -> None:
            Big.alive -= 1

    async def ask() -> None:
        await box.ask(Big())

    with trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            for _ in range(50):
                nursery.start_soon(ask)
            await wait_all_tasks_blocked()
            scope.cancel()
    gc.collect()
    assert Big.alive == 0


# What can be asked of it


async def test_the_most_urgent_question_is_answered_first() -> None:
    box = Box(name="box")
    seen: list[int] = []

    class Notes(Agent):
        async def run(self) -> None:
            async for request in box:
                with request:
                    seen.append(request.body)
                    request.reply(None)

    async def ask(body: int, priority: int) -> None:
        await box.ask(body, priority=priority)

    async with trio.open_nursery() as nursery:
        for body, priority in enumerate([0, 255, 128, 255]):
            nursery.start_soon(ask, body, priority)
            await wait_all_tasks_blocked()
        async with Network(Notes(inputs=[box])):
            pass
    assert seen == [1, 3, 2, 0]


@pytest.mark.parametrize("priority", [-1, 256, 1.5, True, "high"])
async def test_a_priority_must_be_a_whole_number_in_range(priority: Any) -> None:
    with pytest.raises(ValueError, match="ask at mailbox 'box': priority must be an int"):
        await Box(name="box").ask(1, priority=priority)


async def test_only_questions_can_be_sent_to_a_mailbox() -> None:
    box = Box(name="box")
    with pytest.raises(TypeError, match=r"mailbox 'box' takes questions only, got 5; use `await ask\(…\)`"):
        await box.send(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="mailbox 'box': overflow must be 'wait' or 'reject', got 'drop'"):
        Mailbox[int, int](overflow="drop", name="box")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="mailbox 'box': capacity must be an int >= 1"):
        Mailbox[int, int](capacity=0, name="box")
    with pytest.raises(ValueError, match="mailbox 'box': ageing must be a number > 0"):
        Mailbox[int, int](ageing=-1, name="box")


async def test_a_request_is_answered_once() -> None:
    box = Box(name="box")
    agent = Answerer(box, "keeps")
    async with Network(agent), trio.open_nursery() as nursery:
        nursery.start_soon(box.ask, 1)
        await wait_all_tasks_blocked()
        request = agent.kept.pop()
        assert request.is_wanted
        assert repr(request) == f"<Request {request.id}, open: 1>"
        with pytest.raises(TypeError, match="fail needs an exception, got 'no'"):
            request.fail("no")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
        request.reply(1)
        assert repr(request) == f"<Request {request.id}, answered: 1>"
        with pytest.raises(RuntimeError, match="has its answer already; reply once"):
            request.reply(2)
        with pytest.raises(ZeroDivisionError), request:
            raise ZeroDivisionError
        with pytest.raises(RuntimeError, match="has its answer already, and cannot be forwarded"):
            await request.forward(box)


async def test_it_knows_its_conversation() -> None:
    box = Box(name="box")
    agent = Answerer(box, "keeps")
    async with Network(agent), trio.open_nursery() as nursery:

        async def ask(correlation_id: object) -> None:
            await box.ask(1, priority=9, correlation_id=correlation_id)

        nursery.start_soon(ask, "order 5")
        nursery.start_soon(ask, None)
        await wait_all_tasks_blocked()
        conversations = {request.correlation_id for request in agent.kept}
        own = next(request for request in agent.kept if request.correlation_id != "order 5")
        assert conversations == {"order 5", own.id}
        assert all(request.priority == 9 and request.sent_at > 0 for request in agent.kept)
        for request in agent.kept:
            request.reply(None)


async def test_another_thread_cannot_answer_but_can_ask_the_loop_to() -> None:
    box = Box(name="box")
    agent = Answerer(box, "keeps")
    errors: list[str] = []

    def answer(request: Request[Any, Any]) -> None:
        try:
            request.reply(1)
        except RuntimeError as error:
            errors.append(str(error))
        trio.from_thread.run_sync(request.reply, 2)

    async with Network(agent), trio.open_nursery() as nursery:
        nursery.start_soon(box.ask, 1)
        await wait_all_tasks_blocked()
        await trio.to_thread.run_sync(answer, agent.kept.pop())
    assert "answer a question to mailbox" in errors[0]
    assert box.asked.answered == 1


async def test_a_request_that_a_thread_lets_go_is_not_answered() -> None:
    box = Box(name="box")
    kept: list[Request[Any, Any]] = []

    async def ask() -> None:
        with pytest.raises(NotAnswered, match="nothing refers to it any more"):
            await box.ask(1)

    async with Network(box), trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        kept.append(await box.receive())
        await trio.to_thread.run_sync(kept.clear)


async def test_an_agent_that_is_cancelled_says_so_to_its_asker(autojump_clock: object) -> None:
    box = Box(name="box")
    agent = Answerer(box, "is_slow")
    async with Network(agent), trio.open_nursery() as nursery:

        async def ask() -> None:
            with pytest.raises(NotAnswered, match="the task that worked on it was cancelled") as caught:
                await box.ask(1)
            assert caught.value.reason == "ended"

        nursery.start_soon(ask)
        await trio.sleep(0.5)
        agent.cancel()


async def test_requests_can_be_received_one_by_one() -> None:
    box = Box(name="box")
    answers: list[int] = []

    async def ask() -> None:
        answers.append(await box.ask(1))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        box.receive_nowait().reply(5)
        nursery.start_soon(ask)
        request = await box.receive(lambda request: request.body == 1)
        request.reply(6)
    assert answers == [5, 6]


# Forwarding


async def test_a_request_can_be_forwarded() -> None:
    front, back = Box(name="front"), Box(name="back")

    class Front(Agent):
        async def run(self) -> None:
            async for request in front:
                with request:
                    await request.forward(back, request.body + 100)
                assert not request.is_wanted
                assert "forwarded" in repr(request)
                with pytest.raises(RuntimeError, match="was forwarded to mailbox 'back', which answers it"):
                    request.reply(1)
                with pytest.raises(RuntimeError, match="was forwarded"):
                    request.fail(ValueError())

    async with Network(Front(inputs=[front], outputs=[back]), Answerer(back)) as network:
        assert await front.ask(1) == 202
    assert network.balance().ok
    assert front.asked == statistics(asked=1, answered=1)
    assert back.asked == statistics()


async def test_a_request_that_cannot_be_forwarded_is_still_here() -> None:
    front, back = Box(name="front"), Box(name="back")
    agent = Answerer(front, "keeps")
    back.complete()
    answers: list[int] = []

    async def ask() -> None:
        answers.append(await front.ask(1))

    async with Network(agent), trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        request = agent.kept.pop()
        with pytest.raises(NotAnswered, match="it takes no more"):
            await request.forward(back)
        assert request.is_wanted
        request.reply(3)
    assert answers == [3]


async def test_the_end_of_the_other_network_ends_a_forwarded_question() -> None:
    front, back = Box(name="front"), Box(name="back")
    agent = Answerer(front, "keeps")
    reasons: list[str] = []

    async def ask() -> None:
        with pytest.raises(NotAnswered) as caught:
            await front.ask(1)
        reasons.append(caught.value.reason)

    async with Network(agent), trio.open_nursery() as nursery:
        nursery.start_soon(ask)
        await wait_all_tasks_blocked()
        async with Network(Answerer(back, "keeps")) as other:
            await agent.kept.pop().forward(back)
            await wait_all_tasks_blocked()
            other.cancel()
    assert reasons == ["stopped"]


# Standstills


async def test_an_agent_that_keeps_a_request_is_named() -> None:
    box = Box(name="box")
    with faults(Stalled) as found:
        async with Network(Answerer(box, "keeps", name="hoarder")):
            await box.ask(1)
    text = str(found[0])
    assert "which task 'hoarder' has taken" in text
    assert "let agent 'hoarder' answer request" in text


async def test_a_circle_of_questions_is_named() -> None:
    one, two = Box(name="one"), Box(name="two")

    class Asker(Agent):
        def __init__(self, box: Box, other: Box, name: str) -> None:
            self.box, self.other = box, other
            super().__init__(inputs=[box], outputs=[other], name=name)

        async def run(self) -> None:
            async for request in self.box:
                with request:
                    request.reply(await self.other.ask(1))

    with faults(Stalled) as found:
        async with Network(Asker(one, two, "first"), Asker(two, one, "second")):
            await one.ask(1)
    text = str(found[0])
    assert "in a circle:" in text
    assert "or forward the request" in text
    assert "agent 'first'" in text
    assert "agent 'second'" in text


async def test_a_mailbox_that_nothing_reads_is_named() -> None:
    box = Box(name="box")
    with faults(Stalled):
        async with Network(box):
            await box.ask(1)


async def test_a_mailbox_stays_open_for_questions_after_the_body(autojump_clock: object) -> None:
    box = Box(name="box")
    answers: list[int] = []

    async def slowly(n: int) -> None:
        await trio.sleep(1)
        answers.append(await box.ask(n))

    work = Call(slowly)
    async with Network(Answerer(box), work) as network:
        for n in range(3):
            await work.send(n)
    assert answers == [0, 2, 4]
    assert network.balance().ok


async def test_a_mailbox_stays_open_while_a_producer_may_still_send(autojump_clock: object) -> None:
    box = Box(name="box")
    answers: list[int] = []

    async def ask(n: int) -> None:
        answers.append(await box.ask(n))

    work = Call(ask)
    producer = work.producer()

    async def send_later() -> None:
        with producer:
            await trio.sleep(1)
            await producer.send(1)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send_later)
        async with Network(Answerer(box), work):
            pass
    assert answers == [2]


async def test_a_call_that_is_cancelled_together_with_what_should_answer_is_no_fault(autojump_clock: object) -> None:
    box = Box(name="box")
    answerer = Answerer(box)

    async def ask(n: int) -> None:
        with trio.CancelScope(shield=True):
            await trio.sleep(1)
        assert answerer.is_done
        await box.ask(n)

    work = Call(ask)
    async with Network(answerer, work) as network:
        await work.send(1)
        await wait_all_tasks_blocked()
        network.cancel()
    assert network.balance()[work.name].discarded == 1


async def test_without_a_network_it_works_too() -> None:
    box = Box(name="box")
    async with trio.open_nursery() as nursery:
        Answerer(box).start(nursery)
        assert await box.ask(2) == 4
        box.complete()


async def test_outside_of_trio_it_says_so() -> None:
    box = Box(name="box")
    await trio.to_thread.run_sync(lambda: check_refuses(box))


def check_refuses(box: Box) -> None:
    """Ask without a loop."""
    with pytest.raises(RuntimeError, match="ask at"):
        box.ask(1).send(None)


# What is not forgotten


async def ask_three(box: Box) -> list[int]:
    """Ask at once; return the answers."""
    answers: list[int] = []

    async def ask(body: int) -> None:
        answers.append(await box.ask(body))

    async with trio.open_nursery() as nursery:
        for body in range(3):
            nursery.start_soon(ask, body)
    return sorted(answers)


async def test_requests_that_are_kept_without_a_variable_are_not_forgotten() -> None:
    class Keeps(Agent):
        def __init__(self, box: Box, how: str) -> None:
            self.box, self.how = box, how
            self.slot: Any = None
            super().__init__(inputs=[box])

        async def run(self) -> None:
            kept: list[Request[Any, Any]] = []
            requests = aiter(self.box)
            if self.how == "list":
                kept += [await anext(requests) for _ in range(3)]
            elif self.how == "three variables":
                first = await anext(requests)
                second = await anext(requests)
                kept += [first, second, await anext(requests)]
            elif self.how == "deleted":
                async for request in self.box:
                    kept.append(request)
                    del request
                    if len(kept) == 3:
                        break
            else:
                slots: dict[int, Request[Any, Any]] = {}
                async for slots[len(slots)] in self.box:
                    if len(slots) == 3:
                        break
                kept += slots.values()
            for request in kept:
                request.reply(request.body)

    for how in ("list", "three variables", "deleted", "slots"):
        box = Box()
        async with Network(Keeps(box, how)):
            assert await ask_three(box) == [0, 1, 2]


async def test_a_loop_by_hand_that_forgets_is_noticed_too() -> None:
    class ByHand(Agent):
        async def run(self) -> None:
            requests = aiter(box)
            with suppress(StopAsyncIteration):
                while True:
                    request = await anext(requests)
                    bodies.append(request.body)

    box = Box()
    bodies: list[int] = []
    async with Network(ByHand(inputs=[box])):
        for body in range(2):
            with pytest.raises(NotAnswered, match="went on without a reply"):
                await box.ask(body)
    assert bodies == [0, 1]


async def test_requests_that_tasks_forward_are_not_forgotten(autojump_clock: object) -> None:
    front, back = Box(name="front"), Box(name="back")

    class Door(Agent):
        async def run(self) -> None:
            async with trio.open_nursery() as nursery:
                async for request in front:
                    nursery.start_soon(request.forward, back)

    async with Network(Door(inputs=[front], outputs=[back]), Answerer(back, "is_slow")):
        assert await ask_three(front) == [0, 2, 4]
    assert front.asked == statistics(asked=3, answered=3)


async def test_a_request_that_is_in_two_mailboxes_is_taken_back_from_both(autojump_clock: object) -> None:
    both = Broadcast[Request[Any, Any]]()
    door, one, two = Box(name="door"), Box(name="one"), Box(name="two")
    door.link_target(both)
    for box in (one, two):
        both.link_target(box)
    async with Network(door) as network:
        with trio.move_on_after(1):
            await door.ask(1)
        assert (len(one), len(two)) == (0, 0)
        with pytest.raises(trio.WouldBlock):
            one.receive_nowait()
    assert network.balance().ok


@pytest.mark.parametrize("to", ["a name", None, Call(print)])
async def test_a_request_can_be_forwarded_to_mailboxes_and_services_only(to: Any) -> None:
    box = Box(name="box")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(box.ask, 1)
        request = await box.receive()
        with pytest.raises(TypeError, match=r"request \d+ to mailbox 'box': forward needs a mailbox or a service, got"):
            await request.forward(to)
        request.reply(None)


async def test_an_exception_for_several_askers_has_one_note() -> None:
    box = Box(name="box")
    error = ValueError("down")

    async def ask() -> None:
        with pytest.raises(ValueError, match="down"):
            await box.ask(1)

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(ask)
        for _ in range(3):
            (await box.receive()).fail(error)
    assert len(error.__notes__) == 1


async def test_a_request_that_only_a_cycle_keeps_is_let_go_when_nothing_moves() -> None:
    box = Box(name="box")

    async def forget() -> None:
        request: Any = await box.receive()
        cycle: list[Any] = [request]
        cycle.append(cycle)

    async with Network(box), trio.open_nursery() as nursery:
        nursery.start_soon(forget)
        with pytest.raises(NotAnswered, match="nothing refers to it any more"):
            await box.ask(1)


async def test_an_answer_may_come_before_the_asker_waits_for_it() -> None:
    box = Box(capacity=1)
    answers: list[int] = []

    async def ask(body: int) -> None:
        answers.append(await box.ask(body))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ask, 1)
        await wait_all_tasks_blocked()
        nursery.start_soon(ask, 2)  # waits for room
        await wait_all_tasks_blocked()
        box.receive_nowait().reply(10)  # makes room: the next request comes in
        box.receive_nowait().reply(20)  # before its asker has run
    assert sorted(answers) == [10, 20]


async def test_a_mailbox_stays_open_while_another_agent_reads_it() -> None:
    box = Box()
    ends: list[Any] = []
    async with Network(Answerer(box, "ends", name="one"), Answerer(box, name="other")):
        for body in range(3):
            try:
                ends.append(await box.ask(body))
            except NotAnswered as error:
                ends.append(error.reason)
    assert len([end for end in ends if isinstance(end, int)]) == 2


async def test_the_first_request_can_be_reserved_and_withdrawn_ones_are_skipped() -> None:
    box = Box()
    scopes: list[trio.CancelScope] = []

    async def ask(body: int) -> None:
        with trio.CancelScope() as scope:
            scopes.append(scope)
            await box.ask(body)

    async with trio.open_nursery() as nursery:
        for body in range(5):
            nursery.start_soon(ask, body)
            await wait_all_tasks_blocked()
        assert box.reserve("me")
        box.release("me")
        scopes[1].cancel()
        scopes[0].cancel()
        await wait_all_tasks_blocked()
        assert len(box) == 3
        taken = [box.receive_nowait(lambda request: request.body == 2)]
        scopes[3].cancel()
        await wait_all_tasks_blocked()
        taken.append(box.receive_nowait())
        assert [request.body for request in taken] == [2, 4]
        nursery.cancel_scope.cancel()


async def test_an_agent_that_waits_for_an_answer_is_named_after_the_body() -> None:
    box = Box(name="box")

    class Asks(Agent):
        async def run(self) -> None:
            await box.ask(1)

    with faults(Stalled) as found:
        async with Network(Asks(name="asker"), Answerer(box, "keeps", name="hoarder")):
            pass
    assert "which task 'hoarder' has taken" in str(found[0])


def test_a_mailbox_is_never_free_to_answer() -> None:
    core = inside(Box())
    assert not core.is_free()
    assert core.answer_now(1) is None


def test_the_error_can_be_sent_to_another_process() -> None:
    error = pickle.loads(pickle.dumps(NotAnswered("no answer", "ended")))
    assert (str(error), error.reason) == ("no answer", "ended")


# Messages


def test_a_message_has_a_number_a_priority_and_a_conversation() -> None:
    first, other = Message("hello"), Message("hello", priority=200, correlation_id="order 7")
    assert first.id < other.id
    assert (first.priority, first.correlation_id) == (128, first.id)
    assert first.sent_at > 0
    answer = other.followed_by("good bye")
    assert (answer.body, answer.priority, answer.correlation_id) == ("good bye", 200, "order 7")
    assert answer.id > other.id
    buffer = PriorityBuffer[Message[str]]()
    for message in (first, other):
        buffer.send_nowait(message)
    assert buffer.receive_nowait() is other


@pytest.mark.parametrize("priority", [-1, 256, "high"])
def test_the_priority_of_a_message_is_checked(priority: Any) -> None:
    with pytest.raises(ValueError, match="Message: priority must be an int"):
        Message("hello", priority=priority)


async def test_a_request_in_work_when_its_network_stops_says_so(autojump_clock: object) -> None:
    box = Box(name="box")
    reasons: list[str] = []

    async def ask() -> None:
        with pytest.raises(NotAnswered, match="network 'work' was stopped") as caught:
            await box.ask(1)
        reasons.append(caught.value.reason)

    async with trio.open_nursery() as nursery, Network(Answerer(box, "is_slow"), name="work") as network:
        nursery.start_soon(ask)
        await trio.sleep(0.5)
        network.cancel()
    assert reasons == ["stopped"]
