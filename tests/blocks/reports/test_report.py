"""What a network looks like, for people."""

import io

import trio
from rich.console import Console
from trio.testing import wait_all_tasks_blocked

from penstock.agents import PipelineGovernor
from penstock.blocks import (
    AgentStatistics,
    BlockStatistics,
    Bottleneck,
    BottleneckKind,
    Call,
    Diagnosis,
    GovernorStatistics,
    Network,
    Report,
    Statistics,
    Times,
    Transformer,
    UnboundedBuffer,
)
from tests.blocks.tools import linked

QUIET = Diagnosis("photos", (), (), ())
NUMBERS = Statistics(
    "photos",
    4.5,
    True,
    (
        BlockStatistics(
            "load",
            "transformer",
            "Threads",
            2,
            received=1000,
            emitted=990,
            dropped={"skipped": 9, "fault": 1},
            failed=10,
            retried=3,
            dead_lettered=2,
            queued=12,
            most_queued=100,
            in_work=2,
            service=Times(1000, 4.0, 0.001, 0.02, 0.004, 0.008, 0.01),
            wait_for_input=Times(3, 0.9),
            wait_for_output=Times(1, 0.09),
            throughput=200.0,
            steady_throughput=222.2,
        ),
        BlockStatistics("[new]", "unbounded buffer", received=990, emitted=3, queued=987, most_queued=987),
        BlockStatistics(
            "show",
            "call",
            "loop",
            1,
            received=3,
            consumed=3,
            discarded=1,
            service=Times(3, 3e-5, 1e-5, 1e-5, 1e-5, 1e-5, 1e-5),
            throughput=0.7,
        ),
    ),
    (AgentStatistics("reader", "started", 987, 3, 4.5, Times(4, 2.25), Times(1, 0.45)),),
    (
        GovernorStatistics("few", 2.5, 0.5, 2.5, Times(2, 1.8)),
        GovernorStatistics("memory", 2**31, 2**20, 2**30, unit="bytes"),
    ),
    AgentStatistics("body", "done", 0, 1000, 0.0),
)
FOUND = Bottleneck("load", BottleneckKind.BLOCK, 4.4, 4.5, 0.0123, next_slowest="show", possible=1.0)


def test_it_is_a_table_with_a_row_for_everybody() -> None:
    assert str(Report(NUMBERS, QUIET, bottleneck=FOUND)).splitlines() == [
        "network 'photos', running, 4.5 s",
        "                                     used  waiting     most    in  per item  9 of 10   waits    waits  items",
        "        where             in    out    up      now  waiting  work      mean   within  for in  for out  per s",
        "load    Threads × 2    1,000    990             12      100     2   4.00 ms  8.00 ms     20%       2%    222",
        "[new]                    990      3            987      987",
        "show    loop               3            3                           10.0 µs  10.0 µs                   0.700",
        "reader  started          987      3                                                      50%      10%    219",
        "body    done                  1,000",
        "few     limit 2.5                              0.5      2.5                                       40%",
        "memory  limit 2.0 GiB                      1.0 MiB  1.0 GiB",
        "",
        "      dropped  dead letters  failed  tried again  discarded",
        "load       10             2      10            3",
        "show                                                      1",
        "",
        "load is the bottleneck: 12.3 ms per item, busy 98% of the run; as fast as the next slowest (show),",
        "  the run would take 1 s instead of 4.5 s",
    ]


def test_columns_in_which_nothing_stands_are_left_out() -> None:
    blocks = (BlockStatistics("load", "call", "loop", 1, received=3, consumed=3),)
    numbers = Statistics("photos", 1.0, False, blocks, (), (), AgentStatistics("body", "done"))
    assert str(Report(numbers, QUIET)).splitlines() == [
        "network 'photos', ended, 1 s",
        "                 used",
        "      where  in    up",
        "load  loop    3     3",
    ]


def test_a_long_sentence_is_broken_into_lines_and_the_diagnosis_is_below() -> None:
    diagnosis = Diagnosis("photos", ("load holds " + "x" * 120,), ("the body waits",), ("load",))
    lines = str(Report(NUMBERS, diagnosis, bottleneck=FOUND)).splitlines()
    below = lines.index(
        "load is the bottleneck: 12.3 ms per item, busy 98% of the run; as fast as the next slowest (show),"
    )
    assert lines[below + 1 :] == [
        "  the run would take 1 s instead of 4.5 s",
        "  holds items:",
        "    load holds " + "x" * 120,
        "  waits:",
        "    the body waits",
        "  not done:",
        "    load",
    ]


def test_names_that_look_like_markup_or_escape_codes_are_shown_as_they_are() -> None:
    blocks = (BlockStatistics("[red]a[/red]\x1b[31m", "call", "loop", 1, received=3),)
    numbers = Statistics("[b]n\n", 1.0, False, blocks, (), (), AgentStatistics("body", "done"))
    file = io.StringIO()
    Console(file=file, width=100).print(Report(numbers, QUIET))
    assert "[red]a[/red]\\x1b[31m" in file.getvalue()
    assert "network '[b]n\\\\n', ended" in file.getvalue()
    assert "\x1b" not in str(Report(numbers, QUIET))


def test_rich_draws_it_in_colour_and_marks_the_bottleneck() -> None:
    file = io.StringIO()
    Console(file=file, force_terminal=True, width=120).print(Report(NUMBERS, QUIET, bottleneck=FOUND))
    marked = [line for line in file.getvalue().splitlines() if "\x1b[1;31m" in line]
    assert len(marked) == 3  # the row, and the sentence in two lines
    assert all("load" in line for line in marked[:2])


async def test_it_tells_who_holds_what_in_a_network_that_runs() -> None:
    call: Call[int] = Call(trio.sleep, name="c")
    async with Network(call, name="sleepy") as network:
        await call.send(1)
        await wait_all_tasks_blocked()
        report = network.report()
        assert str(report).startswith("network 'sleepy', running, ")
        assert "  holds items:" in str(report).splitlines()
    assert str(network.report()).startswith("network 'sleepy', ended, ")
    assert "holds items" not in str(network.report())


async def test_a_quiet_network_has_little_to_report() -> None:
    buffer: UnboundedBuffer[int] = UnboundedBuffer(name="b")
    linked(buffer)
    network = Network(buffer, name="n")
    assert str(network.report()) == "network 'n', not started, 0 ns"
    async with network:
        assert str(network.report()).splitlines()[0].startswith("network 'n', running, ")
    assert network.report().bottleneck is None
    assert len(str(network.report()).splitlines()) == 3


async def test_it_knows_which_blocks_a_governor_governs() -> None:
    first: Transformer[int, int] = Transformer(abs, name="first")
    last: Call[int] = Call(abs, name="last")
    first.link_target(last)
    PipelineGovernor(limit=2, name="few").govern(first, last)
    async with Network(first) as network:
        await first.send(1)
    assert network.report().governed == {"few": ("first", "last")}


def test_it_can_be_drawn() -> None:
    assert Report(NUMBERS, QUIET).mermaid().count("load") == 1
    assert Report(NUMBERS, QUIET).graphviz().count("load") == 1
