"""Keeps all open pages, gives one of them the control of the run, and sends messages to each."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import trio

from penstock.blocks.dashboard import as_json, encode
from penstock.samples.dashboard.style import chart_style
from penstock.samples.images.formats import EXTENSIONS
from penstock.samples.images.gui.code import code_of
from penstock.samples.images.gui.folders import FolderError, Listing
from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.model import Trouble
from penstock.samples.images.gui.picture_page import PicturePage
from penstock.samples.images.gui.presets import PRESETS
from penstock.samples.images.gui.session import MODE_LABELS, Audience, Session
from penstock.samples.images.gui.status import Status
from penstock.samples.images.settings import CHAPTER_MODES, Mode, usable_cpus

__all__ = ["GRACE", "Hub"]

GRACE = 2.0
"""Seconds after which the program ends if no page is open; in this time a page may come back or load its next file."""
_BEAT = 0.1  # seconds between two messages with bars
_CALM_BEAT = 0.5  # while modes are compared, also between two pictures, because drawing takes processor time
_STATE_EVERY = 2  # beats between two states: people cannot read numbers that change more often
_LOOK, _MOST_LOOKS = 10.0, 15  # seconds between looks; looks after which a silent page is dropped
_RELOAD = 10.0  # seconds in which a reloaded page keeps the control
_PATIENCE = 10.0  # seconds after which a page that reads nothing is dropped

_HELP = {
    Mode.SEQUENTIAL: "One image after the other, one phase after the other. The other modes are compared with it.",
    Mode.CONTROL_FLOW: "One agent per phase, with buffers between them. Phases of different images overlap.",
    Mode.DATA_FLOW: "One block per phase, linked into a line. The blocks share their workers.",
    Mode.LOAD_BALANCED: "As data flow, but several filter blocks share the slowest phase.",
    Mode.PLANNED: "Measures the phases, and puts them together in the best stages for this computer. Not for the "
    "model: a plan counts the work of processors, and phases that wait have none.",
}


def _about(mode: Mode) -> dict[str, object]:
    in_model = mode in CHAPTER_MODES
    return {"id": mode.value, "label": MODE_LABELS[mode], "help": _HELP[mode], "inModel": in_model}


class Hub(Audience):
    """Keeps the pages in the order in which they came: the first page has the control, the others only watch.

    If the first page is closed, the next one gets the control. A page that was only reloaded gets it back.

    Args:
        session: the session that the pages show.
        form: the settings that a new page starts with.
    """

    def __init__(self, session: Session, form: Form) -> None:
        self.session = session
        self.form = form
        self.pages: list[PicturePage] = []
        self._change, self._crowd_changed = trio.Event(), trio.Event()
        self._is_coming = False
        self._steered, self._steered_until = "", 0.0
        session.audience = self

    # Pages

    async def join(self, page: PicturePage) -> None:
        """Add a page that was opened."""
        if self._comes_back(page):
            self._steered = ""
            self.pages.insert(0, page)
            for other in self.pages[1:2]:
                other.say(encode("role", {"role": "viewer"}))
        else:
            self.pages.append(page)  # before the first await, so that pages stay in order
        self._tell_crowd()
        listing = as_json(await trio.to_thread.run_sync(self._start_folder, abandon_on_cancel=True))
        page.greet(self._hello(page, listing))
        live = self.session.live
        for trouble in () if live is None else live.troubles:
            page.complain(encode("error", as_json(trouble)))
        drops = self.session.pictures.drops
        if drops.count:
            page.say(encode("drop", {"count": drops.count, "open": drops.is_open}))
        page.watch(live)
        self.on_state()

    def _start_folder(self) -> Listing:
        folders = self.session.pictures.folders
        try:
            return folders.listing("")
        except FolderError:  # it is gone; the page says so when the user chooses it
            return Listing("", (), (), 0, str(folders.start))

    def leave(self, page: PicturePage) -> None:
        """Remove a page that was closed; if it had the control, the oldest of the others gets it."""
        steered = self.steers(page)
        if page in self.pages:
            self.pages.remove(page)
        self._tell_crowd()
        if steered:
            self._steered, self._steered_until = page.name, trio.current_time()
            self.session.pictures.drops.end()
        if steered and self.pages:
            self.pages[0].say(encode("role", {"role": "controller"}))

    def _comes_back(self, page: PicturePage) -> bool:
        """Whether this page had the control until it was closed a moment ago."""
        went = trio.current_time() - self._steered_until
        return bool(page.name) and page.name == self._steered and went < _RELOAD

    def set_form(self, form: Form, by: PicturePage) -> None:
        """Take the settings of the page with the control; the others show them too."""
        if form == self.form:
            return
        self.form = form
        for page in self.pages:
            if page is not by and page.is_greeted:
                page.say(encode("form", {"form": as_json(form)}))

    def steers(self, page: PicturePage) -> bool:
        """Whether this page has the control."""
        return bool(self.pages) and self.pages[0] is page

    def tell_all(self, kind: str, values: Any) -> None:
        """Send a message to every page."""
        text = encode(kind, values)
        for page in self.pages:
            if page.is_greeted:
                page.say(text)

    def _hello(self, page: PicturePage, listing: Any) -> str:
        values = {
            "role": "controller" if self.steers(page) else "viewer",
            "version": version("penstock"),
            "processors": usable_cpus(),
            "kinds": sorted(EXTENSIONS),
            "form": as_json(self.form),
            "presets": [as_json(preset) for preset in PRESETS],
            "modes": [_about(mode) for mode in Mode],
            "code": {mode.value: as_json(code_of(mode)) for mode in Mode},
            "folder": listing,
            "chart": chart_style(),
            "state": self.session.state(),
            "comparison": as_json(self.session.comparison),
        }
        return encode("hello", values)

    # What the session reports

    def on_state(self) -> None:
        """Send the state soon."""
        self._change.set()

    def on_run(self) -> None:
        """Show the new run."""
        for page in self.pages:
            page.watch(self.session.live)
        self._change.set()

    def on_picture(self) -> None:
        """Show the new picture. While modes are compared, pages get only one picture per beat."""
        if self.session.status is not Status.COMPARING:
            for page in self.pages:
                page.look()

    def on_trouble(self, trouble: Trouble) -> None:
        """Tell all pages what failed."""
        text = encode("error", as_json(trouble))
        for page in self.pages:
            if page.is_greeted:
                page.complain(text)

    def on_invalid(self, field: str, message: str) -> None:
        """Tell all pages what is wrong with a control."""
        self.tell_all("invalid", {"field": field, "message": message})

    def on_comparison(self) -> None:
        """Send the comparison."""
        self.tell_all("comparison", {"rows": as_json(self.session.comparison)})

    # Tasks

    async def beat(self) -> None:
        """Send states and bars: after each change, and several times per second while something runs."""
        beats = 0
        while True:
            status = self.session.status
            if status is Status.IDLE:
                await self._change.wait()
            else:
                with trio.move_on_after(_CALM_BEAT if status is Status.COMPARING else _BEAT):
                    await self._change.wait()
            beats += 1
            with_state = self._change.is_set() or status is Status.COMPARING or beats % _STATE_EVERY == 0
            self._change = trio.Event()
            self._publish(with_state)
            self._drop_sleepers()

    def _publish(self, with_state: bool) -> None:
        if self.pages:
            live = self.session.live
            if live is not None:
                live.collect()
            text = encode("state", self.session.state()) if with_state else None
            for page in self.pages:
                page.show(text, None if live is None else live.timeline)
                page.look()

    def _drop_sleepers(self) -> None:
        now = trio.current_time()
        for page in list(self.pages):
            since = page.channel.sending_since
            if since is not None and now - since > _PATIENCE:
                page.drop()

    async def drop_the_silent(self) -> None:
        """Drop pages whose machine sleeps or has lost the network: they are gone, but were not closed.

        Every page sends messages from time to time, hidden pages only seldom. Looks are counted instead of seconds,
        because this machine may have slept too. The last page is never dropped, because browsers may put hidden pages
        to sleep.
        """
        while True:
            await trio.sleep(_LOOK)
            for page in list(self.pages):
                page.silence += 1
                if page.silence > _MOST_LOOKS and len(self.pages) > 1:
                    page.drop()
                    self.leave(page)

    def stir(self) -> None:
        """Note that a file of the page was requested: a page is about to open."""
        self._is_coming = True
        self._tell_crowd()

    async def end_when_left(self) -> None:
        """End the session if the last page was closed and none is opened in time."""
        await self._wait_for(lambda: bool(self.pages))
        while True:
            await self._wait_for(lambda: not self.pages)
            self._is_coming = False
            with trio.move_on_after(GRACE) as waiting:
                await self._wait_for(lambda: bool(self.pages) or self._is_coming)
            if waiting.cancelled_caught:
                self.session.quit("the last page was closed")
                return

    async def _wait_for(self, is_so: Any) -> None:
        while not is_so():
            await self._crowd_changed.wait()

    def _tell_crowd(self) -> None:
        self._crowd_changed.set()
        self._crowd_changed = trio.Event()  # several tasks may wait

    async def say_goodbye(self, reason: str) -> None:
        """Tell the pages that the program ends, and wait up to a second until they have closed."""
        self.tell_all("bye", {"reason": reason})
        for page in self.pages:
            page.close()
        with trio.move_on_after(1):
            await self._wait_for(lambda: not self.pages)
