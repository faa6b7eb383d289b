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

from penstock.blocks.dashboard import DASHBOARD_FILES, Channel, PageFiles
from penstock.samples.images.gui.commands import Commands
from penstock.samples.images.gui.hub import Hub
from penstock.samples.images.gui.picture_page import PicturePage
from penstock.samples.images.gui.uploads import DropError

__all__ = ["make_app"]

_MAX_SECONDS = 600  # for one dropped file
_PAGE_FILES = PageFiles(Path(__file__).parent / "page")
_NUMBER = re.compile(r"[0-9]{1,18}")
Drop = Callable[[tuple[str, int]], None]
"""A function that ends the connection of a client at once."""


def make_app(hub: Hub, drop: Drop) -> Starlette:
    """Return the application. It answers every request; the guard before it must refuse requests of strangers."""
    web = _Web(hub, drop)
    return Starlette(
        routes=[
            Route("/", web.index),
            Route("/page/{name}", web.file),
            Route("/dashboard/{name}", web.dashboard_file),
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
        return await self._file(_PAGE_FILES, "index.html")

    async def file(self, request: Request) -> Response:
        return await self._file(_PAGE_FILES, request.path_params["name"])

    async def dashboard_file(self, request: Request) -> Response:
        return await self._file(DASHBOARD_FILES, request.path_params["name"])

    async def _file(self, files: PageFiles, name: str) -> Response:
        self._hub.stir()
        found = await files.read(name)
        if found is None:
            return Response(status_code=404)
        content, kind = found
        return Response(content, headers={"content-type": kind})

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
        """Serve one page until it is closed or the program ends."""
        await websocket.accept()
        client = websocket.client
        address = ("", 0) if client is None else (client.host, client.port)
        name = websocket.query_params.get("name", "")[:100]
        page = PicturePage(Channel(websocket.send_text, websocket.send_bytes), lambda: self._drop(address), name)
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
    """Carry out the commands of the page until it is closed."""
    try:
        while True:
            message = await websocket.receive()
            if message["type"] == "websocket.disconnect":
                break
            commands.take(message.get("text") or "")
    finally:
        scope.cancel()
