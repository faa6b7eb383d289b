"""The `async with` block in which blocks and agents run together.

`Network` is the class for users. The run itself is in `engine/run.py`. This module makes all parts of a run and
connects them: measurements, stall detection, limits, recording, progress.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Any

import trio

from .base.checks import check_kind
from .base.cpus import usable_cpus
from .base.in_trio import check_in_trio
from .base.names import given_name
from .base.network_statistics import Statistics
from .core.balance import Balance
from .core.block import Block
from .core.block_core import BlockCore
from .core.nodes import Node, parts_of
from .core.view import View
from .engine.plugs import Checks, Plugs
from .engine.run import Run
from .limits.limits import Limits, Reports
from .limits.step_watch import watches
from .limits.time_limit import TimeLimit
from .liveness.adrift import watch_adrift
from .liveness.doubts import Doubts
from .liveness.graph_check import check_graph, nodes_of, refuse_what_must_stall
from .liveness.standstill import classify_idle, own_task_moves
from .measuring.network_meter import NetworkMeter
from .recording.recorder import Recorder
from .reports.progress import Progress
from .shutdown import Shutdown

if TYPE_CHECKING:
    import rich.console

    from .base.diagnosis import Diagnosis
    from .dashboard.dashboard import Dashboard
    from .recording.recording import Recording
    from .reports.report import Report
    from .reports.suggest import Suggestion


class Network:
    """Runs blocks and agents: entering starts them, leaving completes them and waits until they have drained.

    Entering starts the given blocks and agents and everything that is linked to them. A block that is linked to a
    running one joins the network. When the body ends, targets without a producer complete, everything drains, and the
    balance is checked. When the body raises, or a block or agent faults, everything is cancelled, and the exceptions
    come out in an `ExceptionGroup`. Each fault carries a note with the block, the item and its number.

    Args:
        nodes: Blocks and agents; one of each connected set is enough.
        shutdown: The shutdown buffers, for networks that must stop together; by default the network has its own.
        name: The name of the network in reports; by default its class and a number.
        time_limit: A limit for the whole run: a `TimeLimit`, or the seconds, by trio's clock, after which the network
            fails. Default: None, no limit.
        progress_limit: The same for a period in which no item has moved: into a block, out of a block, or to its end in
            a block. The network may notice this up to a tenth of the limit late. Waiting for input from outside is not
            progress. One long call is not progress either, even in an executor.
        watchdog: Seconds of real time for which the event loop may be blocked. After that, up to a quarter later, a
            separate thread logs where it is blocked. Default: None, no such thread.
        recording: A recording of which block or agent works on which item, and when. Default: None, no recording.
        progress: Whether to show the progress of the stages during the run: on a terminal, and below the cell of a
            notebook, as a table that is redrawn five times per second; otherwise as a line of text on standard error
            every five seconds. With a rich `Console`, it is shown there.
        dashboard: Whether to show the network on a page in the browser while it runs; the address is printed on
            standard error. For the page of several networks, or for a port of your own, see
            `penstock.blocks.dashboard.Dashboard`.
        paused: Whether the network begins paused: everything joins and nothing is worked on until `resume`.

    Attributes:
        name: The name of the network.
        shutdown: The shutdown buffers.
        recording: The recording of its run; None if there is none.

    Raises:
        ExceptionGroup: On leaving: the faults, in the order in which they happened.
        TimeLimitExceeded: On leaving, in a group: a limit was exceeded.
        ValueError: A limit is out of its range.
        Stalled: On leaving, in a group: nothing could move any more, but blocks held items or tasks waited.
        RuntimeError: On entering: the network, or a block in it, has already run, or trio does not run here.
        ValueError: On entering, before anything has started: the graph is sure to stall, see `check`.
    """

    def __init__(
        self,
        *nodes: Node,
        shutdown: Shutdown | None = None,
        name: str | None = None,
        time_limit: TimeLimit | float | None = None,
        progress_limit: TimeLimit | float | None = None,
        watchdog: float | None = None,
        recording: Recording | None = None,
        progress: rich.console.Console | bool = False,
        dashboard: bool = False,
        paused: bool = False,
    ) -> None:
        self.name: str = given_name("Network", name)
        parts = parts_of(f"network {self.name!r}", nodes)
        check_kind(f"network {self.name!r}", "shutdown", shutdown, Shutdown)
        if recording is not None:
            check_recording(f"network {self.name!r}", recording)
        self.recording: Recording | None = recording
        self._dashboard = own_dashboard(f"network {self.name!r}", dashboard)
        self.shutdown: Shutdown = Shutdown(f"{self.name} shutdown") if shutdown is None else shutdown
        self._run = run = Run(self, parts, self.shutdown)
        check_kind(f"network {self.name!r}", "paused", paused, bool)
        run.members.paused = paused
        self._measures = measures = NetworkMeter(run)
        run.plug_in(
            Plugs(
                measures=measures,
                limits=Limits(run, REPORTS, time_limit, progress_limit, watchdog),
                progress=Progress(run, progress),
                recorder=Recorder(run, measures, recording, ways),
                doubt=Doubts(run).speak_up,
                checks=CHECKS,
            )
        )
        self._context: Any = None

    def __repr__(self) -> str:
        run = self._run
        state = "ended" if run.has_ended else "running" if run.is_open else "new"
        return f"<Network {self.name!r} {state}, {len(run.nodes)} blocks and agents>"

    def _repr_svg_(self) -> str:
        return drawn(self._run)

    async def __aenter__(self) -> Network:
        check_in_trio("enter", f"network {self.name!r}")
        if self._context is not None:
            raise RuntimeError(f"network {self.name!r} has already run; make a new one")
        self._context = self._run.entered()
        if self._dashboard is None:
            await self._context.__aenter__()
        else:
            await self._enter_with(self._dashboard)
        return self

    async def _enter_with(self, dashboard: Dashboard) -> None:
        dashboard.watch(self._run)
        dashboard.open(f"the page of network {self.name!r}")
        try:
            await self._context.__aenter__()
        except BaseException:
            dashboard.close()
            raise

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        result: bool | None = await self._context.__aexit__(kind, value, trace)
        return result

    # Stopping

    def cancel(self) -> None:
        """Stop this network at once: its tasks are cancelled, and its items are discarded and counted.

        The `async with` block ends without an exception; `cancel_called` is True then. Other networks with the same
        shutdown buffers go on; `shutdown.cancel()` stops all of them.
        """
        self._run.cancel()

    @property
    def cancel_called(self) -> bool:
        """Whether the network was asked to stop, by `cancel` or through its shutdown buffers."""
        return self._run.cancel_called

    async def terminate(self, drain: float | None = None, cancel: float = 0.0) -> Balance:
        """End the network in steps: take nothing more, drain, cancel what has not drained in time.

        From now on sources read no further, repeating timers are stopped, and targets without a producer refuse
        messages. Agents see `should_terminate`. A paused network goes on, so that it can drain. Call it in the body, or
        in a task of your own.

        Args:
            drain: Seconds, by trio's clock, in which the items may come to their end, >= 0; with 0, nothing more is
                worked on. Default: None, no limit.
            cancel: Seconds to wait for tasks that are cancelled then, >= 0. A call in an executor may take longer; the
                end of the `async with` block waits for it.

        Returns:
            The balance: `discarded` says what was thrown away. If tasks are still ending, `held` says what will be.

        Raises:
            RuntimeError: The network does not run yet; or one of its agents or functions has called this.
            ValueError: A number is negative.
        """
        from .engine.termination import terminate  # late: most programs leave their networks

        return await terminate(self._run, drain, cancel)

    # Pausing

    async def pause(self) -> None:
        """Start no work any more, and wait until none is under way.

        All blocks that call a function, sources, timers and agents are held; what joins later is held as well. Buffers,
        batches and joins go on, until they have nothing to do. Senders wait when the blocks are full. Time limits of
        the network go on, its progress limit does not.

        Raises:
            trio.BrokenResourceError: The network stops meanwhile.
            RuntimeError: It was called in another thread.
        """
        await self._run.pause()

    def resume(self) -> None:
        """Go on after a pause, also of single blocks and agents; does nothing if there is none.

        Raises:
            RuntimeError: It was called in another thread.
        """
        self._run.resume()

    @property
    def is_paused(self) -> bool:
        """Whether a block or an agent is paused."""
        return self._run.is_paused

    # Reports

    def balance(self) -> Balance:
        """Return the balance: what happened to all items that each block has accepted; available at any time."""
        return self._run.balance()

    def statistics(self) -> Statistics:
        """Return the statistics of all blocks, agents and governors so far; quick, and available at any time."""
        return self._run.statistics()

    def check(self) -> tuple[str, ...]:
        """Find parts of the graph that will stall unless they are changed; before the start or at any time.

        It finds: an input of a join that nothing feeds, a block from which nothing takes messages, a source whose links
        all have filters, a governor that is smaller than a batch inside it, paths that split and meet again with too
        little room on one of them. Each finding is a sentence with a remedy. The body may still apply the remedy, so a
        finding is not a proof. Only graphs that are sure to stall are refused, with a `ValueError`, when the network is
        entered.
        """
        return check_graph(self._run)

    def report(self) -> Report:
        """Return a report on the current state of the network; print it to read it."""
        return report(self._run)

    def suggest(self) -> Suggestion:
        """Suggest how to make such a run faster: the slowest stage, better concurrencies, and the expected time.

        The suggestion uses the measurements of the blocks that call a function. It is best if the run has ended and was
        long enough to be typical. `str()` makes it readable.

        Raises:
            RuntimeError: Nothing was measured yet: no block has called its function.
        """
        from .reports.fusing import lines_of
        from .reports.link_statistics import find_links
        from .reports.suggest import measured, suggest  # late: most programs ask for none

        statistics = self.statistics()
        stages = measured(statistics)
        if not stages:
            raise RuntimeError(f"network {self.name!r}: nothing was measured yet; run it with some items first")
        lines = lines_of(statistics.blocks, find_links(self._run, statistics))
        return suggest(stages, self._measures.seconds(), usable_cpus(), self._measures.idle.free(), lines)

    def step_of(self, task: trio.lowlevel.Task) -> str | None:
        """Return the name of the block whose step a task runs; None if it runs no step."""
        return self._run.pump.step_of(task)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The blocks, in the order in which they joined; blocks that have left during the run are not included.

        Before the start, these are the blocks that would join now. Equal names get numbers only at the start.
        """
        return tuple(node.facade for node in nodes_of(self._run) if isinstance(node, BlockCore))


# Imported late: most networks are not recorded and never stall


def check_recording(who: str, recording: object) -> None:
    """Raise a `TypeError` unless it is a recording."""
    from .recording.recording import Recording

    check_kind(who, "recording", recording, Recording)


def own_dashboard(who: str, wanted: object) -> Dashboard | None:
    """Make the dashboard of one network, if it is wanted."""
    if not isinstance(wanted, bool):
        raise TypeError(f"{who}: dashboard must be True or False, got {wanted!r}; use a Dashboard by `with`")
    if not wanted:
        return None
    from .dashboard.dashboard import Dashboard

    return Dashboard()


def ways(run: View) -> Iterable[tuple[str, str]]:
    """The pairs of a source and its target that exist now, by name."""
    from .reports.link_statistics import ways_of

    return ways_of(run)


def report(run: View) -> Report:
    """Return a report on the current state of a network."""
    from .reports.report import make_report

    return make_report(run)


def drawn(run: View) -> str:
    """Return the diagram of a network, which a notebook displays."""
    from .reports.graph_svg import draw_network
    from .reports.network_diagram import diagram_of

    return draw_network(diagram_of(run))


def diagnose(run: View, *, is_stalled: bool = False) -> Diagnosis:
    """Find the reasons why nothing can move."""
    from .liveness.diagnosis import diagnose

    return diagnose(run, is_stalled=is_stalled)


REPORTS = Reports(report, diagnose)
CHECKS = Checks(
    refuse=refuse_what_must_stall,
    classify_idle=classify_idle,
    own_task_moves=own_task_moves,
    diagnose=partial(diagnose, is_stalled=True),
    watch_adrift=watch_adrift,
    watch=watches.enter,
    watch_no_more=watches.leave,
)
