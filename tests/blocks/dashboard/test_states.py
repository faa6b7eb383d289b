"""What a page shows of a network: any network, whatever goes through it."""

from __future__ import annotations

import json

import attrs
import trio.testing

from penstock.agents import Agent, PipelineGovernor
from penstock.blocks import (
    AgentStatistics,
    Bottleneck,
    BottleneckKind,
    Call,
    DeadLetter,
    Diagnosis,
    Network,
    Report,
    Source,
    Statistics,
    Transformer,
    UnboundedBuffer,
)
from penstock.blocks.dashboard import as_json, encode, network_state
from penstock.blocks.dashboard.states import SENDS, TAKES, slowest_of


class Reader(Agent):
    """Takes words, and does nothing with them."""

    def __init__(self, words: Source[str]) -> None:
        super().__init__(inputs=[words], name="reader")
        self.words = words

    async def run(self) -> None:
        """Take all words."""
        async for _ in self.words:
            pass


async def report_of_a_run() -> Report:
    def shorten(word: str) -> str:
        if word == "bad":
            raise ValueError(word)
        return word[:2]

    failed = Call[object](lambda _: None, name="failed")
    shortener = Transformer(shorten, on_error=DeadLetter(failed), name="shorten")
    words = UnboundedBuffer[str](name="words")
    shortener.link_target(words)
    async with Network(shortener, Reader(words), name="words") as network:
        for word in ("one", "bad", "three"):
            await shortener.send(word)
        await trio.testing.wait_all_tasks_blocked()
        assert network_state(network.report()).running
    return network.report()


async def test_it_has_blocks_agents_and_the_links_that_items_take() -> None:
    state = network_state(await report_of_a_run(), run=3)
    assert (state.run, state.running, state.calm, state.per_item) == (3, False, False, None)
    assert {node.id: (node.kind, node.done) for node in state.nodes} == {
        "reader": ("agent", 2),
        "shorten": ("transformer", 2),
        "words": ("unbounded buffer", 2),
        "failed": ("call", 1),
    }
    assert {(link.source, link.target): link.passed for link in state.links} == {
        ("shorten", "words"): 2,
        ("words", "reader"): 2,
    }
    assert state.seconds > 0
    assert all(0 <= node.busy <= 1 for node in state.nodes)


async def test_a_page_can_have_names_of_its_own_and_leave_something_out() -> None:
    state = network_state(await report_of_a_run(), label=str.title, shows=lambda name: name != "words")
    assert [node.label for node in state.nodes] == ["Reader", "Shorten", "Failed"]
    assert state.links == ()


async def test_it_is_plain_json() -> None:
    state = as_json(network_state(await report_of_a_run()))
    assert state["links"][0].keys() == {"from", "to", "passed", "apart", "way"}
    assert "inWork" in state["nodes"][0]
    assert as_json(BottleneckKind.LOOP) == "loop"
    assert json.loads(encode("state", {"network": state})) == {"type": "state", "network": state}


async def test_the_whole_network_has_the_body_dead_letters_and_governors_in_layers() -> None:
    failed = Call[object](lambda _: None, name="failed")
    work = Transformer[str, str](lambda word: word, on_error=DeadLetter(failed), name="work")
    words = UnboundedBuffer[str](name="words")
    work.link_target(words)
    PipelineGovernor(limit=5, name="few").govern(work, words)
    async with Network(work, name="words") as network:
        await work.send("one")
        await words.receive()
        state = network_state(network.report(), whole=True)
    layers = {(node.id, node.label): node.layer for node in state.nodes}
    assert layers == {
        (SENDS, "body"): 0,
        ("work", "work"): 1,
        ("words", "words"): 2,
        ("failed", "failed"): 2,
        (TAKES, "body"): 3,
    }
    assert [(link.source, link.target) for link in state.links if link.apart] == [("work", "failed")]
    (governor,) = state.governors
    assert (governor.name, set(governor.nodes), governor.limit) == ("few", {"work", "words"}, 5)
    assert {node.kind for node in state.nodes if node.label == "body"} == {"body"}


async def test_links_that_go_back_leave_the_layers_as_they_are() -> None:
    first, second = UnboundedBuffer[int](name="first"), UnboundedBuffer[int](name="second")
    last = Call[int](lambda _: None, name="last")
    first.link_target(second)
    second.link_target(first, filter=lambda number: number < 0)
    second.link_target(last)
    async with Network(first, name="circle") as network:
        state = network_state(network.report())
        network.cancel()
    assert {node.id: node.layer for node in state.nodes} == {"first": 0, "second": 1, "last": 2}


async def test_a_link_past_a_layer_has_a_way_there_beside_its_nodes() -> None:
    first, second, third = (UnboundedBuffer[int](name=name) for name in ("first", "second", "third"))
    first.link_target(second)
    first.link_target(third, filter=lambda number: number < 0)
    second.link_target(third)
    async with Network(first, name="net") as network:
        state = network_state(network.report())
        network.cancel()
    ways = {(link.source, link.target): link.way for link in state.links}
    ((beside,),) = [way for way in ways.values() if way]
    assert ways["first", "third"] == (beside,)
    (there,) = [node for node in state.nodes if node.layer == 1]
    assert not there.place <= beside <= there.place + 1


def test_nothing_is_the_slowest_if_no_part_stands_out() -> None:
    empty = Diagnosis("net", (), (), ())
    statistics = Statistics("net", 1.0, True, (), (), (), AgentStatistics("body", "running"))
    nothing = Bottleneck("a", BottleneckKind.NOTHING, 1.0, 1.0)
    assert slowest_of(Report(statistics, empty)) is None
    assert slowest_of(Report(statistics, empty, bottleneck=nothing)) is None
    assert slowest_of(Report(statistics, empty, bottleneck=Bottleneck("a", BottleneckKind.BLOCK, 1.0, 1.0))) == "a"


async def test_an_agent_has_a_task_all_the_time_and_a_block_only_for_each_call() -> None:
    report = await report_of_a_run()
    nodes = {node.id: node for node in network_state(report, whole=True).nodes}
    assert {name: node.task for name, node in nodes.items()} == {
        "reader": "over",
        "shorten": "on demand",
        "words": "",
        "failed": "on demand",
        SENDS: "over",
    }
    assert nodes["reader"].lived == report.statistics.agent("reader").seconds
    numbers = attrs.evolve(report.statistics.agent("reader"), status="started")
    statistics = attrs.evolve(report.statistics, agents=(numbers,))
    assert network_state(attrs.evolve(report, statistics=statistics)).nodes[-1].task == "alive"
