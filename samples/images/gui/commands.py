"""Turns each message of a page into a command for the session, or answers what is wrong with it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import trio

from penstock.blocks.dashboard import as_json, encode
from penstock.samples.images.gui.folders import FolderError
from penstock.samples.images.gui.forms import Form, Invalid, check_form
from penstock.samples.images.gui.hub import Hub
from penstock.samples.images.gui.picture_page import PicturePage
from penstock.samples.images.gui.status import Status

__all__ = ["Commands"]

_MAX_WAITING = 100
_FOR_ALL = ("more", "visible", "here")
_Command = Callable[[Mapping[str, object]], None]
_SlowCommand = Callable[[Mapping[str, object]], Awaitable[None]]


class Commands:
    """Carries out the commands of one page.

    Args:
        hub: all pages.
        page: the page.
    """

    def __init__(self, hub: Hub, page: PicturePage) -> None:
        self._hub, self._page, self._session = hub, page, hub.session
        self._known: dict[str, _Command] = {
            "more": self._more,
            "visible": self._visible,
            "here": self._here,
            "stop": self._stop,
            "quit": self._quit,
            "drop-end": self._drop_end,
        }
        self._slow: dict[str, _SlowCommand] = {
            "start": self._start,
            "compare": self._compare,
            "check": self._check,
            "list": self._list,
            "drop-begin": self._drop_begin,
        }
        self._waiting = deque[tuple[str, Mapping[str, object]]](maxlen=_MAX_WAITING)
        self._news = trio.Event()

    def take(self, text: str) -> None:
        """Carry out the command in a message, or leave it to `work` if it needs the disk. Answer a wrong message."""
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
        if not isinstance(kind, str) or kind not in (*self._known, *self._slow):
            self._invalid("message", f"message: expected a known type, got {str(kind)[:60]!r}")
        elif kind not in _FOR_ALL and not self._hub.steers(self._page):
            self._invalid("role", "role: this page only watches; another page controls the run")
        elif kind in self._known:
            self._known[kind](values)
        else:
            if kind == "check" and self._waiting and self._waiting[-1][0] == "check":
                self._waiting.pop()  # only the newest form matters
            self._waiting.append((kind, values))
            self._news.set()

    async def work(self) -> None:
        """Carry out the commands that need the disk, one after the other, so that others need not wait for the disk."""
        while True:
            self._news = trio.Event()
            if not self._waiting:
                await self._news.wait()
                continue
            kind, values = self._waiting.popleft()
            try:
                await self._slow[kind](values)
            except OSError as error:  # the temporary folder is gone, or the disk is full
                field = kind.partition("-")[0]
                self._invalid(field, f"{field}: {error}")

    def _invalid(self, field: str, message: str) -> None:
        self._page.say(encode("invalid", {"field": field, "message": message}))

    def _more(self, values: Mapping[str, object]) -> None:
        number = values.get("pictures")
        self._page.more(number if isinstance(number, int) else 0)

    def _visible(self, values: Mapping[str, object]) -> None:
        self._page.is_visible = values.get("yes") is not False
        self._page.look()

    def _here(self, values: Mapping[str, object]) -> None:
        del values  # the message only shows that the page is still there

    async def _start(self, values: Mapping[str, object]) -> None:
        await self._begin(values, "start", self._session.start)

    async def _compare(self, values: Mapping[str, object]) -> None:
        await self._begin(values, "compare", self._session.compare)

    async def _begin(self, values: Mapping[str, object], what: str, command: Callable[[Form], bool]) -> None:
        form = await self._checked(values.get("form"))
        if form is not None and not command(form):
            self._invalid(what, f"{what}: expected that nothing runs, but the session is {self._status}")

    def _stop(self, values: Mapping[str, object]) -> None:
        del values
        if not self._session.stop():
            self._invalid("stop", f"stop: expected a run in progress, but the session is {self._status}")

    def _quit(self, values: Mapping[str, object]) -> None:
        del values
        self._session.quit("Quit was chosen")

    async def _check(self, values: Mapping[str, object]) -> None:
        await self._checked(values.get("form"))

    async def _checked(self, given: object) -> Form | None:
        """Return the form of the page; if something is wrong with it, tell the page and return None."""
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
            found: Any = await trio.to_thread.run_sync(listing, abandon_on_cancel=True)
        except FolderError as error:
            self._invalid("folder", str(error))
        else:
            self._page.say(encode("folder", as_json(found)))

    async def _drop_begin(self, values: Mapping[str, object]) -> None:
        del values
        if self._session.status is not Status.IDLE:
            self._invalid("drop", "drop: expected that nothing runs; wait for the end, or press Stop")
            return
        await self._session.pictures.drops.begin()
        self._tell_drops()

    def _drop_end(self, values: Mapping[str, object]) -> None:
        del values
        self._session.pictures.drops.end()
        self._tell_drops()

    def _tell_drops(self) -> None:
        drops = self._session.pictures.drops
        self._hub.tell_all("drop", {"count": drops.count, "open": drops.is_open})

    @property
    def _status(self) -> str:
        return self._session.status.value
