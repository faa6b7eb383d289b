"""The page of any network, as a user sees it in a browser."""

from __future__ import annotations

import re
import threading
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import trio

from penstock.agents import PipelineGovernor
from penstock.blocks import Call, DeadLetter, Join, Network, Recording, Span, Stalled, Transformer, UnboundedBuffer
from penstock.blocks.dashboard import Dashboard
from tests.samples.images.gui_page.page import Page

pytestmark = pytest.mark.browser


class Running:
    """A network in a thread of its own, with a body that waits until it may end."""

    def __init__(self, network: Network, feed: Callable[[], Awaitable[object]]) -> None:
        self._network, self._feed = network, feed
        self._may_end: trio.Event
        self._token: trio.lowlevel.TrioToken
        self._begun = threading.Event()
        self._thread = threading.Thread(target=trio.run, args=(self._run,))
        self._thread.start()
        assert self._begun.wait(60)

    async def _run(self) -> None:
        self._may_end, self._token = trio.Event(), trio.lowlevel.current_trio_token()
        try:
            async with self._network:
                await self._feed()
                self._begun.set()
                await self._may_end.wait()
        except* (ValueError, Stalled):
            self._begun.set()

    def hold_the_loop(self, until: threading.Event) -> None:
        """Block the loop."""
        self._token.run_sync_soon(until.wait)

    def end(self) -> None:
        """Let the body end."""
        if self._thread.is_alive():
            self._token.run_sync_soon(self._may_end.set)
        self._thread.join(60)
        assert not self._thread.is_alive()


@contextmanager
def running(network: Network, feed: Callable[[], Awaitable[object]] = trio.lowlevel.checkpoint) -> Generator[Running]:
    one = Running(network, feed)
    try:
        yield one
    finally:
        one.end()


def halves(recording: Recording | None = None, items: int = 5) -> tuple[Network, Callable[[], Awaitable[object]]]:
    """A network with all kinds of parts, and what feeds it."""

    def halve(number: int) -> int:
        if number == 3:
            raise ValueError("3 is odd")
        return number // 2

    failed = Call[object](lambda _: None, name="failed")
    halver = Transformer(halve, on_error=DeadLetter(failed), name="halve")
    show = Call[int](lambda _: None, name="show")
    halver.link_target(show)
    PipelineGovernor(limit=4, name="few").govern(halver, show)

    async def feed() -> None:
        for number in range(1, items + 1):
            await halver.send(number)

    return Network(halver, name="halves", recording=recording), feed


def faults(page: Page) -> list[Any]:
    """What axe-core finds wrong."""
    page.js(files("axe_core_python").joinpath("axe.min.js").read_text("utf-8"))
    found: list[Any] = page.driver.execute_async_script(
        """const done = arguments[0];
        const said = (one) => [one.id, one.help, ...one.nodes.map((node) => node.html)];
        axe.run().then(({violations}) => done(violations.map(said)), (error) => done([String(error)]));"""
    )
    return found


def test_a_network_is_drawn_with_its_figures_while_it_runs(page: Page) -> None:
    with running(*halves()) as run:
        page.wait_for_status("running")
        page.wait("all are done", lambda: "done, 1 failed" in page.text("graph-text"))
        page.wait("none waits", lambda: "halve (transformer, loop): 0 wait (up to" in page.text("graph-text"))
        page.wait("none is in flight", lambda: page.text("graph-governors").startswith("few: 0 of 4"))
        assert page.text("name") == "halves"
        drawn = page.js("return document.getElementById('graph').textContent")
        assert (
            page.text("graph-governors") == "few: 0 of 4, governs halve, show"
        )  # a frame would be around "failed", too
        assert "body" in drawn
        assert page.js("return document.querySelectorAll('.link.apart').length") == 1
        assert "halve" in page.text("figures")
        assert "dead letters" in page.text("losses")
        assert page.text("troubles-title") == "⚠ 1 error"
        assert not page.element("diagram").is_displayed()
        assert page.element("chart-hint").is_displayed()
        run.end()
    page.wait_for_status("done")
    assert page.text("status-text").startswith("Done after ")


def test_a_governor_is_a_frame_around_its_blocks(page: Page) -> None:
    first, last = UnboundedBuffer[int](name="first"), Call[int](lambda _: None, name="last")
    first.link_target(last)
    PipelineGovernor(limit=3, name="few").govern(first, last)
    with running(Network(first, name="net")):
        page.wait("it is drawn", lambda: page.js("return document.querySelectorAll('.frame').length") == 1)
        page.wait("it is told", lambda: "few: 0 of 3" in page.text("graph"))
        assert page.text("graph-governors") == ""


def test_a_recorded_network_has_a_chart_and_its_errors_are_listed(page: Page) -> None:
    with running(*halves(Recording())):
        page.wait("the error is there", lambda: "ValueError: 3 is odd" in page.text("troubles"))
        page.wait("it is drawn", lambda: "halve works" in page.text("diagram-text"))
        assert page.element("diagram").is_displayed()
        assert "in halve, item 3" in page.text("troubles")


def test_a_standstill_is_on_top(page: Page) -> None:
    names, ages = UnboundedBuffer[str](name="names"), UnboundedBuffer[int](name="ages")
    pairs = Join(names, ages, name="pairs")
    pairs.link_target(Call(lambda _: None))
    with running(Network(pairs, name="stuck"), lambda: names.send("Ada")) as run:
        page.wait_for_status("running")
        run.end()
        page.wait_for_status("stalled")
    assert page.element("alarm").is_displayed()
    assert "What would free it" in page.text("alarm")
    page.js("document.querySelector('#troubles details').open = true")
    assert faults(page) == []


def test_a_loop_that_is_blocked_is_named(page: Page) -> None:
    until = threading.Event()
    with running(*halves()) as run:
        page.wait_for_status("running")
        run.hold_the_loop(until)
        try:
            page.wait_for_status("late")
            assert "a function blocks it" in page.text("status-text")
        finally:
            until.set()
        page.wait_for_status("running")


def test_another_network_can_be_chosen(page: Page) -> None:
    first, feed = halves()
    with running(first, feed), running(Network(Call[int](lambda _: None, name="alone"), name="second")):
        page.wait("the newest is shown", lambda: page.text("name") == "second")
        page.js(
            "const choice = document.getElementById('networks'); choice.value = '1';"
            "choice.dispatchEvent(new Event('change'))"
        )
        page.wait("the other is shown", lambda: page.text("name") == "halves")


def test_the_page_keeps_what_it_shows_when_the_dashboard_is_closed(page: Page, dashboard: Dashboard) -> None:
    with running(*halves()):
        page.wait_for_status("running")
    page.wait_for_status("done")
    dashboard.close()
    page.wait("it says so", lambda: "The program shows it no more" in page.text("status-text"))
    assert page.text("status-text").startswith("Done after ")
    assert page.element("again").is_displayed()
    assert "halve" in page.text("figures")


def test_a_recorded_run_can_be_gone_through(page: Page, dashboard: Dashboard) -> None:
    spans = [Span("read", "read", 1, 0.0, 1.0), Span("count", "count", 1, 1.0, 2.0, error="it broke")]
    dashboard.show(Recording.of(spans, network="old", links=[("read", "count")]))
    page.wait_for_status("recorded")
    page.wait("it is drawn", lambda: "count works" in page.text("diagram-text"))
    assert page.text("status-text") == "A recorded run of 2.00 s"
    assert page.text("troubles") == "in count, item 1 it broke"
    assert not page.element("figures-panel").is_displayed()
    page.click("step")
    assert page.text("replay-text") == "At 0.000 s: read begins 1."
    assert faults(page) == []


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_in_the_way_of_a_screen_reader_nor_of_a_phone(page: Page, dark: bool, width: int) -> None:
    page.look_like(width, 720, dark=dark, still=True)
    with running(*halves(Recording())):
        page.wait("the error is there", lambda: "ValueError: 3 is odd" in page.text("troubles"))
        assert faults(page) == []
        assert page.js("return document.documentElement.scrollWidth") <= width


def test_a_hundred_blocks_and_thousands_of_items_per_second_are_shown(page: Page) -> None:
    blocks = [Transformer[int, int](lambda number: number, name=f"stage {number}") for number in range(99)]
    last = Call[int](lambda _: None, name="last")
    for one, other in zip(blocks, [*blocks[1:], last], strict=True):
        one.link_target(other)
    ends = threading.Event()

    async def feed() -> None:
        async with trio.open_nursery() as nursery:

            async def send() -> None:
                while not ends.is_set():
                    for number in range(100):
                        await blocks[0].send(number)
                    await trio.sleep(0.01)

            nursery.start_soon(send)
            await trio.to_thread.run_sync(ends.wait)

    thread = threading.Thread(target=trio.run, args=(run_through, Network(*blocks, name="long"), feed))
    thread.start()
    try:
        page.wait_for_status("running")
        page.wait("all are drawn", lambda: page.js("return document.querySelectorAll('.node').length") >= 100)
        page.wait("a thousand are done", lambda: done_by("last", page) >= 1000)
    finally:
        ends.set()
        thread.join(60)
    page.wait_for_status("done")


def done_by(block: str, page: Page) -> int:
    """How many items a block has done, as the page says it."""
    found = re.search(rf"\b{block} \([^)]*\): .*?([0-9,]+) done", page.text("graph-text"))
    return 0 if found is None else int(found[1].replace(",", ""))


async def run_through(network: Network, feed: Callable[[], Awaitable[object]]) -> None:
    """Run a network with this body."""
    async with network:
        await feed()


def test_a_notebook_on_this_machine_shows_it_in_a_frame(page: Page, dashboard: Dashboard, tmp_path: Path) -> None:
    (tmp_path / "notebook.html").write_text(f"<!DOCTYPE html><title>Notebook</title>{dashboard._repr_html_()}")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            page.driver.get(f"http://127.0.0.1:{server.server_port}/notebook.html")
            page.driver.switch_to.frame(0)
            page.wait_for_status("connected")
        finally:
            page.driver.switch_to.default_content()
            server.shutdown()
