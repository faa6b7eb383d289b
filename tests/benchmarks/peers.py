"""The same chain in other libraries, each used as its own documentation uses it; those not installed are left out.

They are imported by name and used untyped: most have no types, and none is needed to check this folder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from .chains import Chain
from .workloads import Function, Sink


def reactivex(items: Iterable[int], functions: Sequence[Function], sink: Sink) -> None:
    rx: Any = import_module("reactivex")
    ops: Any = import_module("reactivex.operators")
    rx.from_iterable(items).pipe(*(ops.map(function) for function in functions)).subscribe(sink)


def aiostream(items: Iterable[int], functions: Sequence[Function], sink: Sink) -> None:
    stream: Any = import_module("aiostream.stream")
    pipe: Any = import_module("aiostream.pipe")

    async def main() -> None:
        chain = stream.iterate(items)
        for function in functions:
            chain = chain | pipe.map(function)
        async with chain.stream() as streamer:
            async for x in streamer:
                sink(x)

    asyncio.run(main())


def streamz(items: Iterable[int], functions: Sequence[Function], sink: Sink) -> None:
    source: Any = import_module("streamz").Stream()
    end = source
    for function in functions:
        end = end.map(function)
    end.sink(sink)
    for x in items:
        source.emit(x)


def pypeln(items: Iterable[int], functions: Sequence[Function], sink: Sink) -> None:
    """Its synchronous pipeline: its tasks, threads and processes take 10 to 40 times as long for such functions."""
    sync: Any = import_module("pypeln").sync
    stage: Any = items
    for function in functions:
        stage = sync.map(function, stage)
    for x in sync.to_iterable(stage):
        sink(x)


PEERS: dict[str, tuple[Chain, float]] = {
    "reactivex": (reactivex, 1.0),
    "aiostream": (aiostream, 0.05),
    "pypeln": (pypeln, 0.05),
    "streamz": (streamz, 0.05),
}
"""Each peer's chain and the part of the items that it gets."""


def installed() -> list[str]:
    """The peers that can be imported."""
    return [name for name in PEERS if find_spec(name) is not None]


def missing() -> list[str]:
    """The peers that cannot be imported."""
    return [name for name in PEERS if find_spec(name) is None]
