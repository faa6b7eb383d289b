"""The page of networks, from a browser's side, over real connections: in time, and never in the way."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import trio

from penstock.blocks import Call, Network, Recording, Span
from penstock.blocks.core.watchers import watchers
from penstock.blocks.dashboard import Dashboard, UnusableAddressError

pytestmark = pytest.mark.usefixtures("real_time")


class Tab:
    """An open page: it reads the events of the program in a thread."""

    def __init__(self, address: str) -> None:
        self.response = urllib.request.urlopen(f"{address}events", timeout=60)
        self.got: list[dict[str, Any]] = []
        self._thread = threading.Thread(target=self._read)
        self._news = threading.Condition()
        self._thread.start()

    def _read(self) -> None:
        for line in self.response:
            if line.startswith(b"data: "):
                with self._news:
                    self.got.append(json.loads(line[6:]))
                    self._news.notify_all()

    def wait(self, kind: str, is_it: Callable[[dict[str, Any]], bool] = lambda message: True) -> dict[str, Any]:
        """Wait until there is such a message; return it."""
        found: list[dict[str, Any]] = []

        def there() -> bool:
            found[:] = [message for message in self.got if message["type"] == kind and is_it(message)]
            return bool(found)

        with self._news:
            assert self._news.wait_for(there, 60), self.got
        return found[0]

    def read_to_the_end(self) -> list[dict[str, Any]]:
        """Wait until the program closes the connection; return all messages."""
        self._thread.join(60)
        assert not self._thread.is_alive()
        self.response.close()
        return self.got


@pytest.fixture
def opened(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Returns the address of the page that was printed last; at the end, no thread of a dashboard is left."""

    def address() -> str:
        printed = capsys.readouterr().err
        return printed.rpartition(" is at ")[2].strip()

    yield address
    for thread in threading.enumerate():
        if thread.name == "penstock dashboard":
            thread.join(60)
            assert not thread.is_alive()
    assert watchers.now == ()


def sink() -> Call[object]:
    return Call[object](lambda _: None, name="sink")


async def test_a_network_with_a_dashboard_shows_itself_from_start_to_end(opened: Callable[[], str]) -> None:
    target = sink()
    async with Network(target, name="net", dashboard=True):
        tab = Tab(opened())
        async with Network(sink(), name="another"):  # it has no dashboard
            await target.send(1)
            await trio.to_thread.run_sync(tab.wait, "state")
    messages = await trio.to_thread.run_sync(tab.read_to_the_end)
    assert messages[0]["type"] == "hello"
    assert [(message["type"], message.get("how")) for message in messages[-2:]] == [("state", "done"), ("bye", None)]
    rows = [row["name"] for message in messages if message["type"] == "networks" for row in message["rows"]]
    assert set(rows) == {"net"}


def test_a_dashboard_shows_all_networks_of_the_program_in_all_threads(opened: Callable[[], str]) -> None:
    async def run(name: str) -> None:
        async with Network(sink(), name=name):
            pass

    with Dashboard() as dashboard:
        assert dashboard.address == opened()
        assert repr(dashboard) == f"<Dashboard open, port {dashboard.port}>"
        tab = Tab(dashboard.address)
        trio.run(run, "one")
        thread = threading.Thread(target=trio.run, args=(run, "two"))
        thread.start()
        thread.join()
        tab.wait("state", lambda message: message["name"] == "two" and message["how"] == "done")
    rows = [message["rows"] for message in tab.read_to_the_end() if message["type"] == "networks"]
    assert [(row["name"], row["how"]) for row in rows[-1]] == [("one", "done"), ("two", "done")]
    assert repr(dashboard) == f"<Dashboard closed, port {dashboard.port}>"


async def test_a_browser_that_reads_nothing_holds_neither_the_network_nor_its_end(opened: Callable[[], str]) -> None:
    with socket.socket() as browser:
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        before = time.monotonic()
        async with Network(sink(), name="net", dashboard=True):
            address = opened().removeprefix("http://")
            host, path = address.split("/", 1)
            browser.connect(("127.0.0.1", int(host.partition(":")[2])))
            browser.sendall(f"GET /{path}events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
        assert time.monotonic() - before < 1


async def test_only_those_who_know_the_address_get_anything(opened: Callable[[], str]) -> None:
    def status(host: str, path: str, named: str) -> int:
        connection = http.client.HTTPConnection(host, timeout=60)
        connection.request("GET", path, headers={"Host": named})
        found = connection.getresponse().status
        connection.close()
        return found

    async with Network(sink(), name="net", dashboard=True):
        host, path = opened().removeprefix("http://").split("/", 1)
        for asked, named, wanted in ((f"/{path}", host, 200), ("/", host, 404), (f"/{path}", "evil.example", 421)):
            assert await trio.to_thread.run_sync(status, host, asked, named) == wanted


async def test_the_page_of_a_network_that_cannot_start_is_closed(opened: Callable[[], str]) -> None:
    target = sink()
    async with Network(target, name="first"):
        with pytest.raises(RuntimeError, match="cannot be linked into"):
            async with Network(target, name="second", dashboard=True):
                pass
    assert opened().startswith("http://127.0.0.1:")


async def test_a_dashboard_may_be_closed_while_a_network_runs(opened: Callable[[], str]) -> None:
    dashboard = Dashboard()
    with dashboard:
        network = Network(sink(), name="net")
        await network.__aenter__()
    dashboard.close()
    async with Network(sink(), name="later"):
        pass
    await network.__aexit__(None, None, None)
    assert opened()


def test_a_dashboard_can_record_networks_that_have_no_recording(opened: Callable[[], str]) -> None:
    own = Recording()

    async def run(name: str, recording: Recording | None) -> None:
        target = sink()
        async with Network(target, name=name, recording=recording):
            await target.send(1)

    with Dashboard(chart=True) as dashboard:
        tab = Tab(dashboard.address)
        trio.run(run, "one", None)
        state = tab.wait("state", lambda message: message["how"] == "done")
        trio.run(run, "two", own)
        tab.wait("state", lambda message: message["name"] == "two" and message["how"] == "done")
    assert state["chart"]
    bars = [message for message in tab.read_to_the_end() if message["type"] == "spans" and message["spans"]]
    assert {message["run"] for message in bars} == {1, 2}
    assert [row["stage"] for row in bars[0]["rows"]] == ["body", "sink"]
    assert len(own.spans) == sum(len(message["spans"]) for message in bars if message["run"] == 2)  # in any parts


def test_a_network_that_does_not_start_is_recorded_nowhere(opened: Callable[[], str]) -> None:
    async def run() -> None:
        target = sink()
        async with Network(target, name="first"):
            with pytest.raises(RuntimeError, match="cannot be linked into"):
                async with Network(target, name="second"):
                    pass

    with Dashboard(chart=True):
        trio.run(run)


def test_what_a_policy_has_skipped_is_told(opened: Callable[[], str]) -> None:
    def fail(item: object) -> None:
        raise ValueError("it broke")

    async def run() -> None:
        failing = Call(fail, on_error="skip")
        async with Network(failing, name="net"):
            await failing.send(1)

    with Dashboard() as dashboard:
        tab = Tab(dashboard.address)
        trio.run(run)
        assert tab.wait("error")["error"] == "ValueError: it broke (skip)"
    tab.read_to_the_end()


async def test_of_another_network_nothing_is_told(opened: Callable[[], str]) -> None:
    def fail(item: object) -> None:
        raise ValueError("it broke")

    failing = Call(fail, on_error="skip")
    async with Network(sink(), name="net", dashboard=True):
        tab = Tab(opened())
        async with Network(failing, name="another"):
            await failing.send(1)
    messages = await trio.to_thread.run_sync(tab.read_to_the_end)
    assert "error" not in [message["type"] for message in messages]


def test_a_recording_is_shown_on_an_open_page(opened: Callable[[], str]) -> None:
    recording = Recording.of([Span("read", "read", 1, 0.0, 1.0)])
    dashboard = Dashboard()
    with pytest.raises(RuntimeError, match="it is not open"):
        dashboard.show(recording)
    with dashboard:
        tab = Tab(dashboard.address)
        dashboard.show(recording)
        state = tab.wait("state")
    assert (state["name"], state["how"]) == ("recording", "recorded")
    tab.read_to_the_end()


def test_a_taken_port_is_named_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UnusableAddressError, match=f"port {port}: .*; give it another port, or 0 for any free one"):
            Dashboard(port).__enter__()


@pytest.mark.parametrize("port", [-1, 65_536, "80", True, None])
def test_a_wrong_port_is_refused(port: Any) -> None:
    with pytest.raises(ValueError, match=r"dashboard: port must be an int .*, got "):
        Dashboard(port)


def test_a_dashboard_is_opened_once(opened: Callable[[], str]) -> None:
    dashboard = Dashboard()
    assert repr(dashboard) == "<Dashboard new, port 0>"
    with dashboard:
        pass
    with pytest.raises(RuntimeError, match="it was open before"), dashboard:
        pass


def test_a_notebook_displays_the_page(opened: Callable[[], str]) -> None:
    dashboard = Dashboard()
    assert dashboard._repr_html_() == "<p>&lt;Dashboard new, port 0&gt;</p>"
    with dashboard:
        assert f'<iframe src="{dashboard.address}"' in dashboard._repr_html_()
        with urllib.request.urlopen(dashboard.address, timeout=60) as page:
            assert "frame-ancestors http://localhost:*" in page.headers["content-security-policy"]


def test_a_network_takes_no_dashboard_of_another_kind() -> None:
    wrong: Any = Dashboard()
    with pytest.raises(TypeError, match="network 'net': dashboard must be True or False, got <Dashboard new"):
        Network(sink(), name="net", dashboard=wrong)


def test_a_program_without_standard_error_has_a_page_all_the_same(
    monkeypatch: pytest.MonkeyPatch, opened: Callable[[], str]
) -> None:
    monkeypatch.setattr("sys.stderr", None)
    with Dashboard() as dashboard:
        tab = Tab(dashboard.address)
        tab.wait("hello")
    tab.read_to_the_end()


def test_at_the_end_of_the_program_open_pages_get_its_end(
    monkeypatch: pytest.MonkeyPatch, opened: Callable[[], str]
) -> None:
    registered = list[Any]()
    monkeypatch.setattr("atexit.register", registered.append)
    dashboard = Dashboard()
    dashboard.__enter__()
    tab = Tab(dashboard.address)
    tab.wait("hello")
    (at_exit,) = registered
    at_exit()
    assert tab.read_to_the_end()[-1]["type"] == "bye"
