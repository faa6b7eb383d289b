"""Replays a file at the pace of its times: parse, decode and execute are three stages with bounds between them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import attrs
import trio

from penstock.blocks import Call, Threads, Transformer
from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.chunk import Chunk
from penstock.samples.streams.lines.inputs import Lines
from penstock.samples.streams.lines.keys import MISSING, field_of
from penstock.samples.streams.lines.times import Found, Time, Times, nanoseconds
from penstock.samples.streams.lines.writing import Write
from penstock.samples.watch import Watch

__all__ = ["Decoder", "Event", "Parsed", "Parser", "Player", "run_replay"]

AT_ONCE = 256 << 10
"""The number of bytes that are written at a time, about."""


@attrs.frozen
class Parsed:
    """What is known of the lines of a chunk: the line, what stands for its time, and its record."""

    chunk: Chunk
    found: list[Found]
    bad: BadLines


@attrs.frozen
class Event:
    """What is to be printed, and its time; None if it goes with the event before it."""

    time: Time | None
    text: bytes


@attrs.define
class Parser:
    """The first stage: parses the lines of a chunk.

    Args:
        times: finds the times.
    """

    times: Times

    def __call__(self, chunk: Chunk) -> Parsed:
        """Return what is known of the lines."""
        bad = BadLines()
        return Parsed(chunk, list(self.times.found(chunk, bad)), bad)


@attrs.define
class Decoder:
    """The second stage: makes events of lines. A line without a time goes with the line before it.

    Args:
        times: finds the times.
        fields: what is printed: the values of these fields; by default the line.
        bad: the lines without a time.
        lines: how many lines there are.
    """

    times: Times
    fields: Sequence[str] = ()
    bad: BadLines = attrs.field(factory=BadLines)
    lines: int = 0

    def __call__(self, parsed: Parsed) -> list[Event]:
        """Return the events of a chunk."""
        chunk = parsed.chunk
        lines = chunk.data.split(b"\n")[:-1]
        events = [Event(None, line + b"\n") for line in lines]
        for number, value, record in parsed.found:
            time = nanoseconds(value, self.times.unit)
            if time is None:
                parsed.bad.add(chunk.file, chunk.line + number, self.times.what)
            text = events[number].text if record is None or not self.fields else self._text(record)
            events[number] = Event(time, text)
        self.lines += len(lines)
        self.bad.join(parsed.bad)
        return events

    def _text(self, record: dict[str, Any]) -> bytes:
        texts = [_shown(field_of(record, name)) for name in self.fields]
        return ("\t".join(texts) + "\n").encode("utf-8", "backslashreplace")


def _shown(value: object) -> str:
    if value is MISSING:
        return ""
    return value if isinstance(value, str) and value.isprintable() else json.dumps(value, ensure_ascii=False)


@attrs.define
class Player:
    """The third stage: prints each event when it is due.

    Args:
        write: writes the events.
        speed: how many times as fast as the times say; None for no waiting.
        late: how many seconds the latest event was late.
    """

    write: Write
    speed: float | None
    late: float = 0.0
    _first: Time | None = None
    _begin: float = 0.0
    _due: float = 0.0

    async def play(self, events: list[Event]) -> None:
        """Print events."""
        ready: list[bytes] = []
        size = 0
        for event in events:
            if self._is_later(event.time):
                await self._write(ready)
                ready, size = [], 0
                await trio.sleep_until(self._due)
                self._note_lateness()
            ready.append(event.text)
            size += len(event.text)
            if size >= AT_ONCE:
                await self._write(ready)
                ready, size = [], 0
        await self._write(ready)

    def _is_later(self, time: Time | None) -> bool:
        """Whether an event must wait until `_due`. An event with an earlier time than one before it is due at once."""
        if time is None or self.speed is None:
            return False
        if self._first is None:
            self._first, self._begin = time, trio.current_time()
        due = self._begin + (time - self._first) / 1e9 / self.speed
        if due <= self._due:
            return False
        self._due = due
        self._note_lateness()
        return due > trio.current_time()

    def _note_lateness(self) -> None:
        self.late = max(self.late, trio.current_time() - self._due)

    async def _write(self, texts: list[bytes]) -> None:
        if texts:
            await self.write(b"".join(texts))


async def run_replay(file: Lines, decoder: Decoder, player: Player, watch: Watch) -> None:
    """Replay a file.

    Args:
        file: its lines.
        decoder: the second stage.
        player: the third stage.
        watch: observes the run.
    """
    parse = Transformer(Parser(decoder.times), executor=Threads(1), capacity=2, name="parse")
    decode = Transformer(decoder, executor=Threads(1), capacity=2, name="decode")
    file.link_target(parse)
    parse.link_target(decode)
    decode.link_target(Call(player.play, capacity=1, name="execute"))
    async with watch.network(file, name="replay"):
        pass
