"""A target for tests: it takes an item only when the test asks for one."""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Generic, TypeVar

import trio
from trio.testing import wait_all_tasks_blocked

from ..base.checks import check_number
from ..base.error_info import annotate, shorten
from ..core.block import Block
from ..core.inbox import Inbox
from ..core.outbox import Outbox
from ..core.storing import StoringCore
from ..core.target import Target

T = TypeVar("T")


class DemandInbox(Inbox[T]):
    """An inbox with room for as many messages as were asked for.

    Attributes:
        asked: How many messages the test has asked for, from the beginning.
    """

    __slots__ = ("asked",)
    asked: int

    def room(self) -> int:
        """How many more messages may come."""
        return self.asked - self.accepted

    def why_full(self) -> str:
        """Explain why nothing is accepted now."""
        return "the test has asked for no more"


class ProbeSinkCore(StoringCore[T]):
    """The core of a probe sink."""

    __slots__ = ()
    inbox: DemandInbox[T]

    def __init__(self, facade: ProbeSink[T], name: str | None) -> None:
        super().__init__(facade, name)
        queue: deque[T] = deque()
        self.inbox = DemandInbox(self, queue)
        self.inbox.asked = 0
        self.outbox: Outbox[T] = Outbox(self, queue)

    def ask(self, count: int) -> None:
        """Let messages come; a negative count takes the question back."""
        self.inbox.withdraw_credit()
        self.inbox.asked += count
        if count > 0:
            self.inbox.serve_waiting()
            self.wake()


class ProbeSink(Block, Target[T], Generic[T]):
    """Takes the results of a pipeline one by one, each of them when the test asks for it.

    So a test decides how quick the end of the pipeline is. If the test asks for no more, the pipeline fills up, and
    pushes back.

    - Inputs and outputs: takes messages from links and senders; the test receives them.
    - Order: first in, first out.
    - Holds: nothing that the test has not asked for.
    - Back-pressure: unless the test asks for a message, senders wait and links are postponed.
    - Ends: after its last producer.
    - Fails: calls no user function.

    Args:
        name: The name of the block in reports; by default its class and a number.
        seconds: A method that waits fails after this many seconds, > 0, by trio's clock. With a clock that jumps, this
            takes no time.

    Attributes:
        received: All messages that the test has received, in order.

    Raises:
        ValueError: `seconds` is not a number > 0.
    """

    kind: ClassVar[str] = "probe sink"
    _core: ProbeSinkCore[T]

    def __init__(self, name: str | None = None, *, seconds: float = 5.0) -> None:
        self._core = ProbeSinkCore(self, name)
        check_number(str(self), "seconds", seconds, above=True)
        self.seconds = seconds
        self.received: list[T] = []

    async def receive(self) -> T:
        """Ask for a message and return it.

        Raises:
            AssertionError: None came in time.
            trio.EndOfChannel: The pipeline has ended.
            trio.BrokenResourceError: The network has stopped.
        """
        return await self._ask("a message")

    async def expect(self, *messages: T) -> None:
        """Ask for messages one by one, and check that these come, in this order.

        Raises:
            AssertionError: Another message came, or the end, or nothing.
        """
        for message in messages:
            try:
                got = await self._ask(shorten(message))
            except trio.EndOfChannel:
                raise AssertionError(f"{self}: expected {shorten(message)}, got the end {self._so_far()}") from None
            if got != message:
                raise AssertionError(
                    f"{self}: expected {shorten(message)}, got {shorten(got)} {self._so_far(self.received[:-1])}"
                )

    async def expect_nothing(self, seconds: float = 0.0) -> None:
        """Ask for a message, and check that none comes.

        Args:
            seconds: How long none may come, by trio's clock. With 0, the default, all tasks run until they wait.

        Raises:
            AssertionError: One came.
        """
        core = self._core
        core.ask(1)
        await wait_all_tasks_blocked()
        if seconds and not core.outbox.queue:
            with trio.move_on_after(seconds):
                await core.outbox.receivers.park(core, "receive", False, never)
        if core.outbox.queue:
            message = core.outbox.receive_nowait()
            self.received.append(message)
            raise AssertionError(f"{self}: expected nothing, got {shorten(message)} {self._so_far(self.received[:-1])}")
        core.ask(-1)

    async def expect_end(self) -> None:
        """Check that the pipeline ends, and that no more messages come before.

        Raises:
            AssertionError: A message came, or nothing.
        """
        try:
            message = await self._ask("the end")
        except trio.EndOfChannel:
            return
        raise AssertionError(f"{self}: expected the end, got {shorten(message)} {self._so_far(self.received[:-1])}")

    async def _ask(self, what: str) -> T:
        core = self._core
        core.ask(1)
        try:
            with trio.move_on_after(self.seconds):
                message = await core.outbox.receive()
                self.received.append(message)
                return message
        except BaseException:
            core.ask(-1)
            raise
        core.ask(-1)
        error = AssertionError(f"{self}: expected {what}, and nothing came within {self.seconds:g} s {self._so_far()}")
        if self.network is not None:
            annotate(error, str(self.network.report()))  # it says where the items are
        raise error

    def _so_far(self, received: list[T] | None = None) -> str:
        """What was received before, in words."""
        before = self.received if received is None else received
        return f"(received before: {shorten(before)})" if before else "(received nothing before)"


def never(item: object) -> bool:
    """A filter that nothing passes: the message stays, for the test to see."""
    del item
    return False
