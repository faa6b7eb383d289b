"""Agents that do something that gets their network stuck, or, if told so, do not."""

from __future__ import annotations

from typing import Any

import trio

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import Source, Target


class Waiting(Agent):
    """Reads before it writes."""

    def __init__(
        self, source: Source[Any], target: Target[int], *, name: str, reads: bool = True, sends_first: bool = False
    ) -> None:
        super().__init__(inputs=[source], outputs=[target], name=name)
        self.source, self.target, self.reads, self.sends_first = source, target, reads, sends_first

    async def run(self) -> None:
        if self.sends_first:
            await self.target.send(1)
        elif self.reads:
            await self.target.send(await self.source.receive())
            return
        if not self.sends_first:
            async for _ in self.source:
                pass
        else:
            await self.source.receive()


class Asker(Agent):
    """Answers a question."""

    def __init__(self, questions: Source[Any], answers: Target[Any], *, name: str) -> None:
        super().__init__(inputs=[questions], outputs=[answers], name=name)
        self.questions, self.answers = questions, answers

    async def run(self) -> None:
        async for question in self.questions:
            await self.answers.send(question)


class EndWatcher(Agent):
    """Waits for the end of another agent."""

    other: EndWatcher | None = None

    async def run(self) -> None:
        if self.other is not None:
            await self.other.wait()


class Holder(Agent):
    """Reserves a message, and then waits for the next one."""

    def __init__(self, source: Source[Any], *, name: str, releases: bool = False) -> None:
        super().__init__(inputs=[source], name=name)
        self.source, self.releases = source, releases

    async def run(self) -> None:
        while not self.source.reserve(self):  # noqa: ASYNC110  # a source does not tell when it has a head
            await trio.sleep(0.1)
        if self.releases:
            self.source.release(self)
        async for _ in self.source:
            pass


class Leaver(Agent):
    """Reads some messages and is done."""

    def __init__(self, source: Source[Any], count: int, *, name: str) -> None:
        super().__init__(inputs=[source], name=name)
        self.source, self.count = source, count

    async def run(self) -> None:
        for _ in range(self.count):
            await self.source.receive()


class SlotTaker(Agent):
    """Takes a slot an item and frees none."""

    def __init__(self, source: Source[Any], limit: int, *, name: str, frees: bool = False) -> None:
        super().__init__(inputs=[source], name=name)
        self.source, self.frees = source, frees
        self.governor = PipelineGovernor(limit, name="explicit")

    async def run(self) -> None:
        async for _ in self.source:
            await self.governor.wait_for_available_slot()
            if self.frees:
                self.governor.free_slot()
