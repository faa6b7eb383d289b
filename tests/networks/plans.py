"""Whole networks as plans: what feeds them, what takes the results, what happens to them, and what must come of it."""

from __future__ import annotations

import gc
import itertools
import math
import traceback
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Any, Literal, cast

import attrs
import trio

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    Call,
    Declined,
    IterableSource,
    Network,
    Producer,
    Recording,
    Source,
    Target,
    UnboundedBuffer,
)
from penstock.blocks.core.block import Block

from .building import Building, Forecast, Pace, Piece, Stage
from .forks import build_chain
from .harness import Schedule, Watch, leaves
from .items import Boom, Item
from .workers import Workers

FeedKind = Literal["list", "generator", "async generator", "body", "producers", "agent", "outside"]
SinkKind = Literal["call", "async call", "executor call", "body", "agent", "left"]


class Feeder(Agent):
    """Sends the items of a feed."""

    def __init__(self, plan: Feed, target: Target[Item]) -> None:
        super().__init__(outputs=[target], name="feeder")
        self.plan = plan
        self.target = target

    async def run(self) -> None:
        await self.plan.send_all(range(self.plan.count), self.target.send)


@attrs.frozen
class Feed:
    """What the items come from.

    Attributes:
        kind: An iterable source, the body, an agent, or tasks with a producer handle each, inside or outside.
        count: How many items.
        pace: How long it takes to make one, if it is not a plain iterable.
        width: How many tasks.
        trouble_at: Before which item it raises.
        patience: After how long a send is given up and tried again, in virtual seconds; None for never.
    """

    kind: FeedKind = "list"
    count: int = 0
    pace: Pace = Pace()
    width: int = 1
    trouble_at: int | None = None
    patience: float | None = None

    @property
    def is_ordered(self) -> bool:
        """Whether the items come in the order of their numbers."""
        return self.width == 1 or self.kind not in ("producers", "outside")

    def read(self, numbers: range) -> Iterator[Item]:
        """Make the items with those numbers."""
        for number in numbers:
            self._check(number)
            yield Item(number)

    async def read_async(self, numbers: range) -> AsyncGenerator[Item]:
        """Make the items with those numbers, at the pace of the feed."""
        for number in numbers:
            await self.pace.wait(number)
            self._check(number)
            yield Item(number)

    async def send_all(self, numbers: range, send: Callable[[Item], Awaitable[None]]) -> None:
        """Make the items with those numbers and send them."""
        async with aclosing(self.read_async(numbers)) as items:
            async for item in items:
                while not await self._sent(item, send):
                    pass

    async def _sent(self, item: Item, send: Callable[[Item], Awaitable[None]]) -> bool:
        with trio.move_on_after(math.inf if self.patience is None else self.patience):
            await send(item)
            return True
        return False

    def _check(self, number: int) -> None:
        if number == self.trouble_at:
            raise Boom("feed", Item(number))

    def source(self) -> IterableSource[Item]:
        """Make the source, if it is an iterable."""
        numbers = range(self.count)
        if self.kind == "list":
            return IterableSource([Item(number) for number in numbers], name="feed")
        if self.kind == "generator":
            return IterableSource(self.read(numbers), name="feed")
        return IterableSource(self.read_async(numbers), name="feed")


@attrs.frozen
class Sink:
    """What takes the results."""

    kind: SinkKind = "call"
    capacity: int | None = None
    concurrency: int = 1
    pace: Pace = Pace()
    workers: Workers = Workers()


class Collector(Agent):
    """Reads everything."""

    def __init__(self, plan: Sink, source: Source[Item], results: list[Item]) -> None:
        super().__init__(inputs=[source], name="collector")
        self.plan = plan
        self.source = source
        self.results = results

    async def run(self) -> None:
        async for item in self.source:
            self.results.append(item)
            await self.plan.pace.wait(item.origin)


@attrs.frozen
class Bound:
    """A governor over some of the stages of the chain, by their places."""

    limit: int
    first: int
    last: int
    is_weighted: bool = False
    is_checked: bool = True

    def build(self, pieces: list[Piece]) -> PipelineGovernor:
        """Make it."""

        def weigh(item: Item) -> int:
            return 1 + item.origin % 3

        governor = PipelineGovernor(self.limit, weight=weigh if self.is_weighted else None, name="governor")
        last = pieces[self.last].exit
        assert isinstance(last, Block)
        governor.govern(first=pieces[self.first].entry, last=last)
        return governor


@attrs.frozen
class Incident:
    """What ends the run early.

    Attributes:
        kind: Who cancels what.
        at: Before which task step.
        seconds: Or at which virtual time.
    """

    kind: Literal["scope", "network", "shutdown"]
    at: int | None = None
    seconds: float = 0.0


@attrs.frozen
class Plan:
    """A network and all that happens to it."""

    feed: Feed
    stages: tuple[Stage, ...]
    sink: Sink = Sink()
    bound: Bound | None = None
    incident: Incident | None = None
    given: int = 0
    has_threads: bool = False

    def foretell(self) -> Forecast:
        """What comes out if nothing is in the way."""
        forecast = Forecast([Item(number) for number in range(self.feed.count)], self.feed.is_ordered)
        if self.feed.trouble_at is not None:
            trouble = [item for item in forecast.items if item.origin == self.feed.trouble_at]
            forecast.faulty("feed", trouble, certain=True)
        for stage in self.stages:
            stage.foretell(forecast)
        if self.sink.kind in ("async call", "executor call") and self.sink.concurrency > 1:
            forecast.is_ordered = False
        return forecast


@attrs.define
class Run:
    """One run of a plan."""

    plan: Plan
    schedule: Schedule
    watch: Watch = attrs.field(factory=Watch)
    building: Building = attrs.field(factory=Building)
    results: list[Item] = attrs.field(factory=list[Item])
    raised: BaseException | None = None
    incident_happened: bool = False
    recording: Recording | None = None

    def go(self) -> None:
        """Run the plan and check what must be true after any run."""
        self.raised = self.watch.run(self.schedule, self._main, in_real_time=self.plan.has_threads)
        for pool in self.building.pools:
            pool.shutdown()
        assert not self.building.complaints, self.building.complaints

    @property
    def network(self) -> Network:
        """The network, once there is one."""
        assert self.watch.network is not None
        return self.watch.network

    # Building

    def _build(self) -> tuple[Target[Item], Source[Item]]:
        plan, building = self.plan, self.building
        pieces = [build_chain((stage,), building) for stage in plan.stages]
        for left, right in itertools.pairwise(pieces):
            left.exit.link_target(right.entry)
        entry, exit = pieces[0].entry, pieces[-1].exit
        if plan.feed.kind in ("list", "generator", "async generator"):
            source = plan.feed.source()
            source.link_target(entry)
            building.nodes.append(source)
        elif plan.feed.kind == "agent":
            building.nodes.append(Feeder(plan.feed, entry))
        exit = self._build_sink(exit)
        if plan.bound is not None:
            governor = plan.bound.build(pieces)
            if plan.bound.is_checked:
                self.watch.governors.append(governor)
        return entry, exit

    def _build_sink(self, exit: Source[Item]) -> Source[Item]:
        sink = self.plan.sink

        async def take(item: Item) -> None:
            self.results.append(item)
            await sink.pace.wait(item.origin)

        block: Any = None
        if sink.kind == "call":
            block = Call(self.results.append, capacity=sink.capacity, name="sink")
        elif sink.kind == "async call":
            block = Call(take, concurrency=sink.concurrency, capacity=sink.capacity, name="sink")
        elif sink.kind == "executor call":
            executor = sink.workers.build(self.building)
            block = Call(
                self.results.append,
                concurrency=sink.concurrency,
                executor=executor,
                capacity=sink.capacity,
                name="sink",
            )
        elif sink.kind == "agent":
            self.building.nodes.append(Collector(sink, exit, self.results))
        elif sink.kind == "left":
            block = UnboundedBuffer[Item](name="sink")
        if block is None:
            return exit
        exit.link_target(block)
        self.building.nodes.append(block)
        return block if sink.kind == "left" else exit

    # Running

    async def _main(self) -> None:
        entry, exit = self._build()
        node = self.building.nodes[self.plan.given % len(self.building.nodes)]
        network = Network(node, name="generated", recording=self.recording)
        self.watch.network = network
        producers: list[Producer[Item]] = []
        if self.plan.feed.kind in ("producers", "outside"):
            producers = [entry.producer() for _ in range(self.plan.feed.width)]
        with trio.CancelScope() as scope:
            self._prepare_incident(scope, network)
            async with trio.open_nursery() as outside:
                if self.plan.feed.kind == "outside":
                    self._start_producers(outside, producers)
                try:
                    async with network:
                        await self._body(entry, exit, producers)
                finally:
                    if self.plan.feed.kind == "producers":  # it may be that they were never started
                        for producer in producers:
                            producer.close()
        if self.plan.sink.kind == "left":
            await self._read_what_is_left(exit)

    async def _body(self, entry: Target[Item], exit: Source[Item], producers: list[Producer[Item]]) -> None:
        async with trio.open_nursery() as inside:
            if self.plan.feed.kind == "producers":
                self._start_producers(inside, producers)
            if self.plan.feed.kind == "body":
                await self.plan.feed.send_all(range(self.plan.feed.count), entry.send)
            if self.plan.sink.kind == "body":
                async for item in exit:
                    self.results.append(item)
                    await self.plan.sink.pace.wait(item.origin)

    def _start_producers(self, nursery: trio.Nursery, producers: list[Producer[Item]]) -> None:
        for index, producer in enumerate(producers):
            numbers = range(index, self.plan.feed.count, len(producers))
            nursery.start_soon(self._produce, producer, numbers, name=f"producer {index}")

    async def _produce(self, producer: Producer[Item], numbers: range) -> None:
        with producer:
            try:
                await self.plan.feed.send_all(numbers, producer.send)
            except (trio.BrokenResourceError, Declined):
                if self.plan.feed.kind != "outside" or not self._has_stopped():
                    raise

    def _has_stopped(self) -> bool:
        return self.network.shutdown.is_cancellation_pending or self.incident_happened or not self.network._run.is_open

    async def _read_what_is_left(self, exit: Source[Item]) -> None:
        try:
            while True:
                self.results.append(exit.receive_nowait())
        except (trio.EndOfChannel, trio.BrokenResourceError):
            pass

    def _prepare_incident(self, scope: trio.CancelScope, network: Network) -> None:
        incident = self.plan.incident
        if incident is None:
            return
        if incident.at is None:
            scope.deadline = trio.current_time() + incident.seconds
            return
        acts = {"scope": scope.cancel, "network": network.cancel, "shutdown": network.shutdown.cancel}

        def act() -> None:
            self.incident_happened = network._run.is_open
            acts[incident.kind]()

        self.watch.at_step(incident.at, act)

    # What must have come of it

    def check(self) -> None:
        """Compare with the forecast."""
        self._check_outcome()
        self._check_buffers()

    def _check_outcome(self) -> None:
        forecast = self.plan.foretell()
        self._check_results(forecast)
        if self.raised is None:
            if self.plan.incident is None:
                assert not forecast.must_fault, f"nothing was raised; expected one of {forecast.faults}"
                self._check_complete(forecast)
            return
        assert forecast.may_fault, self.raised
        self._check_faults(forecast)

    def _check_buffers(self) -> None:
        """However a run has ended, no block keeps a buffer, except that of the item which the first fault names."""
        for error in with_causes(self.raised):
            traceback.clear_frames(error.__traceback__)  # their variables may keep some
        for _ in drain(self.network.shutdown.errors):
            pass
        pools = self.building.buffers
        if any(pool.in_use for pool in pools):
            gc.collect()  # of circles of references
        first = self.network.shutdown.first_error
        lease = first.item.lease if first is not None and isinstance(first.item, Item) else None
        for pool in pools:
            kept = lease is not None and lease.belongs_to(pool)
            assert pool.in_use == kept, f"{pool!r}: buffers have not come back; the first fault has {lease!r}"

    def _check_results(self, forecast: Forecast) -> None:
        """Nothing comes out that did not go in, nothing twice, and in order where that is promised."""
        got = [item.identity for item in self.results]
        expected = [item.identity for item in forecast.items]
        extra = Counter(got) - Counter(expected)
        assert not extra, f"came out of nowhere, or too often: {extra}"
        if forecast.is_ordered:
            rest = iter(expected)
            assert all(item in rest for item in got), f"out of order: {got}"
            if forecast.is_exact and not forecast.may_fault:
                assert got == expected[: len(got)], f"something is missing in the middle: {got} of {expected}"

    def _check_complete(self, forecast: Forecast) -> None:
        """After a run that has ended by itself, everything is there and nothing is anywhere else."""
        box = self.building.letters
        letters = [] if box is None else [info.item.identity for info in drain(box)]
        if forecast.is_exact:
            assert len(self.results) == len(forecast.items), f"{len(self.results)} of {len(forecast.items)} came out"
            expected = Counter(item.identity for item in forecast.letters.elements())
            assert Counter(letters) == expected, f"dead letters: {letters}, expected {expected}"
        balance = self.network.balance()
        assert balance.discarded == 0
        assert balance.held == 0
        assert all(block.is_finished for block in self.network.blocks)
        assert not self.network.shutdown.is_cancellation_pending

    def _check_faults(self, forecast: Forecast) -> None:
        """Every exception is one that was foreseen, says where it happened, and is in the shutdown buffers."""
        foreseen = {(where, item.identity) for where, item in forecast.faults}
        found = list(leaves(self.raised))
        for error in found:
            assert isinstance(error, Boom), f"{error!r} {getattr(error, '__notes__', '')}"
            assert error.item is not None
            assert (error.where, error.item.identity) in foreseen
            notes = getattr(error, "__notes__", [])
            if error.block is not None:
                is_agent = error.block.startswith("agent")
                place = f"in {error.block}" if is_agent else f"in {error.block}, item "
                assert any(note.startswith(place) for note in notes), notes
                assert is_agent or any(note.endswith(f": {error.item!r}") for note in notes), notes
        assert len({id(error) for error in found}) == len(found), "a fault was raised twice"
        known = {id(info.exception) for info in drain(self.network.shutdown.errors)}
        assert known <= {id(error) for error in found}, "a fault was swallowed"


def with_causes(error: BaseException | None) -> Iterator[BaseException]:
    """An exception, those in it, and those that they come from."""
    if error is None:
        return
    yield error
    parts = cast("BaseExceptionGroup[BaseException]", error).exceptions if isinstance(error, BaseExceptionGroup) else ()
    for part in (*parts, error.__cause__, error.__context__):
        yield from with_causes(part)


def drain(buffer: UnboundedBuffer[Any]) -> Iterator[Any]:
    """Take everything out of a buffer."""
    while True:
        try:
            yield buffer.receive_nowait()
        except (trio.EndOfChannel, trio.WouldBlock):
            return
