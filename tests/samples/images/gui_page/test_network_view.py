"""The half of the page that shows a network: any network, which here has nothing to do with images."""

from __future__ import annotations

import json

import attrs
import pytest

from penstock.blocks import Activity, LiveChart, Span
from penstock.blocks.charts.colours import item_colour
from penstock.blocks.dashboard import LinkRow, NetworkState, NodeRow, Timeline, as_json
from penstock.samples.dashboard.style import chart_style
from tests.samples.images.gui_page.page import Page

pytestmark = pytest.mark.browser
COLOURS = """
const canvas = document.getElementById("diagram");
const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
const seen = new Set();
for (let i = 0; i < data.length; i += 4)
    seen.add("#" + [data[i], data[i + 1], data[i + 2]].map((part) => part.toString(16).padStart(2, "0")).join(""));
return [...seen];
"""


def show(page: Page, state: NetworkState, timeline: Timeline) -> None:
    """Show a network in place of that of the images."""
    spans = {"run": timeline.run, "reset": True, "rows": timeline.rows(), "spans": timeline.since(0)}
    values = [chart_style(), as_json(state), spans]
    page.js("window.given = JSON.parse(arguments[0])", json.dumps(values))
    page.driver.execute_async_script(
        """const done = arguments[0];
        import(new URL("dashboard/network.js", location.href)).then((m) => {
            const view = new m.NetworkView(document.getElementById("network"), {one: "word", an: "a word"});
            const [style, state, spans] = window.given;
            view.setStyle(style);
            view.add(spans);
            view.show(state);
            requestAnimationFrame(() => setTimeout(done, 100));
        }, (error) => done(String(error)));"""
    )


def node(name: str, slowest: bool = False) -> NodeRow:
    """A block that has done something."""
    layer = 0 if name == "read" else 1
    return NodeRow(name, name.title(), "transformer", "loop", 2, 3, 1, 5, 0.01, slowest, 0.5, layer=layer)


def test_any_network_is_shown_with_rows_and_colours_of_the_program(page: Page) -> None:
    timeline = Timeline(5, ["read", "count"])
    for item in range(1, 6):
        timeline.add(Span("read", f"read {item % 2 + 1}", item, 0.1 * item, 0.1 * item + 0.1))
    timeline.add(Span("count", "count", 9, 0.5, 0.9, error="it broke"))
    nodes = (node("read"), node("count", slowest=True))
    state = NetworkState(5, False, False, 1.0, 0.1, nodes, (LinkRow("read", "count", 5),))
    show(page, state, timeline)
    page.wait("it is drawn", lambda: "count works" in page.text("diagram-text"))
    seen = set(page.js(COLOURS))
    style = LiveChart.style
    assert {bar[5] for bar in timeline.since(0)} <= seen
    assert {style.light["paper"], style.light["band"], style.light["failed"]} <= seen
    assert page.text("diagram-text").startswith("From 0.0 to 0.9 seconds: read 1 works")
    assert "on 1 word" in page.text("diagram-text")
    assert "10.0 ms per word" in page.text("graph-text")
    legend = page.js("return [...document.querySelectorAll('.network .legend li')].map((one) => one.textContent)")
    assert "waits for a word" in legend
    assert "a word that waits" in legend
    assert len(legend) == 15
    said = page.js("return document.getElementById('network').innerText") + page.text("diagram-text")
    assert "image" not in said.lower()


def test_a_block_that_puts_items_in_order_shows_which_it_waits_for_and_how_many_are_ahead(page: Page) -> None:
    in_order = attrs.evolve(node("order"), small=True, awaits="number 7", ahead=3)
    state = NetworkState(1, True, False, 1.0, None, (node("read"), in_order), (LinkRow("read", "order", 5),))
    show(page, state, Timeline(1, ["read"]))
    marks = ".node[data-id=order] :is(.slot, .awaited)[visibility=visible]"
    drawn = f"return [...document.querySelectorAll('{marks}')].map((one) => one.getAttribute('class')).sort()"
    page.wait("it is drawn", lambda: page.js(drawn) == ["awaited", "slot", "slot", "slot"])
    assert "number 7" in page.text("graph")
    assert "waits for number 7, 3 after it are there" in page.text("graph-text")
    assert page.element("graph-awaited").is_displayed()
    assert page.text("graph-awaited") == "the word that must go out next"


def test_a_block_that_keeps_the_order_shows_how_many_results_wait_for_their_turn(page: Page) -> None:
    calm = NetworkState(1, True, False, 1.0, None, (node("read"),))
    show(page, calm, Timeline(1, ["read"]))
    page.wait("it is drawn", lambda: "2 wait, 1 in work" in page.text("graph"))
    assert not page.element("graph-early").is_displayed()
    early = attrs.evolve(node("read"), awaits="an earlier item", ahead=3)
    show(page, attrs.evolve(calm, nodes=(early,)), Timeline(1, ["read"]))
    page.wait("it is drawn", lambda: "2 wait, 3 early" in page.text("graph"))
    drawn = "return [...document.querySelectorAll('.slot[visibility=visible]')].map((one) => one.getAttribute('class'))"
    assert page.js(drawn) == [*2 * ["slot"], *3 * ["slot early"]]
    assert "1 in work, waits for an earlier item, 3 after it are there" in page.text("graph-text")
    assert page.text("graph-early") == "early: a result that waits for its turn"


LINES = """
const canvas = document.getElementById("diagram");
const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
const colour = parseInt(arguments[0].slice(1), 16);
let longest = 0, length = 0;
for (let i = 0; i < data.length; i += 4) {
    length = ((data[i] << 16) | (data[i + 1] << 8) | data[i + 2]) === colour ? length + 1 : 0;
    longest = Math.max(longest, length);
}
return longest / canvas.width;
"""
"""The length of the longest line of a colour, as a share of the width."""


def test_the_task_of_an_agent_exists_all_the_time_and_that_of_a_block_while_it_works(page: Page) -> None:
    timeline = Timeline(1, ["read"])
    timeline.add(Span("read", "read", 1, 0.2, 0.4))
    timeline.add(Span("read", "read", 2, 1.5, 1.9))
    agent = attrs.evolve(node("read"), kind="agent", task="over", lived=1.9)
    show(page, NetworkState(1, False, False, 1.9, None, (agent,)), timeline)
    text = chart_style()["light"]["text"]
    page.wait("the line of the agent is drawn", lambda: page.js(LINES, text) > 0.6)
    assert page.element("chart-task").is_displayed()
    assert page.text("graph-tasks") == "The agent is a task from start to end, also while it waits; 0 exist now."
    block = attrs.evolve(node("read"), task="on demand")
    timeline = Timeline(2, ["read"])
    timeline.add(Span("read", "read", 1, 0.2, 0.4))
    timeline.add(Span("read", "read", 2, 1.5, 1.9))
    show(page, NetworkState(2, False, False, 1.9, None, (block,)), timeline)
    page.wait("those of the calls are drawn", lambda: 0.1 < page.js(LINES, text) < 0.3)
    assert (
        page.text("graph-tasks") == "A block has a task only while it works on something; 1 exists now, 5 have ended."
    )


def test_a_network_in_which_nothing_has_a_task_says_nothing_about_tasks(page: Page) -> None:
    show(page, NetworkState(1, False, False, 1.0, None, (node("read"),)), two_stages())
    page.wait("it is drawn", lambda: "read works" in page.text("diagram-text"))
    assert page.text("graph-tasks") == ""
    assert not page.element("chart-task").is_displayed()


def two_stages() -> Timeline:
    """Item 1 is read for a second and counted for a second; item 2 waits, and fails."""
    timeline = Timeline(3, ["read", "count"])
    timeline.add(Span("read", "read", 1, 0.0, 1.0))
    timeline.add(Span("read", "read", 2, 1.0, 1.5))
    timeline.add(Span("count", "count", 1, 1.0, 2.0))
    timeline.add(Span("count", "count", 2, 2.0, 4.0, error="it broke"))
    return timeline


def test_a_run_can_be_gone_through_step_by_step(page: Page) -> None:
    nodes = (node("read"), node("count"))
    show(page, NetworkState(3, False, False, 4.0, 1.0, nodes, (LinkRow("read", "count", 2),)), two_stages())
    page.wait("it is drawn", lambda: "count works" in page.text("diagram-text"))
    told = list[str]()
    for _ in range(6):
        page.click("step")
        told.append(page.text("replay-text"))
    assert told == [
        "At 0.000 s: read begins 1.",
        "At 1.000 s: read ends 1; read begins 2; count begins 1.",
        "At 1.500 s: read ends 2.",
        "At 2.000 s: count ends 1; count begins 2.",
        "At 4.000 s: count fails on 2.",
        "At 4.000 s: the end.",
    ]
    page.click("step-back")
    assert page.text("replay-text") == "At 2.000 s: count ends 1; count begins 2."
    assert page.element("hold").get_attribute("aria-pressed") == "true"
    page.click("hold")
    page.wait("it is live", lambda: page.text("replay-text") == "")


def test_a_run_can_be_played_slowly_to_its_end(page: Page) -> None:
    timeline = Timeline(3, ["read"])
    timeline.add(Span("read", "read", 1, 0.0, 0.1))
    show(page, NetworkState(3, False, False, 0.1, None, (node("read"),)), timeline)
    page.wait("it is drawn", lambda: "read works" in page.text("diagram-text"))
    page.record_texts("replay-text")
    page.click("play")
    page.wait("it has ended", lambda: page.text("replay-text") == "At 0.100 s: the end.")
    assert "At 0.000 s: read works on 1." in page.said
    assert page.element("play").get_attribute("aria-pressed") == "false"


def test_an_item_can_be_followed(page: Page) -> None:
    nodes = (node("read"), node("count"))
    show(page, NetworkState(3, False, False, 4.0, 1.0, nodes, (LinkRow("read", "count", 2),)), two_stages())
    page.wait("it is drawn", lambda: "count works" in page.text("diagram-text"))
    before = set(page.js(COLOURS))
    page.fill("follow", 2)
    page.wait("it is said", lambda: page.text("follow-text"))
    assert page.text("follow-text") == "Word 2: read 500.0 ms, waits 500.0 ms, count 2.00 s; 3.00 s in all."
    page.wait("others are pale", lambda: item_colour(1) not in page.js(COLOURS))
    assert {item_colour(1), item_colour(2)} <= before
    assert item_colour(2) in page.js(COLOURS)
    page.fill("follow", 9)
    page.wait("it is said", lambda: page.text("follow-text") == "Word 9 has no bars.")


@pytest.mark.parametrize("dark", [False, True])
def test_waits_that_a_governor_has_caused_look_different_and_are_in_the_legend(page: Page, dark: bool) -> None:
    page.look_like(1280, 800, dark=dark)
    timeline = Timeline(1, ["read"], is_held=lambda span: span.start == 1)
    timeline.add(Span("read", "read", 0, 0.0, 1.0, Activity.WAIT_FOR_INPUT))
    timeline.add(Span("read", "read", 0, 1.0, 1.4, Activity.WAIT_FOR_INPUT))
    timeline.add(Span("read", "read", 1, 1.4, 2.0))
    assert timeline.held_seconds == pytest.approx(0.4)
    show(page, NetworkState(1, False, False, 2.0, None, (node("read"),)), timeline)
    page.wait("it is drawn", lambda: "read works" in page.text("diagram-text"))
    colours = chart_style()["dark" if dark else "light"]
    assert {colours["held"], colours["input"]} <= set(page.js(COLOURS))
    legend = page.js("return [...document.querySelectorAll('.legend li')].map((one) => one.textContent)")
    assert "held back by the governor" in legend


@pytest.mark.parametrize("dark", [False, True])
def test_waits_for_a_rate_look_different_and_are_in_the_legend_if_there_are_any(page: Page, dark: bool) -> None:
    page.look_like(1280, 800, dark=dark)
    for run, activity in enumerate([Activity.WAIT_FOR_INPUT, Activity.WAIT_FOR_RATE, Activity.WAIT_FOR_INPUT]):
        timeline = Timeline(run, ["read"])
        timeline.add(Span("read", "read", 0, 0.0, 1.0, activity))
        timeline.add(Span("read", "read", run + 1, 1.0, 2.0))
        show(page, NetworkState(run, False, False, 2.0, None, (node("read"),)), timeline)
        page.wait("it is drawn", lambda: "read works" in page.text("diagram-text"))
        is_rate = activity is Activity.WAIT_FOR_RATE
        assert (chart_style()["dark" if dark else "light"]["rate"] in page.js(COLOURS)) == is_rate
        assert page.element("chart-rate").is_displayed() == is_rate


def test_it_has_the_colours_of_a_dark_screen(page: Page) -> None:
    page.look_like(1280, 800, dark=True)
    timeline = Timeline(1, ["read"])
    timeline.add(Span("read", "read", 0, 0.2, 0.6))
    show(page, NetworkState(1, False, False, 1.0, None, (node("read"),)), timeline)
    page.wait("it is drawn", lambda: "read works" in page.text("diagram-text"))
    dark = LiveChart.style.dark
    assert {dark["paper"], dark["band"], dark["item"]} <= set(page.js(COLOURS))
    shown = "return getComputedStyle(document.getElementById('network')).getPropertyValue('--chart-output').trim()"
    assert page.js(shown) == dark["output"]
