"""What a notebook displays of reports, balances, suggestions and statistics: HTML, taken apart again here."""

import io
from html.parser import HTMLParser
from typing import Any

import pytest
import rich.console
import trio

from penstock.blocks import (
    AgentStatistics,
    Balance,
    BlockBalance,
    BlockStatistics,
    Call,
    Diagnosis,
    Network,
    Report,
    Statistics,
    Suggestion,
    Transformer,
)
from penstock.blocks.base import html
from penstock.blocks.base.grid import Column, Grid

EVIL = '<script>alert("x")</script> & <b>\x1b[31m'
SEEN = '<script>alert("x")</script> & <b>\\x1b[31m'


class Page(HTMLParser):
    """Reads HTML that a notebook would display; raises if a tag is not closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.rows: list[list[str]] = []
        self.paragraphs: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert not any(name.startswith("on") for name, _ in attrs)
        self.tags.append(tag)
        if tag == "br":
            self.rows[-1][-1] += " "
            return
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        elif tag in ("td", "th"):
            self.rows[-1].append("")
        elif tag in ("p", "li"):
            self.paragraphs.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.rows[-1][-1] += data
        else:
            self.paragraphs[-1] += data


def page(shown: Any) -> Page:
    """What a notebook displays of an object."""
    return Page(shown._repr_html_())


def text_of(shown: Any) -> str:
    """What IPython displays of an object on a terminal."""

    class Printer:
        def __init__(self) -> None:
            self.file = io.StringIO()

        def text(self, obj: str) -> None:
            self.file.write(obj)

    printer = Printer()
    shown._repr_pretty_(printer, False)
    return printer.file.getvalue()


async def ran() -> Network:
    """A network that has lost one of its items."""

    def parse(item: str) -> int:
        return int(item)

    seen: list[int] = []
    parser = Transformer(parse, name="parse", on_error="skip")
    sink = Call(seen.append, name=EVIL)
    parser.link_target(sink)
    async with Network(parser, name="<net>") as network:
        for item in ("1", "2", "x"):
            await parser.send(item)
    return network


@pytest.fixture
async def network() -> Network:
    return await ran()


async def test_a_report_is_its_tables_and_sentences(network: Network) -> None:
    report = network.report()
    shown = page(report)
    assert shown.paragraphs[0].startswith("network '<net>', ended, ")
    assert shown.rows[0][:3] == ["", "where", "in"]
    assert [row[:2] for row in shown.rows[1:4]] == [["parse", "loop"], [html_name(EVIL), "loop"], ["body", "done"]]
    assert shown.rows[-2:] == [["", "dropped", "failed"], ["parse", "1", "1"]]
    assert str(report.bottleneck) in shown.paragraphs
    assert text_of(report) == str(report)


def html_name(name: str) -> str:
    from penstock.blocks.base.units import shortened

    return shortened(name)


async def test_a_balance_is_its_table_and_its_verdict(network: Network) -> None:
    balance = network.balance()
    shown = page(balance)
    assert shown.rows[0] == ["", "accepted", "delivered", "consumed", "dropped (skipped)"]
    assert shown.rows[1] == ["parse", "3", "2", "", "1"]
    assert shown.paragraphs == ["it adds up: every item is accounted for"]
    assert text_of(balance) == str(balance)


async def test_statistics_are_the_first_table_of_a_report(network: Network) -> None:
    shown = page(network.statistics())
    assert shown.paragraphs[0].startswith("network '<net>', ended, ")
    assert [row[0] for row in shown.rows] == ["", "parse", html_name(EVIL), "body"]


async def test_a_suggestion_is_a_table_of_stages_and_a_list_of_changes(network: Network) -> None:
    suggestion = network.suggest()
    shown = page(suggestion)
    assert shown.rows[0][:3] == ["stage", "where", "at once"]
    assert {row[0] for row in shown.rows[1:]} >= {"parse", html_name(EVIL)}
    assert [row[-1] for row in shown.rows[1:]].count("slowest") == 1
    assert shown.paragraphs == [str(suggestion).splitlines()[0], *(suggestion.advice or ("nothing to change",))]
    assert text_of(suggestion) == str(suggestion)


def test_a_better_concurrency_stands_beside_that_of_the_run() -> None:
    from penstock.blocks.reports.model import Stage

    stages = (Stage("fetch", "tasks", 1, 100, 10.0, 0.0), Stage("parse", "loop", 1, 100, 1.0, 0.9))
    shown = page(Suggestion(stages, 100, 10.0, 2, "", {"fetch": 10, "parse": 1}, 1.0, ("fetch: concurrency=10",)))
    assert [row[:4] for row in shown.rows] == [
        ["stage", "where", "at once", "better"],
        ["fetch", "tasks", "1", "10"],
        ["parse", "loop", "1", ""],
    ]


def test_no_name_reason_or_sentence_is_read_as_html() -> None:
    body = AgentStatistics(EVIL, EVIL, received=1)
    numbers = Statistics(EVIL, 1.0, True, (BlockStatistics(EVIL, EVIL, EVIL, 2),), (body,), (), body)
    block = BlockBalance(EVIL, 1, 0, 0, 0, 0, 0, {EVIL: 1}, 0, 0, 0)
    advice = Suggestion((), 1, 1.0, 1, EVIL, {}, 1.0, (EVIL,))
    for shown in (Report(numbers, Diagnosis("", (), (), ()), notes=(EVIL,)), Balance((block,)), numbers, advice):
        read = page(shown)
        assert "script" not in read.tags
        assert set(read.tags) <= {"div", "p", "b", "table", "thead", "tbody", "tr", "th", "td", "br", "ul", "li"}
    assert page(advice).paragraphs[-1] == SEEN


def test_a_network_of_ten_thousand_blocks_is_displayed_in_part() -> None:
    blocks = tuple(BlockStatistics(f"block {number}", "buffer") for number in range(10_000))
    body = AgentStatistics("body", "done")
    numbers = Statistics("big", 1.0, False, blocks, (), (), body)
    shown = page(numbers)
    assert [row[0] for row in shown.rows[-2:]] == ["block 99", "… and 9,900 more"]
    assert len(numbers._repr_html_()) < 100_000
    notes = page(Report(numbers, Diagnosis("", (), (), ()), notes=tuple(map(str, range(300)))))
    assert notes.paragraphs[-1] == "… and 200 more"
    listed = page(Suggestion((), 1, 1.0, 1, "", {}, 1.0, tuple(map(str, range(300)))))
    assert listed.paragraphs[-1] == "… and 200 more"


def test_the_highlighted_row_is_never_left_out() -> None:
    grid = Grid((Column("", tuple(map(str, range(300))), is_text=True),), marked=250)
    text = html.table(grid)
    assert [row[0] for row in Page(text).rows[-2:]] == ["250", "… and 199 more"]
    assert text.count(html.MARK) == 1
    near = html.table(Grid(grid.columns, marked=7))
    assert near.index(html.MARK) < near.index(">7<")


def test_a_table_in_which_all_is_empty_is_left_out() -> None:
    assert html.table(Grid((Column("dropped", ("", "0")),))) == ""
    assert page(Balance(())).rows == []


async def test_a_balance_that_does_not_add_up_stands_out() -> None:
    wrong = Balance((BlockBalance("parse", 3, 0, 2, 0, 0, 0, {}, 0, 0, 0),))
    assert "<b>it does not add up: parse has 1 lost</b>" in wrong._repr_html_()


def test_what_is_held_and_who_waits_is_told_below_the_table() -> None:
    body = AgentStatistics("body", "running")
    held = Diagnosis("net", ("block left: 1 waits",), ("body waits for left",), ())
    report = Report(Statistics("net", 1.0, True, (), (), (), body), held)
    assert page(report).paragraphs[1:] == str(held).splitlines()[1:]


def test_rich_and_print_display_what_they_did_before() -> None:
    balance = trio.run(ran).balance()
    file = io.StringIO()
    rich.console.Console(file=file, width=200).print(balance)
    assert "<div" not in file.getvalue()
    assert "<div" not in str(balance) + repr(balance)
