"""Serves the application with Hypercorn, in the loop that the pipelines run in."""

# Hypercorn's own `serve` shields what it sends from being cancelled: a page that has stopped reading could keep the
# program from ending. So the connections are accepted here, and can be closed from here. And it compresses for every
# browser that offers to inflate, which cannot be told to it: thumbnails get no smaller by that, and the loop would
# stand still for milliseconds with each.

from __future__ import annotations

import logging
import socket

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.protocol import ws_stream
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ASGIFramework, ConnectionState
from wsproto.extensions import PerMessageDeflate

__all__ = ["Server", "UnusableAddressError", "open_socket"]

_log = logging.getLogger("penstock")
_MOST_CONNECTIONS = 200
"""A browser has six; files must be left for the pipeline."""
_MOST_STRANGERS = 50
"""Connections on which nothing was asked for that may be had: the one that has been silent longest makes place."""


class _NoDeflate(PerMessageDeflate):
    """Declines every offer."""

    def accept(self, offer: str) -> None:
        """Do not compress."""


ws_stream.PerMessageDeflate = _NoDeflate  # type: ignore[attr-defined]


class UnusableAddressError(Exception):
    """Nothing can be served there; the message says why, on one line."""


def open_socket(host: str, port: int) -> socket.socket:
    """Listen at an address; port 0 takes any that is free.

    Raises:
        UnusableAddressError: that cannot be done.
    """
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.create_server((host, port), family=family)
    except (OSError, OverflowError, UnicodeError) as error:
        raise UnusableAddressError(f"cannot serve at {host} port {port}: {error}") from None
    listener.setblocking(False)
    return listener


class Server:
    """Accepts connections and has Hypercorn serve them.

    A connection is a stranger until a request on it was let in. There is place for few strangers, and a newcomer takes
    that of the oldest: so those who only connect, however many, neither use up the files nor lock anybody out.
    """

    def __init__(self) -> None:
        self._streams: dict[tuple[str, int], trio.SocketStream] = {}
        self._strangers: dict[tuple[str, int], trio.CancelScope] = {}  # the oldest first
        self._config = Config()
        self._config.errorlog = _log
        self._config.accesslog = None
        self._config.include_server_header = False
        self._config.alpn_protocols = ["http/1.1"]
        self._config.websocket_max_message_size = 64 * 1024
        self._config.keep_alive_timeout = 10

    async def serve(self, app: ASGIFramework, listener: socket.socket) -> None:
        """Serve until cancelled."""
        wrapped, context = ASGIWrapper(app), WorkerContext(None)

        async def serve_one(stream: trio.SocketStream) -> None:
            if not self._make_place():
                await stream.aclose()
                return
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _keep_alive(stream)
            client = _address(stream)
            self._streams[client] = stream
            scope = self._strangers[client] = trio.CancelScope()
            try:
                with scope:
                    await TCPServer(wrapped, self._config, context, ConnectionState({}), stream)  # type: ignore[arg-type]  # has no SSL
            except Exception:  # whatever a client does, the others are served on
                _log.exception("a connection of the page ended badly")
            finally:
                if self._streams.get(client) is stream:
                    del self._streams[client]
                if self._strangers.get(client) is scope:
                    del self._strangers[client]

        await trio.serve_listeners(serve_one, [trio.SocketListener(trio.socket.from_stdlib_socket(listener))])

    def let_in(self, client: tuple[str, int]) -> None:
        """A request of a client is allowed: its connection stays."""
        self._strangers.pop(client, None)

    def _make_place(self) -> bool:
        """Make place for one more connection, at the cost of a stranger; give whether there is any."""
        is_full = len(self._streams) >= _MOST_CONNECTIONS
        if self._strangers and (is_full or len(self._strangers) >= _MOST_STRANGERS):
            oldest = next(iter(self._strangers))
            self.drop(oldest)
            self._strangers.pop(oldest).cancel()  # or Hypercorn would wait for a request first
            del self._streams[oldest]
            return True
        return not is_full

    def drop(self, client: tuple[str, int]) -> None:
        """End the connection of a client, whatever waits in it."""
        stream = self._streams.get(client)
        if stream is not None:
            stream.socket.close()

    def drop_all(self) -> None:
        """End all connections."""
        for client in list(self._streams):
            self.drop(client)


def _keep_alive(stream: trio.SocketStream) -> None:
    """Have the system find out within two minutes that the other machine is no longer there."""
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, name):
            stream.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


def _address(stream: trio.SocketStream) -> tuple[str, int]:
    try:
        host, port, *_ = stream.socket.getpeername()
    except OSError:  # it has gone already
        return "", id(stream)
    return str(host), int(port)
