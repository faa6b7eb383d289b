"""Order per key, in every way in which a block can be made and a run can end."""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from typing import Any, TypeVar, cast

import attrs
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    Call,
    DeadLetter,
    ErrorInfo,
    Filter,
    Lease,
    Network,
    ResourcePool,
    Retry,
    Skip,
    Take,
    Transformer,
    TransformMany,
    UnboundedBuffer,
)
from tests.blocks.executors.kinds import ByHand, HandOver
from tests.blocks.tools import contents

R = TypeVar("R")
LIMIT = 10.0


@attrs.frozen
class Item:
    """An item that takes some seconds, and fails in its first tries.

    Attributes:
        number: Its place in the input.
        key: Its key; for None, the key function raises.
        seconds: How long a call takes.
        failures: How many calls fail.
    """

    number: int
    key: int | None
    seconds: float
    failures: int = 0


class Watch:
    """Sees the calls, and checks that those of one key come one at a time and in order."""

    def __init__(self) -> None:
        self.at_work: set[int] = set()
        self.most: int = 0
        self.last: defaultdict[int, int] = defaultdict(int)
        self.calls: defaultdict[int, int] = defaultdict(int)

    def begin(self, item: Item) -> None:
        """A call begins."""
        assert item.key is not None
        assert item.key not in self.at_work, f"two calls for key {item.key} at once"
        assert self.last[item.key] <= item.number, f"item {item.number} began after item {self.last[item.key]}"
        self.last[item.key] = item.number
        self.at_work.add(item.key)
        self.most = max(self.most, len(self.at_work))

    def end(self, item: Item) -> None:
        """A call ends."""
        assert item.key is not None
        self.at_work.remove(item.key)

    def result(self, item: Item) -> Item:
        """What the call gives."""
        self.calls[item.number] += 1
        if self.calls[item.number] <= item.failures:
            raise ValueError(item.number)
        return item


class Paced(ByHand):
    """An executor whose calls take as long as their item says; they come to an end also when nothing needs them."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watch = watch
        self.running = self.most = 0

    def submit(self, fn: Callable[..., R], /, *args: Any, **kwargs: Any) -> Future[R]:
        """Begin in a while, and end in a while."""
        future = super().submit(fn, *args, **kwargs)
        (item,) = args[1].items
        while not isinstance(item, Item):  # it is with its context or lease
            item = item.item
        trio.lowlevel.spawn_system_task(self._work, self.all[-1], item)
        return future

    async def _work(self, hand_over: HandOver, item: Item) -> None:
        if not hand_over.begin():
            return
        self.watch.begin(item)
        self.running += 1
        self.most = max(self.most, self.running)
        await trio.sleep(item.seconds)
        self.running -= 1
        self.watch.end(item)
        hand_over.end()


@attrs.frozen
class Plan:
    """How a block is made, and how its run ends.

    Attributes:
        kind: The kind of the block and of its function.
        policy: What happens to items that fail.
        options: Further options of the block.
        end: How the run ends: by itself, by a cancellation after some seconds, or after some results.
        slots: The limit of a governor, if there is one.
        things: The size of a resource pool, if there is one.
    """

    kind: str
    policy: str
    options: dict[str, Any]
    end: tuple[str, int]
    slots: int | None
    things: int | None

    @property
    def is_in_executor(self) -> bool:
        return self.kind.endswith("executor")

    @property
    def retries(self) -> int:
        """How often an item is tried again."""
        return 2 if self.policy.startswith("retry") else 0

    def survives(self, item: Item) -> bool:
        """Whether there is a result for an item."""
        if item.key is None:
            return False
        is_late = self.options["time_limit"] is not None and item.seconds > LIMIT
        return item.failures <= self.retries and not is_late


KINDS = ("tasks", "list tasks", "generator tasks", "call tasks", "filter tasks")
IN_EXECUTOR = ("executor", "many executor", "call executor", "filter executor")
items = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 0, 1, 1, 2, 3, None]),
        st.sampled_from([0.0, 0.0, 1.0, 2.0, 9.0, 30.0]),
        st.sampled_from([0, 0, 0, 0, 1, 2, 3]),
    ),
    max_size=24,
).map(lambda drawn: [Item(number, *parts) for number, parts in enumerate(drawn)])


@st.composite
def plans(draw: Callable[[st.SearchStrategy[Any]], Any]) -> Plan:
    kind = draw(st.sampled_from([*KINDS, *IN_EXECUTOR]))
    concurrency = draw(st.integers(1, 4))
    options: dict[str, Any] = {
        "concurrency": concurrency,
        "capacity": draw(st.none() | st.integers(concurrency, 12)),
        "time_limit": draw(st.sampled_from([None, LIMIT])),
        "context": draw(st.booleans()) and not kind.endswith("executor"),
    }
    if not kind.startswith("call"):
        options["ordered"] = draw(st.sampled_from([None, False, True]))
        options["window"] = draw(st.none() | st.integers(concurrency, 8))
    is_taken = not kind.startswith("call")
    ends = [("itself", 0), ("cancel", draw(st.integers(0, 20)))] + [("take", draw(st.integers(1, 6)))] * is_taken
    return Plan(
        kind,
        draw(st.sampled_from(["skip", "dead letter", "retry skip", "retry dead letter"])),
        options,
        draw(st.sampled_from(ends)),
        draw(st.none() | st.integers(1, 6)),
        None if kind.startswith("filter") else draw(st.none() | st.integers(1, 3)),
    )


class Run:
    """Makes the block of a plan, runs it, and looks at what came of the items."""

    def __init__(self, plan: Plan, given_items: list[Item]) -> None:
        self.plan = plan
        self.items = given_items
        self.watch = Watch()
        self.letters: UnboundedBuffer[ErrorInfo] = UnboundedBuffer(name="letters")
        self.executor = Paced(self.watch) if plan.is_in_executor else None
        self.things = None if plan.things is None else ResourcePool(range(plan.things), name="things")
        self.block: Any = self.make()

    def make(self) -> Any:
        """Make the block."""
        plan, kind = self.plan, self.plan.kind
        final = Skip() if plan.policy.endswith("skip") else DeadLetter(self.letters)
        on_error: Any = Retry(2, 0.5, then=final) if plan.retries else final
        options: dict[str, Any] = {"key": self.key_of, "on_error": on_error, "name": "block", **plan.options}
        if self.things is not None:
            options["resource"] = self.things
        if self.executor is not None:
            options["executor"] = self.executor
        if kind.startswith("call"):
            return Call(self.function(self.in_executor if self.executor else self.in_task), **options)
        if kind.startswith("filter"):
            return Filter(self.judge if self.executor else self.judge_later, **options)
        if kind == "many executor":
            return TransformMany(self.function(self.many_in_executor), **options)
        if kind == "list tasks":
            return TransformMany(self.function(self.listed), **options)
        if kind == "generator tasks":
            return TransformMany(self.with_lease(self.generated), **options)
        return Transformer(self.function(self.in_executor if self.executor else self.in_task), **options)

    def function(self, function: Callable[[Item], Any]) -> Callable[..., Any]:
        """The function, with a lease if there are things to lease."""
        if self.things is None:
            return function
        if self.executor is not None:

            def call(item: Item, lease: Lease[int]) -> Any:
                lease.give_back()
                return function(item)

            return call

        async def call_later(item: Item, lease: Lease[int]) -> Any:
            with lease:
                return await function(item)

        return call_later

    def with_lease(self, generate: Callable[[Item], AsyncIterator[Item]]) -> Callable[..., Any]:
        """The generator function, with a lease if there are things to lease."""
        if self.things is None:
            return generate

        async def generate_with(item: Item, lease: Lease[int]) -> AsyncIterator[Item]:
            with lease:
                outputs = generate(item)
                async for output in outputs:
                    yield output

        return generate_with

    @staticmethod
    def key_of(item: Item) -> int:
        if item.key is None:
            raise LookupError(item.number)
        return item.key

    def in_executor(self, item: Item) -> Item:
        return self.watch.result(item)

    def many_in_executor(self, item: Item) -> list[Item]:
        return [self.watch.result(item)] * 2

    def judge(self, item: Item) -> bool:
        return self.watch.result(item) is item

    async def judge_later(self, item: Item) -> bool:
        return await self.in_task(item) is item

    async def in_task(self, item: Item) -> Item:
        self.watch.begin(item)
        try:
            await trio.sleep(item.seconds)
        finally:
            self.watch.end(item)
        return self.watch.result(item)

    async def listed(self, item: Item) -> list[Item]:
        return [await self.in_task(item)] * 2

    async def generated(self, item: Item) -> AsyncIterator[Item]:
        self.watch.begin(item)
        try:
            yield item
            await trio.sleep(item.seconds)
            yield item
        finally:
            self.watch.end(item)
        self.watch.result(item)

    async def run(self) -> None:
        """Run to the end of the plan."""
        plan = self.plan
        how, number = plan.end
        block, results = self.block, UnboundedBuffer[Item](name="results")
        if how == "take":
            take = Take[Item](number)
            block.link_target(take)
            take.link_target(results)
        elif not plan.kind.startswith("call"):
            block.link_target(results)
        if plan.slots is not None:
            PipelineGovernor(plan.slots).govern(block, block)
        source = UnboundedBuffer[Item](name="source")
        source.link_target(block)
        network = Network(source)
        async with network:
            for item in self.items:
                source.send_nowait(item)
            if how == "cancel":
                await trio.sleep(number)
                network.cancel()
        assert network.balance().ok
        assert not self.watch.at_work or self.executor is not None
        if self.executor is not None and plan.options["time_limit"] is None:
            assert self.executor.most <= plan.options["concurrency"]
        assert self.watch.most <= plan.options["concurrency"] or plan.options["time_limit"] is not None
        self.check(network, contents(results))

    def check(self, network: Network, got: list[Item]) -> None:
        """Check the results and their order."""
        plan = self.plan
        copies = 2 if isinstance(self.block, TransformMany) else 1
        expected = [item for item in self.items if plan.survives(item) for _ in range(copies)]
        for key in range(4):
            numbers = [item.number for item in got if item.key == key]
            assert numbers == sorted(numbers), f"key {key} out of order: {numbers}"
            assert numbers == [item.number for item in expected if item.key == key][: len(numbers)]
        if plan.options.get("ordered"):
            assert got == expected[: len(got)]
        if plan.end[0] == "itself":
            lost = [item.number for item in self.items if not plan.survives(item)]
            if not plan.kind.startswith("call"):
                assert sorted(item.number for item in got) == [item.number for item in expected]
            letters = sorted(cast("Item", letter.item).number for letter in contents(self.letters))
            assert letters == (lost if plan.policy.endswith("letter") else []), (letters, lost)
            counts = network.statistics()["block"]
            assert counts.failed == len(lost)
            assert (counts.queued, counts.in_work) == (0, 0)


@given(plans(), items)
def test_items_of_a_key_are_worked_on_one_at_a_time_and_leave_in_order(plan: Plan, given_items: list[Item]) -> None:
    trio.run(Run(plan, given_items).run, clock=MockClock(autojump_threshold=0))
