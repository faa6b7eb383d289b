"""Connects a network to a recording, and to the observers that the watchers of all networks make."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce
from typing import TYPE_CHECKING, Protocol

from ..base.names import BODY
from ..core.link import wiring
from ..core.observer import Observer
from ..core.view import View
from ..core.watchers import watchers
from .stage_order import between, in_order

if TYPE_CHECKING:
    from .recording import Recording
    from .routes import Routes
    from .tracer import Tracer

Feeds = dict[str, list[str]]


class Meter(Protocol):
    """The part of the measurements of a network that is needed here."""

    tracer: Observer | None


def both(first: Observer, second: Observer) -> Observer:
    """Let two observers watch."""
    from .both import Both  # late: most networks have one at most

    return Both(first, second)


class Recorder:
    """Connects one network to a recording, if there is one.

    Args:
        network: The network to record.
        meter: The network's measurements, which get the tracer.
        recording: The recording to write; None for no recording.
        ways: Gives the pairs of a source and its target that exist now, by name.
    """

    def __init__(
        self,
        network: View,
        meter: Meter,
        recording: Recording | None,
        ways: Callable[[View], Iterable[tuple[str, str]]],
    ) -> None:
        self._ways = ways
        self._network = network
        self._meter = meter
        self._recording = recording
        self._tracer: Tracer | None = None

    def prepare(self) -> None:
        """Get ready to record.

        Raises:
            ValueError: The recording has another run already.
        """
        observers: list[Observer] = []
        if self._recording is not None:
            observers.append(self.observe(self._recording))
        for watcher in watchers.now:
            observer = watcher.observer(self._network, self._all_routes())
            if observer is not None:
                observers.append(observer)
        if observers:
            self._meter.tracer = reduce(both, observers)

    def observe(self, recording: Recording) -> Observer:
        """Make what writes the recording.

        Raises:
            ValueError: The recording has another run already.
        """
        network = self._network
        if recording.network or recording.kept:
            raise ValueError(
                f"network {network.name!r}: {recording!r} already has a run; make another Recording for this one"
            )
        from .tracer import Tracer  # late: most networks are not recorded

        recording.network = network.name
        self._tracer = Tracer(recording.kept, self._all_routes())
        return self._tracer

    def _all_routes(self) -> Routes:
        from .routes import Routes

        return Routes(self._routes, self._wiring)

    def begin(self) -> None:
        """Note the possible stages, for users who read the recording while the network runs."""
        recording = self._recording
        if recording is not None:
            feeds, stages = self._routes()
            recording.stages = self._in_order(feeds, stages)
            recording.links = tuple(between(recording.stages, feeds))

    def finish(self) -> None:
        """Note the length of the run, and its stages; keep none of its items."""
        if self._meter.tracer is not None:
            self._meter.tracer.forget_all()
        recording = self._recording
        if recording is not None and self._tracer is not None:
            recording.seconds = self._tracer.seconds()
            feeds = self._feeds()
            recording.stages = self._in_order(feeds, recording.kept.stages())
            recording.links = tuple(between(recording.stages, feeds))

    # Which stage feeds which

    def _routes(self) -> tuple[Feeds, set[str]]:
        """The links, and the names of the stages: the nodes that work on items."""
        network = self._network
        stages = {agent.name for agent in network.agents} | {BODY}
        stages |= {block.name for block in network.blocks if hasattr(block, "call_meter")}
        return self._feeds(), stages

    def _wiring(self) -> tuple[int, int]:
        """Changes when something was linked or unlinked, or a node has joined or left."""
        return wiring.changes, len(self._network.nodes)

    def _feeds(self) -> Feeds:
        """The targets of each block, agent or body, by name."""
        feeds: Feeds = {}
        for source, target in self._ways(self._network):
            feeds.setdefault(source, []).append(target)
        return feeds

    def _in_order(self, feeds: Feeds, stages: set[str]) -> tuple[str, ...]:
        """The stages, in the order in which items pass them."""
        nodes = in_order([BODY, *(node.name for node in self._network.nodes)], feeds)
        return tuple(node for node in nodes if node in stages)
