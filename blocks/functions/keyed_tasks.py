"""Runs async functions in tasks, with the items of one key one at a time and in order."""

from __future__ import annotations

from typing import Any

from ..base.error_info import forget_frames
from .async_runner import AsyncExpandingRunner, AsyncRunner, Job
from .function_block import FunctionCore
from .key_turns import LAST_TRY, KeyTurns
from .leasing import Leasing
from .pacing import Pacing


class KeyedTasks(AsyncRunner):
    """Calls an async function with several items at once, but with one item of each key.

    If results keep the order of all items, leases are taken in this order too, so that the item that the others wait
    for has one. Otherwise an item takes its lease when its turn has come. A start is counted then in any case.
    """

    is_eager = False  # a key function that raises must not raise in a sender's task

    def __init__(self, block: FunctionCore[Any], turns: KeyTurns[Job], *args: Any) -> None:
        super().__init__(block, *args)
        self.turns = turns
        self.late_leasing: Leasing | Pacing | None = None
        if self.leasing is not None:
            self.leasing, self.late_leasing = self.leasing.split(self.ordered)

    def wanted(self) -> int:
        """An item for each worker that has none; items that wait for their key are with no worker."""
        return super().wanted() + self.turns.waiting

    def _next(self) -> Job | None:
        turns, block = self.turns, self.block
        if self.workers > self.concurrency:
            return None
        if turns.is_ending:
            self._discard_waiting()
        while not turns.ready and (taken := super()._next()) is not None:
            self._take_in(taken)
        job = self._first_ready()
        is_blocked = bool(turns.ready or block.outbox.queue or block.has_dead_letters())
        turns.hold_back(job is None and not is_blocked)
        return job

    def _take_in(self, job: Job) -> None:
        number, item = job
        try:
            self.turns.take_in(number, item, job)
        except BaseException as error:
            forget_frames(error)
            self.busy -= 1  # the block counts the item from here on
            self.block.handle(error, item, number, LAST_TRY)
            self._hand_on(number, [])

    def _first_ready(self) -> Job | None:
        turns, leasing = self.turns, self.late_leasing
        if not turns.ready:
            return None
        if leasing is None:
            return turns.ready.popleft()
        if not leasing.ready_for(turns.ready[0][1]):
            return None
        number, item = turns.ready.popleft()
        return number, leasing.give(item)

    def _discard_waiting(self) -> None:
        """Discard the items that are not worked on, because their results are not needed."""
        for number, item in self.turns.give_up():
            self.block.discard(item)
            self.busy -= 1
            super()._hand_on(number, [])

    def _hand_on(self, number: int, results: list[Any]) -> None:
        self.turns.over(number)
        super()._hand_on(number, results)

    def close(self) -> None:
        """Let the idle workers go."""
        self.turns.clear()
        super().close()


class KeyedExpandingTasks(KeyedTasks, AsyncExpandingRunner):
    """The same for an async function that returns an iterable per item, or an async generator function."""
