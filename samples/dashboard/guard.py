"""Refuses requests that the rules of a page do not let in."""

from __future__ import annotations

from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from penstock.blocks.dashboard import Rules, strict_headers

__all__ = ["Guard"]


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
    return [(name.encode(), value.encode("latin-1")) for name, value in strict_headers(host).items()]


async def _refuse(scope: Scope, receive: Receive, send: Send, status: int) -> None:
    kind = "http.response" if scope["type"] == "http" else "websocket.http.response"
    if scope["type"] == "websocket":
        await receive()
    body = {403: b"wrong origin", 404: b"not found", 421: b"wrong host"}[status]
    headers = [(b"content-type", b"text/plain"), (b"content-length", str(len(body)).encode())]
    await send({"type": f"{kind}.start", "status": status, "headers": headers})
    await send({"type": f"{kind}.body", "body": body})
