"""Serves pages over HTTP: files, and a stream of events for each open page.

A connection gets one answer. It may take some seconds to ask, and to take each part of the answer; then it is closed.
So clients that only connect, or read nothing, hold nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import trio

from ..base.log import fields, log
from .files import PageFiles
from .request import MOST_BYTES, Request, read_request, response_head
from .safety import Rules, strict_headers

MOST_CONNECTIONS = 100
"""The maximum number of connections at once."""
PATIENCE = 10.0
"""Seconds in which a client must have asked, and in which it must take each part of the answer."""
LEAVE = 1.0
"""Seconds in which a client must have closed its side after the end of an answer."""
FRAMES = "http://localhost:* http://127.0.0.1:*"
"""The pages that may show this one in a frame: notebooks on this machine. It is read-only, so clicks do no harm."""
EVENTS = "events"
"""The path of the stream of events."""

Stream = trio.abc.HalfCloseableStream
"""A connection to a client."""
Send = Callable[[str], Awaitable[None]]
"""Sends a text to a page."""
Talk = Callable[[Mapping[str, str], Send], Awaitable[None]]
"""Sends the events of one page, until there are no more; gets the query of the request."""


class Server:
    """Answers requests.

    Args:
        rules: Decide which requests are let in.
        files: The files of the page; `index.html` is its first.
        talk: Sends the events of a page.
    """

    def __init__(self, rules: Rules, files: PageFiles, talk: Talk) -> None:
        self._rules = rules
        self._files = files
        self._talk = talk
        self._connections = 0

    async def serve(self, listener: socket.socket) -> None:
        """Serve until cancelled."""
        await trio.serve_listeners(self.serve_one, [trio.SocketListener(trio.socket.from_stdlib_socket(listener))])

    async def serve_one(self, stream: Stream) -> None:
        """Answer the request of one connection, and close it."""
        if self._connections >= MOST_CONNECTIONS:
            await trio.aclose_forcefully(stream)
            return
        self._connections += 1
        try:
            await self._answer(stream)
        except* (trio.BrokenResourceError, trio.ClosedResourceError, trio.TooSlowError):
            pass  # the page was closed, or reads nothing
        except* Exception:  # one client must not end the service for the others
            log.warning("a request of a page of a dashboard failed", exc_info=True, extra=fields("dashboard_fails"))
        finally:
            self._connections -= 1
            await trio.aclose_forcefully(stream)

    async def _answer(self, stream: Stream) -> None:
        with trio.fail_after(PATIENCE):
            head = await read_head(stream)
        request = None if head is None else read_request(head)
        if request is None:
            await respond(stream, 400, b"bad request")
            return
        problem = self._rules.problem(request.path, request.method, request.hosts, request.origins)
        if problem is None and request.method != "GET":
            problem = 405
        if problem is not None:
            await respond(stream, problem, {421: b"wrong host"}.get(problem, b"not found"))
            return
        name = request.path.split("/", 2)[2]
        if name == EVENTS:
            await self._stream(stream, request)
        else:
            await self._send_file(stream, name or "index.html", request.hosts[0])

    async def _send_file(self, stream: Stream, name: str, host: str) -> None:
        found = await self._files.read(name)
        if found is None:
            await respond(stream, 404, b"not found")
        else:
            content, kind = found
            await respond(stream, 200, content, {"content-type": kind, **strict_headers(host, FRAMES)})

    async def _stream(self, stream: Stream, request: Request) -> None:
        """Send events until there are no more, or the page is closed."""
        headers = {"content-type": "text/event-stream", **strict_headers(request.hosts[0])}
        await send(stream, response_head(200, headers))
        async with trio.open_nursery() as nursery:
            nursery.start_soon(watch_for_end, stream, nursery.cancel_scope)
            await self._talk(request.query, partial(send_event, stream))
            await stream.send_eof()
            nursery.cancel_scope.deadline = trio.current_time() + LEAVE


async def read_head(stream: Stream) -> bytes | None:
    """Read the head of a request; None if it is too long, or if the client goes away before its end."""
    head = b""
    while b"\r\n\r\n" not in head:
        more = await stream.receive_some()
        head += more
        if not more or len(head) > MOST_BYTES:
            return None
    return head.partition(b"\r\n\r\n")[0]


async def respond(stream: Stream, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
    """Send a response."""
    headers = {"content-type": "text/plain", **(headers or {}), "content-length": str(len(body))}
    await send(stream, response_head(status, headers) + body)
    await finish(stream)


async def send(stream: Stream, data: bytes) -> None:
    """Send data; raises `TooSlowError` if the client does not take it in time."""
    with trio.fail_after(PATIENCE):
        await stream.send_all(data)


async def send_event(stream: Stream, text: str) -> None:
    """Send a text without line breaks as an event."""
    await send(stream, f"data: {text}\n\n".encode())


async def finish(stream: Stream) -> None:
    """Tell the client that nothing more comes, and wait a moment until it has closed: it may still be sending."""
    await stream.send_eof()
    with trio.move_on_after(LEAVE):
        while await stream.receive_some():
            pass


async def watch_for_end(stream: Stream, scope: trio.CancelScope) -> None:
    """Cancel a scope when the client has gone."""
    try:
        while await stream.receive_some():
            pass
    except trio.BrokenResourceError:
        pass
    scope.cancel()
