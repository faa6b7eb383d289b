// Draws a stretch of the scheduling diagram on a canvas: what saved charts look like (penstock.blocks.recording.bars).

import { itemColour } from "./colours.js";
import { duration, fixed, nameOf } from "./units.js";

const THIN = 1.5; // pixels: what is narrower is counted into columns
const COLUMN = 4;
const OUTLINED = 4;
const STEPS = [1, 2, 5];
const NAMES = ["--panel", "--band", "--grid", "--text", "--faint", "--many", "--wait-in", "--wait-out", "--bad", "--edge", "--on-item"];

/** Knows the canvas, the colours of the page and the sizes. */
export class Painter {
  #canvas;
  #context;
  #colours = {};
  #hatch = null;
  #names = "";

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.left = 100;
    this.restyle();
  }

  /** Read colours and sizes anew. */
  restyle() {
    const style = getComputedStyle(document.documentElement);
    for (const name of NAMES) this.#colours[name] = style.getPropertyValue(name).trim();
    this.em = parseFloat(style.fontSize);
    this.family = getComputedStyle(document.body).fontFamily;
    this.rowHeight = Math.round(1.75 * this.em);
    this.#hatch = null;
    this.#names = "";
  }

  /** Make room for so many rows; returns whether the size changed. */
  fit(rows) {
    const ratio = devicePixelRatio || 1;
    const height = Math.round(Math.max(4, rows) * this.rowHeight + 1.6 * this.em);
    if (this.#canvas.style.height !== `${height}px`) this.#canvas.style.height = `${height}px`;
    const width = this.#canvas.clientWidth;
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    this.width = width;
    this.height = height;
    if (this.#canvas.width === across && this.#canvas.height === down) return;
    this.#canvas.width = across;
    this.#canvas.height = down;
    this.#hatch = null;
  }

  /** Draw all rows of `spans` from `start` to `end`. */
  paint(spans, start, end) {
    const rows = [...spans.rows.keys()];
    this.fit(rows.length);
    this.#measure(rows);
    const context = this.#context;
    const ratio = devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#fill("--panel", 0, 0, this.width, this.height);
    rows.forEach((_, index) => index % 2 === 0 && this.#fill("--band", 0, index * this.rowHeight, this.width, this.rowHeight));
    this.#axis(Math.max(4, rows.length) * this.rowHeight, start, end);
    context.save();
    context.beginPath();
    context.rect(this.left, 0, this.width - this.left, this.height);
    context.clip();
    rows.forEach((row, index) => this.#row(spans.within(row, start, end), index * this.rowHeight, start, end));
    context.restore();
    this.#rowNames(rows);
  }

  /** Where a time is. */
  x(time, start, end) {
    return this.left + ((this.width - this.left) * (time - start)) / (end - start);
  }

  /** Which time is at a place. */
  time(x, start, end) {
    return start + ((x - this.left) / (this.width - this.left)) * (end - start);
  }

  #fill(colour, x, y, width, height) {
    this.#context.fillStyle = this.#colours[colour] ?? colour;
    this.#context.fillRect(x, y, width, height);
  }

  #font(size, weight = 400) {
    this.#context.font = `${weight} ${size}px ${this.family}`;
  }

  #measure(rows) {
    const names = rows.join("\n");
    if (names === this.#names) return;
    this.#names = names;
    this.#font(0.9 * this.em, 600);
    const widest = Math.max(0, ...rows.map((row) => this.#context.measureText(nameOf(row)).width));
    this.left = Math.min(0.3 * this.width, Math.max(4 * this.em, widest + 1.2 * this.em));
  }

  #rowNames(rows) {
    this.#fill("--panel", 0, 0, this.left - 1, this.height);
    const context = this.#context;
    this.#font(0.9 * this.em, 600);
    context.textAlign = "left";
    context.textBaseline = "middle";
    rows.forEach((row, index) => {
      if (index % 2 === 0) this.#fill("--band", 0, index * this.rowHeight, this.left - 1, this.rowHeight);
      context.fillStyle = this.#colours["--text"];
      context.fillText(nameOf(row), 0.5 * this.em, (index + 0.52) * this.rowHeight, this.left - this.em);
    });
  }

  #axis(bottom, start, end) {
    const context = this.#context;
    const step = niceStep(((end - start) * 6.5 * this.em) / Math.max(1, this.width - this.left));
    const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    this.#font(0.8 * this.em);
    context.textBaseline = "top";
    for (let tick = Math.ceil(Math.max(0, start) / step); tick * step <= end; tick += 1) {
      const x = this.x(tick * step, start, end);
      this.#fill("--grid", Math.round(x), 0, 1, bottom + 0.2 * this.em);
      context.fillStyle = this.#colours["--faint"];
      context.textAlign = x < this.left + 1.5 * this.em ? "left" : "center"; // never below the names of the rows
      if (x >= this.left - 1 && x < this.width - 2 * this.em) context.fillText(`${fixed(tick * step, decimals)} s`, x, bottom + 0.3 * this.em);
    }
  }

  #row(spans, top, start, end) {
    const columns = new Map();
    const work = [];
    for (const span of spans) {
      const x = this.x(span.start, start, end);
      const width = this.x(span.end, start, end) - x;
      if (width < THIN) this.#count(columns, x, width, span.kind);
      else if (span.kind === "w" || span.kind === "f") work.push([span, x, width]);
      else this.#wait(span.kind, x, width, top);
    }
    for (const [column, sums] of columns) this.#column(column * COLUMN, sums, top);
    for (const [span, x, width] of work) this.#bar(span, x, width, top);
  }

  #count(columns, x, width, kind) {
    const column = Math.floor(x / COLUMN);
    let sums = columns.get(column);
    if (sums === undefined) columns.set(column, (sums = { w: 0, i: 0, o: 0, f: 0 }));
    sums[kind] += width;
  }

  #column(x, sums, top) {
    const most = 0.84 * this.rowHeight;
    const worked = Math.min(most, (most * (sums.w + sums.f)) / COLUMN);
    const bottom = top + 0.92 * this.rowHeight;
    if (sums.f > 0) this.#fill("--bad", x, bottom - Math.max(2, worked), COLUMN, Math.max(2, worked));
    else if (worked > 0) this.#fill("--many", x, bottom - Math.max(1, worked), COLUMN, Math.max(1, worked));
    else if (sums.o > 0) this.#wait("o", x, COLUMN, top);
    else this.#wait("i", x, COLUMN, top);
  }

  #wait(kind, x, width, top) {
    const height = Math.max(2, (kind === "i" ? 0.1 : 0.42) * this.rowHeight);
    const y = top + (this.rowHeight - height) / 2;
    if (kind === "i") return this.#fill("--wait-in", x, y, width, height);
    const context = this.#context;
    context.fillStyle = this.#hatching();
    context.fillRect(x, y, width, height);
    context.strokeStyle = this.#colours["--wait-out"];
    context.lineWidth = 1;
    if (width > OUTLINED) context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
  }

  #bar(span, x, width, top) {
    const context = this.#context;
    const y = top + 0.08 * this.rowHeight;
    const height = 0.84 * this.rowHeight;
    const failed = span.kind === "f";
    this.#fill(span.item ? itemColour(span.item) : "#9aa7b8", x, y, width, height);
    if (failed) this.#fill("--bad", x, y + 0.7 * height, width, 0.3 * height);
    if (width > OUTLINED) {
      context.strokeStyle = this.#colours["--edge"];
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    }
    if (span.item) this.#number(`${span.item}${failed ? " ×" : ""}`, x, width, y + (failed ? 0.38 : 0.53) * height);
  }

  #number(text, x, width, y) {
    const size = 0.85 * this.em;
    if (width < 0.62 * size * text.length + 4) return;
    this.#font(size, 600);
    this.#context.textAlign = "center";
    this.#context.textBaseline = "middle";
    this.#context.fillStyle = this.#colours["--on-item"];
    const left = Math.max(x, this.left);
    const right = Math.min(x + width, this.width);
    if (right - left > 0.62 * size * text.length) this.#context.fillText(text, (left + right) / 2, y);
  }

  #hatching() {
    if (this.#hatch === null) {
      const tile = new OffscreenCanvas(6, 6);
      const context = tile.getContext("2d");
      context.strokeStyle = this.#colours["--wait-out"];
      context.lineWidth = 1.6;
      for (const shift of [-6, 0, 6]) {
        context.moveTo(shift, 6);
        context.lineTo(shift + 6, 0);
      }
      context.stroke();
      this.#hatch = this.#context.createPattern(tile, "repeat");
    }
    return this.#hatch;
  }
}

/** Say everything about a span. */
export function describe(row, span) {
  const image = span.item ? `image ${span.item}` : "";
  const what = { w: image || "works", f: `${image} failed`, i: "waits for an image", o: `waits to hand on ${image || "an image"}` }[span.kind];
  return [`${nameOf(row)}: ${what}, ${duration(span.end - span.start)} from ${fixed(span.start, 3)} s`, span.label].filter(Boolean).join("; ");
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * (STEPS.find((step) => step * power >= least) ?? 10);
}
