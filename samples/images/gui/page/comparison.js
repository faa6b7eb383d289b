// The comparison of modes: a row per mode, with a bar for its steady time per image and a stroke for the prediction.

import { draw, find, make, mark, write } from "../dashboard/dom.js";
import { fixed, ms } from "../dashboard/units.js";
import { inT } from "./times.js";

/** Shows the rows of `comparison` messages. */
export class Comparison {
  #labels = new Map();
  #rows = new Map();

  setModes(modes) {
    this.#labels = new Map(modes.map((mode) => [mode.id, mode.label]));
  }

  show(rows) {
    const some = rows.length > 0 && rows.some((row) => row.status !== "waiting");
    for (const id of ["comparison", "comparison-help"]) mark(find(id), "hidden", some ? null : "");
    mark(find("comparison-empty"), "hidden", some ? "" : null);
    this.#fit(rows);
    const longest = Math.max(1e-9, ...rows.flatMap((row) => [row.steady ?? row.perImage ?? 0, row.prediction ?? 0]));
    for (const row of rows) this.#showRow(row, longest);
  }

  /** What the page calls a mode. */
  label(mode) {
    return this.#labels.get(mode) ?? mode;
  }

  /** Mark the row of the mode whose figures the page shows; "" for none. */
  markShown(mode) {
    for (const [id, { element }] of this.#rows) mark(element, "data-shown", id === mode ? "" : null);
  }

  #fit(rows) {
    const modes = rows.map((row) => row.mode);
    if (JSON.stringify([...this.#rows.keys()]) === JSON.stringify(modes)) return;
    this.#rows = new Map(modes.map((mode) => [mode, this.#make(mode)]));
    find("comparison").tBodies[0].replaceChildren(...[...this.#rows.values()].map((parts) => parts.element));
  }

  #make(mode) {
    const bar = draw("rect", { class: "bar-time", y: "15%", height: "70%", width: "0" });
    const stroke = draw("rect", { class: "bar-predicted", y: "0", height: "100%", width: "3", visibility: "hidden" });
    const room = draw("rect", { class: "bar-room", y: "15%", height: "70%", width: "100%" });
    const chart = make("td", { className: "chart" }, draw("svg", { "aria-hidden": "true" }, room, bar, stroke));
    const cells = ["time", "steady", "predicted", "gain"].map((name) => make("td", { className: `number ${name}` }));
    const head = make("th", { scope: "row" }, this.label(mode));
    return { element: make("tr", { "data-mode": mode }, head, chart, ...cells), bar, stroke, cells };
  }

  #showRow(row, longest) {
    const { element, bar, stroke, cells } = this.#rows.get(row.mode);
    element.dataset.status = row.status;
    bar.setAttribute("width", `${(100 * (row.steady ?? row.perImage ?? 0)) / longest}%`);
    stroke.setAttribute("x", `${(99 * (row.prediction ?? 0)) / longest}%`);
    stroke.setAttribute("visibility", row.prediction === null ? "hidden" : "visible");
    const gain = row.speedup === null ? "" : `${fixed(row.speedup, 2)} ×`;
    const states = { running: "runs …", failed: "failed", waiting: "waits", stopped: "stopped" };
    const texts = [runTime(row), ms(row.steady), ms(row.prediction), gain || states[row.status] || "–"];
    texts.forEach((text, index) => write(cells[index], text));
    cells[0].title = row.model?.seconds ? `predicted: ${fixed(row.model.seconds, 2)} s, ${inT(row.model.seconds, row.model)}` : "";
  }
}

function runTime({ seconds, model }) {
  return model && seconds !== null ? `${fixed(seconds, 2)} = ${inT(seconds, model)}` : fixed(seconds, 2);
}
