"""What clients of all kinds get from the server, and that none of them holds anything."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager

import attrs
import pytest
import trio
import trio.testing

from penstock.blocks.dashboard import DASHBOARD_FILES, Rules, open_socket
from penstock.blocks.dashboard.server import MOST_CONNECTIONS, PATIENCE, Send, Server, Talk

TOKEN = "secret"


async def say_hello(query: Mapping[str, str], send: Send) -> None:
    await send(f'{{"type":"hello {query.get("network")}"}}')


@attrs.frozen
class Client:
    """Makes connections to a server, through memory."""

    server: Server
    nursery: trio.Nursery

    async def ask(self, head: str) -> str:
        """Send a request; return all of the answer."""
        mine, its = trio.testing.memory_stream_pair()
        self.nursery.start_soon(self.server.serve_one, its)
        await mine.send_all(head.encode())
        answer = b""
        while more := await mine.receive_some():
            answer += more
        await mine.aclose()
        return answer.decode()

    async def get(self, path: str, *headers: str) -> str:
        """Ask for a path below the token."""
        lines = [f"GET /{TOKEN}/{path} HTTP/1.1", *(headers or ("Host: localhost:1",)), "", ""]
        return await self.ask("\r\n".join(lines))


@asynccontextmanager
async def client(talk: Talk = say_hello) -> AsyncGenerator[Client]:
    async with trio.open_nursery() as nursery:
        yield Client(Server(Rules(TOKEN), DASHBOARD_FILES, talk), nursery)
        nursery.cancel_scope.cancel()


@pytest.mark.usefixtures("real_time")
async def test_it_gives_the_files_of_the_page_with_strict_headers() -> None:
    async with client() as browser:
        answer = await browser.get("")
        assert answer.startswith("HTTP/1.1 200 OK\r\ncontent-type: text/html")
        assert "content-security-policy: default-src 'self'" in answer
        assert "Penstock</title>" in answer
        assert "text/javascript" in await browser.get("dashboard.js")
        for name in ("../scene.py", "nothing.js", "dashboard.exe"):
            assert "404" in (await browser.get(name)).splitlines()[0]


async def test_a_page_gets_events_until_there_are_no_more() -> None:
    async with client() as browser:
        answer = await browser.get("events?network=3")
        head, _, events = answer.partition("\r\n\r\n")
        assert "content-type: text/event-stream" in head
        assert events == 'data: {"type":"hello 3"}\n\n'


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("nonsense\r\n\r\n", 400),
        ("GET /secret/ HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421),
        ("GET /guessed/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 404),
        ("POST /secret/ HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n\r\n", 405),
        ("POST /secret/ HTTP/1.1\r\nHost: localhost\r\n\r\n", 403),
        ("GET /" + "x" * 20_000, 400),
    ],
)
async def test_other_requests_are_refused(request_: str, status: int) -> None:
    async with client() as browser:
        assert (await browser.ask(request_)).split()[1] == str(status)


async def test_a_client_that_says_nothing_is_let_go() -> None:
    async with client() as browser:
        assert await browser.ask("GET /") == ""
        assert trio.current_time() >= PATIENCE


async def test_a_client_that_goes_away_before_it_has_asked_is_let_go() -> None:
    mine, its = trio.testing.memory_stream_pair()
    async with client() as browser:
        browser.nursery.start_soon(browser.server.serve_one, its)
        await mine.send_all(b"GET")
        await mine.send_eof()
        assert (await mine.receive_some()).startswith(b"HTTP/1.1 400")
        await mine.aclose()


async def test_a_page_that_reads_nothing_is_let_go() -> None:
    async def talk_on(query: Mapping[str, str], send: Send) -> None:
        while True:
            await send("x")

    mine, its = trio.testing.lockstep_stream_pair()
    async with client(talk_on) as browser:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(browser.server.serve_one, its)
            await mine.send_all(f"GET /{TOKEN}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            for _ in range(3):
                await mine.receive_some()
        assert PATIENCE <= trio.current_time() < PATIENCE + 1


@pytest.mark.parametrize("is_broken", [False, True])
async def test_the_events_end_when_the_page_is_closed(is_broken: bool) -> None:
    async def talk_for_ever(query: Mapping[str, str], send: Send) -> None:
        await send("x")
        await trio.sleep_forever()

    async def break_off() -> None:
        raise trio.BrokenResourceError

    mine, its = trio.testing.memory_stream_pair()
    async with client(talk_for_ever) as browser, trio.open_nursery() as nursery:
        nursery.start_soon(browser.server.serve_one, its)
        await mine.send_all(f"GET /{TOKEN}/events HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        while not (await mine.receive_some()).endswith(b"data: x\n\n"):
            pass
        await mine.send_all(b"something that nobody has asked for")
        await trio.testing.wait_all_tasks_blocked()
        if is_broken:
            its.receive_stream.receive_some_hook = break_off
            await mine.send_all(b"more")
        else:
            await mine.send_eof()


async def test_a_client_may_send_more_than_its_request() -> None:
    mine, its = trio.testing.memory_stream_pair()
    async with client() as browser:
        browser.nursery.start_soon(browser.server.serve_one, its)
        await mine.send_all(b"POST / HTTP/1.1\r\n\r\n")
        assert b"wrong host" in await mine.receive_some()
        await mine.send_all(b"the body")
        await mine.send_eof()
        await trio.testing.wait_all_tasks_blocked()
        await mine.aclose()


async def test_the_number_of_connections_is_bounded() -> None:
    async with client() as browser:
        for _ in range(MOST_CONNECTIONS):
            _, its = trio.testing.memory_stream_pair()
            browser.nursery.start_soon(browser.server.serve_one, its)
        await trio.testing.wait_all_tasks_blocked()
        assert await browser.ask("") == ""


@pytest.mark.usefixtures("real_time")
async def test_an_error_for_one_client_is_logged_and_no_more(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(query: Mapping[str, str], send: Send) -> None:
        raise ValueError("it broke")

    async with client(fail) as browser:
        with caplog.at_level(logging.WARNING, "penstock"):
            assert "200 OK" in await browser.get("events")
        (record,) = caplog.records
        assert vars(record)["penstock_event"] == "dashboard_fails"
        assert "200 OK" in await browser.get("")


@pytest.mark.usefixtures("real_time")
async def test_it_serves_at_a_socket() -> None:
    server = Server(Rules(TOKEN), DASHBOARD_FILES, say_hello)
    with open_socket("127.0.0.1", 0) as listener:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(server.serve, listener)
            stream = await trio.open_tcp_stream("127.0.0.1", listener.getsockname()[1])
            async with stream:
                await stream.send_all(f"GET /{TOKEN}/icon.svg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
                answer = b""
                while more := await stream.receive_some():
                    answer += more
            nursery.cancel_scope.cancel()
    assert b"image/svg+xml" in answer
