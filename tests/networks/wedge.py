"""What networks that are built to get stuck have in common, and how they are built once more as advised."""

from __future__ import annotations

import random
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import trio

from penstock.blocks import (
    BoundedBuffer,
    Call,
    Node,
    Source,
    Target,
    Transformer,
    UnboundedBuffer,
)

NUMBER = re.compile(r"raise (?:the capacity|the limit|its capacity)(?: of .*?'(.+?)')?.* to at least (\d+)")


def never(item: object) -> bool:
    """A filter that nothing passes."""
    del item
    return False


async def slowly(item: Any) -> Any:
    """Work that takes a while."""
    await trio.sleep(0.1)
    return item


class Followed:
    """Advice that is followed when a network is built once more."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._numbers: dict[str, int] = {}

    def follow(self, advice: Iterable[str]) -> None:
        """Follow some more."""
        for line in advice:
            self.lines.append(line)
            if found := NUMBER.search(line):
                name = found[1] or re.findall(r"'(.+?)'", line)[0]
                self._numbers[name] = int(found[2])

    def number(self, name: str, default: int) -> int:
        """The capacity or limit that was advised, or else the default."""
        return self._numbers.get(name, default)

    def says(self, pattern: str) -> bool:
        """Whether the report says so."""
        return any(re.search(pattern, line) for line in self.lines)


class Wedge:
    """One network that gets stuck: what stands behind a healthy part, and what the report must say.

    Attributes:
        culprits: What the report must contain.
        members: Who must stand in the circle; empty if there is none.
        advised: What must be advised, as a pattern.
        cure: Whether the network can be built as was advised.
        body: What the body does.
        apart: What is not linked to the healthy part.
    """

    def __init__(self, source: Source[Any], count: int, seed: int = 0, followed: Followed | None = None) -> None:
        self.source = source
        self.count = count
        self.followed = followed or Followed()
        self.culprits: list[str] = []
        self.members: list[str] = []
        self.advised = ""
        self.cure = True
        self.body: Callable[[], Awaitable[None]] = self.nothing
        self.apart: list[Node] = []
        self._random = random.Random(seed)

    async def nothing(self) -> None:
        """Leave the body at once."""

    def pick(self, least: int, most: int) -> int:
        """Some number."""
        return self._random.randint(least, most)

    def room(self, name: str, least: int = 1, most: int = 3) -> int:
        """Some capacity or limit, or the one that was advised."""
        return self.followed.number(name, self.pick(least, most))

    def bounded(self, name: str, least: int = 1, most: int = 3) -> BoundedBuffer[Any]:
        """A buffer with too little room."""
        return BoundedBuffer[Any](self.room(name, least, most), name=name)

    def stage(self, source: Source[Any], name: str) -> Source[Any]:
        """Perhaps one more block behind a source."""
        kinds: list[Callable[[], Any]] = [
            lambda: UnboundedBuffer[Any](name=name),
            lambda: Transformer(slowly, name=name),
            lambda: Transformer[Any, Any](lambda item: item, capacity=1, name=name),
        ]
        which = self.pick(0, len(kinds))
        if which == len(kinds):
            return source
        block: Any = kinds[which]()
        source.link_target(block)
        behind: Source[Any] = block
        return behind

    def all_at_once(self) -> Source[Any]:
        """The items, in a buffer with room for all of them, so that its source is not part of the case."""
        before = UnboundedBuffer[Any](name="before")
        self.source.link_target(before)
        return before

    def drain(self, source: Source[Any], name: str = "drain") -> None:
        """Let something take everything."""
        source.link_target(Call(slowly, name=name))

    def hold(self, is_cured: bool) -> None:
        """Have something held: a body that waits where nothing is held is starved, not stalled."""
        held = Transformer(slowly, name="held")
        self.source.link_target(held)
        if is_cured:
            self.drain(held)

    def last_link(self, culprit: Source[Any]) -> None:
        self.advised = "give .*'culprit' a last link without a filter"
        if self.followed.says(self.advised):
            culprit.link_target(Call(slowly, name="rest"))

    def send_then_receive(self, entry: Target[Any], results: Source[Any]) -> None:
        is_cured = self.followed.says(self.advised)

        async def receive_all() -> None:
            async for _ in results:
                pass

        async def work() -> None:
            async with trio.open_nursery() as nursery:
                if is_cured:
                    nursery.start_soon(receive_all)
                for number in range(15):
                    await entry.send(number)
                entry.complete()
            await receive_all()

        self.body = work
