// Shows any network while it runs: the chart of who works on what, and the graph of its blocks.

import { make, mark } from "./dom.js";
import { Graph } from "./graph.js";
import { Timeline } from "./timeline.js";

const LEGEND = ["item", "many", "input", "output", "failed"];

/** Makes its elements in a place of the page, and shows the program's messages about the network there. */
export class NetworkView {
  #place;
  #item;
  #legend;
  #timeline;
  #graph;
  #style = null;

  /**
   * @param place the element that gets two panels: the chart and the graph
   * @param item {{one: string, an: string}} what goes through the network
   */
  constructor(place, item = { one: "item", an: "an item" }) {
    this.#place = place;
    this.#item = item;
    this.#legend = make("ul", { className: "legend", "aria-label": "Legend" });
    place.replaceChildren(chartPanel(this.#legend), graphPanel());
    this.#timeline = new Timeline(item);
    this.#graph = new Graph(item);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#colour());
  }

  /** Take the style of charts: colours, measures and the words of the legend. */
  setStyle(style) {
    this.#style = style;
    this.#colour();
    this.#timeline.setStyle(style);
    const entries = LEGEND.map((role) => make("li", {}, make("i", { className: `sample ${role}`, "aria-hidden": "true" }), this.#said(style.meanings[role])));
    this.#legend.replaceChildren(...entries);
  }

  /** A text about items, with the page's name for them. */
  #said(text) {
    const { one, an } = this.#item;
    return text.replaceAll("items", `${one}s`).replaceAll("an item", an).replaceAll("item", one);
  }

  /** Show the state of the network. */
  show(network) {
    this.#timeline.setState(network);
    this.#graph.show(network);
  }

  /** Take rows and bars of the chart. */
  add(message) {
    this.#timeline.add(message);
  }

  /** The program will send nothing more. */
  stop() {
    this.#timeline.stop();
  }

  /** Read sizes again. */
  restyle() {
    this.#timeline.restyle();
  }

  /** Give the style sheet the colours of charts, as --chart-item and so on. */
  #colour() {
    if (this.#style === null) return;
    const dark = matchMedia("(prefers-color-scheme: dark)").matches;
    const set = (name, colour) => this.#place.style.setProperty(`--chart-${name}`, colour);
    for (const [role, colour] of Object.entries(dark ? this.#style.dark : this.#style.light)) set(role, colour);
    this.#style.items.forEach((colour, index) => set(`item-${index + 1}`, colour));
    set("edge", this.#style.edge);
  }
}

function chartPanel(legend) {
  const window = make("select", { id: "window" });
  const hold = make("button", { type: "button", className: "small", id: "hold", "aria-pressed": "false", "aria-keyshortcuts": "P" }, "Hold ", make("kbd", { "aria-hidden": "true", textContent: "P" }));
  const label = make("label", { textContent: "Window" });
  label.htmlFor = "window";
  const panel = make(
    "section",
    { className: "panel diagram", "aria-labelledby": "diagram-title" },
    make("div", { className: "heading" }, make("h2", { id: "diagram-title", textContent: "Who works on what, and when" }), make("div", { className: "heading-tools" }, label, window, hold)),
    make("canvas", { id: "diagram", role: "img", "aria-label": "Scheduling diagram", "aria-describedby": "diagram-text" }),
    pastSlider(),
    make("div", { className: "under" }, legend, make("p", { id: "pointed", className: "faint number" })),
    make("p", { id: "diagram-text", className: "unseen", textContent: "Nothing has run yet." }),
  );
  return panel;
}

function pastSlider() {
  const past = make("input", { type: "range", id: "past", min: "0", max: "1", step: "any", "aria-label": "Time shown in the diagram" });
  mark(past, "value", "1");
  return past;
}

function graphPanel() {
  const empty = make("p", { className: "empty faint", textContent: "Appears with the first run." });
  return make(
    "section",
    { className: "panel graph", "aria-labelledby": "graph-title" },
    make("h2", { id: "graph-title", textContent: "The network" }),
    make("div", { id: "graph", className: "drawing" }, empty),
    make("p", { id: "graph-text", className: "unseen" }),
  );
}
