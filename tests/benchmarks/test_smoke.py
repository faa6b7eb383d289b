"""Each benchmark runs and delivers the right results; how fast is not for a test to say."""

import sys
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from . import parts, paths, sleeping, stragglers
from .chains import Chain, bare_loop, memory_channels, penstock_chain, penstock_governed, penstock_sends
from .command import BENCHMARKS, main
from .measuring import TINY, Contender, Effort, Row, Timings, WrongResult, compare, percentile, time_once
from .peers import PEERS, installed
from .workloads import increment

FOLDER = Path(__file__).parent.parent
CHAINS = [bare_loop, penstock_chain, penstock_governed, penstock_sends, memory_channels]


def double(x: int) -> int:
    return 2 * x


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_runs_and_every_contender_delivers_all_items(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        sys, "path", [str(FOLDER), *sys.path]
    )  # processes import the contenders, as they do when the benchmarks are run
    rows = list(BENCHMARKS[name](TINY))  # a contender that delivers another number of items raises
    assert rows
    assert all(row.value for row in rows)


@pytest.mark.parametrize("chain", [*CHAINS, *(PEERS[name][0] for name in installed())])
def test_every_chain_computes_the_same_in_the_same_order(chain: Chain) -> None:
    arrived: list[int] = []
    chain(range(50), [increment, double, increment], arrived.append)
    assert arrived == [2 * (x + 1) + 1 for x in range(50)]


EVERY_PART = [program for _, programs in parts.PARTS for _, program in programs]
EVERY_PATH = [program for _, _, goals in paths.PATHS for _, program, _ in goals]


@pytest.mark.parametrize("program", [*EVERY_PART, *EVERY_PATH])
@pytest.mark.parametrize("items", [0, 1, 2, 37])
def test_every_part_delivers_all_items(program: Callable[[int], int], items: int) -> None:
    assert program(items) == items


@pytest.mark.parametrize("program", [sleeping.penstock_naps, sleeping.plain_naps, sleeping.bare_naps])
@pytest.mark.parametrize("blocks", [1, 4])
def test_every_nap_is_delivered(program: Callable[[int, int], int], blocks: int) -> None:
    assert program(blocks, 40) == 40


def test_the_bound_for_stragglers_is_the_one_of_the_issue() -> None:
    assert stragglers.lower_bound(stragglers.ITEMS) == pytest.approx(0.494, abs=0.001)


def test_a_contender_that_loses_items_is_found_out() -> None:
    with pytest.raises(WrongResult, match="3 items went in and 2 came out"):
        time_once(Contender("loses one", lambda items: items - 1), 3)


def test_contenders_take_turns_and_each_one_is_timed_every_round() -> None:
    turns: list[str] = []

    def take_turn(name: str) -> Contender:
        def run(items: int) -> int:
            turns.append(name)
            return items

        return Contender(name, run)

    ticks = count()
    contenders = [take_turn("a"), take_turn("b")]
    timings = compare("turns", contenders, 10, Effort(rounds=2), clock=lambda: float(next(ticks)))
    assert turns == ["a", "b"] * 3  # the first of each is not timed
    assert timings.seconds == {"a": [0.1, 0.1], "b": [0.1, 0.1]}


def test_a_ratio_is_the_median_of_the_rounds_and_decides_about_the_target() -> None:
    timings = Timings("what", {"ours": [2.0, 20.0, 4.0], "theirs": [1.0, 10.0, 4.0]})
    assert timings.row("ours", "theirs", at_most=1.5).is_met is False
    assert timings.row("ours", "theirs", at_most=2).is_met is True
    assert timings.row("ours", "theirs").is_met is None
    assert timings.faster_row("theirs", "ours", at_least=2).is_met is True
    assert timings.faster_row("theirs", "ours", at_least=50).is_met is False


def test_a_run_that_ends_before_the_clock_moves_has_a_ratio_too() -> None:
    timings = Timings("what", {"ours": [1.0], "theirs": [0.0]})
    assert timings.row("ours", "theirs", at_most=2).is_met is False
    assert timings.faster_row("theirs", "ours", at_least=2).is_met is True


def test_a_percentile_is_a_value_that_so_many_do_not_exceed() -> None:
    assert percentile([3.0, 1.0, 2.0, 4.0], 0.5) == 2.0
    assert percentile([1.0] * 99 + [9.0], 0.99) == 1.0
    assert percentile([1.0], 0.99) == 1.0


def test_the_command_prints_a_line_a_comparison(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BENCHMARKS, "memory", lambda effort: iter([Timings("what", {"it": [1e-9]}).row("it")]))
    assert main(["--quick", "--only", "memory"]) == 0
    assert "1 ns per item" in capsys.readouterr().out


def test_the_command_prints_a_table_in_markdown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(BENCHMARKS, "memory", lambda effort: iter([Timings("what", {"it": [1e-9]}).row("it")]))
    assert main(["--markdown", "--only", "memory"]) == 0
    assert "| --- | --- | --- | --- | --- | --- | --- |\n| what | it | 1 ns per item |" in capsys.readouterr().out


@pytest.mark.parametrize(("is_met", "status"), [(True, 0), (False, 1), (None, 0)])
def test_the_command_fails_only_if_a_target_is_missed(
    is_met: bool | None, status: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        BENCHMARKS, "memory", lambda effort: iter([Row("what", "it", "1", target="≤ 2 ×", is_met=is_met)])
    )
    assert main(["--only", "memory"]) == status
    wanted = {True: "1 met, 0 missed, 0 undecided", False: "0 met, 1 missed", None: "0 met, 0 missed, 1 undecided"}
    assert wanted[is_met] in capsys.readouterr().out
