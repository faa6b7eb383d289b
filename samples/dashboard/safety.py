"""Lets a request in only if it has the token, uses a name of this machine, and comes from a page of this server."""

# Another page in the same browser can send requests to this server, even under a host name of its own that points to
# this machine. But it does not know the token, its host name is not ours, and its origin differs from the host of the
# request. A forwarded port has another number on the other side, so any port is accepted.

from __future__ import annotations

import ipaddress
import secrets
import socket
from collections.abc import Callable, Iterable

import attrs
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "Rules", "new_token"]

_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; connect-src 'self' {ws}; "
    "object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def new_token() -> str:
    """Return a random token that nobody can guess."""
    return secrets.token_urlsafe(24)


@attrs.frozen
class Rules:
    """Decides which requests are let in.

    Args:
        token: the first part of each path.
        host: the address that the server listens at.
    """

    token: str = attrs.field(repr=False)
    host: str = "127.0.0.1"

    def problem(self, path: str, method: str, hosts: Iterable[str], origins: Iterable[str]) -> int | None:
        """Return the HTTP status for refusing a request; None if it may be let in.

        Args:
            path: the path, with the token.
            method: the HTTP method, or "WEBSOCKET".
            hosts: the `Host` headers; there must be one.
            origins: the `Origin` headers; a request that changes anything must have one.
        """
        match list(hosts):
            case [host] if self.knows(host):
                pass
            case _:
                return 421  # misdirected request
        _, _, rest = path.partition("/")
        token, slash, _ = rest.partition("/")
        if not slash or not secrets.compare_digest(token.encode("utf-8", "replace"), self.token.encode()):
            return 404
        if method not in ("GET", "HEAD") and list(origins) not in ([f"http://{host}"], [f"https://{host}"]):
            return 403
        return None

    def knows(self, host: str) -> bool:
        """Whether a `Host` header is a name of this server."""
        name = _name_of(host)
        if name in _LOOPBACK or name == self.host.lower():
            return True
        if self.host in _LOOPBACK:
            return False
        return name == socket.gethostname().lower() or _is_address(name)


def _name_of(host: str) -> str:
    """Return a host without its port."""
    name, _, port = host.rpartition(":")
    name = name if name and port.isdigit() and not (":" in name and not name.startswith("[")) else host
    return name.removeprefix("[").removesuffix("]").lower()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


class Guard:
    """Refuses requests that the rules do not let in, and tells browsers to be strict.

    Args:
        app: gets the requests that are let in; the token is removed from their paths.
        rules: the rules.
        let_in: called with the address of each client whose request is let in.
    """

    def __init__(self, app: ASGIApp, rules: Rules, let_in: Callable[[tuple[str, int]], None]) -> None:
        self._app, self._rules, self._let_in = app, rules, let_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        hosts = [value for name, value in headers if name == "host"]
        origins = [value for name, value in headers if name == "origin"]
        method = scope.get("method", "WEBSOCKET")
        problem = self._rules.problem(scope["path"], method, hosts, origins)
        if problem is not None:
            await _refuse(scope, receive, send, problem)
            return
        if scope.get("client"):
            self._let_in((scope["client"][0], scope["client"][1]))
        host = hosts[0]
        path = scope["path"].removeprefix(f"/{self._rules.token}")

        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", []), *_strict_headers(host)]}
            await send(message)

        inside = {**scope, "path": path, "raw_path": path.encode()}
        await self._app(inside, receive, strict if scope["type"] == "http" else send)


def _strict_headers(host: str) -> list[tuple[bytes, bytes]]:
    headers = {
        "content-security-policy": _POLICY.format(ws=f"ws://{host}"),
        "referrer-policy": "no-referrer",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        "cross-origin-opener-policy": "same-origin",
        "cache-control": "no-store",
    }
    return [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int) -> None:
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    if scope["type"] == "websocket":
        await receive()
    body = {403: b"wrong origin", 404: b"not found", 421: b"wrong host"}[status]
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
