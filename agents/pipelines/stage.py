"""A stage of a run, whose numbers can be changed while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar, cast

from penstock.blocks.base.checks import check_number
from penstock.blocks.core.block_core import BlockCore
from penstock.blocks.core.rate import Rate
from penstock.blocks.functions.concurrent_block import ConcurrentBlock, check_change
from penstock.blocks.functions.function_block import FunctionCore
from penstock.blocks.throttle import ThrottleCore

Number = TypeVar("Number", int, float)
Change = Callable[[], None]


class Stage:
    """One stage of a run. Its `concurrency` and `rate` can be changed at any time. Made by `stage()` of the results.

    The results of `run()` and `stream()` have the method `stage`, and so has a `Section`. A number holds for this run
    only: the pipeline stays as it is. After the end of the run, a change has no effect. The stages of a `run()`, or of
    a `stream()` in asyncio, may be changed in any thread, and all others in the thread of their loop.

    Attributes:
        name: The name of the stage, as in reports.
    """

    __slots__ = ("_asked", "_change", "_changed", "_core", "_lock", "name")

    def __init__(self, name: str, core: BlockCore, change: Callable[[Change], None], changed: Change) -> None:
        self.name: str = name
        self._core = core
        self._change = change
        self._changed = changed
        self._lock = threading.Lock()
        self._asked: dict[str, float] = {}  # numbers that the loop has not seen yet

    def __repr__(self) -> str:
        parts = [f"Stage {self.name!r}", self._core.kind]
        if isinstance(self._core.facade, ConcurrentBlock):
            parts.append(f"concurrency {self.concurrency}")
        if self.rate is not None:
            parts.append(f"{self.rate:g} per second")
        return f"<{', '.join(parts)}>"

    @property
    def concurrency(self) -> int:
        """Up to this many calls run at once.

        If it is raised, more calls start at once. If it is lowered, calls that run go on, and none is started until
        fewer are under way. A `window` or a limit of the run that was not given changes with it. No more calls run at
        once than an executor has workers.

        Raises:
            ValueError: The new number is less than 1, more than the `window` or the `capacity`, or more than 1 for a
                plain function on the loop or a stage with `at_end`.
            RuntimeError: The stage calls no function with several items at once.
        """
        asked = self._asked.get("concurrency")
        return self._calling().runner.concurrency if asked is None else int(asked)

    @concurrency.setter
    def concurrency(self, concurrency: int) -> None:
        check_change(self._calling(), concurrency)
        self._ask("concurrency", concurrency, self._set_concurrency)

    @property
    def rate(self) -> float | None:
        """Up to this many calls start per second, or items go on from a `throttle`; None if the stage has no rate.

        A change also applies to calls that wait already. If the stage was made with a `Rate`, this rate is changed, for
        all stages that share it.

        Raises:
            ValueError: The new number is not greater than 0.
            RuntimeError: The stage was made without a rate.
        """
        asked, rate = self._asked.get("rate"), rate_of(self._core)
        return asked if asked is not None or rate is None else rate.n / rate.seconds

    @rate.setter
    def rate(self, rate: float | None) -> None:
        shared = rate_of(self._core)
        if shared is None:
            raise RuntimeError(f"{self._core} was made without a rate; give it a rate that can be changed")
        check_number(str(self._core), "rate, the number of calls per second,", rate, above=True)
        assert rate is not None
        self._ask("rate", rate, partial(set_rate, shared))

    def _calling(self) -> FunctionCore[object]:
        """The core, if it calls a function with several items at once."""
        if not isinstance(self._core.facade, ConcurrentBlock):
            raise RuntimeError(f"{self._core} has no concurrency: only a map, flat_map, filter or tap has one")
        return cast("FunctionCore[object]", self._core)

    def _set_concurrency(self, concurrency: int) -> None:
        self._core.facade.concurrency = concurrency
        self._changed()

    def _ask(self, what: str, number: Number, hold: Callable[[Number], None]) -> None:
        """Let a number hold in the loop, and answer with it until then."""
        with self._lock:
            self._asked[what] = number

        def change() -> None:
            try:
                hold(number)
            finally:
                with self._lock:
                    if self._asked.get(what) is number:
                        del self._asked[what]

        self._change(change)


def rate_of(core: BlockCore) -> Rate | None:
    """The rate of a block, if it has one."""
    return core.rate if isinstance(core, FunctionCore | ThrottleCore) else None


def set_rate(rate: Rate, per_second: float) -> None:
    """Change a rate."""
    rate.n = per_second * rate.seconds
