// The rows of the chart and their bars, in the order in which the bars ended. Old bars are dropped.

const MOST = 20_000; // bars per row

/** A bar is {item, start, end, kind, colour, error}; its kind is w (work), f (failed work), i or o (waits for in, out), h (held back), r (waits for its rate). */
export class Spans {
  run = null;
  rows = []; // in the order of the chart, as the program says: {number, stage, title, worker, isFirst, isShaded, height}
  last = 0; // seconds: the latest end
  #bars = new Map(); // by the number of the row

  /** Take a message of the program. */
  add(message) {
    if (message.reset || message.run !== this.run) this.clear(message.run);
    this.rows = message.rows;
    for (const [row, item, start, end, kind, colour, error] of message.spans) {
      insert(this.#barsOf(row), { item, start, end, kind, colour, error });
      this.last = Math.max(this.last, end);
    }
  }

  clear(run) {
    this.run = run;
    this.rows = [];
    this.last = 0;
    this.#bars.clear();
  }

  /** The earliest start that is still known. */
  get first() {
    let first = Infinity;
    for (const bars of this.#bars.values()) if (bars.length) first = Math.min(first, bars[0].start);
    return Number.isFinite(first) ? first : 0;
  }

  /** The bars of a row between two times. */
  *within(row, start, end) {
    const bars = this.#bars.get(row.number) ?? [];
    let outside = 0;
    for (let index = firstEndingAfter(bars, start); index < bars.length && outside < 8; index += 1) {
      if (bars[index].start <= end) yield bars[index];
      else outside += 1; // a long bar may end later than its neighbours although it began before them
    }
  }

  /** The share of the time that a row works between two times, and the number of its items. */
  work(row, start, end) {
    let seconds = 0;
    const items = new Set();
    for (const bar of this.within(row, start, end)) {
      if (bar.kind !== "w" && bar.kind !== "f") continue;
      seconds += Math.min(bar.end, end) - Math.max(bar.start, start);
      items.add(bar.item);
    }
    return { share: Math.min(1, seconds / Math.max(1e-9, end - start)), items: items.size };
  }

  #barsOf(number) {
    let bars = this.#bars.get(number);
    if (bars === undefined) this.#bars.set(number, (bars = []));
    return bars;
  }
}

function insert(bars, bar) {
  let place = bars.length;
  while (place > 0 && bars[place - 1].end > bar.end) place -= 1;
  if (place === bars.length) bars.push(bar);
  else bars.splice(place, 0, bar);
  if (bars.length > MOST) bars.splice(0, MOST / 10);
}

function firstEndingAfter(bars, time) {
  let low = 0;
  let high = bars.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bars[middle].end < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
