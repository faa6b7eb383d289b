"""Serves an application with Hypercorn, in the loop that the network runs in."""

# Hypercorn's own `serve` shields its sends from cancellation, so a page that has stopped reading could keep the program
# from ending. Therefore connections are accepted and closed here. Hypercorn also compresses all messages if the browser
# accepts it, and has no option to switch that off. JPEGs get no smaller, and each would hold the loop for milliseconds.

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

__all__ = ["Server"]

_log = logging.getLogger("penstock")
_MOST_CONNECTIONS = 200
"""The most connections. A browser opens up to six, and the program needs file descriptors for other uses too."""
_MOST_STRANGERS = 50
"""The most connections without an accepted request; a new one replaces the oldest."""


class _NoDeflate(PerMessageDeflate):
    """Declines every offer to compress."""

    def accept(self, offer: str) -> None:
        """Do not compress."""


ws_stream.PerMessageDeflate = _NoDeflate  # type: ignore[attr-defined]


class Server:
    """Accepts connections and lets Hypercorn serve them.

    A connection is a stranger until one of its requests was let in. There may be a few strangers, and a new one
    replaces the oldest. So clients that only connect cannot exhaust the file descriptors or lock others out.
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
            except Exception:  # one client must not end the service for the others
                _log.exception("a connection of the page ended badly")
            finally:
                if self._streams.get(client) is stream:
                    del self._streams[client]
                if self._strangers.get(client) is scope:
                    del self._strangers[client]

        await trio.serve_listeners(serve_one, [trio.SocketListener(trio.socket.from_stdlib_socket(listener))])

    def let_in(self, client: tuple[str, int]) -> None:
        """Keep the connection of a client: one of its requests was let in."""
        self._strangers.pop(client, None)

    def _make_place(self) -> bool:
        """Make room for one more connection, if need be by closing a stranger; return whether there is room."""
        is_full = len(self._streams) >= _MOST_CONNECTIONS
        if self._strangers and (is_full or len(self._strangers) >= _MOST_STRANGERS):
            oldest = next(iter(self._strangers))
            self.drop(oldest)
            self._strangers.pop(oldest).cancel()  # or Hypercorn would wait for a request first
            del self._streams[oldest]
            return True
        return not is_full

    def drop(self, client: tuple[str, int]) -> None:
        """End the connection of a client at once."""
        stream = self._streams.get(client)
        if stream is not None:
            stream.socket.close()

    def drop_all(self) -> None:
        """End all connections."""
        for client in list(self._streams):
            self.drop(client)


def _keep_alive(stream: trio.SocketStream) -> None:
    """Let the system detect within two minutes that the other machine is gone."""
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
