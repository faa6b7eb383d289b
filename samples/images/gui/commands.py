"""What a page may ask for: each message becomes a command for the session, or an answer."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import trio

from penstock.samples.images.gui.folders import FolderError
from penstock.samples.images.gui.forms import Form, Invalid, check_form
from penstock.samples.images.gui.hub import Hub
from penstock.samples.images.gui.model import as_json
from penstock.samples.images.gui.page_link import PageLink, encode
from penstock.samples.images.gui.status import Status

__all__ = ["Commands"]

_FOR_ALL = ("more", "visible", "here")


class Commands:
    """Does what one page asks for.

    Args:
        hub: all pages.
        page: the one that asks.
    """

    def __init__(self, hub: Hub, page: PageLink) -> None:
        self._hub, self._page, self._session = hub, page, hub.session
        self._known: dict[str, Callable[[Mapping[str, object]], Awaitable[None]]] = {
            "more": self._more,
            "visible": self._visible,
            "here": self._here,
            "start": self._start,
            "compare": self._compare,
            "stop": self._stop,
            "quit": self._quit,
            "check": self._check,
            "list": self._list,
            "drop-begin": self._drop_begin,
            "drop-end": self._drop_end,
        }

    async def take(self, text: str) -> None:
        """Do what a message says; whatever is wrong with it is answered."""
        self._page.silence = 0
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict):
            self._invalid("message", "message: expected a JSON object with a type")
            return
        values = cast("dict[str, object]", message)
        kind = values.get("type")
        command = self._known.get(kind) if isinstance(kind, str) else None
        if command is None:
            self._invalid("message", f"message: expected a type that is known, got {str(kind)[:60]!r}")
        elif kind not in _FOR_ALL and not self._hub.steers(self._page):
            self._invalid("role", "role: this page looks on; another page steers the run")
        else:
            try:
                await command(values)
            except OSError as error:  # a temporary folder that is gone, or full
                field = str(kind).partition("-")[0]
                self._invalid(field, f"{field}: {error}")

    def _invalid(self, field: str, message: str) -> None:
        self._page.say(encode("invalid", {"field": field, "message": message}))

    async def _more(self, values: Mapping[str, object]) -> None:
        number = values.get("pictures")
        self._page.more(number if isinstance(number, int) else 0)

    async def _visible(self, values: Mapping[str, object]) -> None:
        self._page.is_visible = values.get("yes") is not False
        self._page.look()

    async def _here(self, values: Mapping[str, object]) -> None:
        del values  # that it came is all that counts

    async def _start(self, values: Mapping[str, object]) -> None:
        await self._begin(values, "start", self._session.start)

    async def _compare(self, values: Mapping[str, object]) -> None:
        await self._begin(values, "compare", self._session.compare)

    async def _begin(self, values: Mapping[str, object], what: str, command: Callable[[Form], bool]) -> None:
        form = await self._checked(values.get("form"))
        if form is not None and not command(form):
            self._invalid(what, f"{what}: expected nothing to be running, but the session is {self._status}")

    async def _stop(self, values: Mapping[str, object]) -> None:
        del values
        if not self._session.stop():
            self._invalid("stop", f"stop: expected something to be running, but the session is {self._status}")

    async def _quit(self, values: Mapping[str, object]) -> None:
        del values
        self._session.quit("somebody chose Quit")

    async def _check(self, values: Mapping[str, object]) -> None:
        await self._checked(values.get("form"))

    async def _checked(self, given: object) -> Form | None:
        """Return the form if there is nothing wrong with it; say what is, or that nothing is."""
        form, wrong = check_form(given, self._hub.form)
        if not any(one.field == "folder" for one in wrong):
            problem = await self._session.pictures.problem(form)
            wrong += [] if problem is None else [Invalid("folder", problem)]
        self._page.say(encode("valid", {"field": "*"}))
        for one in wrong:
            self._invalid(one.field, one.message)
        if wrong:
            return None
        self._hub.set_form(form, self._page)
        return form

    async def _list(self, values: Mapping[str, object]) -> None:
        path = values.get("path")
        listing = self._session.pictures.listing(path if isinstance(path, str) else "")
        try:
            found: Any = await trio.to_thread.run_sync(listing)
        except FolderError as error:
            self._invalid("folder", str(error))
        else:
            self._page.say(encode("folder", as_json(found)))

    async def _drop_begin(self, values: Mapping[str, object]) -> None:
        del values
        if self._session.status is not Status.IDLE:
            self._invalid("drop", "drop: expected nothing to be running; wait for the end, or press Stop")
            return
        await self._session.pictures.drops.begin()
        self._tell_drops()

    async def _drop_end(self, values: Mapping[str, object]) -> None:
        del values
        self._session.pictures.drops.end()
        self._tell_drops()

    def _tell_drops(self) -> None:
        drops = self._session.pictures.drops
        self._hub.tell_all("drop", {"count": drops.count, "open": drops.is_open})

    @property
    def _status(self) -> str:
        return self._session.status.value
