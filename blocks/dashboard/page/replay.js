// Goes through a run that was recorded: step by step, at a tenth of its speed, or along one item.

import { findAll, mark, write } from "./dom.js";
import { duration, fixed } from "./units.js";

const SLOWER = 10;
const TOGETHER = 400; // what happens within this part of the window is one step

/** Its elements are made by `NetworkView`. */
export class Replay {
  time = null; // seconds: up to here the run is shown; null if it is shown as it is
  item = 0; // the item that is followed; 0 for none
  #one;
  #spans;
  #own = findAll("step-back", "step", "play", "follow", "replay-text", "follow-text");
  #window;
  #changed;
  #playing = false;
  #before = 0; // when the last frame was drawn

  /**
   * @param item {{one: string}} what goes through the network
   * @param spans the bars of the run
   * @param window gives the seconds that the chart shows
   * @param changed is called when something else is to be drawn
   */
  constructor(item, spans, window, changed) {
    this.#one = item.one;
    this.#spans = spans;
    this.#window = window;
    this.#changed = changed;
    this.#own["step-back"].addEventListener("click", () => this.#step(-1));
    this.#own.step.addEventListener("click", () => this.#step(1));
    this.#own.play.addEventListener("click", () => this.#play(!this.#playing));
    this.#own.follow.addEventListener("input", () => this.#follow());
  }

  get playing() {
    return this.#playing;
  }

  /** Show the run as it is. */
  leave() {
    this.time = null;
    this.#play(false);
    write(this.#own["replay-text"], "");
  }

  /** Go on by the time since the last frame; at the end the run is shown as it is. */
  advance(now) {
    if (!this.#playing) return;
    this.time += (now - this.#before) / 1000 / SLOWER;
    this.#before = now;
    if (this.time >= this.#spans.last) {
      this.time = this.#spans.last;
      this.#play(false);
      this.#say("the end");
    }
    this.#changed();
  }

  /** Enable what can be used, and write what the chart shows; called from time to time. */
  update() {
    const none = this.#spans.rows.length === 0 || this.#spans.last === 0;
    for (const id of ["step-back", "step", "play", "follow"]) this.#own[id].disabled = none;
    if (this.#playing) this.#say(this.#now());
    write(this.#own["follow-text"], this.item ? followed(this.#spans, this.item, this.#one) : "");
  }

  #say(text) {
    write(this.#own["replay-text"], `At ${fixed(this.time, 3)} s: ${text}.`);
  }

  #play(yes) {
    this.#playing = yes;
    if (yes && (this.time === null || this.time >= this.#spans.last)) this.time = this.#spans.first;
    this.#before = performance.now();
    mark(this.#own.play, "aria-pressed", String(yes));
    mark(this.#own["replay-text"], "aria-live", yes ? "off" : null); // it changes too often to be read out
    if (!yes) return;
    this.#say(this.#now());
    this.#changed();
  }

  #follow() {
    this.item = Math.max(0, Math.trunc(Number(this.#own.follow.value)) || 0);
    this.update();
    this.#changed();
  }

  #step(by) {
    this.#play(false);
    const steps = stepsOf(this.#spans, this.#window() / TOGETHER);
    const now = this.time ?? (by > 0 ? -1 : Infinity);
    const found = by > 0 ? steps.find((step) => step.time > now) : steps.findLast((step) => step.time < now);
    this.time = found?.time ?? (by > 0 ? this.#spans.last : this.#spans.first);
    this.#say(found?.events.join("; ") ?? (by > 0 ? "the end" : "the beginning"));
    this.#changed();
  }

  /** What the rows work on now. */
  #now() {
    const works = [];
    for (const row of this.#spans.rows) {
      for (const bar of this.#spans.within(row, this.time, this.time)) if (isWork(bar)) works.push(`${row.title} works on ${bar.item}`);
    }
    return works.join("; ") || "nothing works";
  }
}

function isWork(bar) {
  return bar.item > 0 && (bar.kind === "w" || bar.kind === "f");
}

function* workOf(spans) {
  for (const row of spans.rows) for (const bar of spans.within(row, -Infinity, Infinity)) if (isWork(bar)) yield [row, bar];
}

/** The moments at which work begins or ends, in order; those that are close together are one. */
export function stepsOf(spans, together) {
  const events = [];
  for (const [row, bar] of workOf(spans)) {
    events.push([bar.start, `${row.title} begins ${bar.item}`], [bar.end, `${row.title} ${bar.kind === "f" ? "fails on" : "ends"} ${bar.item}`]);
  }
  events.sort((one, other) => one[0] - other[0]);
  const steps = [];
  for (const [time, event] of events) {
    const last = steps.at(-1);
    if (last !== undefined && time - last.since <= together) {
      last.time = time;
      last.events.push(event);
    } else steps.push({ since: time, time, events: [event] });
  }
  return steps;
}

/** The way of an item in words: how long it is in work at each stage, and how long it waits before. */
export function followed(spans, item, one) {
  const work = [...workOf(spans)].filter(([, bar]) => bar.item === item).sort((a, b) => a[1].start - b[1].start);
  if (work.length === 0) return `${capital(one)} ${item} has no bars.`;
  const parts = [];
  let before = null;
  for (const [row, bar] of work) {
    if (before !== null && bar.start > before) parts.push(`waits ${duration(bar.start - before)}`);
    parts.push(`${row.title} ${duration(bar.end - bar.start)}`);
    before = bar.end;
  }
  return `${capital(one)} ${item}: ${parts.join(", ")}; ${duration(before - work[0][1].start)} in all.`;
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
