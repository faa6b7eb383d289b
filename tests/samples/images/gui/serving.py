"""The program, served on a port of this machine inside the test."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import numpy as np
import trio
from PIL import Image

from penstock.blocks.dashboard import Rules, new_token, open_socket
from penstock.samples.images.gui.folders import Folders
from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.hub import Hub
from penstock.samples.images.gui.program import serve_session
from penstock.samples.images.gui.session import Session
from penstock.samples.images.gui.source import Pictures
from penstock.samples.images.gui.uploads import Drops
from tests.samples.images.gui.browser_stand_in import JsonDict, Page, Site

SMALL = Form(folder="", size=(64, 48), noise=8.0, workers=2)


@attrs.frozen
class Program:
    """What runs."""

    site: Site
    session: Session
    hub: Hub
    root: Path
    ended: trio.Event

    async def wait(self, is_so: Callable[[], bool]) -> None:
        """Wait until something is so."""
        with trio.fail_after(60):
            while not is_so():  # noqa: ASYNC110  # what it waits for has no event of its own
                await trio.sleep(0.005)

    async def end(self) -> None:
        """Wait for the end of the program."""
        with trio.fail_after(60):
            await self.ended.wait()


def make_session(start: Path, root: Path, output: Path | None = None, drops: Drops | None = None) -> Session:
    """A session whose pages may see what is below `start`; `root` is its temporary folder."""
    root.mkdir(exist_ok=True)
    return Session(Pictures(Folders(start), drops or Drops(root), root, output), root, output)


@asynccontextmanager
async def serving(
    start: Path,
    root: Path,
    *,
    output: Path | None = None,
    drops: Drops | None = None,
    form: Form = SMALL,
    stays: bool = False,
) -> AsyncGenerator[Program]:
    """Serve the program; it is quit at the end if that has not happened by then."""
    session = make_session(start, root, output, drops)
    hub, rules, ended = Hub(session, form), Rules(new_token()), trio.Event()
    listener = open_socket("127.0.0.1", 0)
    program = Program(Site(listener.getsockname()[1], rules.token), session, hub, root, ended)

    async def serve() -> None:
        with listener:
            await serve_session(session, hub, listener, rules, stays=stays)
        ended.set()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(serve)
        yield program
        session.quit("the test is over")
        await program.end()


def photographs(folder: Path, count: int = 4) -> Path:
    """Make a folder of small pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, count + 1):
        pixels = np.full((40, 60, 3), 20 * number, np.uint8)
        Image.fromarray(pixels).save(folder / f"photo {number}.jpg")
    return folder


async def run_to_the_end(page: Page, **form: object) -> JsonDict:
    """Start a run, and give the state at its end. A page may get no state of a run that is short."""
    seen = len(page.messages)
    known = [how_it_ended(one) for one in page.messages if one["type"] in ("hello", "state")]
    before = known[-1] if known else (0, None)
    await page.say("start", form=form)
    state = await page.wait("state", after=seen, status="idle")
    while how_it_ended(state) == before:
        state = await page.wait("state", after=page.found, status="idle")
    return state


def how_it_ended(message: JsonDict) -> tuple[object, object]:
    """The number of the latest run, and how it has ended, in a message with a state."""
    state = message.get("state", message)
    return state["run"], state["outcome"]


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
