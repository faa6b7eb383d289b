"""The page's program from end to end, over HTTP and WebSocket: runs, roles, stops, faults and ends."""

from __future__ import annotations

import gc
import io
import multiprocessing
import os
import threading
from pathlib import Path
from typing import Any

import pytest
import trio
from PIL import Image

from penstock.blocks.executors.fork_servers import fork_servers
from penstock.samples.images.gui import hub as hub_module
from penstock.samples.images.names import thumbnail_name
from penstock.samples.images.phases import FUNCTIONS
from penstock.samples.images.record import ImageInfo, Phase
from penstock.samples.images.settings import CHAPTER_MODES, Mode, Settings
from tests.samples.images.gui.browser_stand_in import open_page, request
from tests.samples.images.gui.serving import names_in, photographs, run_to_the_end, serving

MODES = [mode.value for mode in CHAPTER_MODES]
OFFERED = [mode.value for mode in Mode]
SOON = 5.0
"""Seconds; a machine with nothing else to do takes less than one."""


async def test_the_page_is_greeted_with_all_that_it_needs(start: Path, root: Path) -> None:
    photographs(start / "below", 2)
    async with serving(start, root) as program, open_page(program.site) as page:
        hello = await page.wait("hello")
        assert hello["role"] == "controller"
        assert [mode["id"] for mode in hello["modes"]] == OFFERED
        assert hello["folder"]["folders"] == ["below"]
        assert hello["folder"]["pictures"] == 4
        assert hello["form"]["size"] == [64, 48]
        assert hello["state"]["status"] == "idle"
        assert hello["state"]["controls"] == {
            "start": True,
            "stop": False,
            "compare": True,
            "settings": True,
            "quit": True,
        }
        assert {"steps"} <= {preset["id"] for preset in hello["presets"]}


async def test_a_program_that_stays_goes_on_without_pages(
    start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "GRACE", 0.0)
    async with serving(start, root, stays=True) as program:
        for _ in range(3):
            async with open_page(program.site) as page:
                await page.wait("hello")
                await run_to_the_end(page, folder="")
            await program.wait(lambda: not program.hub.pages)
        assert not program.ended.is_set()
        assert program.session.reason == ""


@pytest.mark.parametrize("mode", MODES)
async def test_a_run_is_shown_in_every_mode(mode: str, start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site) as page:
        await page.say("more", pictures=4)
        end = await run_to_the_end(page, folder="", mode=mode, repeat=5)
        assert (end["outcome"], end["images"], end["total"], end["failed"]) == ("done", 20, 20, 0)
        assert end["message"] == "Done. 20 of 20 images came out."
        assert [phase["id"] for phase in end["phases"]] == ["load", "scale", "noise", "output"]
        assert all(phase["mean"] > 0 and phase["wall"] > 0 for phase in end["phases"])
        assert sum(phase["slowest"] for phase in end["phases"]) == 1
        assert end["steady"] > 0
        assert end["perImage"] > 0
        assert end["prediction"]["seconds"] > 0
        assert len(end["queues"]) == (0 if mode == "sequential" else 4)  # one is the row of the governor
        links = end["network"]["links"]
        ids = {node["id"] for node in end["network"]["nodes"]}
        assert ids >= {"load", "scale", "output"}
        assert {link["from"] for link in end["network"]["links"]} | {
            link["to"] for link in end["network"]["links"]
        } <= ids
        passed = [link["passed"] for link in links]
        assert max(passed) == 20
        if mode != "load-balanced":  # where they go one of several ways
            assert set(passed) == {20}
        spans = [message for message in page.messages if message["type"] == "spans"]
        assert spans[0]["reset"] is True
        assert not any(message["reset"] for message in spans[1:])
        bars = [bar for message in spans for bar in message["spans"]]
        assert {bar[1] for bar in bars if bar[4] == "w"} == set(range(1, 21))
        stages = {row["number"]: row["stage"].split()[0] for row in spans[-1]["rows"]}
        assert {stages[bar[0]] for bar in bars} == {"load", "scale", "filter", "display"}
        head, jpeg = await page.picture(1)
        with Image.open(io.BytesIO(jpeg)) as picture:
            assert picture.size == (head["width"], head["height"]) == (64, 48)
        assert head["name"].startswith("photo ")


async def test_pictures_come_against_credit_only(start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site) as page:
        await run_to_the_end(page, folder="")
        assert page.pictures == []
        await page.say("visible", yes=False)
        await page.say("more", pictures=1)
        await run_to_the_end(page, folder="")
        assert page.pictures == []
        await page.say("visible", yes=True)
        head, jpeg = await page.picture(1)
        assert head["sequence"] == 4
        status, headers, body = await request(program.site, "GET", f"/thumbnail/{head['run']}/4")
        assert (status, headers["content-type"], body) == (200, "image/jpeg", jpeg)
        for path in (f"/thumbnail/{head['run']}/5", "/thumbnail/77/1", "/thumbnail/1/x", f"/thumbnail/1/{'9' * 5000}"):
            assert (await request(program.site, "GET", path))[0] == 404


async def test_all_modes_are_compared(start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site) as page:
        await page.say("compare", form={"folder": "", "repeat": 3})
        await page.wait("state", status="comparing", compared=True)
        await page.wait("state", after=len(page.messages), status="idle", outcome="done")
        rows = [message for message in page.messages if message["type"] == "comparison"][-1]["rows"]
        assert [row["mode"] for row in rows] == OFFERED
        assert {row["status"] for row in rows} == {"done"}
        assert rows[0]["speedup"] == 1
        assert all(row["steady"] > 0 and row["prediction"] > 0 and row["speedup"] > 0 for row in rows)
        async with open_page(program.site) as late:
            assert (await late.wait("hello"))["comparison"] == rows


async def test_a_comparison_can_be_stopped(start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site) as page:
        await page.say("compare", form={"folder": "", "repeat": 1000})
        await program.wait(lambda: program.session.snapshot().images > 3)
        await page.say("stop")
        await page.wait("state", status="idle", outcome="stopped")
        rows = [message for message in page.messages if message["type"] == "comparison"][-1]["rows"]
        assert [row["status"] for row in rows] == ["stopped"] * len(OFFERED)


async def test_a_second_page_looks_on_until_the_first_has_gone(start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site) as first:
        await first.wait("hello", role="controller")
        async with open_page(program.site) as second:
            await second.wait("hello", role="viewer")
            for command in ("start", "compare", "stop", "quit", "check", "list", "drop-begin", "drop-end"):
                seen = len(second.messages)
                await second.say(command, form={})
                assert "only watches" in (await second.wait("invalid", after=seen, field="role"))["message"]
            await second.say("more", pictures=2)
            await run_to_the_end(first, folder="")
            await second.picture(1)
            await second.wait("state", status="idle", outcome="done")
            await second.wait("spans", reset=True)
            await first.close()
            await second.wait("role", role="controller")
            assert (await run_to_the_end(second, folder=""))["outcome"] == "done"


async def test_commands_at_the_wrong_time_are_answered(start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site) as page:
        await page.say("stop")
        await page.wait("invalid", field="stop")
        await page.say("start", form={"folder": "", "endless": True})
        await page.wait("state", status="running")
        await page.say("start", form={"folder": ""})
        await page.wait("invalid", field="start")
        await page.say("compare", form={"folder": ""})
        await page.wait("invalid", field="compare")
        await page.say("drop-begin")
        await page.wait("invalid", field="drop")
        await page.say("stop")
        state = await page.wait("state", after=page.found, status="idle")
        assert (state["outcome"], state["total"]) == ("stopped", None)


async def test_broken_pictures_are_reported_and_the_run_goes_on(start: Path, root: Path) -> None:
    (start / "broken.jpg").write_text("not a picture")
    async with serving(start, root) as program, open_page(program.site) as page:
        end = await run_to_the_end(page, folder="", repeat=2)
        assert (end["images"], end["failed"], end["outcome"]) == (8, 2, "done")
        errors = [message for message in page.messages if message["type"] == "error"]
        assert [(one["phase"], one["file"], one["fatal"]) for one in errors] == [("load", "broken.jpg", False)] * 2
        assert errors[0]["exception"] == "UnreadableError: not a picture in a format that can be read"
        async with open_page(program.site) as late:
            assert (await late.wait("error"))["file"] == "broken.jpg"


@pytest.mark.parametrize("mode", MODES[1:])
async def test_what_is_no_images_fault_ends_the_run_and_not_the_program(
    mode: str, start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(start, root) as program, open_page(program.site) as page:

        def fail(hub: hub_module.Hub) -> None:
            raise RuntimeError("the display is on fire")

        original = hub_module.Hub.on_picture
        monkeypatch.setattr(hub_module.Hub, "on_picture", fail)
        end = await run_to_the_end(page, folder="", mode=mode)
        assert end["outcome"] == "failed"
        assert end["message"] == "Failed: the display is on fire"
        assert (await page.wait("error", fatal=True))["exception"] == "RuntimeError: the display is on fire"
        monkeypatch.setattr(hub_module.Hub, "on_picture", original)
        assert (await run_to_the_end(page, folder="", mode=mode))["outcome"] == "done"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("phase", [Phase.NOISE, Phase.OUTPUT], ids=lambda phase: phase.value)
async def test_stop_ends_a_run_within_a_second_while_everything_is_full(
    mode: str, phase: Phase, start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(info: ImageInfo, settings: Settings) -> ImageInfo:
        hold.wait(20 if phase is Phase.NOISE and info.sequence > 1 else 0.2)
        return work(info, settings)

    work, hold = FUNCTIONS[phase], threading.Event()
    monkeypatch.setitem(FUNCTIONS, phase, slow)
    async with serving(start, root) as program, open_page(program.site) as page:
        form = {"folder": "", "mode": mode, "endless": True, "governor": 5, "noise": 0, "workers": 6}
        await page.say("start", form=form)
        await program.wait(lambda: program.session.snapshot().images > 0)
        await page.say("stop")
        before = trio.current_time()
        await page.wait("state", after=page.found, status="idle", outcome="stopped")
        assert trio.current_time() - before < SOON
        hold.set()


def worker_processes() -> set[Any]:
    """The worker processes, without fork servers: these stay while any executor of the program has workers."""
    forked = [worker for server in fork_servers._servers for worker in server.workers]
    return {child for child in multiprocessing.active_children() if "fork server" not in child.name}.union(forked)


@pytest.mark.parametrize("seconds", [0, 0.05, 0.3, 0.8])
async def test_stop_is_as_quick_while_processes_start(seconds: float, start: Path, root: Path) -> None:
    others = worker_processes()
    async with serving(start, root) as program, open_page(program.site) as page:
        await page.say("start", form={"folder": "", "endless": True, "executor": "processes", "workers": 2})
        await page.wait("state", status="running")
        await trio.sleep(seconds)
        await page.say("stop")
        before = trio.current_time()
        await page.wait("state", after=page.found, status="idle", outcome="stopped")
        assert trio.current_time() - before < SOON
        await program.wait(lambda: worker_processes() <= others)


async def test_the_last_page_that_closes_ends_the_program(
    start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "GRACE", 0.1)
    async with serving(start, root) as program:
        async with open_page(program.site) as page:
            await page.say("start", form={"folder": "", "endless": True})
            await page.wait("state", status="running")
        await program.end()
        assert program.session.reason == "the last page was closed"


async def test_a_reload_finds_the_run_going_on(start: Path, root: Path) -> None:
    async with serving(start, root) as program:
        async with open_page(program.site) as page:
            await page.say("start", form={"folder": "", "endless": True, "noise": 3})
            await page.wait("state", status="running")
        await program.wait(lambda: not program.hub.pages)
        async with open_page(program.site) as page:
            hello = await page.wait("hello", role="controller")
            assert hello["state"]["status"] == "running"
            assert hello["form"]["noise"] == 3
            await page.say("more", pictures=3)
            await page.wait("spans", reset=True)
            await page.picture(3)
            sequences = [head["sequence"] for head, _ in page.pictures]
            assert sequences == sorted(set(sequences))
            await page.say("stop")
            await page.wait("state", status="idle")


async def test_quit_says_goodbye_and_leaves_nothing_behind(start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site) as page, open_page(program.site) as other:
        await page.say("start", form={"folder": "", "endless": True, "executor": "processes", "mode": "load-balanced"})
        await program.wait(lambda: program.session.snapshot().images > 3)
        await page.say("quit")
        for one in (page, other):
            await one.wait("bye", reason="Quit was chosen")
            await one.closed()
        await program.end()
    with pytest.raises(OSError, match=r".*"):
        await trio.open_tcp_stream("127.0.0.1", program.site.port)


async def test_a_page_that_does_not_read_keeps_nobody_waiting(
    start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(start, root) as program, open_page(program.site, reads=False) as sleeper:
        await sleeper.say("more", pictures=16)
        await sleeper.say("start", form={"folder": "", "endless": True})
        await program.wait(lambda: program.session.snapshot().images > 20)
        program.hub.tell_all("note", {"text": "x" * 20_000_000})  # more than a socket holds
        await program.wait(lambda: program.hub.pages[0].channel.sending_since is not None)
        async with open_page(program.site) as page:
            await page.say("more", pictures=3)
            await page.picture(3)
        monkeypatch.setattr(hub_module, "_PATIENCE", 0.05)
        await program.wait(lambda: not program.hub.pages)


async def test_a_page_that_does_not_read_cannot_keep_the_program_from_ending(start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site, reads=False):
        await program.wait(lambda: any(page.is_greeted for page in program.hub.pages))
        program.hub.tell_all("note", {"text": "x" * 20_000_000})
        await program.wait(lambda: program.hub.pages[0].channel.sending_since is not None)
        program.session.quit("enough")
        await program.end()


async def test_thumbnails_can_be_kept(start: Path, root: Path, tmp_path: Path) -> None:
    output = tmp_path / "kept"
    async with serving(start, root, output=output) as program, open_page(program.site) as page:
        await run_to_the_end(page, folder="")
        assert names_in(output) == [thumbnail_name(start / name, str(start / name)) for name in names_in(start)]
        await page.say("compare", form={"folder": ""})
        await page.wait("state", after=len(page.messages), status="idle", outcome="done")
        assert set(MODES) < set(names_in(output))
        assert names_in(root) == []


def handles() -> int:
    return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0


async def test_starting_and_stopping_fifty_times_leaves_nothing_behind(start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site) as page:

        async def once(number: int) -> None:
            seen = len(page.messages)
            await page.say("start", form={"folder": "", "mode": MODES[number % 4], "endless": True})
            await page.wait("state", after=seen, status="running")
            if number % 2:
                await program.wait(lambda: program.session.snapshot().images > 0)
            await page.say("stop")
            await page.wait("state", after=page.found, status="idle")
            page.messages.clear()

        for number in range(4):
            await once(number)
        gc.collect()
        tasks, threads, files = trio.lowlevel.current_statistics().tasks_living, threading.active_count(), handles()
        for number in range(50):
            await once(number)
        gc.collect()
        assert trio.lowlevel.current_statistics().tasks_living <= tasks + 1
        assert threading.active_count() <= threads + 2  # trio keeps idle threads for a while
        assert handles() <= files + 2
        assert len(names_in(root)) == 1
