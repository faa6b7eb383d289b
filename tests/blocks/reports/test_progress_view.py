"""How far the stages of a network are."""

from itertools import pairwise

from penstock.blocks import AgentStatistics, BlockStatistics, LinkKind, LinkStatistics, Statistics
from penstock.blocks.reports.progress_view import StageView, View, progress_of, totals_of

SOURCE = BlockStatistics("numbers", "source", emitted=60)
LOAD = BlockStatistics("load", "transformer", "Threads", 2, received=60, queued=7, in_work=2, discarded=1)


def numbers(*blocks: BlockStatistics, agents: tuple[AgentStatistics, ...] = ()) -> Statistics:
    return Statistics("net", 2.0, True, blocks, agents, (), AgentStatistics("body", "done"))


def chain(*names: str) -> list[LinkStatistics]:
    return [LinkStatistics(*pair) for pair in pairwise(names)]


def total(name: str, *blocks: BlockStatistics, links: list[LinkStatistics], of: int | None = 100) -> int | None:
    return totals_of({block.name: block for block in blocks}, links, {"numbers": of}).get(name)


def test_stages_are_blocks_with_a_function_sources_and_agents() -> None:
    buffer = BlockStatistics("buffer", "unbounded buffer", emitted=9)
    agent = AgentStatistics("reader", "started", received=5, emitted=3)
    view = progress_of(numbers(SOURCE, LOAD, buffer, agents=(agent,)), chain("numbers", "load"), {"numbers": 100})
    assert view.stages == (
        StageView("numbers", 60, 100),
        StageView("load", 50, 100, in_work=2, queued=7),
        StageView("reader", 5),
    )


def test_buffers_are_shown_if_there_is_nothing_else() -> None:
    buffer = BlockStatistics("buffer", "unbounded buffer", emitted=9, queued=3)
    assert progress_of(numbers(buffer), (), {}).stages == (StageView("buffer", 9, queued=3),)


def test_rates_are_those_since_an_earlier_look() -> None:
    before = View("net", 2.0, (StageView("a", 10),))
    now = View("net", 4.0, (StageView("a", 30), StageView("new", 4)))
    assert [stage.rate for stage in now.with_rates_since(before).stages] == [10.0, 2.0]
    assert now.with_rates_since(now) is now


def test_a_total_is_known_along_a_chain_of_one_to_one_blocks() -> None:
    load = BlockStatistics("load", "transformer", "loop", 1, dropped={"skipped": 3}, dead_lettered=2)
    buffer, show = BlockStatistics("buffer", "bounded buffer"), BlockStatistics("show", "call", "loop", 1)
    blocks, links = (SOURCE, load, buffer, show), chain("numbers", "load", "buffer", "show")
    dead = LinkStatistics("load", "dead", LinkKind.DEAD_LETTERS)
    assert total("load", *blocks, links=links) == 100
    assert total("show", *blocks, links=[*links, dead]) == 95
    assert total("dead", *blocks, links=[*links, dead]) is None
    assert total("show", *blocks, links=links, of=None) is None


def test_a_total_is_not_guessed() -> None:
    show = BlockStatistics("show", "call", "loop", 1)
    many = BlockStatistics("load", "one-to-many transformer", "loop", 1)
    links = chain("numbers", "load", "show")
    assert total("show", SOURCE, many, show, links=links) is None
    assert total("load", SOURCE, LOAD, links=[LinkStatistics("numbers", "load", filter="big")]) is None
    assert total("load", SOURCE, LOAD, links=[LinkStatistics("numbers", "load", remaining=3)]) is None
    assert total("load", SOURCE, LOAD, links=[*links, LinkStatistics("numbers", "other")]) is None
    assert total("load", SOURCE, LOAD, links=[*links, LinkStatistics("", "load", LinkKind.BY_HAND)]) is None
    assert total("reader", SOURCE, links=[LinkStatistics("numbers", "reader", LinkKind.INPUT)]) is None


def test_a_circle_has_an_end() -> None:
    assert (
        total("load", SOURCE, LOAD, links=[LinkStatistics("numbers", "load"), LinkStatistics("load", "numbers")]) == 100
    )
