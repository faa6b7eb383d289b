"""Finds the bottleneck of a run, with the model of the suggestions, extended by agents.

Blocks that call functions, the loop and the processors are judged by the time of their calls. An agent, or the body,
counts as working whenever it does not wait in this library. It may wait for something else, so it is the bottleneck
only if a stage that it feeds, or takes from, had to wait too. A block whose calls waited for their rate, or for the
keys of their items, for half of the run is the bottleneck if no other block was busy for longer. If nothing has worked
for half of the run, and the first or last stage has waited for half of the run, the bottleneck is the code that feeds
the first or takes from the last.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from operator import itemgetter

import attrs

from ..base.cpus import usable_cpus
from ..base.network_statistics import Statistics
from ..base.statistics import LEFT, AgentStatistics, BlockStatistics
from .bottleneck import BODY, LOOP, PROCESSORS, WORTH_TELLING, Bottleneck, BottleneckKind, Waited
from .link_statistics import LinkStatistics
from .model import Model, Stage, crowding
from .suggest import is_measured, stage_of

BUSY = 0.8
"""A block that is busy for this share of the run is the bottleneck, unless it has waited."""
WAITED = 0.1
"""A stage that has waited for this share of the run counts as held up."""
ABOUT_AS_SLOW = 0.9
MOST_WAITS = 3


def find_bottleneck(
    statistics: Statistics, links: Iterable[LinkStatistics] = (), processors: int | None = None
) -> Bottleneck | None:
    """Find the bottleneck of a run; None if nothing has run yet.

    Args:
        statistics: The statistics of the run so far.
        links: The links; without links, every agent is assumed to feed and read all blocks.
        processors: The number of usable processors; by default those of this program.
    """
    run = Run(statistics, tuple(links), usable_cpus() if processors is None else processors)
    top = run.busiest()
    waits = [found for found in (run.slowest_rate(), run.slowest_key()) if found is not None]
    longest = max(waits, key=lambda found: found.seconds, default=None)
    if longest is not None and (top is None or longest.seconds > top.seconds):
        return longest
    actor = run.slow_actor(top)
    if actor is not None or top is None:
        return actor
    if top.seconds < run.seconds / 2:
        return run.slow_end() or Bottleneck(top.name, BottleneckKind.NOTHING, top.seconds, run.seconds)
    return top if top.kind is BottleneckKind.NOTHING else attrs.evolve(top, waits=run.waits_but_of(top.name))


class Run:
    """The data of a run that the search needs."""

    def __init__(self, statistics: Statistics, links: Sequence[LinkStatistics], processors: int) -> None:
        self.seconds: float = statistics.seconds
        self.pairs: list[tuple[str, str]] = [(link.source or BODY, link.target or BODY) for link in links]
        self._ways = ways_of(self.pairs)
        self._back = ways_of((target, source) for source, target in self.pairs)
        self._blocks = [block for block in statistics.blocks if block.kind != LEFT]
        self.blocks: dict[str, BlockStatistics] = {
            block.name: block for block in statistics.blocks if is_measured(block)
        }
        self.unmeasured: set[str] = {block.name for block in statistics.blocks if is_unmeasured(block)}
        self.stages: list[Stage] = [stage_of(block) for block in self.blocks.values()]
        self.model: Model = Model(self.stages, max(self.seconds, 1e-9), processors)
        self.actors: dict[str, AgentStatistics] = {
            agent.name: agent for agent in (*statistics.agents, statistics.body) if moved(agent)
        }
        self.waits: list[Waited] = sorted(self._all_waits(), key=lambda wait: -wait.seconds)

    def _all_waits(self) -> Iterable[Waited]:
        everything: list[BlockStatistics | AgentStatistics] = [*self.blocks.values(), *self.actors.values()]
        for one in everything:
            yield Waited(one.name, one.wait_for_input.total, is_for_input=True)
            yield Waited(one.name, one.wait_for_output.total, is_for_input=False)

    def waits_but_of(self, name: str) -> tuple[Waited, ...]:
        """Return the waits of other parts that are long enough to mention, up to MOST_WAITS."""
        least = WORTH_TELLING * self.seconds
        return tuple(wait for wait in self.waits if wait.name != name and wait.seconds >= least)[:MOST_WAITS]

    # Blocks, the loop, the processors

    def busiest(self) -> Bottleneck | None:
        """Return the bottleneck among the blocks, the loop and the processors."""
        model, parallel = self.model, [stage for stage in self.stages if not stage.takes_turns]
        slowest = max(parallel, key=model.load, default=None)
        found = None if slowest is None else self._stage(slowest)
        if model.loop > (found.seconds if found is not None else 0.0):
            found = self._loop()
        if found is not None and model.cpu > 1.02 * max(model.loop, *map(model.load, self.stages)):
            eager = sorted(self.stages, key=lambda stage: -stage.cpu)
            return self._shared(PROCESSORS, BottleneckKind.PROCESSORS, model.cpu, eager)
        return found

    def _loop(self) -> Bottleneck:
        on_loop = sorted((stage for stage in self.stages if stage.takes_turns), key=self.model.load, reverse=True)
        if self.model.load(on_loop[0]) > self.model.loop / 2:
            return self._stage(on_loop[0])
        return self._shared(LOOP, BottleneckKind.LOOP, self.model.loop, on_loop)

    def _shared(self, name: str, kind: BottleneckKind, seconds: float, stages: Sequence[Stage]) -> Bottleneck:
        return Bottleneck(name, kind, seconds, self.seconds, others=tuple(stage.name for stage in stages))

    def _stage(self, stage: Stage) -> Bottleneck:
        model, load = self.model, self.model.load(stage)
        others = sorted((other for other in self.stages if other is not stage), key=model.load, reverse=True)
        found = Bottleneck(
            stage.name, BottleneckKind.BLOCK, load, self.seconds, stage.seconds / stage.items, stage.concurrency
        )
        if not others:
            return found
        if as_slow := tuple(other.name for other in others if model.load(other) > ABOUT_AS_SLOW * load):
            return attrs.evolve(found, kind=BottleneckKind.NOTHING, others=as_slow)
        limit = model.limit_if(stage, model.load(others[0]))
        possible = max(0.0, self.seconds - model.limit()) + limit
        return attrs.evolve(found, next_slowest=others[0].name, possible=possible)

    def slowest_rate(self) -> Bottleneck | None:
        """Return the block that has waited longest for its rate, if it waited for half of the run; else None."""
        return self._longest(BottleneckKind.RATE, {block.name: block.wait_for_rate.total for block in self._blocks})

    def slowest_key(self) -> Bottleneck | None:
        """Return the block that was held up longest only by its keys, if it was for half of the run; else None."""
        return self._longest(BottleneckKind.KEY, {block.name: block.wait_for_key.total for block in self._blocks})

    def _longest(self, kind: BottleneckKind, waits: Mapping[str, float]) -> Bottleneck | None:
        name, waited = max(waits.items(), key=itemgetter(1), default=("", 0.0))
        if waited < self.seconds / 2 or not waited:
            return None
        return Bottleneck(name, kind, waited, self.seconds, waits=self.waits_but_of(name))

    # Agents and the body

    def slow_actor(self, top: Bottleneck | None) -> Bottleneck | None:
        """Return the agent, or the body, that limits the run more than any block; None if there is none."""
        limit = 0.0 if top is None else self.model.limit()
        if top is not None and limit >= BUSY * self.seconds and self._waited(top.name) < WAITED * self.seconds:
            return None
        for actor in sorted(self.actors.values(), key=self._own, reverse=True):
            own, waits = self._own(actor), self._waiting_for(actor)
            if own > max(limit, self.seconds / 2) and waits:
                each = own / max(actor.received, actor.emitted)
                found = Bottleneck(actor.name, BottleneckKind.AGENT, own, self.seconds, each, waits=waits[:MOST_WAITS])
                possible = max(0.0, self.seconds - own) + limit
                return found if top is None else attrs.evolve(found, next_slowest=top.name, possible=possible)
        return None

    def _own(self, actor: AgentStatistics) -> float:
        """Return the seconds that an agent worked: without its waits, and without the turns of others on the loop."""
        own = actor.seconds - actor.wait_for_input.total - actor.wait_for_output.total
        return own * (1 - crowding(self.model.loop, self.seconds))

    def _waited(self, name: str) -> float:
        return sum(wait.seconds for wait in self.waits if wait.name == name)

    def _waiting_for(self, actor: AgentStatistics) -> tuple[Waited, ...]:
        """Return the waits for input of stages that an agent feeds, and for output of stages that it takes from."""
        everything = {wait.name for wait in self.waits if not self.pairs}
        fed = (everything | self._reached(actor.name, self._ways)) if actor.emitted else set[str]()
        taken = (everything | self._reached(actor.name, self._back)) if actor.received else set[str]()
        return tuple(
            wait
            for wait in self.waits
            if wait.name != actor.name and wait.name in (fed if wait.is_for_input else taken)
            if wait.seconds >= WAITED * self.seconds
        )

    # Unknown tasks

    def slow_end(self) -> Bottleneck | None:
        """Return the first or last stage, if it has waited half of the run for the code before or after it."""
        names = {stage.name for stage in self.stages}
        for wait in self.waits:
            if wait.name not in names or wait.seconds < self.seconds / 2:
                continue
            if self.pairs:
                around = self._reached(wait.name, self._back if wait.is_for_input else self._ways, stop=names)
                is_end = names.isdisjoint(around - {wait.name})
            else:
                around = self.unmeasured
                is_end = wait.name == self.stages[0 if wait.is_for_input else -1].name
            if is_end:
                kind = BottleneckKind.INPUT if wait.is_for_input else BottleneckKind.OUTPUT
                suspects = tuple(sorted(around & self.unmeasured))
                return Bottleneck(wait.name, kind, wait.seconds, self.seconds, waits=(wait,), others=suspects)
        return None

    @staticmethod
    def _reached(start: str, ways: Mapping[str, Sequence[str]], stop: Container[str] = ()) -> set[str]:
        """Return the names reachable along links, but not through the body, which need not send what it takes.

        Args:
            start: The block or agent from which to go.
            ways: The next names after each name.
            stop: The search ends at the first of these names other than `start`.
        """
        found: set[str] = set()
        waiting = list(ways.get(start, ()))
        while waiting:
            one = waiting.pop()
            if one not in found:
                found.add(one)
                if one in stop and one != start:
                    break
                waiting.extend(ways.get(one, ()) if one != BODY else ())
        return found


def ways_of(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the targets of each source."""
    ways: dict[str, list[str]] = {}
    for source, target in pairs:
        ways.setdefault(source, []).append(target)
    return ways


def is_unmeasured(block: BlockStatistics) -> bool:
    """Whether a block's time is not known: the block is a timer, or makes its calls on a cluster."""
    return not block.service.count and (block.kind == "timer" or bool(block.place and block.received))


def moved(agent: AgentStatistics) -> bool:
    """Whether an agent has received or sent anything."""
    return bool(agent.received or agent.emitted)
