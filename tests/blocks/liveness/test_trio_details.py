"""What Penstock sees of trio, and what it does where a version of trio does not show it."""

import logging
import math
import warnings
from typing import Any

import pytest
import trio

from penstock.agents import Agent
from penstock.blocks import Network, Stalled, Transformer, UnboundedBuffer
from penstock.blocks.base import trio_details
from penstock.blocks.base.loop_token import loop_token
from penstock.blocks.base.trio_details import Sight, is_at_end_of_nursery, read_waiting, sight
from penstock.blocks.liveness import doubts, outside
from tests.blocks.tools import faults


class PassOn(Agent):
    """Passes one message on."""

    def __init__(self, source: UnboundedBuffer[int], target: UnboundedBuffer[int]) -> None:
        super().__init__(inputs=[source], outputs=[target])
        self.source, self.target = source, target

    async def run(self) -> None:
        await self.target.send(await self.source.receive())


def circle() -> Network:
    """Two agents that wait for each other."""
    one, other = UnboundedBuffer[int](name="one"), UnboundedBuffer[int](name="other")
    return Network(PassOn(one, other), PassOn(other, one), name="circle")


def hidden(task: object) -> float:
    del task
    return math.nan


def nothing(task: object) -> None:
    del task


def at_any_moment(task: object) -> float:
    del task
    return -math.inf


# Looking for the details


async def test_this_version_of_trio_shows_everything() -> None:
    here = Sight()
    here.look()
    assert (here.deadlines, here.children, here.turns) == (True, True, True)


async def test_what_is_missing_is_looked_for_once_and_told_in_one_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trio_details, "read_deadline", hidden)
    monkeypatch.setattr(trio_details, "read_waiting", nothing)
    here = Sight()
    with pytest.warns(RuntimeWarning) as told:
        here.look()
    assert (here.deadlines, here.children, here.turns) == (False, False, True)
    (text,) = (str(warning.message) for warning in told)
    assert f"trio {trio.__version__} hides what Penstock looks at" in text
    assert "that a deadline is set or moved while a task waits" in text
    assert "tasks that wait for a nursery to end" in text
    assert "async function" not in text
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        here.look()


async def test_a_task_without_the_details_gives_no_answer() -> None:
    task: Any = object()
    assert math.isnan(trio_details.read_deadline(task))
    assert read_waiting(None) is False


async def test_a_task_at_the_end_of_a_nursery_is_known_by_its_place_too() -> None:
    parent = trio.lowlevel.current_task()
    seen: list[tuple[object, bool]] = []

    async def look() -> None:
        seen.append((read_waiting(parent), is_at_end_of_nursery(parent)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(look)
        await trio.sleep(1)
        nursery.start_soon(look)
    assert seen == [(False, False), (True, True)]


# Without them


async def test_agents_that_wait_for_each_other_are_stalled_although_deadlines_are_hidden(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sight, "deadlines", False)
    with faults(Stalled):
        async with circle():
            pass


async def test_a_deadline_that_was_there_when_the_wait_began_is_seen_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sight, "deadlines", False)
    block: Transformer[int, int] = Transformer(abs)
    async with Network(block):
        with trio.move_on_after(100) as scope:
            await block.receive()
        assert scope.cancelled_caught


@pytest.mark.parametrize("is_hidden", [True, False])
async def test_tasks_of_a_nursery_in_the_body_are_stalled_wherever_that_is_read(
    is_hidden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sight, "children", not is_hidden)
    buffer: UnboundedBuffer[int] = UnboundedBuffer()
    with faults(Stalled):
        async with Network(buffer), trio.open_nursery() as nursery:
            nursery.start_soon(buffer.receive)


# Where there is no proof


async def test_a_network_that_seems_to_hang_says_so_once_where_deadlines_are_not_known(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in (outside, doubts):
        monkeypatch.setattr(module, "deadline_of", at_any_moment)
    with pytest.warns(RuntimeWarning) as told:
        await run_for(10, circle())
    (text,) = (str(warning.message) for warning in told)
    assert text.startswith("network 'circle' seems to hang, but this version of trio does not show when its waits end")
    assert "let one of agent 'PassOn" in text


async def run_for(seconds: float, network: Network) -> None:
    with trio.move_on_after(seconds):
        async with network:
            pass


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


async def drive(block: Transformer[int, int], *, sends: bool, local: float = math.inf) -> None:
    """Wait for results of a block beside a task that has nothing to do with it."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio.sleep, 50)
        async with Network(block, name="n") as network:
            if sends:
                await block.send(1)
                await block.receive()
            with trio.move_on_after(local):
                await block.receive()
            network.cancel()
            nursery.cancel_scope.cancel()


async def test_a_body_that_waits_for_what_only_it_sends_is_told_beside_a_task_that_might(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with faults(Stalled):  # when the other task has ended
        await drive(Transformer(abs, name="block"), sends=True)
    (text,) = warned(caplog)
    assert text.startswith("network 'n' can go on only if a task or thread that has not used it so far sends")
    assert "send to transformer 'block', or complete it" in text


async def test_a_body_that_has_never_sent_may_wait_for_others(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "penstock"), faults(Stalled):
        await drive(Transformer(abs, name="block"), sends=False)
    assert warned(caplog) == []
    assert any("can go on only if a task or thread that has" in record.getMessage() for record in caplog.records)


async def test_a_body_that_waits_with_a_deadline_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    await drive(Transformer(abs, name="block"), sends=True, local=20)
    assert warned(caplog) == []


async def test_a_task_outside_that_uses_the_network_and_works_is_no_doubt(caplog: pytest.LogCaptureFixture) -> None:
    block: Transformer[int, int] = Transformer(abs)

    async def feed() -> None:
        await block.send(1)
        await trio.sleep(20)
        await block.send(2)

    async with trio.open_nursery() as nursery, Network(block) as network:
        nursery.start_soon(feed)
        await block.send(0)
        for _ in range(3):
            await block.receive()
        network.cancel()
    assert warned(caplog) == []


# The token of the loop


async def test_there_is_one_token_of_ours_in_a_run() -> None:
    assert loop_token() is loop_token()


async def test_it_is_known_whether_others_keep_the_token() -> None:
    token = loop_token()
    assert not token.is_kept_by_others()
    kept = trio.lowlevel.current_trio_token()
    assert token.is_kept_by_others()
    del kept
    assert not token.is_kept_by_others()


async def test_where_references_are_not_counted_others_may_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("sys.getrefcount")
    assert loop_token().is_kept_by_others()


async def test_functions_are_called_on_the_loop() -> None:
    called = trio.Event()
    loop_token().run_sync_soon(called.set)
    await called.wait()
