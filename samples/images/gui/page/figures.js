// The numbers: tiles, the table of phases, the table of queues.

import { find, make, mark, write } from "../dashboard/dom.js";
import { duration, fixed, ms } from "../dashboard/units.js";
import { inT } from "./times.js";

const ESSENTIAL = ["images", "steady", "prediction", "seconds"]; // for the projector
const TILES = [
  ["images", "Images", ""],
  ["per-image", "Time per image", "ms"],
  ["steady", "Steady time per image", "ms"],
  ["prediction", "Chapter predicts", "ms"],
  ["seconds", "Run time", "s"],
  ["rate", "Images per second", "/s"],
  ["governor", "In the pipeline", ""],
  ["failed", "Failed", ""],
];

/** Shows the figures of `state` messages. */
export class Figures {
  #tiles = new Map();
  #phases = new Rows(find("phases"), 3);
  #queues = new Rows(find("queues"), 3);

  constructor() {
    for (const [id, label, unit] of TILES) {
      const value = make("span", { className: "value", id: `figure-${id}`, textContent: "–" });
      const sub = make("span", { className: "sub", id: `figure-${id}-sub` });
      const shown = make("dd", {}, value, " ", make("span", { className: "unit", textContent: unit }), sub);
      const title = make("dt", { textContent: label });
      const tile = make("div", { className: ESSENTIAL.includes(id) ? "tile essential" : "tile" }, title, shown);
      find("figures").append(tile);
      this.#tiles.set(id, { tile, title, value, sub });
    }
  }

  show(state) {
    const { images, total, prediction, governor } = state;
    this.#tile("images", fixed(images), total !== null ? `of ${fixed(total)}` : state.run ? "without end" : "");
    this.#tile("per-image", ms(state.perImage), "run time ÷ images");
    this.#tile("steady", ms(state.steady), "from first to last image");
    this.#tile("prediction", ms(prediction?.seconds), prediction?.text.replace("slowest phase", "slowest") ?? "for the steady time");
    write(this.#tiles.get("prediction").title, `${prediction?.by ?? "Chapter"} predicts`);
    this.#tile("seconds", fixed(state.seconds, 2), state.model?.seconds ? predictedRun(state) : "");
    this.#tile("rate", state.perImage ? fixed(1 / state.perImage, 1) : "–", "on average");
    this.#tile("governor", governor ? fixed(governor.used) : "–", governor ? inPipeline(governor) : state.run ? "no governor" : "");
    this.#tile("failed", fixed(state.failed), state.failed ? "see the error box" : "");
    this.#tiles.get("failed").tile.classList.toggle("bad", state.failed > 0);
    this.#showPhases(state.phases);
    this.#showQueues(state.queues);
  }

  #tile(id, value, sub) {
    const tile = this.#tiles.get(id);
    write(tile.value, value);
    write(tile.sub, sub || " ");
    tile.sub.title = sub;
  }

  #showPhases(phases) {
    this.#phases.fit(phases.map((phase) => [phase.id, phase.label, ""]));
    phases.forEach((phase, index) => {
      const row = this.#phases.row(index);
      row.element.classList.toggle("slowest", phase.slowest);
      write(row.note, phase.slowest ? " slowest" : "");
      [ms(phase.mean), fixed(phase.wall, 2), fixed(phase.cpu, 2)].forEach((text, cell) => write(row.cells[cell], text));
    });
  }

  #showQueues(queues) {
    mark(this.#queues.table, "hidden", queues.length ? null : "");
    this.#queues.fit(queues.map((queue) => [queue.label, queue.label, queue.route]));
    queues.forEach((queue, index) => {
      const { cells } = this.#queues.row(index);
      const room = queue.capacity === null ? "" : ` (room ${fixed(queue.capacity)})`;
      write(cells[0], `${fixed(queue.size)} / ${fixed(queue.most)}`);
      cells[0].title = `${queue.size} now, up to ${queue.most} so far${room}`;
      write(cells[1], fixed(queue.waitIn, 2));
      write(cells[2], fixed(queue.waitOut, 2));
      cells[1].title = `producers have waited ${duration(queue.waitIn)} for room`;
      cells[2].title = queue.waitOut === null ? "" : `the consumer has waited ${duration(queue.waitOut)} for images`;
    });
  }
}

function predictedRun({ model, failed }) {
  return `${failed ? "without failures" : "predicted"}: ${fixed(model.seconds, 2)} s = ${inT(model.seconds, model)}`;
}

function inPipeline({ limit, held }) {
  return held ? `of ${fixed(limit)}; held back ${fixed(held, 2)} s` : `of up to ${fixed(limit)}`;
}

/** The rows of a table; they are made anew only if their names have changed. */
class Rows {
  #cells;
  #names = "";
  #rows = [];

  constructor(table, cells) {
    this.table = table;
    this.#cells = cells;
  }

  row(index) {
    return this.#rows[index];
  }

  fit(names) {
    if (this.#names === JSON.stringify(names)) return;
    this.#names = JSON.stringify(names);
    this.#rows = names.map(([id, label, route]) => this.#make(id, label, route));
    this.table.tBodies[0].replaceChildren(...this.#rows.map((row) => row.element));
  }

  #make(id, label, route) {
    const note = make("span", { className: "mark" });
    const head = make("th", { scope: "row" }, label, note);
    if (route) head.append(make("span", { className: "route", textContent: route }));
    const cells = Array.from({ length: this.#cells }, () => make("td", { className: "number", textContent: "–" }));
    return { element: make("tr", { "data-id": id }, head, ...cells), note, cells };
  }
}
