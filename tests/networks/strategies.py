"""Draws plans of networks that are healthy: whatever the interleaving, they cannot get stuck.

What a user can build is more than that. The rules below keep out what would rightly be a standstill or a broken
sequence: a batch or a loss in a branch that a join waits for, a change of order in front of a sequence multiplexer …
Those have tests of their own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any, Literal, get_args

import attrs
from hypothesis import strategies as st

from .building import Handling, Pace, Paced, Stage, Trouble
from .forks import ALIKE, Fork, Merge
from .groups import Group
from .lending import End, Lend
from .plans import Bound, Feed, FeedKind, Incident, Plan, Sink, SinkKind
from .stages import Bundle, Expand, Flavour, Hand, Manner, Overflow, Sieve, Store, StoreKind, Work
from .workers import Workers, WorkersKind

Draw = Callable[[st.SearchStrategy[Any]], Any]

PACES = st.builds(Pace, st.lists(st.sampled_from([None, 0.0, 0.01, 0.1, 1.0, 7.0]), min_size=1, max_size=3).map(tuple))
CAPACITIES = st.one_of(st.none(), st.integers(1, 4))


@attrs.frozen
class Rules:
    """What may stand in a chain.

    Attributes:
        trouble: Which kind of failures there are: none, only such as a policy deals with, or also faults.
        losses: Whether items may end here (a policy, an overflow).
        silent_losses: Whether items may end here without anyone being told (a filter).
        agents: Whether there may be agents; they hide from a sequence multiplexer what is lost before them.
        batches: Whether items may wait for one another.
        expansion: Whether one item may become several, or none.
        disorder: Whether the order may change.
        impatience: Whether agents may give up waiting, and try again.
        workers: Which kinds of executors there may be.
        depth: How many forks may stand in one another.
        lending: Whether items may get buffers.
        letters: Whether failed items may be kept; those that have a buffer may not, as others wait for it.
        in_step: Whether the messages must stay in the order of a broadcast, in a way that a join can prove.
    """

    trouble: Literal["none", "handled", "faults"] = "none"
    losses: bool = True
    silent_losses: bool = True
    agents: bool = True
    batches: bool = True
    expansion: bool = True
    disorder: bool = True
    impatience: bool = True
    workers: tuple[WorkersKind, ...] = ("loop",)
    depth: int = 2
    lending: bool = True
    letters: bool = True
    in_step: bool = False


def in_turn(rules: Rules) -> Rules:
    """The rules for a part in which each loss is heard, and everything else stays in order."""
    return attrs.evolve(
        rules, silent_losses=False, batches=False, expansion=False, disorder=False, agents=False, in_step=True
    )


@st.composite
def troubles(draw: Draw, rules: Rules) -> tuple[Trouble, Handling]:
    """Which items fail, and what the block does about it."""
    kinds = ["none"]
    if rules.trouble != "none":
        losses = ["skip", "dead letter"] if rules.letters else ["skip"]
        kinds += ["retry"] + (losses if rules.losses else [])
    if rules.trouble == "faults":
        kinds += ["fail"] + (["budget"] if rules.losses else [])
    kind = draw(st.sampled_from(kinds))
    if kind == "none":
        return Trouble(), Handling()
    trouble = Trouble(draw(st.integers(1, 9)), draw(st.integers(0, 8)))
    times = draw(st.integers(0, 2))
    backoff = draw(st.sampled_from([0.0, 0.5]))
    if kind == "retry":
        tries = draw(st.integers(1, 3))
        return attrs.evolve(trouble, tries=tries), Handling("fail", tries, backoff)
    if kind == "budget":
        kind = draw(st.sampled_from(["skip", "dead letter"] if rules.letters else ["skip"]))
        at_most, rate = draw(st.sampled_from([(0, None), (1, None), (3, None), (None, 0.2), (2, 0.5)]))
        return trouble, Handling(kind, times, backoff, at_most, rate)
    return trouble, Handling(kind, times, backoff)


class Drawer:
    """Draws the parts of one plan, each with a mark of its own."""

    def __init__(self, draw: Draw) -> None:
        self.draw = draw
        self.marks: Iterator[int] = itertools.count(1)

    def chain(self, rules: Rules, max_size: int) -> tuple[Stage, ...]:
        """Some stages, one behind the other."""
        size = self.draw(st.integers(1, max_size))
        return tuple(self.stage(rules, is_first=index == 0) for index in range(size))

    def stage(self, rules: Rules, *, is_first: bool) -> Stage:
        """One stage of any kind that the rules allow."""
        kinds: list[Callable[[Rules, bool], Stage]] = [self.store, self.work, self.work]
        if rules.expansion:
            kinds.append(self.expand)
        if rules.expansion and rules.depth:
            kinds.append(self.group)
        if rules.batches:
            kinds.append(self.bundle)
        if rules.silent_losses:
            kinds.append(self.sieve)
        if rules.agents:
            kinds.append(self.hand)
        if rules.depth:
            kinds += [self.fork, self.fork]
            if rules.lending:
                kinds.append(self.lend)
        stage: Stage = self.draw(st.sampled_from(kinds))(rules, is_first)
        return stage

    def store(self, rules: Rules, is_first: bool) -> Store:
        """A buffer; the first one never rejects what a sender brings."""
        overflows: list[Overflow] = ["wait"]
        if not is_first:
            overflows.append("reject")
        if rules.losses:
            overflows.extend(("drop_oldest", "drop_newest"))
        return Store(
            next(self.marks),
            self.draw(CAPACITIES),
            self.draw(st.sampled_from(overflows)),
            self.draw(st.sampled_from(get_args(StoreKind))),
        )

    def workers(self, rules: Rules) -> Workers:
        """An executor."""
        return Workers(
            self.draw(st.sampled_from(rules.workers)),
            self.draw(st.integers(1, 4)),
            self.draw(PACES),
            self.draw(st.booleans()),
        )

    def concurrency(self, rules: Rules, is_inline: bool) -> tuple[int, bool]:
        """How many calls at once, and whether in order."""
        concurrency = 1 if is_inline else self.draw(st.integers(1, 4))
        return concurrency, not rules.disorder or self.draw(st.booleans())

    def keys(self) -> int | None:
        """How many keys the items of a block have; None for a block without keys."""
        keys: int | None = self.draw(st.sampled_from([None, None, None, 1, 2, 5]))
        return keys

    def capacity(self, concurrency: int) -> int | None:
        """How many items a function block may hold."""
        capacity: int | None = self.draw(st.one_of(st.none(), st.integers(concurrency, concurrency + 3)))
        return capacity

    def work(self, rules: Rules, is_first: bool) -> Work:
        """A transformer."""
        del is_first
        is_async = self.draw(st.booleans())
        workers = None if is_async or self.draw(st.booleans()) else self.workers(rules)
        is_inline = not is_async and workers is None
        concurrency, ordered = self.concurrency(rules, is_inline)
        trouble, handling = self.draw(troubles(rules))
        return Work(
            next(self.marks),
            is_async,
            concurrency,
            ordered,
            None if is_inline else self.draw(st.one_of(st.none(), st.integers(concurrency, concurrency + 2))),
            self.capacity(concurrency),
            self.draw(PACES) if is_async else Pace(),
            trouble,
            handling,
            workers,
            workers is None and self.draw(st.booleans()),
            self.keys(),
            self.draw(st.sampled_from(get_args(Paced))),
        )

    def expand(self, rules: Rules, is_first: bool) -> Expand:
        """A transform-many."""
        del is_first
        flavour: Flavour = self.draw(st.sampled_from(get_args(Flavour)))
        is_async = flavour.startswith("async")
        workers = None if is_async or self.draw(st.booleans()) else self.workers(rules)
        concurrency, ordered = self.concurrency(rules, not is_async and workers is None)
        trouble, handling = self.draw(troubles(rules))
        return Expand(
            next(self.marks),
            flavour,
            self.draw(st.lists(st.integers(0, 3), min_size=1, max_size=3).map(tuple)),
            concurrency,
            ordered,
            self.capacity(concurrency),
            self.draw(PACES) if is_async else Pace(),
            trouble,
            handling,
            workers,
            workers is None and self.draw(st.booleans()),
            workers is None and concurrency == 1 and self.draw(st.booleans()),
            self.keys(),
        )

    def bundle(self, rules: Rules, is_first: bool) -> Bundle:
        """A batch."""
        del rules, is_first
        return Bundle(
            next(self.marks),
            self.draw(st.integers(1, 4)),
            self.draw(st.sampled_from([None, 0.05, 2.0])),
            self.draw(CAPACITIES),
            self.draw(st.sampled_from([None, None, 1, 3])),
            self.draw(st.booleans()),
        )

    def trouble_without_policy(self, rules: Rules) -> Trouble:
        """Which items make a filter or an agent raise."""
        if rules.trouble != "faults" or not self.draw(st.booleans()):
            return Trouble()
        return Trouble(self.draw(st.integers(1, 20)), self.draw(st.integers(0, 19)))

    def hand(self, rules: Rules, is_first: bool) -> Hand:
        """An agent."""
        del is_first
        manners = [manner for manner in get_args(Manner) if rules.impatience or manner != "impatient"]
        return Hand(
            next(self.marks),
            self.draw(st.sampled_from(manners)),
            self.draw(CAPACITIES),
            self.draw(CAPACITIES),
            self.draw(PACES),
            self.trouble_without_policy(rules),
        )

    def sieve(self, rules: Rules, is_first: bool) -> Sieve:
        """A filter."""
        del is_first
        return Sieve(
            next(self.marks),
            self.draw(st.integers(2, 4)),
            self.draw(CAPACITIES),
            self.draw(st.booleans()),
            self.trouble_without_policy(rules),
        )

    def group(self, rules: Rules, is_first: bool) -> Group:
        """A one-to-many block, and behind some stages a regroup."""
        split = attrs.evolve(self.expand(rules, is_first), ordered=True, has_end=False, keys=None)
        rules = attrs.evolve(in_turn(rules), depth=rules.depth - 1)
        return Group(next(self.marks), split, self.chain(rules, 2), self.draw(st.booleans()))

    def fork(self, rules: Rules, is_first: bool) -> Fork:
        """Branches that come together again."""
        del is_first
        rules = attrs.evolve(rules, depth=rules.depth - 1)
        kinds: list[tuple[Any, Merge]] = [] if rules.in_step else [("split", "sequence"), ("balance", "sequence")]
        kinds.extend((("broadcast", "join"), ("broadcast", "greedy join"), ("turns", "collect")))
        if rules.disorder:
            kinds.extend((("split", "direct"), ("split", "choice"), ("balance", "direct"), ("balance", "choice")))
            if rules.expansion:
                kinds.extend((("broadcast", "direct"), ("broadcast", "choice")))
        spread, merge = self.draw(st.sampled_from(kinds))
        if merge in ("join", "greedy join"):
            rules = attrs.evolve(
                rules,
                losses=False,
                silent_losses=False,
                batches=False,
                expansion=False,
                disorder=False,
                agents=False,
                in_step=True,
            )
        elif merge == "collect":
            rules = in_turn(rules)
        elif merge == "sequence":
            rules = attrs.evolve(rules, silent_losses=False, batches=False, expansion=False, disorder=False)
            if self.draw(st.booleans()):
                rules = attrs.evolve(rules, losses=False)
            elif rules.losses:
                rules = attrs.evolve(rules, agents=False)
        count = 1 if spread in ALIKE else self.draw(st.integers(1, 3))
        return Fork(
            next(self.marks),
            spread,
            merge,
            tuple(self.chain(rules, 2) for _ in range(count)),
            self.draw(st.integers(1, 3)) if spread in ALIKE else count,
            self.draw(CAPACITIES),
            self.draw(st.booleans()),
        )

    def lend(self, rules: Rules, is_first: bool) -> Lend:
        """Some stages with buffers; the variables of an agent, or a list that fills up, would keep too many of them."""
        rules = attrs.evolve(rules, lending=False, letters=False, agents=False, batches=False, depth=rules.depth - 1)
        return Lend(
            self.work(rules, is_first),
            self.chain(rules, 3),
            self.draw(st.integers(1, 3)),
            self.draw(st.sampled_from(get_args(End))),
        )

    def feed(self, rules: Rules, sink: Sink) -> Feed:
        """What the items come from; a body that reads until the end cannot also feed until its own end."""
        kinds: list[FeedKind] = [kind for kind in get_args(FeedKind) if kind != "body" or sink.kind != "body"]
        count = self.draw(st.integers(0, 20))
        kind = self.draw(st.sampled_from(kinds))
        trouble_at = None
        if rules.trouble == "faults" and kind != "list":
            trouble_at = self.draw(st.one_of(st.none(), st.integers(0, 20)))
        patience = self.draw(st.sampled_from([None, None, 0.2 if rules.impatience else None]))
        return Feed(kind, count, self.draw(PACES), self.draw(st.integers(1, 3)), trouble_at, patience)

    def sink(self, rules: Rules) -> Sink:
        """What takes the results."""
        kinds: tuple[SinkKind, ...] = get_args(SinkKind)
        kind = self.draw(st.sampled_from(kinds))
        concurrency = self.draw(st.integers(1, 3))
        workers = self.workers(rules) if kind == "executor call" else Workers()
        return Sink(kind, self.capacity(concurrency), concurrency, self.draw(PACES), workers)

    def bound(self, stages: tuple[Stage, ...]) -> Bound | None:
        """A governor over neighbours with no agent among them, and not so tight that a batch cannot fill."""
        runs = [
            (first, last)
            for first in range(len(stages))
            for last in range(first, len(stages))
            if not any(contains(stage, Hand) for stage in stages[first : last + 1])
        ]
        if not runs or not self.draw(st.booleans()):
            return None
        first, last = self.draw(st.sampled_from(runs))
        inside = stages[first : last + 1]
        limit = self.draw(st.integers(1, 6))
        if any(contains(stage, Bundle) for stage in inside):
            limit += 12  # up to four in each of up to three batches in a row
        grows = any(contains(stage, Expand) or contains(stage, Bundle) or has_broadcast(stage) for stage in inside)
        is_weighted = self.draw(st.booleans()) and not any(contains(stage, Bundle) for stage in inside)
        return Bound(limit, first, last, is_weighted, not grows)


def contains(stage: Stage, kind: type) -> bool:
    """Whether a part is of a kind or has one in it."""
    return isinstance(stage, kind) or any(contains(part, kind) for part in parts_of(stage))


def parts_of(stage: Stage) -> Iterator[Stage]:
    """The parts that a part is made of."""
    if isinstance(stage, Fork):
        yield from itertools.chain.from_iterable(stage.branches)
    elif isinstance(stage, Group):
        yield stage.split
        yield from stage.stages
    elif isinstance(stage, Lend):
        yield from stage.inside


def has_broadcast(stage: Stage) -> bool:
    """Whether a part makes copies."""
    return (isinstance(stage, Fork) and stage.spread == "broadcast") or any(map(has_broadcast, parts_of(stage)))


@st.composite
def plans(
    draw: Draw,
    *,
    trouble: Literal["none", "handled", "faults"] = "none",
    incidents: bool = False,
    bounds: bool = True,
    threads: bool = False,
) -> Plan:
    """A healthy network."""
    drawer = Drawer(draw)
    # in real time, a slow machine may give who is impatient no chance between two of his time limits
    rules = Rules(trouble, workers=("threads", "standard") if threads else ("loop",), impatience=not threads)
    stages = drawer.chain(rules, 4)
    sink = drawer.sink(rules)
    feed = drawer.feed(rules, sink)
    bound = drawer.bound(stages) if bounds else None
    incident = None
    if incidents:
        incident = Incident(
            draw(st.sampled_from(["scope", "network", "shutdown"])),
            draw(st.one_of(st.integers(0, 200), st.none())),
            draw(st.sampled_from([0.0, 0.005, 0.05, 0.5, 5.0])),
        )
        if incident.kind != "scope" and incident.at is None:
            incident = attrs.evolve(incident, at=draw(st.integers(0, 200)))
    return Plan(feed, stages, sink, bound, incident, draw(st.integers(0, 30)), threads)
