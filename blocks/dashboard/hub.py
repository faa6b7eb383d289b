"""Keeps the scenes of all networks and the open pages, and sends each page what it shows; all in one thread.

A network is looked at only while a page shows it, a few times per second, and less often if a look takes long.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import thread_time
from typing import Any

import trio

from ..base.loop_token import LoopToken, loop_token
from ..base.version import __version__
from ..charts.live_chart import LiveChart
from ..recording.recording import Recording
from .messages import as_json, encode
from .page_link import Channel, PageLink
from .scene import Ending, Scene, Trouble
from .server import Send
from .subject import Look, Subject

INTERVAL = 0.25
"""Seconds from one look to the next, at least."""
SHARE = 0.03
"""Looking, and sending what was seen, may take up to this share of the time of a processor."""
PATIENCE = 1.0
"""Seconds after which pages are told that a loop does not answer."""
MOST_ENDED = 20
"""Up to this many networks that have ended are kept."""
BYE = encode("bye")
FAREWELL = 1.0
"""Seconds in which pages get what is still to be sent when the dashboard ends."""


class Viewer:
    """An open page.

    Attributes:
        link: Sends messages to the page.
        wanted: The number of the network that it shows; None for the one that has started last.
    """

    def __init__(self, link: PageLink, wanted: int | None) -> None:
        self.link = link
        self.wanted = wanted


class Hub:
    """Keeps networks and pages.

    Attributes:
        loop: The loop of the thread in which everything here happens.
    """

    def __init__(self) -> None:
        self.loop: LoopToken = loop_token()
        self._scenes: dict[int, Scene] = {}
        self._viewers: dict[Viewer, None] = {}
        self._change = trio.Event()
        self._end = trio.Event()
        self._nursery: trio.Nursery

    async def run(self, begun: Callable[[], object]) -> None:
        """Look at the networks that are shown, until `end`; then send what is still to be sent.

        Args:
            begun: Called when networks can be added.
        """
        async with trio.open_nursery() as self._nursery:
            begun()
            await self._end.wait()
            for viewer in self._viewers:
                viewer.link.close(BYE)
            with trio.move_on_after(FAREWELL):
                while self._viewers:
                    await self._change.wait()
            self._nursery.cancel_scope.cancel()

    # Networks; called through `loop`

    def add(self, subject: Subject) -> None:
        """A network has started."""
        if self._end.is_set() or subject.number in self._scenes:
            return
        scene = Scene(subject.number, subject.name, subject.recording)
        self._keep(scene)
        self._nursery.start_soon(self._follow, scene, subject)

    def add_running(self, subject: Subject) -> None:
        """A network runs already; it may have ended meanwhile."""
        if not subject.has_ended:
            self.add(subject)

    def add_recording(self, number: int, recording: Recording) -> None:
        """Show a recording instead of a network."""
        scene = Scene(number, recording.network or "recording", recording)
        scene.show_recording(recording)
        self._keep(scene)
        self._publish(scene, list(scene.troubles))

    def _keep(self, scene: Scene) -> None:
        """Keep a scene, and forget the oldest ones of networks that have ended."""
        ended = [one.number for one in self._scenes.values() if not one.is_running]
        for number in ended[:-MOST_ENDED]:
            del self._scenes[number]
        self._scenes[scene.number] = scene
        self._tell_networks()

    def finish(self, subject: Subject, look: Look, ending: Ending) -> None:
        """A network has ended."""
        scene = self._scenes.get(subject.number)
        if scene is not None:
            self._publish(scene, scene.end(look.report, ending, look.failures))
            self._tell_networks()

    def end(self) -> None:
        """End soon."""
        self._end.set()

    # Pages

    async def talk(self, query: Mapping[str, str], send: Send) -> None:
        """Send a page what it shows, until the dashboard ends or the page is closed."""
        number = query.get("network", "")
        viewer = Viewer(PageLink(Channel(send)), int(number) if number.isdecimal() else None)
        link = viewer.link
        link.greet(encode("hello", {"chart": as_json(LiveChart.style), "version": __version__}))
        link.say(self._networks())
        if self._end.is_set():
            link.close(BYE)
        self._viewers[viewer] = None
        try:
            self._show(viewer)
            self._changed()
            await link.send_texts()
        finally:
            del self._viewers[viewer]
            self._changed()

    def _scene_of(self, viewer: Viewer) -> Scene | None:
        """The scene that a page shows; None if there is none yet."""
        newest = next(reversed(self._scenes.values()), None)
        return newest if viewer.wanted is None else self._scenes.get(viewer.wanted, newest)

    def _show(self, viewer: Viewer) -> None:
        """Send a page all that it shows."""
        scene = self._scene_of(viewer)
        if scene is not None:
            for trouble in scene.troubles:
                viewer.link.complain(encode("error", as_json(trouble)))
            viewer.link.show(scene.state(), scene.timeline)

    def _publish(self, scene: Scene, troubles: list[Trouble]) -> None:
        """Send the pages that show a scene what is new there."""
        viewers = self._viewers_of(scene)
        text = scene.state() if viewers else None
        for viewer in viewers:
            for trouble in troubles:
                viewer.link.complain(encode("error", as_json(trouble)))
            viewer.link.show(text, scene.timeline)

    def _viewers_of(self, scene: Scene) -> list[Viewer]:
        return [viewer for viewer in self._viewers if self._scene_of(viewer) is scene]

    def _networks(self) -> str:
        rows: list[Any] = [{"run": one.number, "name": one.name, "how": one.how} for one in self._scenes.values()]
        return encode("networks", {"rows": rows})

    def _tell_networks(self) -> None:
        """Tell all pages which networks there are; some may show another one now."""
        text = self._networks()
        for viewer in self._viewers:
            viewer.link.say(text)
        self._changed()

    def _changed(self) -> None:
        self._change.set()
        self._change = trio.Event()  # several tasks may wait

    # Looking

    async def _follow(self, scene: Scene, subject: Subject) -> None:
        """Look at a network while a page shows it."""
        while scene.is_running:
            if not self._viewers_of(scene):
                await self._change.wait()
                continue
            before = thread_time()
            look = await self._look(scene, subject)
            if look is None:
                return
            if look.report is not None and scene.is_running:
                self._publish(scene, scene.take(look.report, look.failures))
            elif look.failures:  # the network has ended just after the look, which alone has these failures
                self._publish(scene, scene.note(look.failures))
            await trio.sleep(max(INTERVAL, (look.cost + thread_time() - before) / SHARE))

    async def _look(self, scene: Scene, subject: Subject) -> Look | None:
        """Look at a network; tell the pages if its loop does not answer. None if it has ended."""
        send, receive = trio.open_memory_channel[Look](1)
        if not subject.ask(self.loop, send.send_nowait):
            return None
        asked = trio.current_time()
        while True:
            with trio.move_on_after(PATIENCE):
                return await receive.receive()
            if not scene.is_running:
                return None
            scene.late = trio.current_time() - asked
            self._publish(scene, [])
