"""The cost per item of single parts, compared with the plain alternatives; no targets, for work on these parts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import trio

from penstock.agents import Agent, PipelineGovernor, SequenceMultiplexer
from penstock.blocks import (
    Block,
    Broadcast,
    Call,
    IterableSource,
    Join,
    Network,
    Source,
    Target,
    Transformer,
    UnboundedBuffer,
)

from .chains import contender, penstock_chain, penstock_governed
from .measuring import Contender, Effort, Program, Row, compare
from .workloads import counting_sink, increment

ITEMS = 50_000
TASKS = 16


class Echo(Agent):
    """Sends back what it receives."""

    def __init__(self, questions: Source[int], answers: Target[int]) -> None:
        super().__init__(inputs=[questions], outputs=[answers])
        self.questions, self.answers = questions, answers

    async def run(self) -> None:
        async for x in self.questions:
            await self.answers.send(x + 1)


class Relay(Agent):
    """Reads all of an input and counts it."""

    def __init__(self, numbers: Source[int]) -> None:
        super().__init__(inputs=[numbers])
        self.numbers = numbers
        self.count = 0

    async def run(self) -> None:
        async for _ in self.numbers:
            self.count += 1


def stream_through_buffer(items: int) -> int:
    """The body sends into a buffer, an agent reads it."""
    buffer = UnboundedBuffer[int]()
    relay = Relay(buffer)

    async def main() -> None:
        async with Network(relay):
            for x in range(items):
                await buffer.send(x)

    trio.run(main)
    return relay.count


def stream_through_channel(items: int) -> int:
    count = 0

    async def feed(output: trio.MemorySendChannel[int]) -> None:
        async with output:
            for x in range(items):
                await output.send(x)

    async def main() -> None:
        nonlocal count
        async with trio.open_nursery() as nursery:
            output, source = trio.open_memory_channel[int](100)
            nursery.start_soon(feed, output)
            async for _ in source:
                count += 1

    trio.run(main)
    return count


def receive_all(items: int) -> int:
    """Receive what already lies in a buffer."""
    buffer = UnboundedBuffer[int]()
    relay = Relay(buffer)

    async def main() -> None:
        for x in range(items):
            buffer.send_nowait(x)
        async with Network(relay):
            pass

    trio.run(main)
    return relay.count


def ping_pong(items: int) -> int:
    """The body and an agent take turns."""
    questions, answers = UnboundedBuffer[int](), UnboundedBuffer[int]()
    echo = Echo(questions, answers)
    count = 0

    async def main() -> None:
        nonlocal count
        async with Network(echo):
            for x in range(items):
                await questions.send(x)
                await answers.receive()
                count += 1

    trio.run(main)
    return count


def channel_ping_pong(items: int) -> int:
    count = 0

    async def echo(source: trio.MemoryReceiveChannel[int], output: trio.MemorySendChannel[int]) -> None:
        async with source, output:
            async for x in source:
                await output.send(x + 1)

    async def main() -> None:
        nonlocal count
        async with trio.open_nursery() as nursery:
            question, questions = trio.open_memory_channel[int](100)
            answer, answers = trio.open_memory_channel[int](100)
            nursery.start_soon(echo, questions, answer)
            async with question:
                for x in range(items):
                    await question.send(x)
                    await answers.receive()
                    count += 1

    trio.run(main)
    return count


async def at_once(x: int) -> int:
    return x + 1


async def after_checkpoint(x: int) -> int:
    await trio.lowlevel.checkpoint()
    return x + 1


def async_block(function: Callable[[int], object], concurrency: int, items: int) -> int:
    sink, count = counting_sink()
    source = IterableSource(range(items))
    stage = Transformer[int, int](function, concurrency=concurrency)  # type: ignore[arg-type]  # async, as is seen there
    source.link_target(stage)
    stage.link_target(Call(sink))
    run_network(source)
    return count()


def async_tasks(concurrency: int, items: int) -> int:
    sink, count = counting_sink()

    async def work(numbers: Iterator[int]) -> None:
        for x in numbers:
            sink(await after_checkpoint(x))

    async def main() -> None:
        numbers = iter(range(items))
        async with trio.open_nursery() as nursery:
            for _ in range(concurrency):
                nursery.start_soon(work, numbers)

    trio.run(main)
    return count()


def run_network(*nodes: Block | Agent) -> None:
    async def main() -> None:
        async with Network(*nodes):
            pass

    trio.run(main)


def joined(greedy: bool, items: int) -> int:
    count = 0

    def sink(_: tuple[int, int]) -> None:
        nonlocal count
        count += 1

    left, right = IterableSource(range(items)), IterableSource(range(items))
    join = Join(left, right, greedy=greedy, capacity=1024 if greedy else None)
    join.link_target(Call(sink))
    run_network(left)
    return count


def broadcast_to_two(items: int) -> int:
    """Counts at each of the two targets."""
    sink, count = counting_sink()
    source, broadcast = IterableSource(range(items)), Broadcast[int]()
    source.link_target(broadcast)
    for name in ("one", "two"):
        broadcast.link_target(Call(sink, name=name))
    run_network(source)
    return count() // 2


def multiplexed(items: int) -> int:
    """Two blocks share the work by turns, and a multiplexer puts their results in order."""
    sink, count = counting_sink()
    odd, even = IterableSource(range(1, items + 1, 2)), IterableSource(range(2, items + 1, 2))
    stages = [Transformer(same, name=name) for name in ("odd", "even")]
    odd.link_target(stages[0])
    even.link_target(stages[1])
    mux = SequenceMultiplexer(*stages, key=same)
    mux.link_target(Call(sink))
    run_network(odd, even)
    return count()


def same(x: int) -> int:
    return x


def filtered(items: int) -> int:
    """Two links with filters share the items."""
    sink, count = counting_sink()
    source = IterableSource(range(items))
    source.link_target(Call(sink, name="even"), lambda x: x % 2 == 0)
    source.link_target(Call(sink, name="odd"))
    run_network(source)
    return count()


def governed_sends(items: int) -> int:
    """Sends from the body through a governor of 20, as the chapter's image pipeline has it."""
    sink, count = counting_sink()
    first, last = Transformer(increment), Call(sink)
    first.link_target(last)
    PipelineGovernor(20).govern(first, last)

    async def main() -> None:
        async with Network(first):
            for x in range(items):
                await first.send(x)

    trio.run(main)
    return count()


PARTS: list[tuple[str, list[tuple[str, Program]]]] = [
    ("stream, body to agent", [("memory channel", stream_through_channel), ("buffer", stream_through_buffer)]),
    ("receive from a full buffer", [("memory channel", stream_through_channel), ("buffer", receive_all)]),
    ("ping-pong", [("memory channels", channel_ping_pong), ("buffers", ping_pong)]),
    (
        "async function, 16 at once",
        [
            ("16 tasks, a checkpoint", partial(async_tasks, TASKS)),
            ("block, a checkpoint", partial(async_block, after_checkpoint, TASKS)),
            ("block, never waits", partial(async_block, at_once, TASKS)),
            ("block of 1, never waits", partial(async_block, at_once, 1)),
        ],
    ),
    (
        "routing",
        [
            ("chain of 1 block", contender("", penstock_chain, 1).run),
            ("join", partial(joined, False)),
            ("greedy join", partial(joined, True)),
            ("broadcast to 2", broadcast_to_two),
            ("multiplexer of 2", multiplexed),
            ("two links, one filter", filtered),
        ],
    ),
    (
        "governed",
        [
            ("chain of 4 blocks", contender("", penstock_chain, 4).run),
            ("limit 1000", contender("", penstock_governed, 4).run),
            ("sends, limit 20", governed_sends),
        ],
    ),
]


def rows(effort: Effort) -> Iterator[Row]:
    """Compare each part with the first program of its group."""
    for what, programs in PARTS:
        contenders = [Contender(name, program) for name, program in programs]
        timings = compare(what, contenders, effort.items(ITEMS), effort)
        first = contenders[0].name
        yield timings.row(first)
        for name, _ in programs[1:]:
            yield timings.row(name, first)
