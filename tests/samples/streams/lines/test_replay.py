"""The stages of a replay, by the clock of the test."""

import trio
import trio.testing

from penstock.samples.streams.lines.bad_lines import BadLines
from penstock.samples.streams.lines.chunk import Chunk
from penstock.samples.streams.lines.replay import Decoder, Event, Parser, Player
from penstock.samples.streams.lines.times import FieldTimes


def test_each_stage_adds_to_what_is_known_of_a_line() -> None:
    times = FieldTimes("ts", "s")
    chunk = Chunk(0, 1, 0, b'{"ts": 1, "n": "a", "d": [2]}\nbroken\n{"ts": "no"}\n')
    parsed = Parser(times)(chunk)
    assert [number for number, _, _ in parsed.found] == [0, 2]
    decoder = Decoder(times)
    assert decoder(parsed) == [
        Event(1_000_000_000, b'{"ts": 1, "n": "a", "d": [2]}\n'),
        Event(None, b"broken\n"),
        Event(None, b'{"ts": "no"}\n'),
    ]
    assert decoder.lines == 3
    assert decoder.bad.counts == {"not JSON": 1, "no time in 'ts'": 1}
    shown = Decoder(times, ["n", "d", "x"])(Parser(times)(chunk))
    assert [event.text for event in shown] == [b"a\t[2]\t\n", b"broken\n", b"\t\t\n"]
    assert BadLines() == Decoder(times).bad


class Printed:
    """Notes what was written, and when."""

    def __init__(self) -> None:
        self.writes: list[tuple[float, bytes]] = []
        self.start = trio.current_time()

    async def write(self, data: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.writes.append((trio.current_time() - self.start, data))


async def test_events_are_printed_when_they_are_due(autojump_clock: trio.testing.MockClock) -> None:
    printed = Printed()
    player = Player(printed.write, speed=2)
    second = 10**9
    await player.play([Event(None, b"0"), Event(10 * second, b"a"), Event(12 * second, b"b"), Event(None, b"c")])
    await player.play([Event(11 * second, b"d"), Event(16 * second, b"e")])
    assert printed.writes == [(0, b"0a"), (1, b"bc"), (1, b"d"), (3, b"e")]
    assert player.late == 0


async def test_what_comes_late_is_printed_at_once_and_the_program_says_how_late(
    autojump_clock: trio.testing.MockClock,
) -> None:
    printed = Printed()
    player = Player(printed.write, speed=1)
    await player.play([Event(0, b"a")])
    await trio.sleep(5)
    await player.play([Event(2 * 10**9, b"b"), Event(4 * 10**9, b"c"), Event(6 * 10**9, b"d")])
    assert printed.writes == [(0, b"a"), (5, b"bc"), (6, b"d")]
    assert player.late == 3


async def test_without_a_speed_nothing_waits(autojump_clock: trio.testing.MockClock) -> None:
    printed = Printed()
    await Player(printed.write, speed=None).play([Event(0, b"a" * 300_000), Event(10**18, b"b")])
    assert printed.writes == [(0, b"a" * 300_000), (0, b"b")]
