// The live chart: a window of time that moves along with the run; it can be held and moved back.

import { find, findAll, make, mark, write } from "./dom.js";
import { Lives } from "./lives.js";
import { Painter } from "./painter.js";
import { Replay } from "./replay.js";
import { Spans } from "./spans.js";
import { count, duration, fixed } from "./units.js";

const WINDOWS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60]; // seconds
const LEAST_LIVE = 2; // seconds: a shorter window would move too fast
const ITEMS_SHOWN = 16;
const DELAY = 0.3; // seconds behind the program, so that bars have arrived when their time comes into view
const FRAME = 40; // milliseconds from one drawing to the next, at least
const CALM_FRAME = 500; // the same with reduced motion, and while the program measures, because drawing takes processor time
const EARLY = 12; // milliseconds: a frame is requested this long before its time
const SHARE = 0.1; // up to this share of the time goes into drawing, because the program needs the processors too

/** Draws the bars of the run. Its elements are made by `NetworkView`. */
export class Timeline {
  #item;
  #spans = new Spans();
  #lives = new Lives();
  #canvas = find("diagram");
  #own = findAll("window", "hold", "past", "pointed", "diagram-text", "chart-rate", "chart-task");
  #painter = new Painter(this.#canvas);
  #still = matchMedia("(prefers-reduced-motion: reduce)");
  #calm = false;
  #clock = { seconds: 0, at: 0, running: false };
  #auto = LEAST_LIVE;
  #edge = 0; // seconds: the right edge when live
  #held = null; // seconds: the right edge when held
  #drawn = { start: 0, end: LEAST_LIVE };
  #nextFrame = 0;
  #nextTexts = 0;
  #told = -1; // seconds: the right edge that the texts are about
  #replay;
  #scheduled = false;
  #seen = true; // whether it is on the screen
  #dirty = true;

  /** @param item {{one: string, an: string}} what goes through the network, for example "image" and "an image" */
  constructor(item) {
    this.#item = item;
    this.#replay = new Replay(item, this.#spans, () => this.#window(), () => this.#showReplay());
    const choices = WINDOWS.map((seconds) => make("option", { value: seconds, textContent: seconds < 1 ? `${1000 * seconds} ms` : `${seconds} s` }));
    this.#own.window.append(make("option", { value: "", textContent: "automatic" }), ...choices);
    this.#own.window.addEventListener("change", () => this.#touch());
    this.#own.hold.addEventListener("click", () => this.hold());
    this.#own.past.addEventListener("input", (event) => (this.#replay.leave(), this.#hold(Number(event.target.value))));
    this.#canvas.addEventListener("pointermove", (event) => this.#point(event));
    this.#canvas.addEventListener("pointerleave", () => write(this.#own.pointed, ""));
    new ResizeObserver(() => this.restyle()).observe(this.#canvas);
    new IntersectionObserver((entries) => this.#seenNow(entries.at(-1).isIntersecting)).observe(this.#canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.restyle());
    this.#touch();
  }

  /** Take the style of charts. */
  setStyle(style) {
    this.#painter.setStyle(style);
    this.#touch();
  }

  /** Take rows and bars. */
  add(message) {
    if (message.run !== this.#spans.run) this.#begin();
    this.#spans.add(message);
    if (message.spans.some(([, , , , kind]) => kind === "r")) this.#own["chart-rate"].hidden = false;
    this.#touch();
  }

  /** Take the clock of the run. */
  setState(network) {
    this.#calm = network.calm;
    const seconds = network.running ? network.seconds : Math.max(network.seconds, this.#spans.last);
    this.#clock = { seconds, at: performance.now(), running: network.running };
    if (this.#spans.run !== null && network.run > this.#spans.run) {
      this.#begin();
      this.#spans.clear(network.run);
    }
    this.#lives.set(network);
    this.#own["chart-task"].hidden = !this.#lives.known;
    this.#chooseWindow(network.perItem);
    this.#touch();
  }

  /** The program will send nothing more. */
  stop() {
    this.#clock.running = false;
    this.#touch();
  }

  /** Hold the chart, or let it go on. */
  hold() {
    this.#replay.leave();
    this.#hold(this.#held === null ? this.#liveEdge() : null);
  }

  /** Hold the chart where the moment that is shown can be seen. */
  #showReplay() {
    const { time } = this.#replay;
    if (time === null) return this.#touch();
    const [edge, window] = [this.#held ?? this.#liveEdge(), this.#window()];
    const seen = time >= edge - window && time <= edge;
    this.#hold(seen ? edge : Math.max(window, Math.min(time + 0.8 * window, Math.max(this.#spans.last, window))));
  }

  /** Read colours and sizes again. */
  restyle() {
    this.#painter.restyle();
    this.#touch();
  }

  #begin() {
    this.#edge = 0;
    this.#own["chart-rate"].hidden = true;
    this.#lives.clear();
    this.#auto = LEAST_LIVE;
    this.#replay.leave();
    this.#hold(null);
  }

  #hold(edge) {
    this.#held = edge;
    mark(this.#own.hold, "aria-pressed", String(edge !== null));
    this.#touch();
  }

  #touch() {
    this.#dirty = true;
    this.#schedule();
  }

  #window() {
    const short = !this.#clock.running && this.#spans.last > 0 && this.#spans.last < this.#auto; // show all of a short run
    return Number(this.#own.window.value) || (short ? Math.max(0.05, 1.03 * this.#spans.last) : this.#auto);
  }

  #chooseWindow(perItem) {
    if (!perItem) return;
    const wanted = ITEMS_SHOWN * perItem;
    if (this.#auto > 0.6 * wanted && (this.#auto < 4 * wanted || this.#auto === LEAST_LIVE)) return;
    this.#auto = WINDOWS.find((seconds) => seconds >= Math.max(LEAST_LIVE, wanted)) ?? WINDOWS.at(-1);
  }

  #liveEdge() {
    const { seconds, at, running } = this.#clock;
    if (!running) return Math.max(this.#spans.last, this.#window());
    const now = seconds + (performance.now() - at) / 1000 - DELAY;
    if (now < this.#edge - 1) this.#edge = 0; // the clock was set back: another run has begun
    this.#edge = Math.max(this.#edge, Math.min(now, this.#spans.last + 1));
    return Math.max(this.#edge, this.#window());
  }

  /** Draw when it is time; no frame is requested before. */
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
    this.#replay.advance(now);
    const moving = this.#replay.playing || this.#held === null && this.#clock.running && !this.#still.matches;
    if (this.#seen) {
      this.#dirty = false;
      const before = performance.now();
      this.#draw();
      const cost = performance.now() - before;
      this.#nextFrame = now + Math.max(this.#still.matches || this.#calm ? CALM_FRAME : FRAME, cost / SHARE);
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
    const { seconds, at, running } = this.#clock;
    const now = seconds + (running ? (performance.now() - at) / 1000 : 0);
    this.#painter.paint(this.#spans, start, end, this.#replay, this.#lives, now);
    this.#drawn = { start, end };
    this.#canvas.dataset.end = end;
  }

  #texts(now) {
    this.#nextTexts = now + 500;
    const { start, end } = this.#drawn;
    this.#told = end;
    const past = this.#own.past;
    const most = this.#held === null ? end : Math.max(this.#spans.last, end);
    past.min = Math.min(this.#spans.first + this.#window(), most - 0.001);
    past.max = most;
    if (document.activeElement !== past || this.#held === null) past.value = end;
    mark(past, "aria-valuetext", `${fixed(Math.max(0, start), 1)} to ${fixed(end, 1)} seconds${this.#held === null ? ", live" : ", held"}`);
    write(this.#own["diagram-text"], this.#text(Math.max(0, start), end));
    this.#replay.update();
  }

  #text(start, end) {
    if (this.#spans.rows.length === 0) return "Nothing has run yet.";
    const parts = this.#spans.rows.map((row) => {
      const { share, items } = this.#spans.work(row, start, end);
      return `${row.title} works ${fixed(100 * share)} % of the time, on ${count(items, this.#item.one)}`;
    });
    return `From ${fixed(start, 1)} to ${fixed(end, 1)} seconds: ${parts.join("; ")}.`;
  }

  #point(event) {
    const box = this.#canvas.getBoundingClientRect();
    const row = this.#spans.rows[this.#painter.rowAt(event.clientY - box.top)];
    const { start, end } = this.#drawn;
    const time = this.#painter.time(event.clientX - box.left, start, end);
    const slack = (2 * (end - start)) / this.#painter.width;
    let found = null;
    for (const bar of row === undefined ? [] : this.#spans.within(row, time - slack, time + slack)) {
      if (found === null || bar.kind === "w" || bar.kind === "f") found = bar;
    }
    write(this.#own.pointed, found === null ? "" : this.#describe(row, found));
  }

  #describe(row, bar) {
    const item = bar.item ? `${this.#item.one} ${bar.item}` : "";
    const what = {
      w: item || "works",
      f: `${item} failed`.trim(),
      i: `waits for ${this.#item.an}`,
      h: "held back by the governor",
      r: "waits for its rate",
      o: `waits to pass on ${item || this.#item.an}`,
    }[bar.kind];
    return [`${row.title}: ${what}, ${duration(bar.end - bar.start)} from ${fixed(bar.start, 3)} s`, bar.error].filter(Boolean).join("; ");
  }
}
