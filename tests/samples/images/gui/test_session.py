"""The session without pages and without HTTP: commands in, state out; and the hub, with trio's clock."""

from __future__ import annotations

import json
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import attrs
import pytest
import trio
import trio.testing

from penstock.blocks.base.timing import time_slice
from penstock.blocks.dashboard import Channel
from penstock.samples.images import pictures
from penstock.samples.images.clock import clock
from penstock.samples.images.gui.commands import Commands
from penstock.samples.images.gui.folders import Folders
from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.hub import Hub
from penstock.samples.images.gui.model import QueueRow, Slots, Trouble
from penstock.samples.images.gui.picture_page import PicturePage
from penstock.samples.images.gui.session import Audience, Session
from penstock.samples.images.gui.status import Status
from penstock.samples.images.settings import Mode, usable_cpus
from tests.samples.images.gui.serving import SMALL, make_session, photographs


class Diary(Audience):
    """Writes down what it is told."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.messages: list[str] = []
        self.statuses: list[Status] = []
        self.invalid: list[tuple[str, str]] = []
        self.troubles: list[Trouble] = []
        self.pictures = 0
        self.hook: Callable[[], object] = lambda: None
        session.audience = self

    def on_state(self) -> None:
        if self.session.message not in self.messages[-1:]:
            self.messages.append(self.session.message)
        if self.session.status not in self.statuses[-1:]:
            self.statuses.append(self.session.status)

    def on_picture(self) -> None:
        self.pictures += 1
        self.hook()

    def on_trouble(self, trouble: Trouble) -> None:
        self.troubles.append(trouble)

    def on_invalid(self, field: str, message: str) -> None:
        self.invalid.append((field, message))


@asynccontextmanager
async def running(session: Session) -> AsyncGenerator[Diary]:
    """Run a session beside the test."""
    diary = Diary(session)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.run)
        yield diary
        session.quit("the test is over")


async def idle(session: Session) -> None:
    with trio.fail_after(60):
        while session.status is not Status.IDLE:  # noqa: ASYNC110  # from outside there is no event for that
            await trio.sleep(0.005)


async def test_a_run_goes_through_its_states(start: Path, root: Path) -> None:
    session = make_session(start, root)
    async with running(session) as diary:
        assert session.start(SMALL)
        assert not session.start(SMALL)
        assert not session.compare(SMALL)
        await idle(session)
        assert diary.statuses == [Status.RUNNING, Status.IDLE]
        assert diary.messages == ["Starting …", "Data flow over 4 pictures", "Done. 4 of 4 images came out."]
        assert diary.pictures == 4
        assert not session.stop()


async def test_the_model_agrees_with_its_prediction_in_every_mode(
    start: Path, root: Path, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hub's clock and the waits are virtual, so the figures are those of an idle computer."""
    monkeypatch.setattr(clock, "now", autojump_clock.current_time)
    session = make_session(start, root)
    model = attrs.evolve(SMALL, model=True, repeat=2, times=(1000, 1000, 2000, 1000))
    async with running(session) as diary:
        session.compare(model)
        while session.status is not Status.IDLE:  # noqa: ASYNC110  # see idle
            await trio.sleep(100)
        assert "Making the thumbnails beforehand: 4 of 4" in diary.messages
        assert session.outcome == "done"
    for row, per_image, seconds in zip(session.comparison, (5, 2, 2, 1), (40, 19, 19, 12), strict=True):
        assert row.model is not None
        assert row.steady == pytest.approx(per_image)
        assert row.prediction == pytest.approx(per_image)
        assert row.seconds == pytest.approx(seconds)
        assert row.model.seconds == pytest.approx(seconds)
        assert row.model.shortest == 1


async def test_a_plan_is_found_before_the_run_that_follows_it(start: Path, root: Path) -> None:
    session = make_session(start, root)
    async with running(session) as diary:
        session.start(attrs.evolve(SMALL, mode=Mode.PLANNED, workers=64))
        await idle(session)
        last = diary.messages[-3:]
    assert last == ["Measuring the phases …", "Planned over 4 pictures", "Done. 4 of 4 images came out."]
    snapshot = session.snapshot()
    assert snapshot.prediction is not None
    assert (snapshot.prediction.by, snapshot.images) == ("Plan", 4)
    assert snapshot.prediction.text.startswith(f"with {usable_cpus()} processor")
    parts = [part for node in snapshot.network.nodes for part in node.parts]
    assert parts == ["Load", "Scale", "Filter", "Display"]
    assert session.progress is None


async def test_the_measurement_before_a_plan_can_be_stopped(
    start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = make_session(start, root)

    def stop_at_once() -> None:
        if session.message == "Measuring the phases …" and session.status is Status.RUNNING:
            session.stop()

    async with running(session) as diary:
        monkeypatch.setattr(diary, "on_state", stop_at_once)
        session.start(attrs.evolve(SMALL, mode=Mode.PLANNED))
        await idle(session)
        assert (session.outcome, session.message) == ("stopped", "Stopped. 0 images came out.")
        assert session.live is None


@pytest.mark.parametrize("mode", [Mode.CONTROL_FLOW, Mode.DATA_FLOW, Mode.LOAD_BALANCED], ids=lambda mode: mode.value)
async def test_what_the_governor_holds_back_has_a_state_of_its_own(
    mode: Mode, start: Path, root: Path, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three images at a time, each four seconds: the first phase works for three seconds and is held back for one."""
    monkeypatch.setattr(clock, "now", autojump_clock.current_time)
    monkeypatch.setattr(time_slice, "clock", autojump_clock.current_time)
    session = make_session(start, root)
    form = attrs.evolve(SMALL, mode=mode, model=True, repeat=2, times=(1000,) * 4, governor=3)
    async with running(session):
        session.start(form)
        while session.status is not Status.IDLE:  # noqa: ASYNC110  # see idle
            await trio.sleep(100)
    snapshot = session.snapshot()
    assert snapshot.governor == Slots(0, 3, 2.0)
    assert snapshot.prediction is not None
    assert snapshot.steady == pytest.approx(9 / 7)  # the first image leaves after 4 s, the eighth after 13 s
    assert snapshot.prediction.seconds == pytest.approx(9 / 7)
    assert snapshot.prediction.text == "3 at a time in the pipeline: 4000.0 ms ÷ 3 = 1333.3 ms for many images"
    assert snapshot.queues[0] == QueueRow("Governor", "before load", 0, 3, 3, 2.0, None)
    assert session.live is not None
    held = [bar[2:4] for bar in session.live.timeline.since(0) if bar[4] == "h" and bar[3] > bar[2]]
    assert held == [(3, 4), (7, 8)]


@pytest.mark.parametrize("folder", ["", None])
async def test_a_broken_picture_is_skipped_in_the_middle_of_the_others(
    folder: str | None, start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_LONG", 180)
    monkeypatch.setattr(pictures, "_SHORT", 120)
    session = make_session(start, root)
    async with running(session) as diary:
        for _ in range(2):
            session.start(attrs.evolve(SMALL, folder=folder, limit=4, broken=True))
            await idle(session)
        assert session.message == "Done. 4 of 5 images came out, 1 failed."
        trouble = diary.troubles[-1]
        assert (trouble.phase, trouble.file, trouble.sequence) == ("load", "broken.jpg", 3)
        session.start(attrs.evolve(SMALL, folder=folder, limit=4))
        await idle(session)
        assert session.message == "Done. 4 of 4 images came out."


async def test_a_stop_before_anything_has_begun_counts(start: Path, root: Path) -> None:
    session = make_session(start, root)
    async with running(session) as diary:
        session.start(attrs.evolve(SMALL, endless=True))
        assert session.stop()
        await idle(session)
        assert session.outcome == "stopped"
        assert diary.statuses == [Status.RUNNING, Status.STOPPING, Status.IDLE]
        session.start(SMALL)
        await idle(session)
        assert session.outcome == "done"


async def test_pictures_are_painted_once_and_painting_can_be_stopped(
    start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "_LONG", 180)
    monkeypatch.setattr(pictures, "_SHORT", 120)
    session = make_session(start, root)
    painted = attrs.evolve(SMALL, folder=None)
    async with running(session) as diary:
        session.start(SMALL)
        await idle(session)
        assert session.snapshot().images == 4
        session.start(painted)
        with trio.fail_after(60):
            while "Painting sample pictures: 3 of 15" not in diary.messages:  # noqa: ASYNC110  # see idle
                await trio.sleep(0.001)
        session.stop()
        await idle(session)
        assert session.outcome == "stopped"
        assert session.message == "Stopped. 0 images came out."  # and not those of the run before
        for _ in range(2):
            session.start(painted)
            await idle(session)
            assert session.snapshot().images == 15
        assert diary.messages.count("Painting sample pictures: 1 of 15") == 1
        assert diary.messages.count("Painting sample pictures: 15 of 15") == 1


async def test_after_a_picture_could_not_be_painted_it_can_be_tried_again(
    start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Path:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pictures, "_LONG", 180)
    monkeypatch.setattr(pictures, "_SHORT", 120)
    session = make_session(start, root)
    painted = attrs.evolve(SMALL, folder=None, limit=2)
    async with running(session) as diary:
        with monkeypatch.context() as full:
            full.setattr("penstock.samples.images.gui.source.paint_picture", fail)
            session.start(painted)
            await idle(session)
        assert "Failed: [Errno 28] No space left on device" in diary.messages
        session.start(painted)
        await idle(session)
        assert session.snapshot().images == 2
        assert diary.troubles == []


async def test_a_folder_that_has_gone_is_said_at_its_control(start: Path, root: Path) -> None:
    session = make_session(start, root)
    async with running(session) as diary:
        session.start(attrs.evolve(SMALL, folder="gone"))
        await idle(session)
        assert session.outcome == "failed"
        assert [field for field, _ in diary.invalid] == ["folder"]
        assert "no 'gone'" in session.message
        assert await session.pictures.problem(attrs.evolve(SMALL, folder=None)) is None


@pytest.mark.parametrize("folder", ["", "data-flow"])
async def test_the_pictures_folder_is_none_that_thumbnails_go_to(folder: str, start: Path, root: Path) -> None:
    photographs(start / "data-flow")
    session = make_session(start, root, output=start)
    problem = await session.pictures.problem(attrs.evolve(SMALL, folder=folder))
    assert problem is not None
    assert "another folder than the one for thumbnails" in problem


async def test_an_output_folder_that_cannot_be_made_fails_the_run_only(start: Path, root: Path) -> None:
    session = make_session(start, root, output=start / "photo 1.jpg" / "below")
    async with running(session):
        session.start(SMALL)
        await idle(session)
        assert session.outcome == "failed"
        assert session.message.startswith("Failed: ")


async def test_an_endless_run_deletes_thumbnails_that_nobody_will_ask_for(
    start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("penstock.samples.images.gui.live._KEPT_PICTURES", 10)
    monkeypatch.setattr("penstock.samples.images.gui.thumbnails._SWEEP", 0.01)
    session = make_session(start, root, output=root / "kept")
    async with running(session) as diary:
        session.start(attrs.evolve(SMALL, endless=True))
        with trio.fail_after(60):
            while diary.pictures < 100 or len(files_in(root / "run-1")) > 60:  # noqa: ASYNC110  # see idle
                await trio.sleep(0.01)
        session.stop()
        await idle(session)
        assert session.live is not None
        assert len(session.live.thumbnails) == 10
        assert files_in(root / "kept") == []


def files_in(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*.jpg")]


async def test_quitting_ends_what_runs(start: Path, root: Path) -> None:
    session = make_session(start, root)
    async with running(session) as diary:
        diary.hook = partial(session.quit, "enough")
        session.start(attrs.evolve(SMALL, endless=True, mode=Mode.CONTROL_FLOW))
        with trio.fail_after(60):
            while session.outcome is None:  # noqa: ASYNC110  # see idle
                await trio.sleep(0.005)
    assert (session.status, session.reason, session.outcome) == (Status.QUITTING, "enough", "stopped")
    assert not session.start(SMALL)
    assert session.state()["status"] == "stopping"
    json.dumps(session.state())


async def test_troubles_are_kept_within_bounds(start: Path, root: Path) -> None:
    for number in range(5):
        (start / f"bad {number}.jpg").write_bytes(b"")
    session = make_session(start, root)
    async with running(session) as diary:
        session.start(attrs.evolve(SMALL, repeat=100))
        await idle(session)
        assert session.live is not None
        assert (len(diary.troubles), len(session.live.troubles)) == (500, 200)
        assert session.snapshot().failed == 500


# The hub, without HTTP


@attrs.define
class Screen:
    """A page as the hub sees it, and what it was sent."""

    texts: list[str] = attrs.Factory(list[str])
    blocked: trio.Event | None = None
    dropped: int = 0

    async def text(self, text: str) -> None:
        if self.blocked is not None:
            await self.blocked.wait()
        self.texts.append(text)

    async def data(self, data: bytes) -> None:
        raise AssertionError("nobody asked for pictures")

    def drop(self) -> None:
        self.dropped += 1

    def kinds(self) -> list[str]:
        return [json.loads(text)["type"] for text in self.texts]

    def page(self) -> PicturePage:
        return PicturePage(Channel(self.text, self.data), self.drop)


async def test_the_last_page_that_closes_ends_the_session_after_a_grace(
    start: Path, root: Path, autojump_clock: trio.testing.MockClock
) -> None:
    session = make_session(start, root)
    hub = Hub(session, Form())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.run)
        nursery.start_soon(hub.end_when_left)
        await trio.sleep(1000)  # nobody has come yet
        page = Screen().page()
        await hub.join(page)
        hub.leave(page)
        await trio.sleep(1.9)  # a reload
        await hub.join(page)
        await trio.sleep(1000)
        assert session.status is Status.IDLE
        hub.leave(page)
        left = trio.current_time()
    assert trio.current_time() - left == pytest.approx(2.0)
    assert session.reason == "the last page was closed"


async def test_a_page_that_loads_slowly_is_waited_for(
    start: Path, root: Path, autojump_clock: trio.testing.MockClock
) -> None:
    session = make_session(start, root)
    hub = Hub(session, Form())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(session.run)
        nursery.start_soon(hub.end_when_left)
        page = Screen().page()
        await hub.join(page)
        hub.leave(page)
        for _ in range(20):
            await trio.sleep(1.9)
            hub.stir()  # the next file of the page
        assert session.status is Status.IDLE
        last = trio.current_time()
    assert trio.current_time() - last == pytest.approx(2.0)


async def test_a_page_that_has_gone_without_a_word_steers_no_more(
    start: Path, root: Path, autojump_clock: trio.testing.MockClock
) -> None:
    session = make_session(start, root)
    hub, asleep = Hub(session, Form()), Screen()
    gone, awake = asleep.page(), Screen().page()
    for page in (gone, awake):
        await hub.join(page)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hub.drop_the_silent)
        commands = Commands(hub, awake)
        for _ in range(10):
            assert hub.steers(gone)
            commands.take('{"type": "here"}')
            await trio.sleep(15)
        await trio.sleep(15)
        assert hub.steers(awake)
        assert asleep.dropped == 1
        await trio.sleep(1000)
        assert hub.steers(awake)  # however long it says nothing: nobody else is there
        nursery.cancel_scope.cancel()


async def test_a_page_that_is_reloaded_steers_again(start: Path, root: Path) -> None:
    hub = Hub(make_session(start, root), Form())
    screens = [Screen() for _ in range(3)]
    first, second, third = (PicturePage(Channel(one.text, one.data), name=f"{n}") for n, one in enumerate(screens))
    async with trio.open_nursery() as nursery:
        for page in (first, second, third):
            await hub.join(page)
            nursery.start_soon(page.send_texts)
        hub.leave(first)
        assert hub.steers(second)
        screen = Screen()
        again = PicturePage(Channel(screen.text, screen.data), name="0")
        await hub.join(again)
        nursery.start_soon(again.send_texts)
        assert hub.steers(again)
        hub.leave(third)
        await hub.join(
            PicturePage(Channel(screens[2].text, screens[2].data), name="0")
        )  # its double, as browsers make it
        assert hub.steers(again)
        await trio.testing.wait_all_tasks_blocked()
        roles = [json.loads(text)["role"] for text in screens[1].texts if '"role"' in text]
        assert roles == ["viewer", "controller", "viewer"]
        assert json.loads(screen.texts[0])["role"] == "controller"
        nursery.cancel_scope.cancel()


async def test_who_comes_back_late_looks_on(start: Path, root: Path, autojump_clock: trio.testing.MockClock) -> None:
    hub = Hub(make_session(start, root), Form())
    screen = Screen()
    first, second, again = (PicturePage(Channel(screen.text, screen.data), name=name) for name in ("a", "b", "a"))
    await hub.join(first)
    await hub.join(second)
    hub.leave(first)
    await trio.sleep(11)
    await hub.join(again)
    assert hub.steers(second)


async def test_nothing_waits_for_a_disk_that_is_slow(start: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def slow(folders: Folders, text: str) -> list[Path]:
        begun.set()
        may_end.wait(60)
        return []

    monkeypatch.setattr(Folders, "pictures", slow)
    session = make_session(start, root)
    hub, screen = Hub(session, Form()), Screen()
    page = screen.page()
    await hub.join(page)
    commands = Commands(hub, page)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(commands.work)
        for noise in range(3):
            commands.take(json.dumps({"type": "check", "form": {"folder": "", "noise": noise}}))
        await trio.to_thread.run_sync(begun.wait, 20)
        commands.take('{"type": "quit"}')
        assert session.status is Status.QUITTING
        nursery.cancel_scope.cancel()  # which does not wait for the disk either
    may_end.set()


async def test_pages_that_look_on_are_told_of_the_settings(start: Path, root: Path) -> None:
    hub = Hub(make_session(start, root), Form())
    screens = Screen(), Screen()
    async with trio.open_nursery() as nursery:
        for screen in screens:
            page = screen.page()
            await hub.join(page)
            nursery.start_soon(page.send_texts)
        steering = Commands(hub, hub.pages[0])
        nursery.start_soon(steering.work)
        for noise in (77, 77, -1):
            steering.take(json.dumps({"type": "check", "form": {"folder": None, "noise": noise}}))
            await trio.testing.wait_all_tasks_blocked()
        told = [json.loads(text) for text in screens[1].texts if json.loads(text)["type"] == "form"]
        assert [message["form"]["noise"] for message in told] == [77]
        assert "form" not in screens[0].kinds()
        nursery.cancel_scope.cancel()


async def test_many_failures_push_nothing_else_out(start: Path, root: Path) -> None:
    hub, screen = Hub(make_session(start, root), Form()), Screen()
    page = screen.page()
    await hub.join(page)
    for number in range(5000):
        hub.on_trouble(Trouble(1, "load", f"{number}.png", "", number))
        if number == 10:
            hub.on_invalid("noise", "noise: wrong")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(page.send_texts)
        await trio.testing.wait_all_tasks_blocked()
        nursery.cancel_scope.cancel()
    assert screen.kinds()[0] == "hello"
    assert screen.kinds().count("invalid") == 1
    assert screen.kinds().count("error") == 200


async def test_states_come_five_times_a_second_and_the_newest_only(
    start: Path, root: Path, autojump_clock: trio.testing.MockClock
) -> None:
    session = make_session(start, root)
    hub, screen, slow = Hub(session, Form()), Screen(), Screen(blocked=trio.Event())
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hub.beat)
        for one in (screen, slow):
            page = one.page()
            await hub.join(page)
            nursery.start_soon(page.send_texts)
        await trio.sleep(5)
        idle_states = screen.kinds().count("state")
        assert idle_states <= 2
        session.status = Status.RUNNING  # as if something ran
        hub.on_state()
        await trio.sleep(3)
        assert 14 <= screen.kinds().count("state") - idle_states <= 17
        assert slow.blocked is not None
        slow.blocked.set()
        await trio.testing.wait_all_tasks_blocked()
        assert slow.kinds() == ["hello", "state"]
        assert slow.dropped == 0
        nursery.cancel_scope.cancel()


class Onlooker(PicturePage):
    """Counts how often it is told that there may be another picture."""

    looks = 0

    def look(self) -> None:
        self.looks += 1


async def test_pages_are_shown_little_while_modes_are_compared(
    start: Path, root: Path, autojump_clock: trio.testing.MockClock
) -> None:
    session = make_session(start, root)
    hub, screen = Hub(session, Form()), Screen()
    page = Onlooker(Channel(screen.text, screen.data))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hub.beat)
        await hub.join(page)
        nursery.start_soon(page.send_texts)
        for status, looks, states in ((Status.RUNNING, (325, 335), (14, 17)), (Status.COMPARING, (5, 8), (5, 8))):
            session.status = status
            hub.on_state()
            await trio.testing.wait_all_tasks_blocked()
            looks_before, states_before = page.looks, screen.kinds().count("state")
            for _ in range(300):  # in three seconds
                await trio.sleep(0.01)
                hub.on_picture()
            assert looks[0] <= page.looks - looks_before <= looks[1]
            assert states[0] <= screen.kinds().count("state") - states_before <= states[1]
        nursery.cancel_scope.cancel()


async def test_a_page_that_takes_nothing_for_long_is_let_go(
    start: Path, root: Path, autojump_clock: trio.testing.MockClock
) -> None:
    session = make_session(start, root)
    hub, asleep = Hub(session, Form()), Screen(blocked=trio.Event())
    session.status = Status.RUNNING
    async with trio.open_nursery() as nursery:
        nursery.start_soon(hub.beat)
        page = asleep.page()
        await hub.join(page)
        nursery.start_soon(page.send_texts)
        await trio.sleep(9.5)
        assert asleep.dropped == 0
        await trio.sleep(1)
        assert asleep.dropped > 0
        nursery.cancel_scope.cancel()


async def test_goodbye_waits_a_second_at_most(start: Path, root: Path, autojump_clock: trio.testing.MockClock) -> None:
    session = make_session(start, root)
    hub, screen, asleep = Hub(session, Form()), Screen(), Screen(blocked=trio.Event())
    async with trio.open_nursery() as nursery:
        for one in (screen, asleep):
            page = one.page()
            await hub.join(page)
            nursery.start_soon(page.send_texts)
        before = trio.current_time()
        await hub.say_goodbye("enough")
        assert trio.current_time() - before == pytest.approx(1)
        assert screen.kinds() == ["hello", "bye"]
        nursery.cancel_scope.cancel()
