"""One block with an executor, from an iterable to a sink that counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import Any

import trio

from penstock.blocks import Call, IterableSource, Network, Transformer

from .workloads import counting_sink


def through(function: Callable[[Any], Any], executor: Executor, items: Iterable[Any], **options: Any) -> int:
    """Run the items through the block; give how many results arrived."""
    sink, count = counting_sink()

    async def main() -> None:
        source = IterableSource(items)
        stage: Transformer[Any, Any] = Transformer(function, executor=executor, **options)
        source.link_target(stage)
        stage.link_target(Call(sink))
        async with Network(source):
            pass

    trio.run(main)
    return count()
