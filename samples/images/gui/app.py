"""The web application: the page, its files, the thumbnails, dropped files, and the WebSocket."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import trio
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from penstock.samples.images.gui.commands import Commands
from penstock.samples.images.gui.hub import Hub
from penstock.samples.images.gui.page_link import Channel, PageLink
from penstock.samples.images.gui.uploads import DropError

__all__ = ["make_app"]

_MAX_SECONDS = 600  # for one dropped file
_PAGE = Path(__file__).parent / "page"
_KINDS = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
_FILE_NAME = re.compile(r"[a-z0-9][a-z0-9_-]*(\.[a-z]+)+")
_NUMBER = re.compile(r"[0-9]{1,18}")
Drop = Callable[[tuple[str, int]], None]
"""Ends the connection of a client, whatever waits in it."""


def make_app(hub: Hub, drop: Drop) -> Starlette:
    """Return the application; who is let in is not its concern."""
    web = _Web(hub, drop)
    return Starlette(
        routes=[
            Route("/", web.index),
            Route("/page/{name}", web.file),
            Route("/drop", web.drop, methods=["POST"]),
            Route("/thumbnail/{run}/{sequence}", web.thumbnail),
            WebSocketRoute("/ws", web.talk),
        ]
    )


class _Web:
    def __init__(self, hub: Hub, drop: Drop) -> None:
        self._hub, self._drop = hub, drop

    async def index(self, request: Request) -> Response:
        del request
        self._hub.stir()
        return await _file("index.html")

    async def file(self, request: Request) -> Response:
        self._hub.stir()
        return await _file(request.path_params["name"])

    async def thumbnail(self, request: Request) -> Response:
        live = self._hub.session.live
        run, sequence = request.path_params["run"], request.path_params["sequence"]
        if live is None or str(live.number) != run or not _NUMBER.fullmatch(sequence):
            return Response(status_code=404)
        file = live.thumbnails.get(int(sequence))
        try:
            data = None if file is None else await trio.Path(file).read_bytes()
        except OSError:
            data = None
        return Response(status_code=404) if data is None else Response(data, media_type="image/jpeg")

    async def drop(self, request: Request) -> Response:
        drops = self._hub.session.pictures.drops
        try:
            with trio.fail_after(_MAX_SECONDS):
                count = await drops.add(request.query_params.get("name", ""), request.stream())
        except trio.TooSlowError:
            return JSONResponse({"error": f"drop: expected the file within {_MAX_SECONDS} s"}, status_code=408)
        except DropError as error:
            return JSONResponse({"error": str(error)}, status_code=error.status, headers={"connection": "close"})
        except ClientDisconnect:
            return Response(status_code=400)
        except OSError as error:
            return JSONResponse({"error": f"drop: cannot keep the file: {error.strerror}"}, status_code=507)
        return JSONResponse({"ok": True, "count": count})

    async def talk(self, websocket: WebSocket) -> None:
        """Serve one page until it is closed, or the program ends."""
        await websocket.accept()
        client = websocket.client
        address = ("", 0) if client is None else (client.host, client.port)
        name = websocket.query_params.get("name", "")[:100]
        page = PageLink(Channel(websocket.send_text, websocket.send_bytes), lambda: self._drop(address), name)
        commands = Commands(self._hub, page)
        try:
            await self._hub.join(page)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(page.send_pictures)
                nursery.start_soon(_listen, websocket, commands, nursery.cancel_scope)
                nursery.start_soon(commands.work)
                await page.send_texts()
                await websocket.close(1001, "the program ends")
                nursery.cancel_scope.cancel()
        except* WebSocketDisconnect:
            pass
        finally:
            self._hub.leave(page)


async def _listen(websocket: WebSocket, commands: Commands, scope: trio.CancelScope) -> None:
    """Do what the page asks for, until it is closed."""
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                break
            commands.take(message.get("text") or "")
    finally:
        scope.cancel()


async def _file(name: str) -> Response:
    """Return one of the files of the page; there are no others."""
    kind = _KINDS.get(Path(name).suffix)
    if kind is None or not _FILE_NAME.fullmatch(name):
        return Response(status_code=404)
    try:
        data = await trio.Path(_PAGE / name).read_bytes()
    except OSError:
        return Response(status_code=404)
    return Response(data, headers={"content-type": kind})
