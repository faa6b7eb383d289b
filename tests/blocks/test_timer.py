"""The timer, on a clock that jumps."""

from collections.abc import Callable
from typing import Any

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.abc import Instrument
from trio.testing import MockClock, wait_all_tasks_blocked

from penstock.blocks import Call, Network, Timer, UnboundedBuffer
from tests.blocks.tools import contents, linked


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_its_seconds_must_be_more_than_0(seconds: float) -> None:
    with pytest.raises(ValueError, match=f"timer 't': seconds must be a number > 0, got {seconds!r}"):
        Timer(seconds, None, name="t")


async def test_it_gives_its_value_once_after_its_time() -> None:
    timer = Timer(5, "tick", name="t")
    timer.start()
    assert timer.is_running
    start = trio.current_time()
    async with Network(timer):
        assert await timer.receive() == "tick"
        assert trio.current_time() - start == 5
        with pytest.raises(trio.EndOfChannel):
            await timer.receive()
    assert not timer.is_running
    assert repr(timer) == "<Timer 't' finished, 0 held>"


async def test_a_started_one_shot_still_gives_its_value_when_the_body_has_ended() -> None:
    timer = Timer(5, "tick")
    collector = linked(timer)
    timer.start()
    start = trio.current_time()
    async with Network(timer):
        pass
    assert trio.current_time() - start == 5
    assert contents(collector) == ["tick"]


async def test_one_that_was_never_started_ends_with_the_body() -> None:
    timer = Timer(5, "tick")
    collector = linked(timer)
    async with Network(timer):
        await trio.sleep(100)
        assert not timer.is_running
    assert contents(collector) == []


async def test_a_repeating_one_ticks_without_drift_until_the_body_ends() -> None:
    timer = Timer(2, None, repeating=True, name="t")
    times: list[float] = []
    start = trio.current_time()
    async with Network(timer) as network:
        timer.start()
        async for _ in timer:
            times.append(trio.current_time() - start)
            await trio.sleep(1.5)
            if len(times) == 4:
                break
    assert times == [2, 4, 6, 8]
    assert network.balance().ok


async def test_a_tick_that_finds_the_last_one_not_taken_is_dropped_and_counted() -> None:
    timer = Timer(1, "tick", repeating=True, name="t")
    async with Network(timer) as network:
        timer.start()
        await trio.sleep(3.5)
        assert timer.receive_nowait() == "tick"
        with pytest.raises(trio.WouldBlock):
            timer.receive_nowait()
    assert network.balance()["t"].dropped == {"missed tick": 2}


async def test_a_pause_holds_the_clock_and_start_goes_on() -> None:
    timer = Timer(10, "tick")
    start = trio.current_time()
    async with Network(timer):
        timer.start()
        timer.start()  # is running already
        await trio.sleep(4)
        timer.pause()
        timer.pause()
        assert not timer.is_running
        await trio.sleep(100)
        timer.start()
        assert await timer.receive() == "tick"
        assert trio.current_time() - start == 110


@pytest.mark.parametrize("repeating", [False, True])
async def test_pause_right_after_start_holds_it(repeating: bool) -> None:
    timer = Timer(1, "tick", repeating=repeating)
    collector = linked(timer)
    async with Network(timer):
        timer.start()
        timer.pause()
        await trio.sleep(5)
        assert len(collector) == 0


async def test_start_pause_start_runs_one_clock() -> None:
    timer = Timer(1, "tick", repeating=True)
    collector = linked(timer)
    async with Network(timer):
        timer.start()
        timer.pause()
        timer.start()
        await trio.sleep(3.5)
        assert len(collector) == 3


async def test_pause_before_the_network_starts_holds_it_too() -> None:
    timer = Timer(1, "tick")
    timer.start()
    timer.pause()
    collector = linked(timer)
    async with Network(timer):
        await trio.sleep(5)
        assert len(collector) == 0


@pytest.mark.parametrize("wait", [0, 0.5])
async def test_stop_ends_it_for_good(wait: float) -> None:
    timer = Timer(1, "tick", name="t")
    collector = linked(timer)
    async with Network(timer):
        timer.start()
        if wait:
            await trio.sleep(wait)
        timer.stop()
        await trio.sleep(5)
        assert timer.is_finished
        with pytest.raises(RuntimeError, match="timer 't' has ended and cannot be started again; make a new one"):
            timer.start()
    assert contents(collector) == []


async def test_a_value_that_was_given_before_the_stop_can_still_be_taken() -> None:
    timer = Timer(1, "tick")
    async with Network(timer):
        timer.start()
        await trio.sleep(2)
        timer.stop()
        assert not timer.is_finished
        assert await timer.receive() == "tick"
        await wait_all_tasks_blocked()
        assert timer.is_finished


async def test_closing_it_stops_it() -> None:
    timer = Timer(1, "tick", repeating=True)
    async with Network(timer), timer:
        timer.start()
        await timer.receive()
    assert timer.is_finished


async def test_one_that_was_stopped_before_its_network_ends_at_once() -> None:
    timer = Timer(1, "tick")
    timer.stop()
    with pytest.raises(trio.EndOfChannel):
        timer.receive_nowait()


async def test_cancelling_the_network_discards_a_tick_that_was_not_taken() -> None:
    timer = Timer(1, "tick", name="t")
    async with Network(timer) as network:
        timer.start()
        await trio.sleep(2)
        network.cancel()
    assert network.balance()["t"].discarded == 1
    with pytest.raises(RuntimeError, match="has ended"):
        timer.start()


async def test_a_running_timer_keeps_a_network_from_being_stalled() -> None:
    buffer: UnboundedBuffer[str] = UnboundedBuffer()
    timer = Timer(1_000, "tick")
    timer.link_target(buffer)
    async with Network(timer):
        timer.start()
        assert await buffer.receive() == "tick"


async def test_it_joins_a_running_network_by_a_link() -> None:
    buffer: UnboundedBuffer[Any] = UnboundedBuffer()
    async with Network(buffer):
        timer = Timer(1, None)
        timer.start()
        timer.link_target(buffer)
        assert await buffer.receive() is None


@pytest.mark.parametrize("repeating", [False, True])
@pytest.mark.parametrize("before", ["", "start", "start pause", "start 0.5", "start 0.5 pause", "start 1.5"])
async def test_one_that_was_stopped_cannot_be_started_however_soon(before: str, repeating: bool) -> None:
    timer = Timer(1, "tick", repeating=repeating, name="t")
    collector = linked(timer)
    async with Network(timer):
        for step in before.split():
            if step[0].isdigit():
                await trio.sleep(float(step))
            else:
                getattr(timer, step)()
        given = len(collector)
        timer.stop()
        with pytest.raises(RuntimeError, match="timer 't' has ended and cannot be started again; make a new one"):
            timer.start()
        timer.pause()
        timer.stop()
        await trio.sleep(10)
        assert len(collector) == given
        assert not timer.is_running
        assert timer.is_finished


async def test_a_one_shot_whose_message_still_waits_cannot_be_started_again() -> None:
    timer = Timer(1, "tick", name="t")
    async with Network(timer):
        timer.start()
        await trio.sleep(2)
        with pytest.raises(RuntimeError, match="has ended"):
            timer.start()
        assert await timer.receive() == "tick"


async def test_one_that_was_stopped_before_its_network_cannot_be_started_in_it() -> None:
    timer = Timer(1, "tick", name="t")
    timer.start()
    timer.stop()
    with pytest.raises(RuntimeError, match="has ended"):
        timer.start()
    collector = linked(timer)
    async with Network(timer):
        with pytest.raises(RuntimeError, match="has ended"):
            timer.start()
        await trio.sleep(5)
    assert contents(collector) == []


class InTheMomentItIsDue(Instrument):
    """Does something with the timer after its time is up and before it gives its message."""

    def __init__(self, do: Callable[[], None], at: float) -> None:
        self.do = do
        self.at = at

    def task_scheduled(self, task: trio.lowlevel.Task) -> None:
        if task.name == "t" and trio.current_time() == self.at:
            self.do()


@pytest.mark.parametrize("repeating", [False, True])
async def test_a_stop_in_the_moment_in_which_it_is_due_is_in_time(repeating: bool) -> None:
    timer = Timer(1, "tick", repeating=repeating, name="t")
    collector = linked(timer)
    async with Network(timer):
        timer.start()
        trio.lowlevel.add_instrument(InTheMomentItIsDue(timer.stop, trio.current_time() + 1))
        await trio.sleep(5)
        assert timer.is_finished
    assert contents(collector) == []


@pytest.mark.parametrize("repeating", [False, True])
async def test_a_pause_in_the_moment_in_which_it_is_due_leaves_the_message_for_the_next_start(repeating: bool) -> None:
    timer = Timer(1, "tick", repeating=repeating, name="t")
    collector = linked(timer)
    async with Network(timer):
        timer.start()
        trio.lowlevel.add_instrument(InTheMomentItIsDue(timer.pause, trio.current_time() + 1))
        await trio.sleep(5)
        assert len(collector) == 0
        timer.start()
        await trio.sleep(0.5)
        assert len(collector) == 1


# All sequences against a model


class Model:
    """When a timer gives its message, in as few words as possible; its time goes on by `wait`."""

    def __init__(self, seconds: float, repeating: bool) -> None:
        self.seconds = self.left = seconds
        self.repeating = repeating
        self.now = 0.0
        self.state = "held"
        self.is_paused = False  # with its network
        self.given: list[float] = []

    def start(self) -> bool:
        self.state = "running" if self.state == "held" else self.state
        return self.state == "running"

    def pause(self) -> None:
        self.state = "held" if self.state == "running" else self.state

    def stop(self) -> None:
        self.state = "ended"

    @property
    def is_running(self) -> bool:
        return self.state == "running" and not self.is_paused

    def wait(self, seconds: float) -> None:
        until = self.now + seconds
        while self.is_running and self.now + self.left <= until:
            self.now += self.left
            self.given.append(self.now)
            self.left = self.seconds
            self.state = "running" if self.repeating else "ended"
        if self.is_running:
            self.left -= until - self.now
        self.now = until


# A wait ends a hundredth later than the one before, so that no call falls together with a message.
WAITS = st.integers(0, 35).map(lambda seconds: seconds + 0.01)
CALLS = st.sampled_from(["start", "start", "pause", "stop"])
STEPS = st.lists(st.one_of(CALLS, CALLS, WAITS, st.sampled_from(["hold", "go on"])), max_size=20)


def call(step: str, timer: Timer[Any], model: Model) -> None:
    """Do the same with both, and check that both say the same."""
    if step == "start" and not model.start():
        with pytest.raises(RuntimeError, match="has ended and cannot be started again"):
            timer.start()
    elif step == "start":
        timer.start()
    else:
        getattr(model, step)()
        getattr(timer, step)()
    assert timer.is_running == model.is_running


@given(before=st.lists(CALLS, max_size=5), steps=STEPS, repeating=st.booleans())
def test_every_sequence_of_calls_gives_what_the_model_gives(
    before: list[str], steps: list[str | float], repeating: bool
) -> None:
    times: list[float] = []

    async def run() -> None:
        timer = Timer(10, "tick", repeating=repeating)
        model = Model(10, repeating)
        for what in before:
            call(what, timer, model)
        begin = trio.current_time()
        timer.link_target(Call(lambda _: times.append(trio.current_time() - begin)))
        async with Network(timer) as network:
            for step in steps:
                if step == "hold":
                    await network.pause()
                    model.is_paused = True
                elif step == "go on":
                    network.resume()
                    model.is_paused = False
                elif isinstance(step, str):
                    call(step, timer, model)
                else:
                    await trio.sleep(step)
                    model.wait(step)
                    assert timer.is_running == model.is_running
            network.resume()
            model.is_paused = False
        if not repeating:
            model.wait(10)  # a one-shot timer that runs still gives its message when the body has ended
        assert timer.is_finished
        assert times == pytest.approx(model.given)

    trio.run(run, clock=MockClock(autojump_threshold=0))
