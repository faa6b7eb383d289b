"""What a page shows of a network: any network, whatever goes through it."""

from __future__ import annotations

import json

import trio.testing

from penstock.agents import Agent
from penstock.blocks import Call, DeadLetter, Network, Report, Source, Transformer, UnboundedBuffer
from penstock.samples.dashboard.as_json import as_json, encode
from penstock.samples.dashboard.network_state import network_state


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
    assert state["links"][0].keys() == {"from", "to", "passed"}
    assert "inWork" in state["nodes"][0]
    assert json.loads(encode("state", {"network": state})) == {"type": "state", "network": state}
