"""Who asks, and for what: strangers, bad input, folders, files, nonsense."""

from __future__ import annotations

import json
import re
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import urljoin

import pytest
import trio
import trio.testing

from penstock.samples.dashboard import server
from penstock.samples.images.gui import app
from penstock.samples.images.gui.forms import DROPPED
from penstock.samples.images.gui.uploads import Drops
from tests.samples.images.gui.browser_stand_in import RefusedError, Site, open_page, request
from tests.samples.images.gui.serving import names_in, photographs, run_to_the_end, serving


@pytest.mark.parametrize("wrong", ["token", "host", "origin", "no origin"])
async def test_strangers_are_turned_away(wrong: str, start: Path, root: Path) -> None:
    async with serving(start, root) as program:
        site, token = program.site, program.site.token
        expected = {"token": 404, "host": 421, "origin": 403, "no origin": 403}[wrong]
        match wrong:
            case "token":
                token = "x" * len(token)
            case "host":
                site.host = f"evil.example:{site.port}"
            case "origin":
                site.origin = "http://evil.example"
            case _:
                site.origin = None
        with pytest.raises(RefusedError) as caught:
            async with open_page(site, token):
                pass
        assert caught.value.status == expected
        assert (await request(site, "POST", "/drop?name=x.jpg", b"x", token))[0] == expected
        assert (await request(site, "GET", "/", token=token))[0] == (200 if "origin" in wrong else expected)


async def test_a_forwarded_port_may_have_another_number(start: Path, root: Path) -> None:
    async with serving(start, root) as program:
        for host in ("localhost:9000", "[::1]:1234", "127.0.0.1"):
            program.site.host = host
            async with open_page(program.site) as page:
                await page.wait("hello")


async def connect(site: Site) -> trio.SocketStream:
    """Connect and ask for nothing."""
    stream = await trio.open_tcp_stream("127.0.0.1", site.port)
    await trio.testing.wait_all_tasks_blocked(0.01)
    return stream


async def is_closed(stream: trio.SocketStream) -> bool:
    with trio.fail_after(60):
        return await stream.receive_some() == b""


async def test_who_only_connects_makes_place_for_those_who_come_later(
    start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_MOST_STRANGERS", 3)
    async with serving(start, root) as program, AsyncExitStack() as stack:
        idle = [await stack.enter_async_context(await connect(program.site)) for _ in range(10)]
        for stream in idle[:7]:
            assert await is_closed(stream)
        assert (await request(program.site, "GET", "/"))[0] == 200
        assert await is_closed(idle[7])
        await idle[8].send_all(b"GET / HTTP/1.1\r\n")  # half a request is none
        for _ in range(2):
            await stack.enter_async_context(await connect(program.site))
        assert await is_closed(idle[8])


async def test_a_page_stays_whoever_connects(start: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_MOST_STRANGERS", 2)
    async with serving(start, root) as program, open_page(program.site) as page, AsyncExitStack() as stack:
        await page.wait("hello")
        for _ in range(10):
            await stack.enter_async_context(await connect(program.site))
        await page.say("start", form={"limit": "x"})
        await page.wait("state")


async def test_who_was_turned_away_is_a_stranger_still(
    start: Path, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_MOST_STRANGERS", 1)
    async with serving(start, root) as program, AsyncExitStack() as stack:
        stream = await stack.enter_async_context(await connect(program.site))
        await stream.send_all(b"GET /wrong HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert b"404" in await stream.receive_some()
        assert (await request(program.site, "GET", "/"))[0] == 200
        with trio.fail_after(60):
            while await stream.receive_some():
                pass


async def test_connections_beyond_a_number_are_closed(start: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_MOST_CONNECTIONS", 1)
    async with serving(start, root) as program, open_page(program.site) as page:
        await page.wait("hello")
        async with await connect(program.site) as one_more:
            assert await is_closed(one_more)


async def test_nothing_is_compressed_though_browsers_offer_it(start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site) as page:
        assert page.extensions == []
        await page.wait("hello")


async def test_the_files_of_the_page_are_served_and_nothing_else(start: Path, root: Path) -> None:
    async with serving(start, root) as program:
        status, headers, body = await request(program.site, "GET", "/")
        assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b"<html" in body
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cache-control"] == "no-store"
        for path in ("/dashboard/../server.py", "/dashboard/server.py", "/dashboard/"):
            assert (await request(program.site, "GET", path))[0] == 404, path
        for path in ("/page/../app.py", "/page/..%2fapp.py", "/page/%2e%2e/app.py", "/page/app.py", "/page/", "/none"):
            assert (await request(program.site, "GET", path))[0] == 404, path
        assert (await request(program.site, "GET", "/page/none.css"))[0] == 404
        assert (await request(program.site, "GET", "", token=""))[0] == 404
        assert (await request(program.site, "GET", "/drop"))[0] == 405


async def test_every_file_that_the_page_asks_for_is_served(start: Path, root: Path) -> None:
    async with serving(start, root) as program:
        asked = {"/"}
        seen = dict[str, bytes]()
        while asked - seen.keys():
            path = min(asked - seen.keys())
            status, _, seen[path] = await request(program.site, "GET", path)
            assert status == 200, path
            found = re.findall(r'(?:href|src)="([^"]+)"|^import .* from "([^"]+)";', seen[path].decode(), re.MULTILINE)
            asked |= {urljoin(path, one or other) for one, other in found}
    assert {"/page/main.js", "/page/style.css", "/dashboard/network.js", "/dashboard/network.css"} <= asked


BAD = {
    "folder": ("none", "no 'none'"),
    "governor": (0, "expected a whole number from 1 to 1000, got 0"),
    "size": ([10, 5000], "each a whole number from 32 to 4096"),
    "workers": (None, "got nothing"),
    "noise": (-1, "from 0 to 255"),
}


@pytest.mark.parametrize("field", BAD)
@pytest.mark.parametrize("command", ["start", "compare", "check"])
async def test_bad_input_gets_a_message_at_the_control(command: str, field: str, start: Path, root: Path) -> None:
    value, expected = BAD[field]
    async with serving(start, root) as program, open_page(program.site) as page:
        await page.say(command, form={field: value})
        message = (await page.wait("invalid", field=field))["message"]
        assert message.startswith(f"{field}: expected")
        assert expected in message
        assert program.session.status.value == "idle"
        await page.say("check", form={})
        await page.wait("valid", after=len(page.messages) - 1, field="*")


@pytest.mark.parametrize("folder", ["dropped", "photos ", " photos", "фото", "a/b"])
async def test_a_folder_may_have_any_name(folder: str, start: Path, root: Path) -> None:
    photographs(start / folder, 2)
    async with serving(start, root) as program, open_page(program.site) as page:
        assert (await run_to_the_end(page, folder=folder))["images"] == 2


async def test_a_slip_of_the_space_bar_does_not_matter(start: Path, root: Path) -> None:
    photographs(start / "photos", 2)
    async with serving(start, root) as program, open_page(program.site) as page:
        assert (await run_to_the_end(page, folder=" photos "))["images"] == 2


async def test_the_page_asks_for_all_its_parts_at_once(start: Path, root: Path) -> None:
    """Through a forwarded port each round trip takes its time."""
    async with serving(start, root) as program:
        _, _, body = await request(program.site, "GET", "/")
    modules = {path.name for path in (Path(app.__file__).parent / "page").glob("*.js")}
    assert {name for name in modules if f'href="page/{name}"' in body.decode()} == modules - {"main.js"}


@pytest.mark.parametrize(
    "folder", ["..", "/etc", "a/../..", "way out", "way in", "\0", ".hidden", "x" * 300, "x" * 5000]
)
async def test_nobody_leaves_the_start_folder(folder: str, start: Path, root: Path) -> None:
    photographs(start / ".hidden", 1)
    photographs(start.parent / "outside", 1)
    (start / "way out").symlink_to(start.parent / "outside")
    (start / "way in").symlink_to(start / ".hidden")
    async with serving(start, root) as program, open_page(program.site) as page:
        assert (await page.wait("hello"))["folder"]["folders"] == []
        await page.say("start", form={"folder": folder})
        await page.wait("invalid", field="folder")
        await page.say("list", path=folder)
        await page.wait("invalid", after=len(page.messages) - 1, field="folder")


async def test_folders_are_listed_and_chosen(start: Path, root: Path) -> None:
    photographs(start / "a" / "b", 2)
    async with serving(start, root) as program, open_page(program.site) as page:
        await page.say("list", path="a")
        listing = await page.wait("folder")
        assert (listing["path"], listing["parts"], listing["folders"]) == ("a", ["a"], ["b"])
        end = await run_to_the_end(page, folder="a/b", limit=1)
        assert (end["images"], end["total"]) == (1, 1)


@pytest.mark.parametrize(
    "text", ["", "no json", "[]", "{}", '{"type": "fly"}', '{"type": ["start"]}', "[" * 30_000, '{"type": "more"}']
)
async def test_nonsense_does_no_harm(text: str, start: Path, root: Path) -> None:
    async with serving(start, root) as program, open_page(program.site) as page:
        await page.say_text(text)
        if text != '{"type": "more"}':
            await page.wait("invalid", field="message")
        for form in ("x", None, [1]):
            await page.say("check", form=form)
            await page.wait("invalid", field="form")
        assert (await run_to_the_end(page, folder=""))["outcome"] == "done"


async def test_dropped_pictures_become_the_source(start: Path, root: Path) -> None:
    picture = (start / "photo 1.jpg").read_bytes()
    async with serving(start, root) as program, open_page(program.site) as page:
        status, _, body = await request(program.site, "POST", "/drop?name=a.jpg", picture)
        assert (status, json.loads(body)["error"][:5]) == (409, "drop:")
        await page.say("start", form={"folder": DROPPED})
        await page.wait("invalid", field="folder")
        await page.say("drop-begin")
        await page.wait("drop", count=0, open=True)
        for name in ("a.jpg", "../a.jpg"):
            status, _, body = await request(program.site, "POST", f"/drop?name={name}", picture)
            assert status == 200, body
        assert json.loads(body) == {"ok": True, "count": 2}
        assert (await request(program.site, "POST", "/drop?name=a.exe", picture))[0] == 415
        await page.say("start", form={"folder": DROPPED})
        assert (
            "still being sent" in (await page.wait("invalid", after=len(page.messages) - 1, field="folder"))["message"]
        )
        await page.say("drop-end")
        await page.wait("drop", count=2, open=False)
        end = await run_to_the_end(page, folder=DROPPED)
        assert (end["images"], end["outcome"]) == (2, "done")
        async with open_page(program.site) as late:
            await late.wait("drop", count=2)
        assert names_in(root / "drop-1") == ["a (2).jpg", "a.jpg"]
        await page.say("drop-begin")
        await page.wait("drop", after=page.found, open=True)
        drops = program.session.pictures.drops
        assert drops.is_open
    await program.wait(lambda: not drops.is_open)  # with the page that has begun it


async def test_a_drop_that_cannot_be_begun_is_said(start: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(drops: Drops) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Drops, "begin", fail)
    async with serving(start, root) as program, open_page(program.site) as page:
        await page.wait("hello")
        await page.say("drop-begin")
        message = (await page.wait("invalid", field="drop"))["message"]
        assert message == "drop: [Errno 28] No space left on device"
