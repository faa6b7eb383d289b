// Who worked on what from when to when: rows of spans, in the order in which they ended; old ones are let go.

const MOST = 20_000; // spans a row

/** What the diagram draws. A span is {item, start, end, kind, label}; kind: w work, i and o waits, f failed. */
export class Spans {
  run = null;
  rows = new Map();
  last = 0; // seconds: the latest end

  /** Take a message of the program. */
  add(message) {
    if (message.reset || message.run !== this.run) this.clear(message.run);
    for (const row of message.rows) this.#row(row);
    for (const [row, item, start, end, kind, label] of message.spans) {
      if (end === null) continue;
      insert(this.#row(typeof row === "number" ? message.rows[row] : row), { item, start, end, kind, label });
      this.last = Math.max(this.last, end);
    }
  }

  clear(run) {
    this.run = run;
    this.rows.clear();
    this.last = 0;
  }

  /** The earliest start that is still known. */
  get first() {
    let first = Infinity;
    for (const spans of this.rows.values()) if (spans.length) first = Math.min(first, spans[0].start);
    return Number.isFinite(first) ? first : 0;
  }

  /** The spans of a row that are in a stretch of time. */
  *within(row, start, end) {
    const spans = this.rows.get(row) ?? [];
    let outside = 0;
    for (let index = firstEndingAfter(spans, start); index < spans.length && outside < 8; index += 1) {
      if (spans[index].start <= end) yield spans[index];
      else outside += 1; // a long span may end later than its neighbours and have begun before
    }
  }

  /** The share of a stretch of time that a row worked, and the number of images. */
  work(row, start, end) {
    let seconds = 0;
    const items = new Set();
    for (const span of this.within(row, start, end)) {
      if (span.kind !== "w" && span.kind !== "f") continue;
      seconds += Math.min(span.end, end) - Math.max(span.start, start);
      items.add(span.item);
    }
    return { share: Math.min(1, seconds / Math.max(1e-9, end - start)), items: items.size };
  }

  #row(name) {
    let spans = this.rows.get(name);
    if (spans === undefined) this.rows.set(name, (spans = []));
    return spans;
  }
}

function insert(spans, span) {
  let place = spans.length;
  while (place > 0 && spans[place - 1].end > span.end) place -= 1;
  if (place === spans.length) spans.push(span);
  else spans.splice(place, 0, span);
  if (spans.length > MOST) spans.splice(0, MOST / 10);
}

function firstEndingAfter(spans, time) {
  let low = 0;
  let high = spans.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spans[middle].end < time) low = middle + 1;
    else high = middle;
  }
  return low;
}
