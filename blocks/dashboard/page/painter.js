// Paints a part of the chart on a canvas. Rows, names, colours and measures come from the program, as for saved charts
// (`LiveChart` in penstock.blocks); this file only decides where they are on the canvas.

import { fixed } from "./units.js";

const STEPS = [1, 2, 5];
const LEAST_ROWS = 4; // the canvas always has room for this many rows
const MOST_ROW = 2.4; // the largest height of a row if there is room, in sizes of the text
const ROLES = { w: "item", f: "item", i: "input", o: "output", h: "held", r: "rate" };

/** Keeps the canvas, the style and the sizes. */
export class Painter {
  #canvas;
  #context;
  #style = null;
  #colours = {};
  #hatches = new Map(); // by role
  #names = "";
  #tops = []; // pixels: where each row begins, and where the last one ends
  #followed = 0; // the item that stands out; 0 for none
  #stages = 0; // pixels: the width of the names of the stages
  #leastRow = 0; // the least height of a row, in sizes of the text
  #room = 0; // the height of all rows up to which each row may be higher

  constructor(canvas) {
    this.#canvas = canvas;
    this.#context = canvas.getContext("2d", { alpha: false });
    this.left = 100;
    this.width = this.height = this.rowHeight = 0;
    this.restyle();
  }

  /** Take the colours and measures. */
  setStyle(style) {
    this.#style = style;
    this.restyle();
  }

  /** Read sizes again, and whether the screen is dark. */
  restyle() {
    this.em = parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.family = getComputedStyle(document.body).fontFamily;
    if (this.#style) this.#colours = matchMedia("(prefers-color-scheme: dark)").matches ? this.#style.dark : this.#style.light;
    const style = getComputedStyle(document.documentElement);
    [this.#leastRow, this.#room] = ["--row", "--rows"].map((name) => parseFloat(style.getPropertyValue(name)));
    this.#hatches.clear();
    this.#names = "";
  }

  /** Paint all rows of `spans` from `start` to `end`; only one item stands out, and only what was before a moment. */
  paint(spans, start, end, { item, time }, lives, now) {
    if (this.#style === null) return;
    this.#fit(spans.rows);
    this.#measure(spans.rows);
    const context = this.#context;
    const ratio = devicePixelRatio || 1;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#fill("paper", 0, 0, this.width, this.height);
    this.#ground(spans.rows, 0, this.width);
    this.#axis(Math.max(LEAST_ROWS * this.rowHeight, this.#tops.at(-1)), start, end);
    context.save();
    context.beginPath();
    context.rect(this.left, 0, this.width - this.left, this.height);
    context.clip();
    this.#followed = item;
    spans.rows.forEach((row, index) => this.#row(spans.within(row, start, end), this.#tops[index], row.height * this.rowHeight, start, end));
    spans.rows.forEach((row, index) => this.#life(row, spans, this.#tops[index + 1], start, end, lives, now));
    if (time !== null) this.#cover(this.x(time, start, end), this.#tops.at(-1));
    context.restore();
    this.#rowNames(spans.rows);
  }

  /** Cover what comes after a moment, and mark the moment. */
  #cover(x, bottom) {
    const left = Math.max(x, this.left);
    this.#context.globalAlpha = 0.8;
    this.#fill("paper", left, 0, Math.max(0, this.width - left), bottom);
    this.#context.globalAlpha = 1;
    this.#fill("text", x - 1, 0, 2, bottom);
  }

  /** The x of a time. */
  x(time, start, end) {
    return this.left + ((this.width - this.left) * (time - start)) / (end - start);
  }

  /** The time at an x. */
  time(x, start, end) {
    return start + ((x - this.left) / (this.width - this.left)) * (end - start);
  }

  /** The index of the row at a y; -1 if there is none. */
  rowAt(y) {
    return y < 0 ? -1 : this.#tops.findIndex((top, index) => index + 1 < this.#tops.length && y < this.#tops[index + 1]);
  }

  /** Place the rows, and give the canvas their size. */
  #fit(rows) {
    const count = Math.max(LEAST_ROWS, rows.reduce((sum, row) => sum + row.height, 0));
    this.rowHeight = Math.round(this.em * Math.max(this.#leastRow, Math.min(MOST_ROW, this.#room / count)));
    this.#tops = [0];
    for (const row of rows) this.#tops.push(this.#tops.at(-1) + row.height * this.rowHeight);
    const ratio = devicePixelRatio || 1;
    const height = Math.round(Math.max(LEAST_ROWS * this.rowHeight, this.#tops.at(-1)) + 1.6 * this.em);
    if (this.#canvas.style.height !== `${height}px`) this.#canvas.style.height = `${height}px`;
    const width = this.#canvas.clientWidth;
    const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
    this.width = width;
    this.height = height;
    if (this.#canvas.width === across && this.#canvas.height === down) return;
    this.#canvas.width = across;
    this.#canvas.height = down;
    this.#hatches.clear();
  }

  #fill(colour, x, y, width, height) {
    this.#context.fillStyle = this.#colours[colour] ?? colour;
    this.#context.fillRect(x, y, width, height);
  }

  #font(size, weight = 400) {
    this.#context.font = `${weight} ${size}px ${this.family}`;
  }

  #measure(rows) {
    const names = JSON.stringify(rows.map((row) => [row.stage, row.worker]));
    if (names === this.#names) return;
    this.#names = names;
    const widest = (texts) => Math.max(0, ...texts.map((text) => this.#context.measureText(text).width));
    this.#font(0.9 * this.em, 600);
    this.#stages = Math.min(0.22 * this.width, widest(rows.map((row) => row.stage)));
    this.#font(0.85 * this.em);
    const workers = Math.min(0.12 * this.width, widest(rows.map((row) => row.worker)));
    this.left = Math.max(4 * this.em, this.#stages + workers + (workers ? 1.8 : 1.2) * this.em);
  }

  #ground(rows, x, width) {
    rows.forEach((row, index) => row.isShaded && this.#fill("band", x, this.#tops[index], width, row.height * this.rowHeight));
  }

  /** Write the name of a stage at its first row, and the names of its workers at the right. */
  #rowNames(rows) {
    this.#fill("paper", 0, 0, this.left - 1, this.height);
    this.#ground(rows, 0, this.left - 1);
    const context = this.#context;
    context.textBaseline = "middle";
    rows.forEach((row, index) => {
      const y = this.#tops[index] + 0.52 * row.height * this.rowHeight;
      if (row.isFirst) this.#text(row.stage, 0.5 * this.em, y, "text", this.#stages, 600);
      if (row.worker) this.#text(row.worker, this.left - 0.7 * this.em, y, "faint", this.left - this.#stages - 1.5 * this.em, 400);
    });
  }

  #text(text, x, y, colour, width, weight) {
    this.#font((weight > 400 ? 0.9 : 0.85) * this.em, weight);
    this.#context.textAlign = weight > 400 ? "left" : "right";
    this.#context.fillStyle = this.#colours[colour];
    this.#context.fillText(text, x, y, Math.max(1, width));
  }

  #axis(bottom, start, end) {
    const context = this.#context;
    const step = niceStep(((end - start) * 6.5 * this.em) / Math.max(1, this.width - this.left));
    const decimals = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    this.#font(0.8 * this.em);
    context.textBaseline = "top";
    for (let tick = Math.ceil(Math.max(0, start) / step); tick * step <= end; tick += 1) {
      const x = this.x(tick * step, start, end);
      this.#fill("grid", Math.round(x), 0, 1, bottom + 0.2 * this.em);
      context.fillStyle = this.#colours.faint;
      context.textAlign = x < this.left + 1.5 * this.em ? "left" : "center"; // never below the names of the rows
      if (x >= this.left - 1 && x < this.width - 2 * this.em) context.fillText(`${fixed(tick * step, decimals)} s`, x, bottom + 0.3 * this.em);
    }
  }

  #row(bars, top, height, start, end) {
    const columns = new Map();
    const work = [];
    for (const bar of bars) {
      const x = this.x(bar.start, start, end);
      const width = this.x(bar.end, start, end) - x;
      if (width < this.#style.thin) this.#count(columns, x, width, bar.kind);
      else if (ROLES[bar.kind] === "item") work.push([bar, x, width]);
      else this.#wait(ROLES[bar.kind], x, width, top, height);
    }
    for (const [column, sums] of columns) this.#column(column * this.#style.column, sums, top, height);
    for (const [bar, x, width] of work) {
      this.#context.globalAlpha = this.#followed && bar.item !== this.#followed ? 0.18 : 1;
      this.#bar(bar, x, width, top, height);
    }
    this.#context.globalAlpha = 1;
  }

  /** Draw a line at the bottom of a row where a task exists: that of an agent, or those of the calls of a block. */
  #life(row, spans, bottom, start, end, lives, now) {
    const high = Math.max(2, Math.round(0.16 * this.em));
    const line = (from, to) => this.#fill("text", from, bottom - high, Math.max(1, to - from), high);
    const own = lives.of(row);
    if (own !== undefined) {
      const [from, to] = [Math.max(own.start, start), Math.min(own.end, now, end)];
      if (from < to) line(this.x(from, start, end), this.x(to, start, end));
    } else if (lives.onDemand) {
      let drawn = -1; // up to this pixel
      for (const bar of spans.within(row, start, end)) {
        const to = this.x(bar.end, start, end);
        if (ROLES[bar.kind] !== "item" || to < drawn + 1) continue;
        line(this.x(bar.start, start, end), to);
        drawn = to;
      }
    }
  }

  #count(columns, x, width, kind) {
    const column = Math.floor(x / this.#style.column);
    let sums = columns.get(column);
    if (sums === undefined) columns.set(column, (sums = { w: 0, i: 0, o: 0, h: 0, r: 0, f: 0 }));
    sums[kind] += width;
  }

  #column(x, sums, top, height) {
    const { column, heights } = this.#style;
    const most = heights.many * height;
    const worked = Math.min(most, (most * (sums.w + sums.f)) / column);
    const bottom = top + (height + most) / 2;
    if (sums.f > 0) this.#fill("failed", x, bottom - Math.max(2, worked), column, Math.max(2, worked));
    else if (worked > 0) this.#fill("many", x, bottom - Math.max(1, worked), column, Math.max(1, worked));
    else this.#wait(sums.h > 0 ? "held" : sums.r > 0 ? "rate" : sums.o > 0 ? "output" : "input", x, column, top, height);
  }

  #wait(role, x, width, top, height) {
    const high = Math.max(2, this.#style.heights[role] * height);
    const y = top + (height - high) / 2;
    if (role === "input") return this.#fill("input", x, y, width, high);
    if (role === "rate") {
      const line = Math.max(1, Math.round(high / 4));
      this.#fill("rate", x, y, width, line);
      return this.#fill("rate", x, y + high - line, width, line);
    }
    const context = this.#context;
    context.fillStyle = this.#hatching(role);
    context.fillRect(x, y, width, high);
    context.strokeStyle = this.#colours[role];
    context.lineWidth = 1;
    if (width > this.#style.outlined) context.strokeRect(x + 0.5, y + 0.5, width - 1, high - 1);
  }

  #bar(bar, x, width, top, height) {
    const { heights, edge, outlined } = this.#style;
    const context = this.#context;
    const high = heights.item * height;
    const y = top + (height - high) / 2;
    const failed = bar.kind === "f";
    const foot = heights.failed * height;
    this.#fill(bar.colour || "item", x, y, width, high);
    if (failed) this.#fill("failed", x, y + high - foot, width, foot);
    if (width > outlined) {
      context.strokeStyle = edge;
      context.lineWidth = 1;
      context.strokeRect(x + 0.5, y + 0.5, width - 1, high - 1);
    }
    if (bar.item) this.#number(`${bar.item}${failed ? " ×" : ""}`, x, width, y + (failed ? (high - foot) / 2 : 0.53 * high));
  }

  #number(text, x, width, y) {
    const size = 0.85 * this.em;
    if (width < 0.62 * size * text.length + 4) return;
    this.#font(size, 600);
    this.#context.textAlign = "center";
    this.#context.textBaseline = "middle";
    this.#context.fillStyle = this.#colours["on-item"];
    const left = Math.max(x, this.left);
    const right = Math.min(x + width, this.width);
    if (right - left > 0.62 * size * text.length) this.#context.fillText(text, (left + right) / 2, y);
  }

  /** Slanted lines for waits to hand on, upright lines for waits that a governor has caused. */
  #hatching(role) {
    let hatch = this.#hatches.get(role);
    if (hatch === undefined) {
      const pitch = Math.round(this.#style.hatch * Math.SQRT2); // a line to the next, along a side of the tile
      const tile = new OffscreenCanvas(pitch, pitch);
      const context = tile.getContext("2d");
      context.strokeStyle = this.#colours[role];
      context.lineWidth = this.#style.hatch / 2;
      for (const shift of role === "held" ? [pitch / 2] : [-pitch, 0, pitch]) {
        context.moveTo(shift, pitch);
        context.lineTo(role === "held" ? shift : shift + pitch, 0);
      }
      context.stroke();
      this.#hatches.set(role, (hatch = this.#context.createPattern(tile, "repeat")));
    }
    return hatch;
  }
}

function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * (STEPS.find((step) => step * power >= least) ?? 10);
}
