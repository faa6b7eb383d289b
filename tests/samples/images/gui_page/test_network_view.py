"""The half of the page that shows a network: any network, which here has nothing to do with images."""

from __future__ import annotations

import json

import pytest

from penstock.blocks import LiveChart, Span
from penstock.samples.dashboard.as_json import as_json
from penstock.samples.dashboard.network_state import LinkRow, NetworkState, NodeRow
from penstock.samples.dashboard.timeline import Timeline
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
    values = [as_json(LiveChart.style), as_json(state), spans]
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
    return NodeRow(name, name.title(), "transformer", "loop", 2, 3, 1, 5, 0.01, slowest, 0.5)


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
    legend = page.js("return [...document.querySelectorAll('.legend li')].map((one) => one.textContent)")
    assert "waits for a word" in legend
    assert len(legend) == 5
    said = page.js("return document.getElementById('network').innerText") + page.text("diagram-text")
    assert "image" not in said.lower()


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
