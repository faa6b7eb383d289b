"""A page without a browser: an HTTP and WebSocket client on trio, for the tests."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import attrs
import h11
import trio
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    RejectConnection,
    Request,
    TextMessage,
)
from wsproto.extensions import Extension, PerMessageDeflate

JsonDict = dict[str, Any]


class RefusedError(Exception):
    """The server did not want to talk; `status` is HTTP's number."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


@attrs.define
class Site:
    """Where the page is, and what the browser would say of itself."""

    port: int
    token: str
    host: str = ""
    origin: str | None = ""

    def headers(self) -> list[tuple[str, str]]:
        """What every request has."""
        host = self.host or f"127.0.0.1:{self.port}"
        origin = f"http://{host}" if self.origin == "" else self.origin
        return [("Host", host), *([] if origin is None else [("Origin", origin)])]


async def request(
    site: Site, method: str, path: str, body: bytes = b"", token: str | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Ask for something below the token; give status, headers and body."""
    target = f"/{site.token if token is None else token}{path}"
    stream = await trio.open_tcp_stream("127.0.0.1", site.port)
    connection = h11.Connection(h11.CLIENT)
    headers = [*site.headers(), ("Content-Length", str(len(body))), ("Connection", "close")]
    async with stream:
        try:
            for event in (
                h11.Request(method=method, target=target, headers=headers),
                h11.Data(data=body),
                h11.EndOfMessage(),
            ):
                await stream.send_all(connection.send(event) or b"")
        except trio.BrokenResourceError:
            pass  # it has heard enough
        return await _response(stream, connection)


async def _response(stream: trio.SocketStream, connection: h11.Connection) -> tuple[int, dict[str, str], bytes]:
    status, headers, body = 0, dict[str, str](), b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.receive_some())
        elif isinstance(event, h11.Response):
            status = event.status_code
            headers = {name.decode(): value.decode() for name, value in event.headers}
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            return status, headers, body


class Page:
    """An open page: `messages` has what came, `pictures` the heads and bodies of pictures.

    `found` is how many messages there were up to the one that was waited for last, `extensions` what the server has
    accepted of what browsers offer.
    """

    def __init__(self, stream: trio.SocketStream, connection: WSConnection) -> None:
        self._stream, self._connection = stream, connection
        self._news = trio.Event()
        self.messages: list[JsonDict] = []
        self.pictures: list[tuple[JsonDict, bytes]] = []
        self.extensions: list[Extension] = []
        self.is_closed = False
        self.found = 0

    async def say(self, kind: str, **values: Any) -> None:
        """Send a message."""
        await self.say_text(json.dumps({"type": kind, **values}))

    async def say_text(self, text: str) -> None:
        """Send a text."""
        await self._stream.send_all(self._connection.send(TextMessage(data=text)))

    async def wait(self, kind: str, after: int = 0, **values: Any) -> JsonDict:
        """Wait for a message with these values, after the first `after` messages."""
        seen = after
        with trio.fail_after(60):
            while True:
                while seen < len(self.messages):
                    message = self.messages[seen]
                    self.found = seen = seen + 1
                    if message["type"] == kind and all(message.get(key) == value for key, value in values.items()):
                        return message
                if self.is_closed:
                    raise AssertionError(f"closed without {kind} {values}")
                await self._news.wait()

    async def picture(self, number: int) -> tuple[JsonDict, bytes]:
        """Wait for this many pictures, and return the last one."""
        with trio.fail_after(60):
            while len(self.pictures) < number:
                await self._news.wait()
        return self.pictures[number - 1]

    async def closed(self) -> None:
        """Wait until the server has closed the page."""
        with trio.fail_after(60):
            while not self.is_closed:
                await self._news.wait()

    async def close(self) -> None:
        """Close the page, without a word, as browsers do."""
        await self._stream.aclose()

    async def read(self) -> None:
        """Take what comes, until the end."""
        text, data = "", b""
        try:
            while True:
                for event in self._connection.events():
                    if isinstance(event, TextMessage):
                        text += event.data
                        if event.message_finished:
                            self.messages.append(json.loads(text))
                            text = ""
                    elif isinstance(event, BytesMessage):
                        data += event.data
                        if event.message_finished:
                            self._picture(bytes(data))
                            data = b""
                    elif isinstance(event, CloseConnection):
                        return
                    assert isinstance(event, Message)
                self._tell()
                received = await self._stream.receive_some()
                if not received:
                    return
                self._connection.receive_data(received)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            return
        finally:
            self.is_closed = True
            self._tell()

    def _tell(self) -> None:
        """Wake those who wait."""
        self._news.set()
        self._news = trio.Event()

    def _picture(self, data: bytes) -> None:
        length = int.from_bytes(data[:4], "big")
        self.pictures.append((json.loads(data[4 : 4 + length]), data[4 + length :]))


@asynccontextmanager
async def open_page(site: Site, token: str | None = None, reads: bool = True) -> AsyncGenerator[Page]:
    """Open a page, and close it at the end, without a word, as browsers do.

    Raises:
        RefusedError: the server did not want that.
    """
    host, *others = site.headers()
    target = f"/{site.token if token is None else token}/ws"
    connection = WSConnection(ConnectionType.CLIENT)
    stream = await trio.open_tcp_stream("127.0.0.1", site.port)
    async with stream:
        extra = [(name.encode(), value.encode()) for name, value in others]
        offer = Request(host=host[1], target=target, extra_headers=extra, extensions=[PerMessageDeflate()])
        await stream.send_all(connection.send(offer))
        accepted: AcceptConnection | None = None
        while accepted is None:
            connection.receive_data(await stream.receive_some() or None)
            for event in connection.events():
                if isinstance(event, RejectConnection):
                    raise RefusedError(event.status_code)
                assert isinstance(event, AcceptConnection)
                accepted = event
                break
        page = Page(stream, connection)
        page.extensions = accepted.extensions
        async with trio.open_nursery() as nursery:
            if reads:
                nursery.start_soon(page.read)
            yield page
            nursery.cancel_scope.cancel()
