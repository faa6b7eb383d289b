"""Infinite waits: one answer that never comes holds everything behind it."""

from __future__ import annotations

import trio
import trio.testing

from penstock.blocks import Call, Network, Transformer
from penstock.samples.workshop.antipatterns.figures import AntiPattern, Figures

__all__ = ["INFINITE_WAITS"]

ITEMS, SILENT, HOUR = 100, 10, 3600.0


async def ask(item: int) -> int:
    """Stands for a question to a server that sometimes does not answer."""
    if item == SILENT:
        await trio.sleep_forever()
    await trio.sleep(1)
    return item


async def _run(time_limit: float | None) -> Figures:
    answers: list[int] = []
    asker = Transformer(ask, time_limit=time_limit, on_error="skip" if time_limit else "fail")
    asker.link_target(Call(answers.append))
    start = trio.current_time()
    with trio.move_on_after(HOUR):
        async with Network(asker):
            for item in range(ITEMS):
                await asker.send(item)
    return {"items": ITEMS, "answers": len(answers), "seconds until the end": trio.current_time() - start}


def _harm() -> Figures:
    return trio.run(_run, None, clock=trio.testing.MockClock(autojump_threshold=0))


def _cure() -> Figures:
    return trio.run(_run, 5.0, clock=trio.testing.MockClock(autojump_threshold=0))


INFINITE_WAITS = AntiPattern(
    "Infinite waits",
    _harm,
    _cure,
    "The run without a limit was stopped after an hour. Limit each wait for something outside: `time_limit=` for an "
    "item, `Network(progress_limit=…)` for all. Waits inside a network, in a circle, raise `Stalled`.",
)
