// Shows any network while it runs: the chart of who works on what, and the graph of its blocks.

import { make, mark } from "./dom.js";
import { Graph } from "./graph.js";
import { Timeline } from "./timeline.js";

const OPTIONAL = ["awaited", "early", "part", "apart"]; // entries of the graph's legend that are shown only if there is such a thing
const LEGEND = ["item", "many", "input", "output", "held", "failed"];

/** Makes its elements in a place of the page, and shows the program's messages about the network there. */
export class NetworkView {
  #place;
  #item;
  #legend;
  #rate = make("li", { id: "chart-rate", hidden: true }, make("i", { className: "sample rate", "aria-hidden": "true" }), "waits for its rate");
  #task = make("li", { id: "chart-task", hidden: true }, make("i", { className: "sample task", "aria-hidden": "true" }), "a task exists");
  #timeline;
  #graph;
  #style = null;

  /**
   * @param place the element that gets two panels: the chart and the graph
   * @param item {{one: string, an: string}} what goes through the network
   * @param chosen called with the name of a box that the user chooses; without it, boxes cannot be chosen
   * @param full whether boxes show all their figures
   */
  constructor(place, item = { one: "item", an: "an item" }, chosen = null, full = false) {
    this.#place = place;
    this.#item = item;
    this.#legend = make("ul", { className: "legend", "aria-label": "Legend" }, this.#rate, this.#task);
    place.replaceChildren(chartPanel(this.#legend, item), graphPanel(item));
    this.#timeline = new Timeline(item);
    this.#graph = new Graph(item, chosen, full);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#colour());
  }

  /** Take the style of charts: colours, measures and the words of the legend. */
  setStyle(style) {
    this.#style = style;
    this.#colour();
    this.#timeline.setStyle(style);
    const entries = LEGEND.filter((role) => role in style.meanings).map((role) => make("li", {}, make("i", { className: `sample ${role}`, "aria-hidden": "true" }), this.#said(style.meanings[role])));
    this.#legend.replaceChildren(...entries, this.#rate, this.#task);
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

  /** Draw the graph with larger texts, for a projector; or as usual. */
  setLarge(yes) {
    this.#place.classList.toggle("large", yes);
    this.#graph.setLarge(yes);
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

function replayBar({ one }) {
  const button = (id, text, name) => make("button", { type: "button", className: "small", id, "aria-label": name, title: name, disabled: true }, text);
  const label = make("label", { textContent: `Follow ${one}` });
  label.htmlFor = "follow";
  const play = button("play", "▶ 1/10", "Play at a tenth of the speed");
  mark(play, "aria-pressed", "false");
  const texts = [make("p", { id: "replay-text", className: "number", role: "status" }), make("p", { id: "follow-text", className: "number" })];
  return make(
    "div",
    { className: "replay" },
    make("div", { className: "heading-tools", role: "group", "aria-label": "Go through the run" }, button("step-back", "◀ Back", "One step back"), button("step", "Step ▶", "One step on"), play,
      label, make("input", { type: "number", id: "follow", "aria-label": `Follow ${one}`, min: "1", step: "1", disabled: true })),
    ...texts,
  );
}

function chartPanel(legend, item) {
  const window = make("select", { id: "window", "aria-label": "Window" });
  const hold = make("button", { type: "button", className: "small", id: "hold", "aria-pressed": "false", "aria-keyshortcuts": "P" }, "Hold ", make("kbd", { "aria-hidden": "true", textContent: "P" }));
  const label = make("label", { textContent: "Window" });
  label.htmlFor = "window";
  const panel = make(
    "section",
    { className: "panel diagram", "aria-labelledby": "diagram-title" },
    make("div", { className: "heading" }, make("h2", { id: "diagram-title", textContent: "Who works on what, and when" }), make("div", { className: "heading-tools" }, label, window, hold)),
    make("canvas", { id: "diagram", role: "img", "aria-label": "Scheduling diagram", "aria-describedby": "diagram-text" }),
    pastSlider(),
    replayBar(item),
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

function graphLegend({ one, an }) {
  const entries = [
    ["slot", `${an} that waits`],
    ["busy", "share of the time with work"],
    ["slowest", `takes longest per ${one}`],
    ["awaited", `the ${one} that must go out next`],
    ["early", "early: a result that waits for its turn"],
    ["part", `a worker does these in turn for ${an}`],
    ["apart", "belongs to the program, not to the pipeline"],
  ];
  const list = make("ul", { className: "legend", "aria-label": "Legend of the network" });
  for (const [mark, text] of entries) {
    const entry = make("li", {}, make("i", { className: `sample ${mark}`, "aria-hidden": "true" }), text);
    if (OPTIONAL.includes(mark)) Object.assign(entry, { id: `graph-${mark}`, hidden: true });
    list.append(entry);
  }
  return list;
}

function graphPanel(item) {
  const empty = make("p", { className: "empty faint", textContent: "Appears with the first run." });
  return make(
    "section",
    { className: "panel graph", "aria-labelledby": "graph-title" },
    make("h2", { id: "graph-title", textContent: "The network" }),
    make("div", { id: "graph", className: "drawing" }, empty),
    make("p", { id: "graph-governors", className: "number" }),
    make("p", { id: "graph-tasks", className: "number faint" }),
    make("p", { id: "graph-note", className: "number faint" }),
    graphLegend(item),
    make("p", { id: "graph-text", className: "unseen" }),
  );
}
