"""`penstock-images --gui` as a stranger would use it: its options, its address, its ends."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio

from penstock.samples.images.__main__ import main
from tests.samples.images.gui.browser_stand_in import Site, open_page
from tests.samples.images.gui.serving import photographs

PATIENCE = 60  # seconds; only a test that fails waits so long
LOCAL = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def program(tmp_path: Path, *arguments: object) -> Generator[tuple[subprocess.Popen[str], str]]:
    """Start the program, and give it and its address; its temporary folder is `tmp_path / "temp"`."""
    (tmp_path / "temp").mkdir(exist_ok=True)
    command = [sys.executable, "-m", "penstock.samples.images", "--gui", *map(str, arguments)]
    without_display = {name: value for name, value in os.environ.items() if "DISPLAY" not in name and name != "BROWSER"}
    own = {"TMPDIR": str(tmp_path / "temp"), "PYTHONUNBUFFERED": "1"}
    own["PYTHONWARNINGS"] = "ignore::RuntimeWarning"  # a busy machine can make any function slow
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=without_display | own,
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            found = re.search(r"http://\S+/", line)
            assert found, (line, process.stderr and process.stderr.read())
            yield process, found.group()
        finally:
            process.kill()


def site_of(address: str) -> Site:
    _, _, place, token, _ = address.split("/")
    return Site(int(place.rpartition(":")[2]), token)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
@pytest.mark.parametrize(("number", "status"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_ends_it_cleanly_in_the_middle_of_a_run(number: str, status: int, tmp_path: Path) -> None:
    photographs(tmp_path / "pictures")

    async def begin(site: Site) -> None:
        async with open_page(site) as page:
            form = {"folder": "", "endless": True, "executor": "processes", "workers": 2, "mode": "load-balanced"}
            await page.say("start", form=form)
            await page.say("more", pictures=2)
            await page.picture(2)
            process.send_signal(getattr(signal, number))
            await page.wait("bye", reason=f"{number} was received")

    with program(tmp_path, tmp_path / "pictures") as (process, address):
        trio.run(begin, site_of(address))
        out, err = process.communicate(timeout=PATIENCE)
        assert process.returncode == status, err
        assert out == f"Ended: {number} was received.\n"
        assert err == ""
        assert list((tmp_path / "temp").iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
def test_a_signal_that_was_ignored_before_it_came_is_ignored(tmp_path: Path) -> None:
    """As `nohup` wants it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with program(tmp_path, "--no-browser") as (process, _):
            process.send_signal(signal.SIGHUP)
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=PATIENCE)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert out == "Ended: SIGTERM was received.\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process")
def test_nobody_needs_to_read_what_it_prints(tmp_path: Path) -> None:
    with program(tmp_path, "--no-browser") as (process, _):
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
        assert process.stderr.read() == ""


def test_quit_ends_it_with_status_0_and_nothing_is_left_behind(tmp_path: Path) -> None:
    async def quit_at_once(site: Site) -> None:
        async with open_page(site) as page:
            hello = await page.wait("hello")
            assert hello["form"]["noise"] == 5
            assert hello["form"]["mode"] == "sequential"
            assert hello["folder"]["start"] == str(photos.resolve())
            await page.say("quit")
            await page.closed()

    photos = photographs(tmp_path / "pictures")
    with program(tmp_path, "--start-folder", photos, "--noise", 5, "--mode", "sequential") as (process, address):
        with LOCAL.open(address, timeout=PATIENCE) as answer:
            assert "<html" in answer.read().decode()
        trio.run(quit_at_once, site_of(address))
        assert process.wait(PATIENCE) == 0
        assert list((tmp_path / "temp").iterdir()) == []


def test_closing_the_last_page_ends_it(tmp_path: Path) -> None:
    async def look(site: Site) -> None:
        async with open_page(site) as page:
            await page.wait("hello")

    with program(tmp_path, "--no-browser") as (process, address):
        trio.run(look, site_of(address))
        before = time.monotonic()
        assert process.wait(PATIENCE) == 0
        assert time.monotonic() - before > 1.5


def run(*arguments: object) -> int:
    return main(["--gui", *map(str, arguments)])


def test_wrong_use_is_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert run("--port", taken.getsockname()[1], "--no-browser") == 2
    assert "cannot serve at 127.0.0.1 port" in capsys.readouterr().err
    assert run("--start-folder", tmp_path / "none") == 2
    assert "no such folder" in capsys.readouterr().err
    assert run("--start-folder", tmp_path, tmp_path.parent) == 2
    assert f"{tmp_path.parent} is not below --start-folder, {tmp_path}" in capsys.readouterr().err
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    assert run("--no-browser") == 2
    assert "cannot make a temporary folder" in capsys.readouterr().err
    monkeypatch.undo()
    for host in ("a" * 70, "a..b"):
        assert run("--host", host, "--no-browser") == 2
        assert f"cannot serve at {host}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--compare"], "--gui cannot be used with --compare"),
        (["--report"], "--gui cannot be used with --report"),
        (["--time-limit", "5"], "--gui cannot be used with --time-limit"),
        (["--executor", "dask"], "not in dask"),
        (["--port", "70000"], "expected a whole number from 0 to 65535"),
    ],
)
def test_options_that_do_not_go_with_it_are_named(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*arguments) == 2
    assert message in capsys.readouterr().err


def test_its_options_are_for_it_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--port", "8000"]) == 2
    assert "are for --gui" in capsys.readouterr().err


def test_without_the_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded = [name for name in sys.modules if name.startswith(("penstock.samples.images.gui.", "starlette."))]
    for name in loaded:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette", None)
    assert run() == 2
    assert "starlette is not installed; try: pip install 'penstock[gui]'" in capsys.readouterr().err
