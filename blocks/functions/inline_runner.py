"""Runs plain functions on the loop, a batch of items at a time.

A batch takes about a fifth of a millisecond. A slow function is called once per step, so results stream, and the loop
is held for one call or a fraction of a millisecond at most. Calls of a quick function share the cost of a step among
up to a thousand items. Items that were taken, and not worked on because an earlier one failed, stay in `pending`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import trio

from ..base.callables import NOT_RUN, let_go, not_run
from ..base.error_info import forget_frames
from ..base.loop_held import LOOP_HELD, loop_held
from ..base.timing import BatchSize
from ..core.carried import for_fallback
from .call_meter import WORKING
from .function_block import FunctionCore
from .item_limit import called_in_time, mapped_in_time
from .policies import Attempt

NOTHING: Any = ()
"""The pending items of a runner while there are none."""


class InlineRunner:
    """Maps a plain function over batches of items."""

    passes_on = False  # the results are handed on, not the items themselves
    is_eager = False
    ordered = True
    waits_for_room = False
    waiting = 0
    at_once = concurrency = 1
    fixed_window = None
    place = "loop"
    __slots__ = (
        "attempt",
        "block",
        "busy",
        "function",
        "has_warned",
        "is_pausing",
        "map",
        "number",
        "pending",
        "size",
    )

    def __init__(self, block: FunctionCore[Any]) -> None:
        self.block: FunctionCore[Any] = block
        self.function: Callable[[Any], Any] = block.function
        self.map: Callable[[Callable[[Any], Any], Iterable[Any]], Iterator[Any]] = mapped_in_time(block.time_limit)
        self.pending: deque[Any] = NOTHING
        self.busy: int = 0
        self.size: BatchSize = BatchSize()
        self.number: int = 0
        self.attempt: Attempt | None = None
        self.is_pausing: bool = False
        self.has_warned: bool = False

    def start(self) -> None:
        """Take the function of the block."""
        self.bind()

    def bind(self) -> None:
        """Call the function that the block has now; wrap it to record its calls if the run is recorded."""
        block = self.block
        self.function = block.function
        if (tracer := block.tracer) is not None:
            function = called_in_time(block.function, block.time_limit)  # a failure by the limit is recorded too
            self.function = tracer.calls(block.name, function, block.gives, self.passes_on)
            self.map = map

    def step(self) -> None:
        """Work on one batch, if the results of the last one were handed on."""
        block = self.block
        block.flush()
        is_held = self.is_pausing or (block.paused is not None and not self.pending)
        room = 0 if is_held else block.room()
        if room < 1:
            block.inbox.serve_waiting()
            return
        self._run(min(room, self.size.items))
        block.inbox.serve_waiting()
        more = self.pending or (block.inbox.queue and block.paused is None)
        if more and not self.is_pausing and not self._is_held_up():
            block.wake()

    def _is_held_up(self) -> bool:
        """Whether the next call has to wait for a lease or for the rate; a failed item has its lease."""
        leasing = self.block.leasing
        return leasing is not None and (leasing.waits if self.attempt is None else leasing.holds_up_tries)

    def wanted(self) -> int:
        """One batch."""
        return self.size.items

    def give_out(self) -> None:
        """Do nothing: work is done only in steps."""

    def change_concurrency(self, concurrency: int) -> None:
        """Do nothing: it is always 1."""

    def take(self, count: int) -> Sequence[Any]:
        """Get the next items; items that were put back come first."""
        if self.attempt:
            leasing = self.block.leasing
            return [self.pending.popleft()] if leasing is None or leasing.may_try_again() else []
        if self.pending:
            return [self.pending.popleft() for _ in range(min(count, len(self.pending)))]
        inbox = self.block.inbox
        leasing = self.block.leasing
        if leasing is not None:
            count = leasing.ready(inbox.queue, count)
        batch = inbox.take(count)
        self.busy += len(batch)
        return batch if leasing is None else [leasing.give(item) for item in batch]

    def put_back(self, items: list[Any]) -> None:
        """Keep items that were taken and not worked on, as the next ones."""
        if not self.pending:
            self.pending = deque()  # made when it is needed: few functions fail
        self.pending.extendleft(reversed(items))

    def _run(self, count: int) -> None:
        batch = self.take(count)
        if not batch:
            return
        meter = self.block.call_meter
        if meter.state is not WORKING:
            meter.change(WORKING)
        results: list[Any] = []
        error: BaseException | None = None
        meter.start(self.size.items)
        try:
            results.extend(self.map(self.function, batch))
        except BaseException as raised:
            error = raised
            forget_frames(error)
        done = len(results)
        elapsed = meter.stop(min(done + 1, len(batch)))
        if elapsed > LOOP_HELD:
            self.report_held(elapsed)
        if error is None and done < len(batch):  # map takes StopIteration for the end of the batch
            from ..executors.work import stop_iteration  # late: most functions never raise it

            error = stop_iteration(str(self.block))
        if results and (refused := self._refuse(results)) is not None:
            done, error = refused
            del results[done:]
        self.size.learn(done, elapsed)
        self.number += done
        self.busy -= done
        self.attempt = None if done else self.attempt
        self._give(batch, results)
        if error is not None and done == len(batch):  # Ctrl-C, after the last item
            raise error
        if error is not None:
            self.put_back(list(islice(batch, done + 1, None)))
            try:
                self.failed(batch[done], error)
            finally:
                del batch, results, error  # the exception refers to this frame

    def _refuse(self, results: list[Any]) -> tuple[int, Exception] | None:
        """Find the first result that the function must not return; return its place and the error, or None."""
        if type(results[0]) not in NOT_RUN and type(results[-1]) not in NOT_RUN:
            return None
        place = [type(result) in NOT_RUN for result in results].index(True)
        return place, refuse(self.block, results[place:])

    def _give(self, items: Sequence[Any], results: list[Any]) -> None:
        """Hand on the results; they belong to the first of these items."""
        del items
        self.block.emit(results)

    def failed(self, item: Any, error: BaseException) -> None:
        """Apply the policy to a failed item; the items before it are done, the items after it are pending."""
        self.busy -= 1
        self.attempt = again = self.block.handle(error, item, self.number + 1, self.attempt)
        if again is None:
            self.number += 1
            return
        self.busy += 1
        self.put_back([item if again.cause is None else for_fallback(item)])
        if again.delay > 0:
            assert self.block.host is not None
            self.is_pausing = True
            self.block.host.after(again.delay, self._resume)

    def report_held(self, seconds: float) -> None:
        """Warn, once, that the function blocks the loop."""
        loop_held.explain(seconds)
        if not self.has_warned:
            self.has_warned = True
            loop_held.report(self.block, seconds, "give it executor=Threads(n)", function=self.block.function)

    def _resume(self) -> None:
        self.is_pausing = False
        self.block.wake()

    def tasks(self) -> Iterable[trio.lowlevel.Task]:
        """No tasks: only the pump works here."""
        return ()

    def close(self) -> None:
        """Release the items; nothing else is held."""
        self.pending = NOTHING
        self.busy = 0


def refuse(block: FunctionCore[Any], results: list[Any]) -> TypeError:
    """Close the coroutines and generators among the results, and explain the first result, which is one of them."""
    close_unused(results[1:])
    return not_run(block, results[0])


def close_unused(results: Iterable[Any]) -> None:
    """Close the coroutines and generators among some results."""
    for result in results:
        if type(result) in NOT_RUN:
            let_go(result)
