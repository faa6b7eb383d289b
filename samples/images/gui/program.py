"""The program behind `penstock-images --gui`, from its start to its exit status."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import warnings
from pathlib import Path
from typing import cast

import trio
from hypercorn.typing import ASGIFramework

from penstock.blocks import LoopHeldWarning
from penstock.blocks.dashboard import Rules, UnusableAddressError, new_token, open_socket
from penstock.samples.dashboard.browser import show
from penstock.samples.dashboard.guard import Guard
from penstock.samples.dashboard.server import Server
from penstock.samples.images.gui.app import make_app
from penstock.samples.images.gui.folders import Folders
from penstock.samples.images.gui.forms import Form
from penstock.samples.images.gui.hub import Hub
from penstock.samples.images.gui.session import Session
from penstock.samples.images.gui.source import Pictures
from penstock.samples.images.gui.uploads import Drops
from penstock.samples.images.gui_options import GuiChoice
from penstock.samples.images.options import Options

__all__ = ["run_gui", "serve_session"]

_ENDED, _WRONG_USE = 0, 2
_SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


def run_gui(options: Options, choice: GuiChoice) -> int:
    """Serve the page until the user quits, and return the exit status.

    Args:
        options: the settings that the page starts with.
        choice: how the page is served.
    """
    if not os.path.isdir(choice.start_folder):  # pathlib's is_dir can raise
        return _wrong(f"no such folder: {choice.start_folder}")
    try:
        folders = Folders(choice.start_folder)
        form = _form(options, folders)
        temporary = tempfile.TemporaryDirectory(prefix="penstock-gui-", ignore_cleanup_errors=True)
    except ValueError:
        return _wrong(f"{options.sources[0]} is not below --start-folder, {choice.start_folder.resolve()}")
    except OSError as error:
        return _wrong(f"cannot make a temporary folder: {error}")
    with temporary as root, warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL(\.|$)")
        warnings.simplefilter("ignore", LoopHeldWarning)  # it is meant for people who write programs
        try:
            listener = open_socket(choice.host, choice.port)
        except UnusableAddressError as error:
            return _wrong(str(error))
        with listener:
            return trio.run(_main, form, choice, listener, folders, Path(root))


def _form(options: Options, folders: Folders) -> Form:
    """Return the settings that the page starts with.

    Raises:
        ValueError: the folder of the pictures is not below the start folder.
    """
    folder = None
    if options.sources:
        path = options.sources[0].resolve().relative_to(folders.start).as_posix()
        folder = "" if path == "." else path
    return Form(
        folder=folder,
        mode=options.modes[0],
        size=options.size,
        noise=options.noise,
        layers=options.layers,
        governor=options.governor,
        filters=options.filters,
        workers=options.workers,
        executor=options.executor,
        limit=options.limit,
        repeat=options.repeat,
        model=options.model,
        times=options.times.in_milliseconds,
    )


def _say(text: str) -> None:
    """Print a line; the page is served even if standard output is closed."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python would try to flush it at the end


def _wrong(message: str) -> int:
    print(f"penstock-images: error: {message}", file=sys.stderr)
    return _WRONG_USE


async def _main(form: Form, choice: GuiChoice, listener: socket.socket, folders: Folders, root: Path) -> int:
    session = Session(Pictures(folders, Drops(root), root, choice.output), root, choice.output)
    hub = Hub(session, form)
    token = new_token()
    address = _address(listener, choice.host, token)
    received: list[int] = []
    async with trio.open_nursery() as nursery:
        await nursery.start(_quit_on_signal, session, received)
        _say(f"The page is at {address}")
        if choice.opens_browser:
            nursery.start_soon(show, address, "penstock-images")
        await serve_session(session, hub, listener, Rules(token, choice.host), stays=choice.stays)
        nursery.cancel_scope.cancel()
    _say(f"Ended: {session.reason}.")
    return 128 + received[0] if received else _ENDED


def _address(listener: socket.socket, host: str, token: str) -> str:
    """Return the address of the page for a browser on this machine."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, f"[{host}]" if ":" in host else host)
    return f"http://{name}:{listener.getsockname()[1]}/{token}/"


async def serve_session(
    session: Session, hub: Hub, listener: socket.socket, rules: Rules, *, stays: bool = False
) -> None:
    """Run a session and serve its pages until it is quit; nothing keeps running after that.

    Unless it `stays`, it is quit when the last page is closed.
    """
    server = Server()
    guard = Guard(make_app(hub, server.drop), rules, server.let_in)
    app = cast("ASGIFramework", guard)  # Starlette's types are Hypercorn's, looser
    async with trio.open_nursery() as nursery:
        nursery.start_soon(server.serve, app, listener)
        nursery.start_soon(hub.beat)
        if not stays:
            nursery.start_soon(hub.end_when_left)
        nursery.start_soon(hub.drop_the_silent)
        await session.run()
        await hub.say_goodbye(session.reason)
        server.drop_all()
        nursery.cancel_scope.cancel()


async def _quit_on_signal(
    session: Session, received: list[int], task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Turn the first signal into the quit command; a third Ctrl-C ends the process as Python does.

    Quitting takes up to a second. A second Ctrl-C must not interrupt it, because some programs send two at once.
    """
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]  # nohup ignores SIGHUP
    if not heeded:
        task_status.started()
        return
    with trio.open_signal_receiver(*heeded) as signals:
        task_status.started()
        async for number in signals:
            received.append(number)
            session.quit(f"{signal.Signals(number).name} was received")
            if len(received) > 2:
                break
