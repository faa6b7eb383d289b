"""One run of a recipe: its source, its blocks and its network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypedDict

import attrs

from penstock.agents.governor import PipelineGovernor
from penstock.blocks import Block, IterableSource, MemoryBudget, Network
from penstock.blocks.core.block import inside
from penstock.blocks.core.block_core import core_of

from .flow_limit import FlowLimit
from .host import Host
from .outlet import Outlet
from .run_limit import RunLimit, check_least
from .sources import Items, source_of
from .stage import Change
from .stages import Stages, name_apart
from .steps import Step, as_it_is, check_options, concurrency_of, make_all, needed_by, wanted_by

if TYPE_CHECKING:
    import rich.console

    from penstock.blocks import Recording, TimeLimit


class RunOptions(TypedDict, total=False):
    """The options of one run of a pipeline.

    Attributes:
        limit: Up to this many items are between the source and the caller: read, in work, or handed over and not
            released. By default 16, or four times the sum of all concurrencies if that is more, and what the batches
            need; up to 256 while more than one item comes in 0.1 ms. None: only the capacities of the blocks bound it.
            With a `MemoryBudget`, the items that have come in take up to this many bytes. It can be changed while the
            pipeline runs: assign to the attribute `limit` of the results.
        recording: A recording of which block works on which item.
        progress: Whether to show the progress of the stages, as a `Network` does; or where. Default: False.
        dashboard: Whether to show the run on a page in the browser, as a `Network` does. Default: False.
        time_limit: Seconds, by trio's clock, after which the run fails with `TimeLimitExceeded`; or a `TimeLimit`.
            Default: no limit.
        progress_limit: The same for a period in which no item has moved, as for a `Network`. Default: no limit.
        watchdog: Seconds for which a function may hold the loop before this is logged, as for a `Network`. Default:
            no such thread.
        name: The name of the network in reports. Default: "pipeline".
    """

    limit: int | MemoryBudget | None
    recording: Recording | None
    progress: rich.console.Console | bool
    dashboard: bool
    time_limit: TimeLimit | float | None
    progress_limit: TimeLimit | float | None
    watchdog: float | None
    name: str


def usual_limit(steps: Sequence[Step], concurrency: int | None = None) -> int:
    """How many items may come in while they are slow, if the user gives no limit.

    Args:
        steps: The recipe.
        concurrency: How many calls run at once now, if it was changed.
    """
    if concurrency is None:
        concurrency = sum(step.concurrency for step in steps)
    return max(16, 4 * concurrency) + wanted_by(steps) - 1


def check_run(who: str, steps: Sequence[Step], options: RunOptions) -> None:
    """Raise a `TypeError` for an option that does not exist, and a `ValueError` for a limit that can never work."""
    check_options(who, options, RunOptions.__annotations__)
    least, limit = needed_by(steps), options.get("limit")  # every batch must be able to get full
    if isinstance(limit, int) and not isinstance(limit, bool) and limit >= 1:
        check_least(who, limit, least)


def governor_of(steps: Sequence[Step], options: RunOptions) -> PipelineGovernor | None:
    """Make the governor of a run; None if only the capacities of the blocks bound it."""
    if "limit" not in options:
        return FlowLimit(usual_limit(steps), "limit")
    limit = options["limit"]
    return None if limit is None else PipelineGovernor(limit, name="limit")


@attrs.frozen
class Built:
    """The blocks and the network of one run.

    Attributes:
        network: The network, not yet entered.
        last: The block whose messages are the results, or the outlet.
        source: The block that reads the items.
        limit: The limit of the run.
        steps: The recipe.
        blocks: The blocks of the steps.
    """

    network: Network
    last: Any
    source: IterableSource[Any]
    limit: RunLimit
    steps: Sequence[Step]
    blocks: tuple[Block, ...]

    def stages(self, change: Callable[[Change], None]) -> Stages:
        """The stages, which can be changed.

        Args:
            change: Makes a change in the loop.
        """
        return Stages(self.blocks, change, self._fit_limit)

    def _fit_limit(self) -> None:
        """Let the limit depend on the concurrencies that hold now, unless the user has given it."""
        self.limit.fit(usual_limit(self.steps, concurrency_of(map(core_of, self.blocks))))

    def finish(self) -> None:
        """Read no more items; call it in the loop's thread."""
        source = inside(self.source)
        if source.broken is None and not source.finished:
            source.stop_reading()


def build(
    steps: Sequence[Step],
    items: Items[Any],
    options: RunOptions,
    host: Host | None = None,
    outlet: Outlet[Any] | None = None,
) -> Built:
    """Make everything for one run.

    Raises:
        TypeError: The items are not iterable.
        ValueError: An option is out of its range.
    """
    source = source_of(items, host)
    line = make_all(steps, as_it_is if host is None else host.wrap)
    last: Block = line.last
    source.link_target(line.first)
    if outlet is not None:
        line.last.link_target(outlet)
        last = outlet
    name_apart(line.blocks, source.name)
    governor = governor_of(steps, options)
    if governor is not None:
        governor.govern(line.first, last)
    for_network: dict[str, Any] = {"name": "pipeline", **options}
    for_network.pop("limit", None)
    network = Network(source, **for_network)
    in_bytes = isinstance(options.get("limit"), MemoryBudget)
    limit = RunLimit(governor, needed_by(steps), in_bytes, outlet)
    return Built(network, last, source, limit, steps, line.blocks)
