"""Runs plain functions that return an iterable per item on the loop, and hands on what the iterables give.

Quick items are expanded many at a time. A batch of them, or a single item, that gives more than there is room for is
read on in the next step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from time import thread_time
from typing import Any

from ..base.callables import NOT_ITERABLE, not_run
from ..base.error_info import forget_frames
from ..base.loop_held import LOOP_HELD
from ..base.timing import BATCH_SECONDS, time_slice
from ..core.observer import Work
from .expansion import LISTS, Expansion
from .function_block import FunctionCore
from .inline_runner import InlineRunner
from .item_limit import expanded_in_time


class ExpandingRunner(InlineRunner):
    """Calls a plain function that returns an iterable per item, and reads the iterables lazily.

    Unless every failure is a fault, the outputs of an item are handed on only when all of them are there. So an item
    that is skipped or tried again has given no outputs.
    """

    __slots__ = ("batch", "current", "item", "outputs_per_item", "spent", "work")

    def __init__(self, block: FunctionCore[Any]) -> None:
        super().__init__(block)
        self.item: Any = None
        self.work: Work | None = None
        self.spent: float = 0.0
        self.current: Iterator[Any] | None = None
        self.batch: Expansion | None = None
        self.outputs_per_item: float = 1.0

    def _run(self, count: int) -> None:
        batch = self.batch
        if batch is None and self._may_batch():
            # one item less than outputs that may come, so that the end of the last item is seen
            items = self.take(max(1, min(count - 1, int(self.size.items / self.outputs_per_item))))
            function = self.function if self.block.failures.is_strict else self._listed
            batch = Expansion(self.block, function, items) if items else None
        if batch is not None:
            self._run_batch(batch, count)
        else:
            self._run_one_by_one(count)

    def _may_batch(self) -> bool:
        """Whether items are quick, and nothing looks at each of them."""
        block = self.block
        is_free = self.current is None and not self.attempt and block.ends is None
        return is_free and self.size.items > 1 and block.tracer is None and block.leasing is None

    def _listed(self, item: Any) -> Iterable[Any]:
        """All outputs of an item, so that one that fails has given none."""
        outputs = self.function(item)
        return outputs if type(outputs) in LISTS or type(outputs) in NOT_ITERABLE else list(outputs)

    def _run_batch(self, batch: Expansion, count: int) -> None:
        """Hand on the next outputs of a batch, up to `count`."""
        outputs: list[Any] = []
        before = batch.done
        self.block.call_meter.start(self.size.items)
        is_over = batch.read(outputs, count)
        done = batch.done - before
        elapsed = self.block.call_meter.stop(done)
        if elapsed > LOOP_HELD:
            self.report_held(elapsed)
        self.size.learn(max(done, len(outputs)) + 1, elapsed)
        self._count(done, outputs)
        self.batch = None if is_over else batch
        if is_over and batch.error is not None:
            self.item, *rest = batch.rest()
            self.put_back(rest)
        elif not is_over:
            self.block.wake()
        self.block.emit(outputs)
        if is_over and batch.error is not None:
            try:
                self.failed(self._let_go(), batch.error)
            finally:
                batch.close()
                del batch, outputs  # the exception refers to this frame

    def _count(self, done: int, outputs: Sequence[Any]) -> None:
        """Count items that are done, and outputs."""
        if done:
            self.outputs_per_item = max(1.0, len(outputs) / done)
            self.number += done
            self.busy -= done
            self.attempt = None
            self.block.counts["consumed"] += done
        self.block.counts["produced"] += len(outputs)

    def _run_one_by_one(self, count: int) -> None:
        """Expand items, and measure each."""
        outputs: list[Any] = []
        ends: list[int] = [0]  # how many outputs there were when an item ended
        error: BaseException | None = None
        quick, quick_seconds, first = 0, 0.0, self.number
        start, cpu = time_slice.clock(), thread_time()
        now = start
        while len(outputs) < count and error is None and (self.current is not None or self._next_item()):
            before = len(outputs)
            try:
                if self.current is None:
                    self.current = self._expand(self.item)
                outputs.extend(islice(self.current, count - len(outputs)))
            except BaseException as raised:
                error = raised
                forget_frames(error)
                self.current = None
            else:
                if len(outputs) < count:
                    self._item_done()
                    ends.append(len(outputs))
            if self.work is not None:
                self._trace(self.work, outputs[before:], error)
            mark, now = now, time_slice.clock()
            self.spent += now - mark
            if self.current is None and self.spent > BATCH_SECONDS / 4:
                self.block.call_meter.add(1, self.spent, 0.0, now)
                self.spent = 0.0
            elif self.current is None:  # quick items are counted together, which costs less
                quick, quick_seconds, self.spent = quick + 1, quick_seconds + self.spent, 0.0
            if now - start > 2 * BATCH_SECONDS or self._may_batch():
                break
        elapsed = now - start
        self.block.call_meter.add(quick, quick_seconds, thread_time() - cpu, now)
        if elapsed > LOOP_HELD:
            self.report_held(elapsed)
        self.size.learn(max(self.number - first, len(outputs)), elapsed)
        self.block.counts["produced"] += len(outputs)
        self.block.tell_ends(end - before for before, end in pairwise(ends))
        self.block.emit(outputs)
        if self.current is not None:
            self.block.wake()
        if error is not None:
            try:
                self.failed(self._let_go(), error)
            finally:
                del outputs, error  # the exception refers to this frame

    def bind(self) -> None:
        """Call the function that the block has now; its calls are recorded one by one."""
        self.function = expanded_in_time(self.block.function, self.block.time_limit)

    def _next_item(self) -> bool:
        batch = self.take(1)
        if batch:
            self.item = batch[0]
            tracer = self.block.tracer
            self.work = None if tracer is None else tracer.begin(self.block.name, self.item)
        return bool(batch)

    def _trace(self, work: Work, outputs: Sequence[Any], error: BaseException | None) -> None:
        """Record outputs, failure or end of the current item."""
        tracer = self.block.tracer
        assert tracer is not None
        tracer.gave(outputs, work)
        if error is not None:
            tracer.failed(work, self.item, error)
        elif self.current is None:
            tracer.end(work)

    def _expand(self, item: Any) -> Iterator[Any]:
        try:
            outputs = self.function(item)
        except StopIteration as error:
            from ..executors.work import stop_iteration  # late: most functions never raise it

            raise stop_iteration(str(self.block)) from error
        if type(outputs) in NOT_ITERABLE:
            raise not_run(self.block, outputs, is_read=True)
        return iter(outputs) if self.block.failures.is_strict else iter(list(outputs))

    def _let_go(self) -> Any:
        item, self.item = self.item, None
        return item

    def _item_done(self) -> None:
        self.current = self.item = None
        self.number += 1
        self.attempt = None
        self.busy -= 1
        self.block.counts["consumed"] += 1

    def stop_expanding(self) -> None:
        """Close what is being read; its item and the items behind it are discarded."""
        block = self.block
        if self.current is not None:
            block.tell_ends((0,))
        block.counts["discarded"] += self.busy
        self.attempt = None
        self.close()

    def close(self) -> None:
        """Close the generator that was being read."""
        super().close()
        batch, self.batch = self.batch, None
        if batch is not None:
            batch.close()
        close = getattr(self.current, "close", None)
        self.current = self.item = None
        if close is not None:
            close()
