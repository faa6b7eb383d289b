"""How a running program is looked into by a signal."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trio

from penstock.blocks import Call, Network
from penstock.blocks.core.watchers import watchers
from penstock.blocks.dashboard import Dashboard, show_on_signal
from penstock.blocks.dashboard import on_signal as module
from penstock.blocks.dashboard.attaching import CannotAttachError, Notice, attach, folder_of_user
from penstock.blocks.dashboard.on_signal import Inspector

pytestmark = pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="this system has no SIGUSR1")


@pytest.fixture(autouse=True)
def notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Notice]]:
    """The notices of programs, in a folder of the test."""
    made = list[Notice]()

    def make(number: int) -> Notice:
        made.append(Notice(number))
        return made[-1]

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(module, "Notice", make)
    yield made
    for notice in made:
        notice.remove()


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is printed; at the end, the signal and the watchers are restored."""
    texts, before, watching = list[str](), signal.getsignal(signal.SIGUSR1), watchers.now
    monkeypatch.setattr(module, "say", texts.append)
    monkeypatch.setattr("penstock.blocks.dashboard.dashboard.say", texts.append)
    yield texts
    signal.signal(signal.SIGUSR1, before)
    for watcher in watchers.now:
        if watcher not in watching:
            close: Callable[[], None] = getattr(watcher, "close")  # noqa: B009
            close()
    for thread in threading.enumerate():
        if thread.name == "penstock dashboard":
            thread.join(60)


async def wait_for(printed: list[str], start: str) -> str:
    """Wait until a text with this start is printed."""
    with trio.fail_after(60):
        while True:
            found = [text for text in printed if text.startswith(start)]
            if found:
                return found[0]
            await trio.sleep(0.01)


@pytest.mark.usefixtures("real_time")
async def test_a_signal_prints_reports_and_opens_the_page_of_what_runs(printed: list[str]) -> None:
    show_on_signal()
    target = Call[object](lambda _: None, name="sink")
    async with Network(target, name="net"):
        await target.send(1)
        os.kill(os.getpid(), signal.SIGUSR1)
        told = await wait_for(printed, "the page of the networks is at ")
        assert printed[0].startswith("network 'net', running")
        address = told.rpartition(" ")[2]

        def first_state() -> str:
            with urllib.request.urlopen(f"{address}events", timeout=60) as events:
                lines: Iterator[bytes] = iter(events)
                return next(line for line in lines if b'"type":"state"' in line).decode()

        assert '"name":"net"' in await trio.to_thread.run_sync(first_state)
        printed.clear()
        os.kill(os.getpid(), signal.SIGUSR1)
        assert (await wait_for(printed, "the page of the networks is at ")) == told
    async with Network(Call[object](lambda _: None), name="another"):
        pass


@pytest.mark.usefixtures("real_time")
async def test_until_a_signal_comes_a_network_runs_and_ends_as_always(printed: list[str]) -> None:
    show_on_signal()
    async with Network(Call[object](lambda _: None), name="net"):
        pass
    assert printed == []


@pytest.mark.usefixtures("real_time")
async def test_another_program_can_ask_for_the_page(printed: list[str]) -> None:
    show_on_signal()
    async with Network(Call[object](lambda _: None), name="net"):
        address = await trio.to_thread.run_sync(attach, os.getpid())
        assert printed[-1] == f"the page of the networks is at {address}"
        printed.clear()
        assert await trio.to_thread.run_sync(attach, os.getpid()) == address
        assert printed == []


@pytest.mark.usefixtures("real_time")
async def test_another_program_hears_why_there_is_no_page(printed: list[str]) -> None:
    with Dashboard() as other:
        show_on_signal(port=other.port)
        with pytest.raises(CannotAttachError, match="give it another port"):
            await trio.to_thread.run_sync(attach, os.getpid())


def test_without_a_notice_the_signal_works_all_the_same(
    printed: list[str], notices: list[Notice], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("sys.platform", "win32")
        show_on_signal()
    assert (notices, printed) == ([], [])
    folder_of_user().touch()
    show_on_signal()
    assert notices == []
    assert printed[0].startswith("show_on_signal: --attach will not find this program: ")


def test_without_networks_it_says_so(printed: list[str]) -> None:
    inspector = Inspector(Dashboard())
    inspector.notice = Notice(signal.SIGUSR1)
    inspector.dashboard.watch()
    inspector.look()
    assert attach(os.getpid()) == inspector.dashboard.address
    inspector.look()
    inspector.notice.remove()
    inspector.dashboard.close()
    assert printed == ["no network runs", f"the page of the networks is at {inspector.dashboard.address}"] * 2


def test_a_loop_that_does_not_answer_is_named_and_so_is_a_taken_port(
    printed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    with Dashboard() as other:
        inspector = Inspector(Dashboard(other.port))

        async def run() -> None:
            async with Network(Call[object](lambda _: None), name="net"):
                inspector.look()  # in the thread of the loop, which so cannot answer

        inspector.dashboard.watch()
        trio.run(run)
    assert printed[1] == "network 'net': its loop does not answer; a function may block it"
    assert "give it another port" in printed[2]


@pytest.mark.usefixtures("real_time")
async def test_a_report_that_cannot_be_made_is_named(printed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(network: Any) -> Any:
        raise ValueError("it broke")

    monkeypatch.setattr("penstock.blocks.dashboard.subject.make_report", fail)
    inspector = Inspector(Dashboard())
    inspector.dashboard.watch()
    async with Network(Call[object](lambda _: None), name="net"):
        await trio.to_thread.run_sync(inspector.look)
    assert printed[0] == "network 'net': no report can be made"
    inspector.dashboard.close()


def test_a_system_without_the_signal_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(signal, "SIGUSR1")
    with pytest.raises(ValueError, match="this system has no SIGUSR1; give it another signal"):
        show_on_signal()


def test_another_thread_is_told_what_is_wrong() -> None:
    errors = list[ValueError]()

    def call() -> None:
        try:
            show_on_signal()
        except ValueError as error:
            errors.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert "show_on_signal: signal" in str(errors[0])
    assert watchers.now == ()
