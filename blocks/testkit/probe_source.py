"""A source for tests: the test gives its items one by one, and sees whether they are taken."""

from __future__ import annotations

from typing import ClassVar, TypeVar

from trio.testing import wait_all_tasks_blocked

from ..base.error_info import shorten
from ..bounded_buffer import BoundedBuffer

T = TypeVar("T")


class ProbeSource(BoundedBuffer[T]):
    """Gives the items of a test to the blocks that it is linked to, one by one.

    `await source.send(item)` waits while the item before it is not taken. The `expect_…` methods first let all tasks
    run until they wait (`trio.testing.wait_all_tasks_blocked`), and then look. Its items end when the body of the
    network ends, or with `source.complete()`.

    - Inputs and outputs: takes items from the test; each goes to the first linked target that accepts it.
    - Order: first in, first out.
    - Holds: one item.
    - Back-pressure: while its item is not taken, senders wait.
    - Ends: after `complete`, or after the body of the network, when its item was taken.
    - Fails: calls no user function.

    Args:
        name: The name of the block in reports; by default its class and a number.
    """

    kind: ClassVar[str] = "probe source"

    def __init__(self, name: str | None = None) -> None:
        super().__init__(1, name=name)

    async def expect_taken(self, *items: T) -> None:
        """Send items one by one, and check that each of them is taken at once.

        Raises:
            AssertionError: An item is not taken; the message says why.
        """
        for item in items:
            await self._offer(item)
            if len(self):
                raise AssertionError(f"{self}: {shorten(item)} was not taken: {self._core.outbox.describe_head()}")

    async def expect_blocked(self, item: T) -> None:
        """Send an item, and check that it is not taken now: the pipeline pushes back. It is taken later.

        Raises:
            AssertionError: The item is taken.
        """
        await self._offer(item)
        if not len(self):
            raise AssertionError(f"{self}: {shorten(item)} was taken; the pipeline has room for more")

    async def expect_not_needed(self) -> None:
        """Check that the pipeline needs no more items, for example because a `Take` has all that it wanted.

        Raises:
            AssertionError: It still takes items.
        """
        await wait_all_tasks_blocked()
        inbox = self._core.inbox
        if not (inbox.takes_only_links or inbox.closed):
            raise AssertionError(f"{self}: the pipeline still takes items")

    async def _offer(self, item: T) -> None:
        await wait_all_tasks_blocked()
        if len(self):
            raise AssertionError(
                f"{self}: the item before {shorten(item)} is not taken yet: {self._core.outbox.describe_head()}"
            )
        self.send_nowait(item)
        await wait_all_tasks_blocked()
