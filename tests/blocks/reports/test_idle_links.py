"""A report says which links got nothing because another one took everything first."""

from collections.abc import Callable
from typing import Any

import trio

from penstock.blocks import BoundedBuffer, Broadcast, Call, IterableSource, Network
from tests.blocks.tools import is_even, never

Accepts = Callable[[int], bool] | None


async def notes_after(*filters: Accepts, source: Any = None, max_messages: int | None = None) -> tuple[str, ...]:
    """Run a source with a link for each filter; give what the report notes."""
    source = IterableSource(range(6), name="feed") if source is None else source
    for letter, accepts in zip("ABC", filters, strict=False):
        source.link_target(Call[int](abs, name=letter), accepts, max_messages if letter == "A" else None)
    async with Network(source) as network:
        if not isinstance(source, IterableSource):
            await source.send(1)
    return network.report().notes


async def test_a_link_behind_one_that_takes_everything_is_named() -> None:
    assert await notes_after(None, None) == (
        "source 'feed' gives each message to the first target that takes it: call 'A' took all that it was offered, "
        "and call 'B' got nothing; use a Broadcast to give every message to all of them",
    )


async def test_the_sentence_stands_in_the_report() -> None:
    source = IterableSource(range(6), name="feed")
    source.link_target(Call[int](abs, name="A"))
    source.link_target(Call[int](abs, name="B"))
    async with Network(source) as network:
        pass
    assert "call 'B' got nothing" in " ".join(str(network.report()).split())


async def test_all_links_that_got_nothing_are_named_in_one_sentence() -> None:
    (note,) = await notes_after(never, None, None)
    assert "call 'B' took all that it was offered, and call 'C' got nothing" in note
    (note,) = await notes_after(None, None, is_even)
    assert "call 'B' and call 'C' got nothing" in note


async def test_a_link_for_the_rest_is_no_surprise() -> None:
    assert await notes_after(is_even, None) == ()
    assert await notes_after(lambda _: True, None) == ()  # nothing was declined: the rest was empty
    assert await notes_after(None) == ()


async def test_links_of_a_broadcast_all_get_everything() -> None:
    assert await notes_after(None, never, source=Broadcast[int]()) == ()


async def test_a_link_that_takes_a_number_of_messages_leaves_the_rest() -> None:
    assert await notes_after(None, None, max_messages=3) == ()


async def test_a_second_link_that_takes_over_when_the_first_is_full_is_fine() -> None:
    source = IterableSource(range(6))
    first: BoundedBuffer[int] = BoundedBuffer(1)
    source.link_target(first)
    source.link_target(Call[int](abs))
    async with Network(source) as network:
        await trio.sleep(1)
        assert network.report().notes == ()
        assert [item async for item in first] == [0]


async def test_before_anything_has_come_nothing_is_said() -> None:
    source = IterableSource(range(6))
    source.link_target(Call[int](abs))
    source.link_target(Call[int](abs))
    assert Network(source).report().notes == ()
