"""The parts that generated chains are made of, each with one way in and one way out."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any, Literal, cast

import attrs
import trio

from penstock.agents import Agent
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    BufferPool,
    Call,
    Flatten,
    Lease,
    Rate,
    Source,
    Tap,
    Target,
    Throttle,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)

from .building import Building, Forecast, Handling, Pace, Paced, Piece, Trouble
from .items import Boom, Item
from .workers import Turnstile, Workers

Overflow = Literal["wait", "reject", "drop_oldest", "drop_newest"]
StoreKind = Literal["buffer", "broadcast", "tap", "throttle"]


def buffer(name: str, capacity: int | None) -> BoundedBuffer[Any] | UnboundedBuffer[Any]:
    """Make a buffer of that capacity, None for no bound."""
    return UnboundedBuffer(name=name) if capacity is None else BoundedBuffer(capacity, name=name)


def one_of(keys: int | None) -> Callable[[Item], int] | None:
    """Make the key function of a block whose items have `keys` different keys; None for no key."""
    return None if keys is None else lambda item: item.origin % keys


@attrs.frozen
class Store:
    """A buffer, or another block that hands every message on: a broadcast with a single target, a tap, a throttle."""

    mark: int
    capacity: int | None = None
    overflow: Overflow = "wait"
    kind: StoreKind = "buffer"

    def build(self, building: Building) -> Piece:
        """Make it."""
        name = building.name("store", self.mark)
        block: Broadcast[Any] | BoundedBuffer[Any] | UnboundedBuffer[Any] | Tap[Any] | Throttle[Any]
        if self.kind == "broadcast":
            block = Broadcast(capacity=self.capacity, name=name)
        elif self.kind == "tap":
            block = Tap(id, capacity=self.capacity, name=name)
        elif self.kind == "throttle":
            block = Throttle(Rate(5, burst=2), capacity=self.capacity, name=name)
        elif self.capacity is None:
            block = UnboundedBuffer(name=name)
        else:
            block = BoundedBuffer(self.capacity, overflow=self.overflow, name=name)
        building.nodes.append(block)
        return Piece(block, block)

    def foretell(self, forecast: Forecast) -> None:
        """Nothing happens to the items, but some may be dropped."""
        if self.capacity is not None and self.overflow.startswith("drop") and len(forecast.items) > self.capacity:
            forecast.is_exact = False


@attrs.frozen
class Work:
    """A transformer."""

    mark: int
    is_async: bool = False
    concurrency: int = 1
    ordered: bool = True
    window: int | None = None
    capacity: int | None = None
    pace: Pace = Pace()
    trouble: Trouble = Trouble()
    handling: Handling = Handling()
    workers: Workers | None = None
    context: bool = False
    keys: int | None = None
    paced: Paced = "no"

    @property
    def where(self) -> str:
        """What faults are put down to."""
        return f"work{self.mark}"

    def build(self, building: Building, pool: BufferPool[bytearray] | None = None) -> Piece:
        """Make it; with a pool, its results get a lease."""
        name = building.name("work", self.mark)
        check = self.trouble.checker(self.where, name)
        turnstile = Turnstile(building, self.concurrency, name)

        def work(item: Item) -> Item:
            with turnstile():
                check(item)
                return item.marked(self.mark)

        async def work_async(item: Item) -> Item:
            with turnstile():
                await self.pace.wait(item.origin)
                check(item)
                return item.marked(self.mark)

        def work_with(item: Item, lease: Lease[bytearray]) -> Item:
            return work(item).with_lease(lease)

        async def work_async_with(item: Item, lease: Lease[bytearray]) -> Item:
            return (await work_async(item)).with_lease(lease)

        alone, with_lease = (work_async, work_async_with) if self.is_async else (work, work_with)
        block: Transformer[Item, Item] = Transformer(
            cast("Any", alone if pool is None else with_lease),
            resource=pool,
            concurrency=self.concurrency,
            executor=None if self.workers is None else self.workers.build(building),
            ordered=self.ordered,
            window=self.window,
            capacity=self.capacity,
            on_error=self.handling.build(building),
            context=self.context,
            key=one_of(self.keys),
            rate=building.rate(self.paced),
            name=name,
        )
        building.nodes.append(block)
        return Piece(block, block)

    def foretell(self, forecast: Forecast) -> None:
        """Items get a mark, or fail."""
        self.handling.foretell(forecast, self.trouble, self.where)
        forecast.items = [item.marked(self.mark) for item in forecast.items]
        if not self.ordered and (self.concurrency > 1 or self.workers is not None):
            forecast.is_ordered = False


Flavour = Literal["list", "generator", "async list", "async generator"]


@attrs.frozen
class Expand:
    """A transform-many."""

    mark: int
    flavour: Flavour = "list"
    counts: tuple[int, ...] = (1,)
    concurrency: int = 1
    ordered: bool = True
    capacity: int | None = None
    pace: Pace = Pace()
    trouble: Trouble = Trouble()
    handling: Handling = Handling()
    workers: Workers | None = None
    context: bool = False
    has_end: bool = False
    keys: int | None = None

    @property
    def where(self) -> str:
        """What faults are put down to."""
        return f"expand{self.mark}"

    def outputs(self, item: Item) -> list[Item]:
        """What becomes of an item."""
        count = self.counts[item.origin % len(self.counts)]
        return [item.marked(self.mark, number) for number in range(count)]

    def build(self, building: Building) -> Piece:
        """Make it."""
        name = building.name("expand", self.mark)
        check = self.trouble.checker(self.where, name)

        def expand(item: Item) -> Iterable[Item]:
            check(item)
            return self.outputs(item)

        def generate(item: Item) -> Iterable[Item]:
            yield from self.outputs(item)
            check(item)

        async def expand_async(item: Item) -> Iterable[Item]:
            await self.pace.wait(item.origin)
            return expand(item)

        async def generate_async(item: Item) -> AsyncIterator[Item]:
            for output in self.outputs(item):
                await self.pace.wait(output.marks[-1])
                yield output
            check(item)

        functions: dict[Flavour, Callable[[Item], Any]] = {
            "list": expand,
            "generator": generate,
            "async list": expand_async,
            "async generator": generate_async,
        }
        block: TransformMany[Item, Item] = TransformMany(
            functions[self.flavour],
            concurrency=self.concurrency,
            executor=None if self.workers is None else self.workers.build(building),
            ordered=self.ordered,
            capacity=self.capacity,
            on_error=self.handling.build(building),
            at_end=list if self.has_end else None,
            context=self.context,
            key=one_of(self.keys),
            name=name,
        )
        building.nodes.append(block)
        return Piece(block, block)

    def foretell(self, forecast: Forecast) -> None:
        """Each item becomes several, or none; of one that is a fault the first may have gone on before it raised."""
        before = forecast.items
        self.handling.foretell(forecast, self.trouble, self.where)
        if self.handling.then == "fail":
            forecast.items = before
        forecast.items = [output for item in forecast.items for output in self.outputs(item)]
        if not self.ordered and (self.concurrency > 1 or self.workers is not None):
            forecast.is_ordered = False


@attrs.frozen
class Bundle:
    """A batch, and behind it what takes the lists apart again."""

    mark: int
    max_items: int = 2
    max_seconds: float | None = None
    capacity: int | None = None
    max_weight: int | None = None
    flattens: bool = False

    def build(self, building: Building) -> Piece:
        """Make both."""
        name = building.name("batch", self.mark)

        def weight(item: Item) -> int:
            return item.origin % 3

        def unpack(items: list[Item]) -> list[Item]:
            building.demand(1 <= len(items) <= self.max_items, f"{name} gave {len(items)} items")
            total = sum(map(weight, items))
            is_light = self.max_weight is None or total <= self.max_weight or len(items) == 1
            building.demand(is_light, f"{name} gave a list that weighs {total}")
            return items

        batch: Batch[Item] = Batch(
            self.max_items,
            max_weight=self.max_weight,
            weight=None if self.max_weight is None else weight,
            max_seconds=self.max_seconds,
            capacity=self.capacity,
            name=name,
        )
        unpacked = building.name("unpack", self.mark)
        unpacker: Flatten[Item] | TransformMany[list[Item], Item]
        unpacker = Flatten(name=unpacked) if self.flattens else TransformMany(unpack, name=unpacked)
        batch.link_target(unpacker)
        building.nodes += [batch, unpacker]
        return Piece(batch, unpacker)

    def foretell(self, forecast: Forecast) -> None:
        """Nothing happens to the items."""


Manner = Literal["for", "impatient", "nowait", "reserve"]


class Relay(Agent):
    """Hands on what it reads, in one of several manners."""

    def __init__(self, plan: Hand, source: Source[Item], target: Target[Item], name: str) -> None:
        super().__init__(inputs=[source], outputs=[target], name=name)
        self.plan = plan
        self.source = source
        self.target = target

    async def run(self) -> None:
        """Read and send until the end."""
        while True:
            try:
                item = await self.read()
            except trio.EndOfChannel:
                return
            await self.plan.pace.wait(item.origin)
            if self.plan.trouble.hits(item):
                raise Boom(self.plan.where, item, self.name)
            await self.send(item.marked(self.plan.mark))

    async def read(self) -> Item:
        """Get the next item; what is cancelled must not have taken one."""
        if self.plan.manner == "nowait":
            try:
                return self.source.receive_nowait()
            except trio.WouldBlock:
                await trio.lowlevel.checkpoint()
        elif self.plan.manner == "reserve":
            if self.source.reserve(self):
                await trio.lowlevel.checkpoint()
                self.source.release(self)
            if self.source.reserve(self):
                return self.source.consume(self)
        elif self.plan.manner == "impatient":
            while True:
                with trio.move_on_after(0.3):
                    return await self.source.receive()
        return await self.source.receive()

    async def send(self, item: Item) -> None:
        """Hand an item on; a send that is cancelled must not have handed it on."""
        if self.plan.manner == "nowait":
            try:
                self.target.send_nowait(item)
            except trio.WouldBlock:
                await self.target.send(item)
        elif self.plan.manner == "impatient":
            while True:
                with trio.move_on_after(0.3):
                    await self.target.send(item)
                    return
        else:
            await self.target.send(item)


@attrs.frozen
class Hand:
    """An agent between two buffers."""

    mark: int
    manner: Manner = "for"
    before: int | None = None
    after: int | None = None
    pace: Pace = Pace()
    trouble: Trouble = Trouble()

    @property
    def where(self) -> str:
        """What faults are put down to."""
        return f"agent{self.mark}"

    def build(self, building: Building) -> Piece:
        """Make the three."""
        entry = buffer(building.name("in", self.mark), self.before)
        exit = buffer(building.name("out", self.mark), self.after)
        relay = Relay(self, entry, exit, building.name("agent", self.mark))
        building.nodes += [entry, exit, relay]
        return Piece(entry, exit)

    def foretell(self, forecast: Forecast) -> None:
        """Items get a mark; an agent has no policy."""
        Handling().foretell(forecast, self.trouble, self.where)
        forecast.items = [item.marked(self.mark) for item in forecast.items]


@attrs.frozen
class Sieve:
    """A filter on the way on, and a call beside it for what the filter declines."""

    mark: int
    period: int = 2
    capacity: int | None = None
    is_on_target: bool = False
    trouble: Trouble = Trouble()

    @property
    def where(self) -> str:
        """What faults are put down to."""
        return f"sieve{self.mark}"

    def build(self, building: Building) -> Piece:
        """Make the three blocks."""
        entry = buffer(building.name("sieve", self.mark), self.capacity)
        rest: list[tuple[int, tuple[int, ...]]] = []

        def accepts(item: Item) -> bool:
            if self.trouble.hits(item):
                raise Boom(self.where, item)
            return item.origin % self.period != 0

        exit = buffer(building.name("sifted", self.mark), self.capacity)
        if self.is_on_target:
            exit.filter = accepts
        entry.link_target(exit, None if self.is_on_target else accepts)
        drain = Call[Item](lambda item: rest.append(item.identity), name=building.name("rest", self.mark))
        entry.link_target(
            drain, lambda item: item.origin % self.period == 0
        )  # else it gets what the other has no room for
        building.nodes += [entry, exit, drain]
        return Piece(entry, exit)

    def foretell(self, forecast: Forecast) -> None:
        """The filter passes some, or raises."""
        Handling().foretell(forecast, self.trouble, self.where)
        forecast.items = [item for item in forecast.items if item.origin % self.period != 0]
