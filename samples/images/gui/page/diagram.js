// The live scheduling diagram: a window of time that moves along with the run, and can be held and pushed back.

import { find, make, mark, write } from "./dom.js";
import { Painter, describe } from "./painter.js";
import { Spans } from "./spans.js";
import { count, fixed, nameOf } from "./units.js";

const WINDOWS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60]; // seconds
const LEAST_LIVE = 2; // seconds: less would race past
const IMAGES_SHOWN = 16;
const FEW = 5; // images: before that nobody knows how long they take
const DELAY = 0.3; // seconds behind the program, so that bars are there when their time comes into view
const FRAME = 40; // milliseconds from one drawing to the next, at least
const CALM_FRAME = 500; // the same for who wants less motion, and while modes are compared: drawing would be measured
const EARLY = 12; // milliseconds before its time at which a frame is asked for
const SHARE = 0.1; // of the time, at most, goes into drawing: the pipeline needs the processors too

/** Draws the spans of the run. */
export class Diagram {
  #spans = new Spans();
  #canvas = find("diagram");
  #painter = new Painter(this.#canvas);
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #comparing = false;
  #clock = { seconds: 0, at: 0, running: false };
  #auto = LEAST_LIVE;
  #edge = 0; // seconds: the right edge when live
  #held = null; // seconds: the right edge when held
  #drawn = { start: 0, end: LEAST_LIVE };
  #nextFrame = 0;
  #nextTexts = 0;
  #told = -1; // seconds: the right edge that the texts are about
  #scheduled = false;
  #seen = true; // whether it is where somebody could look at it
  #dirty = true;

  constructor() {
    const choices = WINDOWS.map((seconds) => make("option", { value: seconds, textContent: seconds < 1 ? `${1000 * seconds} ms` : `${seconds} s` }));
    find("window").append(make("option", { value: "", textContent: "automatic" }), ...choices);
    find("window").addEventListener("change", () => this.#touch());
    find("hold").addEventListener("click", () => this.hold());
    find("past").addEventListener("input", (event) => this.#hold(Number(event.target.value)));
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.#canvas.addEventListener("pointerleave", () => write(find("pointed"), ""));
    new ResizeObserver(() => this.restyle()).observe(this.#canvas);
    new IntersectionObserver((entries) => this.#seenNow(entries.at(-1).isIntersecting)).observe(this.#canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
    this.#touch();
  }

  /** Take spans. */
  add(message) {
    if (message.run !== this.#spans.run) this.#begin();
    this.#spans.add(message);
    this.#touch();
  }

  /** Take the clock of the run. */
  setState(state) {
    const running = state.status !== "idle";
    this.#comparing = state.status === "comparing";
    const seconds = running ? state.seconds : Math.max(state.seconds, this.#spans.last);
    this.#clock = { seconds, at: performance.now(), running };
    if (this.#spans.run !== null && state.run > this.#spans.run) {
      this.#begin();
      this.#spans.clear(state.run);
    }
    if (state.images >= FEW) this.#chooseWindow(state.steady ?? state.perImage);
    this.#touch();
  }

  /** Nothing more comes. */
  stop() {
    this.#clock.running = false;
    this.#touch();
  }

  /** Hold the picture, or let it go on. */
  hold() {
    this.#hold(this.#held === null ? this.#liveEdge() : null);
  }

  /** Read colours and sizes anew. */
  restyle() {
    this.#painter.restyle();
    this.#touch();
  }

  #begin() {
    this.#edge = 0;
    this.#auto = LEAST_LIVE;
    this.#hold(null);
  }

  #hold(edge) {
    this.#held = edge;
    mark(find("hold"), "aria-pressed", String(edge !== null));
    this.#touch();
  }

  #touch() {
    this.#dirty = true;
    this.#schedule();
  }

  #window() {
    const short = !this.#clock.running && this.#spans.last > 0 && this.#spans.last < this.#auto; // all of a short run
    return Number(find("window").value) || (short ? Math.max(0.05, 1.03 * this.#spans.last) : this.#auto);
  }

  #chooseWindow(perImage) {
    if (!perImage) return;
    const wanted = IMAGES_SHOWN * perImage;
    if (this.#auto > 0.6 * wanted && (this.#auto < 4 * wanted || this.#auto === LEAST_LIVE)) return;
    this.#auto = WINDOWS.find((seconds) => seconds >= Math.max(LEAST_LIVE, wanted)) ?? WINDOWS.at(-1);
  }

  #liveEdge() {
    const { seconds, at, running } = this.#clock;
    if (!running) return Math.max(this.#spans.last, this.#window());
    const now = seconds + (performance.now() - at) / 1000 - DELAY;
    if (now < this.#edge - 1) this.#edge = 0; // another clock: the run has only now begun
    this.#edge = Math.max(this.#edge, Math.min(now, this.#spans.last + 1));
    return Math.max(this.#edge, this.#window());
  }

  /** Draw as soon as it is time: no frame is asked for that would only be passed over. */
  #schedule() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    const wait = this.#nextFrame - performance.now();
    const ask = () => requestAnimationFrame((now) => this.#frame(now));
    if (wait > EARLY) setTimeout(ask, wait - EARLY);
    else ask();
  }

  #frame(now) {
    this.#scheduled = false;
    const moving = this.#held === null && this.#clock.running && !this.#still.matches;
    if (this.#seen) {
      this.#dirty = false;
      const before = performance.now();
      this.#draw();
      const cost = performance.now() - before;
      this.#nextFrame = now + Math.max(this.#still.matches || this.#comparing ? CALM_FRAME : FRAME, cost / SHARE);
      if (now >= this.#nextTexts) this.#texts(now);
    }
    if (this.#seen && (moving || this.#dirty || this.#textsAreLate())) this.#schedule();
  }

  #textsAreLate() {
    return this.#drawn.end !== this.#told;
  }

  #seenNow(seen) {
    this.#seen = seen;
    this.#touch();
  }

  #draw() {
    const end = this.#held ?? this.#liveEdge();
    const start = end - this.#window();
    this.#painter.paint(this.#spans, start, end);
    this.#drawn = { start, end };
    this.#canvas.dataset.end = end;
  }

  #texts(now) {
    this.#nextTexts = now + 500;
    const { start, end } = this.#drawn;
    this.#told = end;
    const past = find("past");
    const most = this.#held === null ? end : Math.max(this.#spans.last, end);
    past.min = Math.min(this.#spans.first + this.#window(), most - 0.001);
    past.max = most;
    if (document.activeElement !== past || this.#held === null) past.value = end;
    mark(past, "aria-valuetext", `${fixed(Math.max(0, start), 1)} to ${fixed(end, 1)} seconds${this.#held === null ? ", live" : ", held"}`);
    write(find("diagram-text"), this.#text(Math.max(0, start), end));
  }

  #text(start, end) {
    const rows = [...this.#spans.rows.keys()];
    if (rows.length === 0) return "Nothing has run yet.";
    const parts = rows.map((row) => {
      const { share, items } = this.#spans.work(row, start, end);
      return `${nameOf(row)} works ${fixed(100 * share)} % of the time, on ${count(items, "image")}`;
    });
    return `From ${fixed(start, 1)} to ${fixed(end, 1)} seconds: ${parts.join("; ")}.`;
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const row = [...this.#spans.rows.keys()][Math.floor((event.clientY - box.top) / this.#painter.rowHeight)];
    const { start, end } = this.#drawn;
    const time = this.#painter.time(event.clientX - box.left, start, end);
    const slack = (2 * (end - start)) / this.#painter.width;
    let found = null;
    for (const span of row === undefined ? [] : this.#spans.within(row, time - slack, time + slack)) {
      if (found === null || span.kind === "w" || span.kind === "f") found = span;
    }
    write(find("pointed"), found === null ? "" : describe(row, found));
  }
}
