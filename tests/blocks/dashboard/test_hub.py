"""What each of several pages gets of several networks, while they run and when they have ended."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from queue import SimpleQueue
from typing import Any

import pytest
import trio
import trio.testing

from penstock.blocks import Call, Network, Recording, Transformer
from penstock.blocks.base.loop_token import loop_token
from penstock.blocks.core.view import View
from penstock.blocks.core.watchers import watchers
from penstock.blocks.dashboard import subject as subjects
from penstock.blocks.dashboard.hub import INTERVAL, MOST_ENDED, Hub
from penstock.blocks.dashboard.scene import Ending, Fault
from penstock.blocks.dashboard.subject import Look, Subject
from penstock.blocks.reports.report import make_report


@pytest.fixture(autouse=True)
def free_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """The processor time of looks does not count, because it depends on the machine."""
    monkeypatch.setattr("penstock.blocks.dashboard.hub.SHARE", math.inf)


class Screen:
    """An open page: it keeps what it gets."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.reads = trio.Event()
        self.reads.set()

    async def send(self, text: str) -> None:
        """Take a message, if the page reads."""
        await self.reads.wait()
        self.got.append(json.loads(text))

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of a kind."""
        return [message for message in self.got if message["type"] == kind]

    @property
    def state(self) -> dict[str, Any]:
        """The newest state."""
        return self.of("state")[-1]


class Room:
    """A hub in the loop of the test, which hears of networks as a dashboard does, and its pages."""

    def __init__(self, nursery: trio.Nursery) -> None:
        self.hub = Hub()
        self._nursery = nursery
        self._subjects: dict[View, Subject] = {}

    def open(self, network: str = "") -> Screen:
        """Open a page."""
        screen = Screen()
        self._nursery.start_soon(self.hub.talk, {"network": network}, screen.send)
        return screen

    def observer(self, network: View, routes: object) -> None:
        """Observe no items."""

    def begins(self, network: View) -> None:
        """Add a network."""
        self._subjects[network] = subject = Subject(len(self._subjects) + 1, network)
        self.hub.add(subject)

    def fails(self, network: Any, block: str, number: int, item: object, error: BaseException, action: str) -> None:
        """Note a failure."""
        self._subjects[network].note(Fault.of_item(block, number, item, error, action))

    def ends(self, network: View, how: str, error: BaseException | None) -> None:
        """Note its end."""
        subject = self._subjects[network]
        self.hub.finish(subject, subject.look(), Ending.of(how, error))
        subject.end()


@asynccontextmanager
async def room() -> AsyncGenerator[Room]:
    async with trio.open_nursery() as nursery:
        here = Room(nursery)
        begun = trio.Event()

        async def run() -> None:
            await here.hub.run(begun.set)
            nursery.cancel_scope.cancel()  # as a dashboard does

        nursery.start_soon(run)
        await begun.wait()
        watchers.add(here)
        try:
            yield here
        finally:
            watchers.remove(here)
            here.hub.end()


def sink(name: str = "sink") -> Call[object]:
    return Call[object](lambda _: None, name=name)


async def settle() -> None:
    await trio.testing.wait_all_tasks_blocked(0.001)


async def test_a_page_sees_a_network_from_its_start_to_its_end() -> None:
    async with room() as here:
        page = here.open()
        await settle()
        assert [message["type"] for message in page.got] == ["hello", "networks"]
        target = sink()
        async with Network(target, name="net"):
            await target.send(1)
            await trio.sleep(20 * INTERVAL)
            assert page.state["how"] == "running"
            assert {node["id"]: node["done"] for node in page.state["network"]["nodes"]}["sink"] == 1
        await settle()
        assert (page.state["how"], page.state["name"]) == ("done", "net")
        assert [row["how"] for row in page.of("networks")[-1]["rows"]] == ["done"]
    assert page.got[-1] == {"type": "bye"}


async def test_a_network_is_looked_at_only_while_a_page_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    looks = list[str]()

    def count(network: View) -> Any:
        looks.append(network.name)
        return make_report(network)

    monkeypatch.setattr(subjects, "make_report", count)
    async with room() as here, Network(sink(), name="old"), Network(sink(), name="new"):
        await trio.sleep(10)
        assert looks == []
        page = here.open("1")
        await trio.sleep(3.9 * INTERVAL)
        assert looks == ["old"] * 4
        assert page.state["name"] == "old"


async def test_looks_that_cost_much_are_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("penstock.blocks.dashboard.hub.SHARE", 0.03)
    asked = list[float]()

    class Slow(Subject):
        def ask(self, page: object, answer: Any) -> bool:
            asked.append(trio.current_time())
            answer(Look(None, cost=0.3))
            return True

    async with room() as here, Network(sink(), name="net") as network:
        here.hub.add(Slow(7, network._run))
        here.open("7")
        await trio.sleep(25)
    assert len(asked) in (2, 3)  # after 10 seconds, and a little more for the time of this thread
    assert asked[1] - asked[0] >= 10


async def test_a_page_that_comes_late_gets_what_was_seen_last_with_chart_and_errors() -> None:
    def fail(item: object) -> None:
        raise ValueError(item)

    failing = Call(fail)
    async with room() as here:
        first = here.open()
        with pytest.raises(ExceptionGroup):
            async with Network(failing, name="net", recording=Recording()):
                await failing.send(1)
        await settle()
        second = here.open()
        await settle()
        for page in (first, second):
            assert [error["error"] for error in page.of("error")] == ["ValueError: 1"]
            assert page.of("spans")[-1]["run"] == 1
            assert page.state["how"] == "failed"


async def test_items_that_a_policy_has_skipped_are_listed_without_a_recording() -> None:
    def halve(number: int) -> int:
        if number % 2:
            raise ValueError(f"{number} is odd\nreally")
        return number // 2

    halver = Transformer(halve, on_error="skip", name="halve")
    halver.link_target(sink())
    async with room() as here:
        page = here.open()
        async with Network(halver, name="net"):
            for number in range(1, 4):
                await halver.send(number)
            await trio.sleep(2 * INTERVAL)
            assert [(error["where"], error["error"]) for error in page.of("error")] == [
                ("in halve, item 1: 1", "ValueError: 1 is odd (skip)"),
                ("in halve, item 3: 3", "ValueError: 3 is odd (skip)"),
            ]
        await settle()
        assert len(page.of("error")) == page.state["errors"] == 2


async def test_pages_follow_the_newest_network_or_the_one_that_they_want() -> None:
    async with room() as here:
        pages = [here.open(), here.open("1"), here.open("99"), here.open("x")]
        async with Network(sink(), name="one"):
            await settle()
        async with Network(sink(), name="two"):
            await trio.sleep(INTERVAL)
            assert [page.state["name"] for page in pages] == ["two", "one", "two", "two"]
            rows = pages[0].of("networks")[-1]["rows"]
            assert [(row["run"], row["name"], row["how"]) for row in rows] == [
                (1, "one", "done"),
                (2, "two", "running"),
            ]


async def test_only_some_networks_that_have_ended_are_kept() -> None:
    async with room() as here:
        for number in range(MOST_ENDED + 3):
            async with Network(sink(), name=str(number)):
                pass
        page = here.open("1")
        await settle()
        names = [row["name"] for row in page.of("networks")[-1]["rows"]]
        assert names == [str(number) for number in range(2, MOST_ENDED + 3)]
        assert page.state["name"] == str(MOST_ENDED + 2)


async def test_a_page_is_told_that_a_loop_does_not_answer() -> None:
    answers = list[Any]()

    class Silent(Subject):
        def ask(self, page: object, answer: Any) -> bool:
            answers.append(answer)
            return True

    async with room() as here, Network(sink(), name="net") as network:
        silent = Silent(7, network._run)
        here.hub.add(silent)
        page = here.open("7")
        await trio.sleep(2.5)
        assert page.of("state") == []  # nothing was ever seen
        answers[0](silent.look())
        await trio.sleep(3)
        assert len(answers) == 2
        assert page.state["late"] == pytest.approx(2, abs=0.5)
        answers[1](silent.look())
        await settle()
        assert page.state["late"] == 0
        await trio.sleep(1.2)
        here.hub.finish(silent, silent.look(), Ending("done"))
        answers[2](Look(None))  # it comes too late
        await trio.sleep(1)
        assert page.state["how"] == "done"
        assert len(answers) == 3


async def test_failures_in_a_look_just_before_the_end_are_told() -> None:
    async with room() as here, Network(sink(), name="net") as network:

        class Ended(Subject):
            def ask(self, page: object, answer: Any) -> bool:
                self.note(Fault("in sink, item 1: 1", "ValueError: it broke (skip)"))
                answer(self.look())
                here.hub.finish(self, self.look(), Ending("done"))  # before the hub has read the answer
                return True

        here.hub.add(Ended(7, network._run))
        page = here.open("7")
        await trio.sleep(1)
        assert page.state["how"] == "done"
        assert [message["error"] for message in page.of("error")] == ["ValueError: it broke (skip)"]


async def test_a_loop_that_does_not_answer_until_the_end_is_asked_no_more() -> None:
    class Silent(Subject):
        def ask(self, page: object, answer: Any) -> bool:
            return True

    async with room() as here, Network(sink(), name="net") as network:
        silent = Silent(7, network._run)
        here.hub.add(silent)
        page = here.open("7")
        await trio.sleep(0.5)
        here.hub.finish(silent, silent.look(), Ending("done"))
        await trio.sleep(2)
        assert page.state["how"] == "done"


async def test_a_report_that_cannot_be_made_is_logged_and_harms_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(network: View) -> Any:
        raise ValueError("it broke")

    monkeypatch.setattr(subjects, "make_report", fail)
    async with room() as here:
        page = here.open()
        with caplog.at_level(logging.WARNING, "penstock"):
            async with Network(sink(), name="net"):
                await settle()
        await settle()
        assert page.of("state") == []
        assert {vars(record)["penstock_event"] for record in caplog.records} == {"dashboard_fails"}


async def test_a_page_that_reads_nothing_does_not_hold_the_end() -> None:
    async with room() as here:
        page = here.open()
        await settle()
        page.reads = trio.Event()
        here.hub.end()
        before = trio.current_time()
    assert 0.5 <= trio.current_time() - before <= 2


async def test_a_page_that_comes_at_the_end_is_told_so() -> None:
    async with room() as here:
        slow = here.open()
        slow.reads = trio.Event()
        await settle()
        here.hub.end()
        await settle()
        page = here.open()
        await settle()
        assert [message["type"] for message in page.got] == ["hello", "networks", "bye"]
        slow.reads.set()
    assert slow.got[-1] == {"type": "bye"}


@pytest.mark.usefixtures("real_time")
async def test_a_loop_that_has_ended_gives_no_answer() -> None:
    gone, answers = list[Subject](), list[Look]()

    async def elsewhere() -> None:
        async with Network(sink(), name="net") as network:
            gone.append(Subject(1, network._run))
        assert gone[0].ask(loop_token(), answers.append)
        gone[0].end()
        asked = trio.Event()
        loop_token().run_sync_soon(asked.set)
        await asked.wait()
        assert answers == []

    await trio.to_thread.run_sync(lambda: trio.run(elsewhere))
    assert not gone[0].ask(loop_token(), lambda _: None)
    async with room() as here:
        here.hub.add(gone[0])
        here.open("1")
        await settle()


async def test_a_network_that_starts_after_the_end_is_not_shown() -> None:
    async with room() as here:
        slow = here.open()
        slow.reads = trio.Event()
        await settle()
        here.hub.end()
        await settle()
        async with Network(sink(), name="net"):
            await settle()
        slow.reads.set()
    assert slow.of("networks")[-1]["rows"] == []


async def test_a_network_that_has_ended_before_it_can_be_added_is_not_shown() -> None:
    looks: SimpleQueue[tuple[int, Look]] = SimpleQueue()
    async with Network(sink(), name="net") as network:
        gone = Subject(1, network._run)
        gone.ask_for(looks)
        gone.end()
    async with room() as here:
        here.hub.add_running(gone)
        page = here.open()
        await settle()
        assert page.of("networks")[-1]["rows"] == []
    assert looks.empty()
