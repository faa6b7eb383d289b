"""Agents that ask and answer, for the diagrams of mailboxes and services."""

from collections.abc import Callable
from typing import Any

import trio

from marble_lines import Line, Marble, Notes, said
from penstock.agents import Agent, Askable, Mailbox

URGENT = 200
"""The priority of a question in a capital letter."""
SECONDS = 2
"""How long an agent needs for an answer."""


class Asker(Agent):
    """Asks questions at given times; each waits for its answer in a task of its own."""

    def __init__(self, asked: Askable[Any, Any], timeline: str, notes: Notes, questions: Line, answers: Line) -> None:
        super().__init__()
        self.asked, self.timeline, self.notes, self.questions, self.answers = asked, timeline, notes, questions, answers

    async def run(self) -> None:
        """Ask all questions, and wait for the answers."""
        async with trio.open_nursery() as nursery:
            for second, text in enumerate(self.timeline):
                await trio.sleep(max(0.0, second - self.notes.now))
                if text == "|":
                    self.questions.end = self.notes.now
                elif text != "-":
                    nursery.start_soon(self._ask, text)

    async def _ask(self, text: str) -> None:
        self.questions.marbles.append(Marble(self.notes.now, text))
        options: dict[str, Any] = {"priority": URGENT} if text.isupper() else {}
        answer = said(await self.asked.ask(text, **options))
        self.answers.marbles.append(Marble(self.notes.now, answer))


class Answerer(Agent):
    """Answers the requests of a mailbox, one after the other."""

    def __init__(self, box: Mailbox[str, str], note: Callable[[str], None]) -> None:
        super().__init__(inputs=[box])
        self.box, self.note = box, note

    async def run(self) -> None:
        """Answer all requests."""
        async for request in self.box:
            self.note(request.body)
            await trio.sleep(SECONDS)
            request.reply(request.body.upper())
