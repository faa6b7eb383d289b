"""What is sent to one page, in which order, and how much at most."""

from __future__ import annotations

import json
from typing import Any

import trio
import trio.testing

from penstock.blocks import Span
from penstock.blocks.dashboard import Channel, PageLink, Timeline


class Screen:
    """Keeps what a page gets."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []

    async def text(self, text: str) -> None:
        """Take a text."""
        self.got.append(json.loads(text))

    async def data(self, data: bytes) -> None:
        """Take no data."""
        raise AssertionError(data)


async def test_a_page_gets_each_bar_once_and_begins_anew_with_another_run() -> None:
    screen = Screen()
    page = PageLink(Channel(screen.text, screen.data))
    first, second = Timeline(1), Timeline(2)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(page.send_texts)
        for timeline, item in ((first, 1), (first, 2), (second, 3)):
            timeline.add(Span("a", "a", item, item, item + 1))
            page.show(None, timeline)
            await trio.testing.wait_all_tasks_blocked()
        page.show(None, second)  # which has nothing new
        await trio.testing.wait_all_tasks_blocked()
        page.close()
    assert [(one["run"], one["reset"], [bar[1] for bar in one["spans"]]) for one in screen.got] == [
        (1, True, [1]),
        (1, False, [2]),
        (2, True, [3]),
    ]
    assert all([row["title"] for row in one["rows"]] == ["a"] for one in screen.got)


async def test_texts_come_first_and_of_states_only_the_newest_comes() -> None:
    screen = Screen()
    page = PageLink(Channel(screen.text, screen.data))
    page.show('{"type": "state", "number": 1}', None)
    page.show('{"type": "state", "number": 2}', Timeline(1, ["a"]))
    page.complain('{"type": "error"}')
    page.say('{"type": "role"}')
    page.greet('{"type": "hello"}')
    page.close()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(page.send_texts)
    assert [one["type"] for one in screen.got] == ["hello", "role", "error"]
    assert page.is_greeted
    assert page.channel.sending_since is None


async def test_a_last_text_comes_after_the_newest_bars_and_state() -> None:
    screen = Screen()
    page = PageLink(Channel(screen.text))
    page.show('{"type": "state"}', Timeline(1, ["a"]))
    page.close('{"type": "bye"}')
    page.say('{"type": "role"}')
    await page.send_texts()
    assert [one["type"] for one in screen.got] == ["role", "spans", "state", "bye"]


async def test_a_page_can_get_binary_data_too() -> None:
    got = list[bytes]()

    async def data(message: bytes) -> None:
        got.append(message)

    await Channel(Screen().text, data).send(b"picture")
    assert got == [b"picture"]
