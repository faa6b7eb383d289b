"""Runs each block in model time, and notes what goes in and what comes out, for its marble diagram.

The messages come at given seconds, on a clock that jumps. So a diagram is the same on every machine, and shows what the
block really does.
"""

import warnings
from collections.abc import Callable
from typing import Any

import trio
import trio.testing

from marble_asks import Answerer, Asker
from marble_lines import Diagram, Line, Marble, Notes, Scene, Wiring, said
from penstock.agents import Agent, Mailbox, SequenceMultiplexer, Service
from penstock.blocks import (
    Batch,
    BoundedBuffer,
    Broadcast,
    ByteTransformer,
    Call,
    Choice,
    Collect,
    Declined,
    Distribute,
    Filter,
    Flatten,
    Fold,
    IterableSource,
    Join,
    LoopHeldWarning,
    Network,
    OverwriteBuffer,
    PriorityBuffer,
    Regroup,
    SingleAssignment,
    Source,
    StreamSource,
    StreamTarget,
    Take,
    TakeWhile,
    Tap,
    Target,
    Throttle,
    Timer,
    Transformer,
    TransformMany,
    UnboundedBuffer,
    receive_stream,
    send_stream,
)

AFTER = 0.001
"""Seconds by which a reader is late, so that at the same second messages always come before it reads."""


class Feeder(Agent):
    """Sends messages at given times."""

    def __init__(self, target: Target[Any], scene: Scene, timeline: str, notes: Notes, line: Line) -> None:
        super().__init__(outputs=[target])
        self.target, self.scene, self.timeline, self.notes, self.line = target, scene, timeline, notes, line

    async def run(self) -> None:
        """Send all messages."""
        for second, text in enumerate(self.timeline):
            await trio.sleep(max(0.0, second - self.notes.now))
            if text == "|":
                self.line.end = self.notes.now
            elif text != "-":
                await self._send(self.scene.message(text))

    async def _send(self, message: object) -> None:
        try:
            await self.target.send(message)
        except Declined:
            self.line.marbles.append(Marble(self.notes.now, said(message), is_taken=False))
        else:
            self.line.marbles.append(Marble(self.notes.now, said(message)))


class Reader(Agent):
    """Reads messages, and needs some time for each."""

    def __init__(self, source: Source[Any], pace: float, notes: Notes, line: Line) -> None:
        super().__init__(inputs=[source])
        self.source, self.pace, self.notes, self.line = source, pace, notes, line

    async def run(self) -> None:
        """Read all messages."""
        async for message in self.source:
            self.line.marbles.append(Marble(self.notes.now, said(message)))
            await trio.sleep(self.pace + AFTER if self.pace else 0)
        self.line.end = self.notes.now


async def run(scene: Scene) -> Diagram:
    """Run a scene."""
    notes = Notes()
    inputs = [notes.line() for _ in scene.inputs]
    calls = Line(scene.calls)

    def note(message: object) -> None:
        calls.marbles.append(Marble(notes.now, said(message)))

    wiring = scene.make(note)
    feeders: list[Agent] = [
        Feeder(target, scene, timeline, notes, line)
        for target, timeline, line in zip(wiring.targets, scene.inputs, inputs, strict=False)
    ]
    answers = Line("reply")
    if wiring.asked is not None:
        inputs[0].name = "asked"
        feeders.append(Asker(wiring.asked, scene.inputs[0], notes, inputs[0], answers))
    outputs = [notes.line() for _ in wiring.sources]
    readers = [Reader(source, scene.pace, notes, line) for source, line in zip(wiring.sources, outputs, strict=True)]
    async with Network(*wiring.nodes, *feeders, *readers):
        pass
    calls.end = answers.end = notes.now
    shown = (*([calls] if scene.calls else []), *([answers] if wiring.asked is not None else []), *outputs)
    return Diagram(scene.title, scene.note, tuple(inputs), shown)


def run_scene(name: str) -> Diagram:
    """Run the scene of a block."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoopHeldWarning)  # on a busy machine
        return trio.run(run, (SCENES | STREAMS)[name], clock=trio.testing.MockClock(autojump_threshold=0))


# The scenes


def alone(block: Any) -> Callable[[Callable[[Any], None]], Wiring]:
    """A block with one input and one output; made anew for each run."""
    return lambda note: through(block())


def through(block: Any) -> Wiring:
    """The wiring of a block with one input and one output."""
    return Wiring([block], [block], [block])


def broadcast(note: Callable[[Any], None]) -> Wiring:
    """A broadcast to two buffers."""
    block, buffers = Broadcast[str](), [UnboundedBuffer[str](), UnboundedBuffer[str]()]
    for buffer in buffers:
        block.link_target(buffer)
    return Wiring([block], buffers)


def call(note: Callable[[Any], None]) -> Wiring:
    """A call that notes when it is made, and takes two seconds."""

    async def show(message: str) -> None:
        note(message)
        await trio.sleep(2)

    return Wiring([block := Call(show)], [], [block])


def choice(note: Callable[[Any], None]) -> Wiring:
    """A choice between two buffers."""
    buffers = [UnboundedBuffer[str](), UnboundedBuffer[str]()]
    return Wiring(buffers, [Choice(*buffers)])


def join(note: Callable[[Any], None]) -> Wiring:
    """A join of two buffers that get the same number of messages."""
    names, ages = UnboundedBuffer[str](), UnboundedBuffer[int]()
    return Wiring([names, ages], [Join(names, ages)])


def multiplexer(note: Callable[[Any], None]) -> Wiring:
    """A multiplexer of two buffers."""
    buffers = [UnboundedBuffer[int](), UnboundedBuffer[int]()]
    return Wiring(buffers, [SequenceMultiplexer(*buffers, key=lambda number: number)])


def collect(note: Callable[[Any], None]) -> Wiring:
    """A collect of two buffers."""
    buffers = [UnboundedBuffer[str](), UnboundedBuffer[str]()]
    return Wiring(buffers, [Collect(*buffers)])


def regroup(note: Callable[[Any], None]) -> Wiring:
    """A regroup behind a flatten, and a stage that loses a message."""
    split, stage = Flatten[str](), Filter[str](lambda text: text != "b2")
    groups = Regroup[str, list[str]](split)
    split.link_target(stage)
    stage.link_target(groups)
    return Wiring([split], [groups])


def distribute(note: Callable[[Any], None]) -> Wiring:
    """A distribute to two buffers."""
    block, buffers = Distribute[str](), [UnboundedBuffer[str](), UnboundedBuffer[str]()]
    for buffer in buffers:
        block.link_target(buffer)
    return Wiring([block], buffers)


def iterable(note: Callable[[Any], None]) -> Wiring:
    """A source of three letters."""
    return Wiring([], [IterableSource("abc")])


def tap(note: Callable[[Any], None]) -> Wiring:
    """A tap that notes what it sees."""
    return through(Tap(note))


def timer(note: Callable[[Any], None]) -> Wiring:
    """A timer that has been started."""
    block = Timer(2, "x")
    block.start()
    return Wiring([], [block])


def mailbox(note: Callable[[Any], None]) -> Wiring:
    """A mailbox, and an agent that needs two seconds for each answer."""
    box = Mailbox[str, str]()
    return Wiring([], [], [Answerer(box, note)], asked=box)


def service(note: Callable[[Any], None]) -> Wiring:
    """A service that needs two seconds for each answer."""

    async def up(question: str) -> str:
        note(question)
        await trio.sleep(2)
        return question.upper()

    block = Service(up, concurrency=2)
    return Wiring([], [], [block], asked=block)


class Blocks:
    """A codec object that works on two bytes at a time, as a cipher works on sixteen."""

    def __init__(self) -> None:
        self._rest = b""

    def update(self, chunk: bytes) -> bytes:
        """Return all whole blocks."""
        data = self._rest + chunk
        whole = len(data) // 2 * 2
        self._rest = data[whole:]
        return data[:whole].upper()

    def finalize(self) -> bytes:
        """Return the rest, filled up."""
        return (self._rest + b".").upper() if self._rest else b""


def stream(note: Callable[[Any], None]) -> Wiring:
    """A target that writes to a stream, and a source that reads three bytes at most from its other end."""
    sending, receiving = trio.testing.memory_stream_one_way_pair()
    target, source = StreamTarget(sending), StreamSource(receiving, chunk_size=3)
    return Wiring([target], [source], [target, source])


def received(note: Callable[[Any], None]) -> Wiring:
    """A buffer that is read as a stream, two bytes at most each time."""
    buffer = UnboundedBuffer[bytes]()
    source = StreamSource(receive_stream(buffer), chunk_size=2)
    return Wiring([buffer], [source], [buffer, source])


def sent(note: Callable[[Any], None]) -> Wiring:
    """A buffer that is written to as a stream."""
    buffer = UnboundedBuffer[bytes]()
    target = StreamTarget(send_stream(buffer))
    return Wiring([target], [buffer], [target, buffer])


PIECES = {"3": "abc", "1": "d", "2": "ef", "5": "ghijk"}
"""Messages of several bytes, in scenes of bytes; no letter is in two of them, so each has a colour of its own."""


def in_bytes(text: str) -> bytes:
    """A message of bytes."""
    return PIECES.get(text, text).encode()


def is_letter(message: object) -> bool:
    """Whether a message is a letter."""
    return str(message).isalpha()


def add(so_far: int, number: int) -> int:
    """Add two numbers."""
    return so_far + number


async def slow(text: str) -> str:
    """A function that takes three seconds for "a", and one for others."""
    await trio.sleep(3 if text == "a" else 1)
    return text.upper()


SCENES: dict[str, Scene] = {
    "Batch": Scene("Batch(3, max_seconds=4)", alone(lambda: Batch[str](3, max_seconds=4)), ("abcd-----e|",)),
    "BoundedBuffer": Scene(
        "BoundedBuffer(2)", alone(lambda: BoundedBuffer[str](2)), ("abcdef|",), 2, note="the reader needs 2 s"
    ),
    "Broadcast": Scene("Broadcast()", broadcast, ("a-b-c|",)),
    "ByteTransformer": Scene(
        "ByteTransformer(Blocks)",
        alone(lambda: ByteTransformer(Blocks)),
        ("abc-de|",),
        message=in_bytes,
        note="the object works on two bytes at a time, and fills up the last ones",
    ),
    "Call": Scene("Call(show)", call, ("ab--c|",), calls="show", note="each call takes 2 s"),
    "Choice": Scene("Choice(left, right)", choice, ("a--b--|", "-x--y-|")),
    "Collect": Scene("Collect(left, right)", collect, ("ab----c|", "--x-y--z|")),
    "Distribute": Scene("Distribute()", distribute, ("abc-d-e|",)),
    "Filter": Scene("Filter(str.isalpha)", alone(lambda: Filter[Any](is_letter)), ("a1b2c|",)),
    "Flatten": Scene("Flatten()", alone(lambda: Flatten[str]()), ("a--b|",), message=lambda x: [f"{x}1", f"{x}2"]),
    "Fold": Scene("Fold(operator.add, 0)", alone(lambda: Fold[int, int](add, 0)), ("1-2-3|",)),
    "IterableSource": Scene('IterableSource("abc")', iterable, (), 2, note="the reader needs 2 s"),
    "Join": Scene("Join(left, right)", join, ("a-b---c|", "--1-2-3|")),
    "Mailbox": Scene(
        "Mailbox()", mailbox, ("abcD|",), calls="taken", note="the agent needs 2 s for an answer; D has a high priority"
    ),
    "OverwriteBuffer": Scene(
        "OverwriteBuffer()", alone(lambda: OverwriteBuffer[str]()), ("abc---d|",), 3, note="the reader needs 3 s"
    ),
    "PriorityBuffer": Scene(
        "PriorityBuffer(int)", alone(lambda: PriorityBuffer[int](int)), ("12929|",), 2, note="the reader needs 2 s"
    ),
    "Regroup": Scene(
        "Regroup(split)",
        regroup,
        ("a--b|",),
        message=lambda x: [f"{x}1", f"{x}2"],
        note="a filter between split and regroup drops b2",
    ),
    "SequenceMultiplexer": Scene("SequenceMultiplexer(left, right, key=int)", multiplexer, ("1---2-5|", "-34--6|")),
    "Service": Scene(
        "Service(up, concurrency=2)",
        service,
        ("abc|",),
        calls="up",
        note="each call takes 2 s",
    ),
    "SingleAssignment": Scene("SingleAssignment()", alone(lambda: SingleAssignment[str]()), ("-a-b|",)),
    "StreamSource": Scene(
        "StreamSource(stream, chunk_size=3)",
        stream,
        ("2-5|",),
        message=in_bytes,
        note="2 bytes come, then 5",
    ),
    "StreamTarget": Scene(
        "StreamTarget(stream)", stream, ("ab-c|",), message=in_bytes, note="what the other end of the stream gives"
    ),
    "Take": Scene("Take(2)", alone(lambda: Take[str](2)), ("a-b-c|",)),
    "TakeWhile": Scene(
        "TakeWhile(str.isalpha)", alone(lambda: TakeWhile[Any](lambda x: str(x).isalpha())), ("a-b1c|",)
    ),
    "Tap": Scene("Tap(look)", tap, ("a-b|",), calls="look"),
    "Throttle": Scene("Throttle(0.5)", alone(lambda: Throttle[str](0.5)), ("abc----d|",)),
    "Timer": Scene('Timer(2, "x")', timer, (), note="started at 0 s"),
    "TransformMany": Scene("TransformMany(range)", alone(lambda: TransformMany(range)), ("2--0-1|",)),
    "Transformer": Scene(
        "Transformer(slow, concurrency=2)",
        alone(lambda: Transformer(slow, concurrency=2)),
        ("ab-c|",),
        note="slow takes 3 s for a, and 1 s for b and c",
    ),
    "UnboundedBuffer": Scene(
        "UnboundedBuffer()", alone(lambda: UnboundedBuffer[str]()), ("abc---d|",), 2, note="the reader needs 2 s"
    ),
}
"""How each block is shown."""
STREAMS: dict[str, Scene] = {
    "receive_stream": Scene(
        "receive_stream(buffer)", received, ("3-1-2|",), message=in_bytes, note="each read takes up to 2 bytes"
    ),
    "send_stream": Scene("send_stream(buffer)", sent, ("3-1-2|",), message=in_bytes),
}
"""How the functions are shown that make a stream of a buffer."""
