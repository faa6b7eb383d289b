"""Agents and functions that answer, in good and in bad ways."""

from typing import Any

import trio

from penstock.agents import Agent, Mailbox, Request

Box = Mailbox[Any, Any]


class Answerer(Agent):
    """Answers each question by a method."""

    def __init__(self, box: Box, how: str = "replies", name: str = "answerer") -> None:
        self.box = box
        self.how = getattr(self, how)
        self.kept: list[Request[Any, Any]] = []
        super().__init__(inputs=[box], name=name)

    async def run(self) -> None:
        async for request in self.box:
            if await self.how(request):
                return

    async def replies(self, request: Request[Any, Any]) -> bool:
        with request:
            request.reply(2 * request.body)
        return False

    async def is_slow(self, request: Request[Any, Any]) -> bool:
        with request:
            await trio.sleep(1)
            request.reply(2 * request.body)
        return False

    async def raises(self, request: Request[Any, Any]) -> bool:
        with request:
            fail(request.body)
        return False

    async def fails(self, request: Request[Any, Any]) -> bool:
        request.fail(KeyError(request.body))
        return False

    async def leaves(self, request: Request[Any, Any]) -> bool:
        with request:
            await trio.lowlevel.checkpoint()
        return False

    async def forgets(self, request: Request[Any, Any]) -> bool:
        return False

    async def keeps(self, request: Request[Any, Any]) -> bool:
        self.kept.append(request)
        return False

    async def ends(self, request: Request[Any, Any]) -> bool:
        return True

    async def faults(self, request: Request[Any, Any]) -> bool:
        raise OSError("disk")


def fail(body: Any) -> None:
    """Raise an exception."""
    raise ValueError(body)
