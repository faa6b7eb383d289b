"""The options that all stages of a pipeline have."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from typing import Any, TypedDict

from penstock.blocks import Rate
from penstock.blocks.functions.policies import OnError


class StageOptions(TypedDict, total=False):
    """The options of one stage of a pipeline; except for `stateful`, they mean the same as for a `Transformer`.

    Attributes:
        concurrency: Up to this many calls run at once, >= 1. Default: 1.
        executor: Where a plain function is called: `Threads`, `Processes`, or another executor. Default: on the loop.
        ordered: Whether results keep the order of the items. Default: True.
        window: Up to this many items are started and not yet handed on.
        capacity: Up to this many items wait or are in work.
        on_error: What happens to an item for which the function raises: "fail", "skip", or a policy. A `DeadLetter`
            gets a function, which is called with each `ErrorInfo`.
        time_limit: Seconds that one item may take.
        key: Returns the key of an item: items with the same key are worked on one at a time, in order.
        rate: A `Rate`, or the number of calls per second.
        name: The name in reports; by default the name of the function.
        stateful: Whether the function has a state: it is called by one worker in this process, with one item after the
            other, also by a `Plan`. Default: False; a plan may call it from several workers at once.
    """

    concurrency: int
    executor: Executor | None
    ordered: bool
    window: int | None
    capacity: int | None
    on_error: OnError
    time_limit: float | None
    key: Callable[[Any], Hashable] | None
    rate: Rate | float | None
    name: str | None
    stateful: bool
