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
    """Accepts connections and has Hypercorn serve them."""

    def __init__(self) -> None:
        self._streams: dict[tuple[str, int], trio.SocketStream] = {}
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
            if len(self._streams) >= _MOST_CONNECTIONS:  # a browser has six; files must be left for the pipeline
                await stream.aclose()
                return
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _keep_alive(stream)
            client = _address(stream)
            self._streams[client] = stream
            try:
                await TCPServer(wrapped, self._config, context, ConnectionState({}), stream)  # type: ignore[arg-type]  # has no SSL
            except Exception:  # whatever a client does, the others are served on
                _log.exception("a connection of the page ended badly")
            finally:
                self._streams.pop(client, None)

        await trio.serve_listeners(serve_one, [trio.SocketListener(trio.socket.from_stdlib_socket(listener))])

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
