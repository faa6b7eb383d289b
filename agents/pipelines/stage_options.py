"""The options that stages of a pipeline have."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import Executor
from typing import Any, TypedDict

from penstock.blocks import Rate
from penstock.blocks.functions.key_matcher import Keys, Unmatched
from penstock.blocks.functions.policies import OnError


class BlockOptions(TypedDict, total=False):
    """The options of a stage that calls no function: of `batch`, `take` and `throttle`.

    Attributes:
        capacity: Up to this many items wait or are in work.
        name: The name in reports; by default what the stage does, or the name of its function.
    """

    capacity: int | None
    name: str | None


class CallOptions(BlockOptions, total=False):
    """The options of `fold` and `flatten`: those of `BlockOptions`, and some more.

    Attributes:
        on_error: What happens to an item for which the stage raises: "fail", "skip", or a policy. A `DeadLetter` gets a
            function, which is called with each `ErrorInfo`.
        context: Whether the function is called with the context variables of the item: those of its sender, if the
            pipeline is a `section()`, and those that the stages before it have set, if they have this option too. (In
            asyncio, a variable that an asynchronous function sets is seen by that call only.) Default: False.
    """

    on_error: OnError
    context: bool


class StageOptions(CallOptions, total=False):
    """The options of a stage that calls a function: of `filter` and `tap`, and with `MapOptions` of the others.

    They are those of `CallOptions`, and some more. Except for `stateful`, they mean the same as for a `Transformer`.
    There is no `filter`: an item that a stage declines would stay in front of it. Use `Pipeline.filter`.

    Attributes:
        concurrency: Up to this many calls run at once, >= 1. Default: 1.
        executor: Where a plain function is called: `Threads`, `Processes`, or another executor. Default: on the loop.
        ordered: Whether results keep the order of the items. Default: True; with a `key`, only those of the same key.
        window: Up to this many items are started and not yet handed on.
        time_limit: Seconds that one item may take.
        key: Returns the key of an item: items with the same key are worked on one at a time, in order.
        rate: A `Rate`, or the number of calls per second.
        stateful: Whether the function has a state: it is called by one worker in this process, with one item after the
            other, also by a `Plan`. Default: False; a plan may call it from several workers at once.
    """

    concurrency: int
    executor: Executor | None
    ordered: bool | None
    window: int | None
    time_limit: float | None
    key: Callable[[Any], Hashable] | None
    rate: Rate | float | None
    stateful: bool


class MapOptions(StageOptions, total=False):
    """The options of `map` and `flat_map`: those of `StageOptions`, and one more.

    Attributes:
        priority: Returns the priority of an item, a number: of the items that wait here, the one with the highest
            number is started next. Results leave in the order in which their items were started.
    """

    priority: Callable[[Any], float] | None


class ForkOptions(TypedDict, total=False):
    """The options of a fork of a pipeline; they mean the same as for a `Join`.

    Attributes:
        key: Returns what the results of one item have in common: one function, or a tuple with one for each branch. It
            is needed only if a branch changes the order or the number of the items. Default: None, the results are
            matched by their place.
        capacity: Up to this many results of one branch wait for those of the others, >= 1, if there is a `key`.
        unmatched: With a `key`, what happens to a result that has no partner in another branch: "drop" (the default)
            counts it, "fail" makes it an error, and a `DeadLetter` gets a function, which is called with it.
    """

    key: Keys | None
    capacity: int | None
    unmatched: Unmatched | None
