"""Pictures of networks as SVG, which notebooks display; they are taken apart again here."""

import itertools
import xml.etree.ElementTree as ET

import attrs
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    AgentStatistics,
    BlockStatistics,
    Bottleneck,
    BottleneckKind,
    BoundedBuffer,
    Call,
    Diagnosis,
    GovernorStatistics,
    Lease,
    LinkKind,
    LinkStatistics,
    Network,
    Report,
    ResourcePool,
    Source,
    Statistics,
    Transformer,
)

SVG = "{http://www.w3.org/2000/svg}"


def report(
    blocks: tuple[str, ...],
    *links: tuple[str, str],
    governed: dict[str, tuple[str, ...]] | None = None,
    agents: tuple[str, ...] = (),
    network: str = "net",
) -> Report:
    numbers = Statistics(
        network,
        1.0,
        True,
        tuple(BlockStatistics(name, "transformer", "loop", 1) for name in blocks),
        tuple(AgentStatistics(name, "started") for name in agents),
        tuple(GovernorStatistics(name, 3, 1, 2) for name in governed or {}),
        AgentStatistics("body", "running"),
    )
    statistics = [LinkStatistics(*link, passed=7) for link in links]
    return Report(numbers, Diagnosis("n", (), (), ()), tuple(statistics), governed or {})


def chain(number: int) -> Report:
    names = [str(block) for block in range(number)]
    return report(tuple(names), *itertools.pairwise(names))


def read(drawn: Report) -> ET.Element:
    return ET.fromstring(drawn.svg())


def texts(root: ET.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


def looks(root: ET.Element, look: str) -> list[ET.Element]:
    return [element for element in root.iter() if look in element.get("class", "").split()]


def test_it_is_an_image_with_the_names_numbers_and_links() -> None:
    root = read(report(("load", "show"), ("load", "show"), agents=("reader",)))
    assert (root.get("role"), root.get("aria-label")) == ("img", "network 'net', running, 1 s")
    title = "network 'net', running, 1 s"
    assert texts(root) == [title, "7 passed", "load", "loop", "show", "loop", "reader", "started"]
    assert len(looks(root, "node")) == 3
    assert len(looks(root, "link")) == len(looks(root, "head")) == 1


def test_all_of_it_is_inside_the_picture() -> None:
    for drawn in (chain(3), chain(30), report(("a", "b"), ("a", "b"), ("b", "a"), ("b", "b"))):
        root = read(drawn)
        width, height = float(root.get("width", "")), float(root.get("height", ""))
        for path in (*looks(root, "link"), *looks(root, "head")):
            numbers = [float(x) for x in path.get("d", "").translate(str.maketrans("MCLVZ", "     ")).split()]
            assert all(0 <= x <= width for x in numbers[::2])
            assert all(0 <= y <= height for y in numbers[1::2])
        for box in root.iter(f"{SVG}rect"):
            assert float(box.get("x", 0)) + float(box.get("width", "")) <= width
            assert float(box.get("y", 0)) + float(box.get("height", "")) <= height


def test_a_short_chain_goes_to_the_right_and_a_long_one_down() -> None:
    short, long = (read(chain(number)) for number in (3, 30))
    assert float(short.get("width", "")) > float(short.get("height", ""))
    assert float(long.get("width", "")) < float(long.get("height", ""))


def test_many_blocks_side_by_side_stay_below_one_another() -> None:
    names = tuple(str(block) for block in range(60))
    wide = tuple(f"a long name of block {letter}" for letter in "abcdefgh")
    links = [*itertools.pairwise(wide), *((wide[-1], name) for name in names)]
    root = read(report((*wide, *names), *links))
    assert float(root.get("height", "")) > float(root.get("width", ""))


def test_it_has_colours_for_dark_screens_and_no_script() -> None:
    text = chain(2).svg()
    assert "@media (prefers-color-scheme: dark)" in text
    assert "<script" not in text


def test_marks_of_xml_in_names_are_escaped() -> None:
    evil = '<script>alert("x")</script>'
    root = read(report((evil, "]]>\x00\ud800"), (evil, "]]>\x00\ud800"), network=evil))
    assert not list(root.iter(f"{SVG}script"))
    assert any("<script>" in text for text in texts(root))


@given(st.lists(st.text(min_size=1), unique=True, min_size=1, max_size=4))
def test_any_names_will_do(names: list[str]) -> None:
    ET.fromstring(report(tuple(names), *itertools.pairwise(names)).svg().encode())


def test_the_bottleneck_is_marked_and_named() -> None:
    root = read(attrs.evolve(chain(2), bottleneck=Bottleneck("1", BottleneckKind.BLOCK, 1.0, 1.0)))
    assert len(looks(root, "bottleneck")) == 1
    assert texts(root).count("bottleneck") == 1


def test_each_kind_of_node_has_a_shape_of_its_own() -> None:
    numbers = report(("function",), agents=("agent",)).statistics
    numbers = attrs.evolve(numbers, blocks=(*numbers.blocks, BlockStatistics("buffer", "buffer")))
    root = read(Report(numbers, Diagnosis("n", (), (), ())))
    assert len(looks(root, "lid")) == 1
    corners = {box.get("rx") for box in root.iter(f"{SVG}rect") if "node" in box.get("class", "")}
    assert len(corners) == 2


def test_a_governor_is_a_frame_around_its_blocks() -> None:
    root = read(report(("a", "b", "c"), ("a", "b"), ("b", "c"), governed={"few": ("a", "b")}))
    (frame,) = looks(root, "frame")
    assert "few: 1 of 3 in flight (most 2)" in texts(root)
    boxes = looks(root, "node")
    left, right = float(frame.get("x", "")), float(frame.get("x", "")) + float(frame.get("width", ""))
    inside = [left < float(box.get("x", "")) and float(box.get("x", "")) < right for box in boxes]
    assert sorted(inside) == [False, True, True]


def test_a_governor_around_which_no_frame_can_be_drawn_is_told_of_below() -> None:
    root = read(report(("a", "b", "c"), ("a", "b"), ("b", "c"), governed={"few": ("a", "c")}))
    assert not looks(root, "frame")
    assert "few: 1 of 3 in flight (most 2); governs a, c" in texts(root)


def test_a_governor_of_blocks_that_have_another_is_a_node() -> None:
    root = read(report(("a", "b"), ("a", "b"), governed={"few": ("a", "b"), "others": ("b",)}))
    assert "others" in texts(root)
    assert len([node for node in looks(root, "node") if "dashed" in node.get("class", "")]) == 1
    assert "governs" in texts(root)


def test_a_body_that_sends_and_receives_is_drawn_at_both_ends() -> None:
    by_hand = LinkKind.BY_HAND
    links = (LinkStatistics("", "a", by_hand, 3), LinkStatistics("a", "", by_hand, 3))
    assert texts(read(attrs.evolve(report(("a",)), links=links))).count("body") == 2
    for link in links:
        assert texts(read(attrs.evolve(report(("a",)), links=(link,)))).count("body") == 1


def test_dead_letters_have_a_dashed_link() -> None:
    link = LinkStatistics("a", "b", LinkKind.DEAD_LETTERS)
    root = read(attrs.evolve(report(("a", "b")), links=(link, LinkStatistics("a", "b"))))
    assert [("dashed" in path.get("class", "")) for path in looks(root, "link")] == [True, False]
    assert "dead letters" in texts(root)


def test_a_large_network_is_drawn_in_part() -> None:
    root = read(chain(2_000))
    assert len(looks(root, "node")) == 100
    assert "… and 1,900 more blocks and agents" in texts(root)
    names = tuple(str(block) for block in range(100))
    links = [(names[a], names[b]) for a in range(100) for b in range(a + 1, 100)]
    full = report(names, *links)
    assert len(looks(read(full), "link")) == 300
    assert "… and 4,650 more links" in texts(read(full))
    assert len(full.svg()) < 2_000_000


def test_a_group_of_which_no_block_is_drawn_is_left_out() -> None:
    names = tuple(str(block) for block in range(150))
    root = read(report(names, governed={"many": names[:120], "last": names[120:]}))
    assert "last" not in "".join(texts(root))


def test_a_network_without_blocks_is_a_picture_too() -> None:
    assert texts(read(report(()))) == ["network 'net', running, 1 s"]


# Networks


class Reader(Agent):
    def __init__(self, source: Source[int]) -> None:
        super().__init__(inputs=[source], name="reader")
        self.source = source

    async def run(self) -> None:
        async for _ in self.source:
            pass


def parts() -> tuple[Transformer[int, int], Reader]:
    def add(number: int, lease: Lease[int]) -> int:
        return number + lease.value

    first = Transformer(add, name="first", resource=ResourcePool([1], name="pool"))
    last = BoundedBuffer[int](5, name="last")
    first.link_target(last)
    PipelineGovernor(limit=2, name="few").govern(first, last)
    return first, Reader(last)


def svg_of(network: Network) -> list[str]:
    return texts(ET.fromstring(network._repr_svg_()))


def test_a_network_is_drawn_before_during_and_after_its_run() -> None:
    async def main() -> None:
        network = Network(*parts(), name="net")
        before = svg_of(network)
        assert before[0] == "network 'net', not started, 0 ns"
        assert {"first", "last", "reader", "pool", "few: 0 of 2 in flight (most 0)"} <= set(before)
        assert "body" not in before
        async with network:
            await network.blocks[0].send(1)  # type: ignore[attr-defined]  # a transformer
            during = svg_of(network)
            assert during[0].startswith("network 'net', running")
            assert "body" in during
        assert svg_of(network)[0].startswith("network 'net', ended")

    trio.run(main)


def test_before_the_run_blocks_of_the_same_name_are_told_apart_and_keep_their_name() -> None:
    first, second = Transformer[int, int](abs, name="abs"), Transformer[int, int](abs, name="abs")
    first.link_target(second)
    shown = svg_of(Network(first))
    assert {"abs", "abs-2"} <= set(shown)
    assert not any("passed" in text for text in shown)
    assert (first.name, second.name) == ("abs", "abs")


def test_a_network_without_anything_can_be_displayed() -> None:
    assert svg_of(Network(name="net")) == ["network 'net', not started, 0 ns"]


@pytest.mark.parametrize("links", [True, False])
def test_a_network_is_displayed_whatever_it_will_be_refused_for(links: bool) -> None:
    sink = Call(print, name="sink")
    if links:
        sink.complete()
    assert "sink" in svg_of(Network(sink))
