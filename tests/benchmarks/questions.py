"""What a question and its answer cost, beside a channel and an event by hand; processor time a question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import trio

from penstock.agents import Agent, Askable, Mailbox, Service
from penstock.blocks import Network

from .measuring import Contender, Effort, Row, compare
from .workloads import increment

QUESTIONS = 8_192
GOALS = {1: 1.5, 16: 0.8, 256: 0.8}
"""For a number of askers, the most that a question may cost, as a ratio to the channel and event."""


def rows(effort: Effort) -> Iterator[Row]:
    """Compare."""
    items = effort.items(QUESTIONS)
    for askers, most in GOALS.items():
        contenders = [Contender("channel and event", partial(by_hand, askers))]
        contenders += [Contender(name, partial(asked, kind, askers)) for name, kind in KINDS.items()]
        timings = compare(f"questions, {askers} asker{'s' if askers > 1 else ''}", contenders, items, effort)
        yield timings.row("channel and event", unit=1e-6)
        for name in KINDS:
            yield timings.row(name, "channel and event", at_most=most, unit=1e-6)


def by_hand(askers: int, items: int) -> int:
    """A task that answers through an event for each question."""

    async def main() -> int:
        questions, inbox = trio.open_memory_channel[tuple[int, list[Any]]](1_000)
        done = 0

        async def answer() -> None:
            async for number, slot in inbox:
                slot[1] = increment(number)
                slot[0].set()

        async def ask(first: int) -> None:
            nonlocal done
            for number in range(first, items, askers):
                slot: list[Any] = [trio.Event(), None]
                await questions.send((number, slot))
                await slot[0].wait()
                done += slot[1] == number + 1

        async with trio.open_nursery() as outer:
            outer.start_soon(answer)
            async with trio.open_nursery() as nursery:
                for first in range(askers):
                    nursery.start_soon(ask, first)
            await questions.aclose()
        return done

    return trio.run(main)


class Answers(Agent):
    """Answers from a mailbox."""

    def __init__(self, box: Mailbox[int, int]) -> None:
        self.box = box
        super().__init__(inputs=[box])

    async def run(self) -> None:
        async for request in self.box:
            with request:
                request.reply(increment(request.body))


async def increment_later(number: int) -> int:
    """Add one, in a task."""
    return number + 1


def agent() -> tuple[Askable[int, int], Any]:
    """A mailbox, and the agent that reads it."""
    box = Mailbox[int, int]()
    return box, Answers(box)


def service(function: Callable[[int], Any], **options: Any) -> tuple[Askable[int, int], Any]:
    """A service."""
    made = Service[int, int](function, **options)
    return made, made


KINDS: dict[str, Callable[[], tuple[Askable[int, int], Any]]] = {
    "agent with a mailbox": agent,
    "service, async function": partial(service, increment_later, concurrency=16),
    "service, plain function": partial(service, increment),
}


def asked(make: Callable[[], tuple[Askable[int, int], Any]], askers: int, items: int) -> int:
    """Ask and count the right answers."""

    async def main() -> int:
        door, part = make()
        done = 0

        async def ask(first: int) -> None:
            nonlocal done
            for number in range(first, items, askers):
                answer = await door.ask(number)
                done += answer == number + 1

        async with Network(part), trio.open_nursery() as nursery:
            for first in range(askers):
                nursery.start_soon(ask, first)
        return done

    return trio.run(main)
