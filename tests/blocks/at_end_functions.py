"""Functions that hold something between their calls, in a module that worker processes can import."""

import os
from collections.abc import AsyncIterator, Iterator
from typing import Any


class Lines:
    """Splits pieces of text into lines; keeps the last one until the rest of it comes, or the end."""

    def __init__(self) -> None:
        self.rest = ""
        self.ends = 0

    def split(self, text: str) -> list[str]:
        *lines, self.rest = (self.rest + text).split("\n")
        return lines

    def flush(self) -> list[str]:
        self.ends += 1
        return [self.rest] if self.rest else []

    def split_lazily(self, text: str) -> Iterator[str]:
        yield from self.split(text)

    def flush_lazily(self) -> Iterator[str]:
        yield from self.flush()

    async def split_later(self, text: str) -> list[str]:
        return self.split(text)

    async def flush_later(self) -> list[str]:
        return self.flush()

    async def split_one_by_one(self, text: str) -> AsyncIterator[str]:
        for line in self.split(text):
            yield line

    async def flush_one_by_one(self) -> AsyncIterator[str]:
        for line in self.flush():
            yield line


class Fragile(Lines):
    """Dies with its process when it is told to."""

    def split(self, text: str) -> list[str]:
        if text == "die":
            os._exit(1)
        return super().split(text)


def fail() -> list[Any]:
    raise ValueError("at the end")


def many(count: int) -> Iterator[int]:
    yield from range(count)
