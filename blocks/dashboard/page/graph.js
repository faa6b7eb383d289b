// The network as a graph: blocks in layers, each with its waiting items and its busy time; the slowest is marked.

import { draw, find, findAll, make, mark, write } from "./dom.js";
import { tasksOf } from "./lives.js";
import { count, duration, fixed, short } from "./units.js";

const USUAL = {
  box: { width: 128, height: 84 },
  small: { width: 92, height: 54 }, // for a node without work of its own
  gap: { along: 34, across: 14 },
  lines: { name: 19, waiting: 35, slots: 41, service: 66, busy: 72 }, // from the top of a box
  part: 20, // a box is higher by this for each part
  letter: 6.8, // the width of a letter of a detail
  zoom: () => 1.25,
};
/** For a projector: larger texts in boxes that are no larger. */
const LARGE = {
  box: { width: 110, height: 96 },
  small: { width: 92, height: 62 },
  letter: 10.2,
  gap: { along: 22, across: 12 },
  lines: { name: 22, waiting: 43, slots: 49, service: 78, busy: 85 },
  part: 24,
  zoom: () => Math.max(1, parseFloat(getComputedStyle(document.documentElement).fontSize) / 22.5),
};
/** For a projector, if many nodes stand side by side: the time is beside the waiting items, and these after the name. */
const FLAT = {
  ...LARGE,
  box: { width: 160, height: 56 },
  small: { width: 108, height: 56 },
  lines: { name: 20, waiting: 41, slots: 9, service: 41, busy: 47 },
  after: 98, // where the slots begin
};
const MANY = 3; // nodes side by side
/** With all figures of a node: items done, their rate, and failures. */
const FULL = {
  ...USUAL,
  box: { width: 150, height: 104 },
  small: { width: 150, height: 78 },
  gap: { along: 40, across: 16 },
  lines: { name: 19, waiting: 36, slots: 42, service: 67, done: 84, busy: 92 },
  zoom: () => 1,
};
const FRAME = { side: 9, top: 20 }; // pixels from the nodes of a governor to its frame
const SLOT = 11.3; // pixels from one little box for a waiting item to the next; further items are only counted

/** Draws the nodes and links of a network. Its elements are made by `NetworkView`. */
export class Graph {
  #item;
  #place = find("graph");
  #own = findAll("graph-apart", "graph-awaited", "graph-early", "graph-part", "graph-governors", "graph-tasks", "graph-note", "graph-text");
  #drawn = "";
  #nodes = new Map();
  #early = new Set(); // the nodes in which results have waited for their turn
  #links = new Map();
  #upright = false;
  #unit = 0; // the room of a node across the graph
  #usual;
  #shape;
  #large = false;
  #full = null; // as the program has sent it
  #state = null; // what is drawn of it
  #nextText = 0;
  #frames = [];
  #layers = new Map(); // where each layer starts and ends, along the graph
  #choice; // called with the name of the node that the user chooses; null if nodes cannot be chosen
  #chosen = "";

  /**
   * @param item {{one: string, an: string}} what goes through the network
   * @param chosen called with the name of the node that the user chooses; null if nodes cannot be chosen
   * @param full whether nodes show all their figures
   */
  constructor(item, chosen = null, full = false) {
    this.#item = item;
    this.#usual = full ? FULL : USUAL;
    this.#shape = this.#usual;
    this.#choice = chosen;
    this.#place.addEventListener("click", (event) => this.#choose(event));
    this.#place.addEventListener("keydown", (event) => (event.key === "Enter" || event.key === " ") && this.#choose(event));
    new ResizeObserver(() => this.#resized()).observe(this.#place);
  }

  /** Draw with larger texts, and only what belongs to the pipeline; or as usual. */
  setLarge(yes) {
    this.#large = yes;
    this.#resized();
  }

  show(full) {
    const state = this.#large ? withoutApart(full) : full;
    this.#shape = !this.#large ? this.#usual : state.nodes.some(({ place }) => place >= MANY - 1) ? FLAT : LARGE;
    this.#full = full;
    if (state.nodes.length === 0) return;
    this.#state = state;
    this.#fit();
    for (const node of state.nodes) this.#showNode(node);
    for (const link of state.links) write(this.#links.get(keyOf(link)).title, `${count(link.passed, this.#item.one)} passed${link.apart ? ", failed before" : ""}`);
    for (const { governor, title, label } of this.#frames) this.#showFrame(state.governors[governor], title, label);
    this.#showUnframed(state.governors ?? []);
    write(this.#own["graph-tasks"], tasksInWords(tasksOf(state.nodes)));
    write(this.#own["graph-note"], state.note ?? "");
    this.#describe();
  }

  #choose(event) {
    const group = this.#choice && event.target.closest(".node");
    if (!group) return;
    event.preventDefault();
    this.#chosen = this.#chosen === group.dataset.id ? "" : group.dataset.id;
    this.#markChosen();
    this.#choice(this.#chosen);
  }

  #markChosen() {
    for (const [id, { group }] of this.#nodes) mark(group, "aria-pressed", String(id === this.#chosen));
  }

  #resized() {
    if (this.#full) this.show(this.#full);
  }

  #fit() {
    const { nodes, links, governors } = this.#state;
    const layers = layersOf(nodes);
    const large = this.#large;
    const needed = layers.reduce((sum, layer) => sum + this.#widthOf(layer) + this.#shape.gap.along, 0);
    const upright = this.#place.clientWidth < 0.62 * needed;
    const shape = JSON.stringify([nodes.map((node) => [node.id, node.label, node.where, node.small, node.apart, node.parts]), links.map(keyOf), (governors ?? []).map(({ name, nodes: own }) => [name, own]), upright, large, this.#shape.zoom()]);
    if (shape === this.#drawn) return;
    this.#drawn = shape;
    this.#upright = upright;
    this.#draw(layers);
  }

  #draw(layers) {
    const { gap, zoom } = this.#shape;
    const [along, across] = this.#upright ? ["height", "width"] : ["width", "height"];
    const unit = Math.max(this.#shape.box[across], ...this.#state.nodes.map((node) => this.#boxOf(node)[across]));
    this.#unit = unit;
    const breadth = unit * Math.max(...this.#state.nodes.map(({ place }) => place + 1), ...this.#state.links.flatMap(({ way }) => way)) + 6;
    const places = new Map();
    this.#layers = new Map();
    let depth = 3;
    for (const layer of layers) {
      const room = Math.max(...layer.map((node) => this.#boxOf(node)[along]));
      for (const node of layer) {
        const box = this.#boxOf(node);
        const side = node.place * unit + (unit - box[across]) / 2 + 3;
        places.set(node.id, { ...box, layer: node.layer, x: this.#upright ? side : depth, y: this.#upright ? depth : side });
      }
      this.#layers.set(layer[0].layer, { start: depth, end: depth + room });
      depth += room + gap.along;
    }
    const length = depth - gap.along + 3;
    const [width, height] = this.#upright ? [breadth, length] : [length, breadth];
    const frames = framesOf(this.#state.governors ?? [], places);
    const around = frames.length ? FRAME : { side: 0, top: 0 };
    const box = `${-around.side} ${-around.top} ${width + 2 * around.side} ${height + around.top + around.side}`;
    const svg = draw("svg", { viewBox: box, width: zoom() * (width + 2 * around.side), role: this.#choice ? "group" : "img", "aria-label": "Graph of the network", "aria-describedby": "graph-text" });
    svg.append(draw("defs", {}, draw("marker", { id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" },
      draw("path", { class: "head", d: "M0 0 8 4 0 8z" }))));
    const apart = new Set(this.#state.nodes.filter((node) => node.apart).map((node) => node.id));
    this.#own["graph-apart"].hidden = apart.size === 0;
    this.#own["graph-awaited"].hidden = this.#own["graph-early"].hidden = true; // until a node awaits something
    this.#early.clear();
    this.#own["graph-part"].hidden = !this.#state.nodes.some((node) => node.parts?.length);
    this.#frames = frames.map((frame) => drawFrame(svg, frame));
    this.#links = new Map(this.#state.links.map((link) => [keyOf(link), this.#drawLink(svg, places.get(link.from), places.get(link.to), link.way, link.apart || apart.has(link.to))]));
    svg.append(...this.#frames.map(({ label }) => label)); // above the links
    this.#nodes = new Map(this.#state.nodes.map((node) => [node.id, this.#drawNode(svg, node, places.get(node.id))]));
    this.#place.replaceChildren(svg);
    if (this.#choice) this.#markChosen();
  }

  #drawLink(svg, from, to, way, apart) {
    const title = draw("title");
    svg.append(draw("path", { class: apart ? "link apart" : "link", d: this.#wayOf(from, to, way), "marker-end": "url(#head)" }, title));
    return { title };
  }

  /** The line of a link, past the nodes of the layers between; a link that goes back swings out to the side. */
  #wayOf(from, to, way) {
    const upright = this.#upright;
    const turned = ({ x, y, width, height }) => (upright ? { start: y, end: y + height, left: x, size: width } : { start: x, end: x + width, left: y, size: height });
    const point = (along, across) => (upright ? `${across} ${along}` : `${along} ${across}`);
    const [source, target] = [turned(from), turned(to)];
    const [begin, aim] = [source.left + source.size / 2, target.left + target.size / 2];
    if (target.start <= source.start) {
      const [here, there] = [(source.start + source.end) / 2, (target.start + target.end) / 2];
      const out = Math.max(source.left + source.size, target.left + target.size) + this.#shape.gap.across;
      return `M${point(here, source.left + source.size)}C${point(here, out)} ${point(there, out)} ${point(there, target.left + target.size)}`;
    }
    let path = `M${point(source.end, begin)}`;
    let [along, across] = [source.end, begin];
    const curve = (start, side) => {
      const bend = (along + start) / 2;
      path += `C${point(bend, across)} ${point(bend, side)} ${point(start, side)}`;
    };
    way.forEach((place, number) => {
      const layer = this.#layers.get(from.layer + 1 + number);
      if (layer === undefined) return; // the page shows no node of it
      const side = place * this.#unit + 3;
      curve(layer.start, side);
      path += `L${point(layer.end, side)}`;
      [along, across] = [layer.end, side];
    });
    curve(target.start, aim);
    return path;
  }

  #drawNode(svg, node, { x, y, width, height }) {
    const { lines, part } = this.#shape;
    const below = part * (node.parts?.length ?? 0); // how much lower the lines below the parts are
    const [left, top] = lines.slots < lines.name ? (node.small ? [8, lines.busy - 2] : [this.#shape.after, lines.slots]) : [8, lines.slots];
    const slots = Math.floor((width - left - 5) / SLOT);
    const aside = lines.service === lines.waiting ? { x: width - 8, "text-anchor": "end" } : { x: 8 };
    const parts = {
      group: draw("g", { class: node.apart ? "node apart" : "node", transform: `translate(${x} ${y})`, "data-id": node.id }),
      title: draw("title"),
      waiting: draw("text", { class: "detail", x: 8, y: lines.waiting }),
      service: draw("text", { class: "detail", y: lines.service + below, ...aside }),
      tag: draw("text", { class: "tag", x: width - 7, y: lines.service + below, "text-anchor": "end" }),
      done: draw("text", { class: "detail", x: 8, y: ((node.small ? lines.service : lines.done) ?? 0) + below }),
      failed: draw("text", { class: "tag failed", x: width - 7, y: (lines.done ?? 0) + below, "text-anchor": "end" }),
      busy: draw("rect", { class: "busy", x: 8, y: lines.busy + below, height: 5, width: 0, rx: 2 }),
      awaited: draw("rect", { class: "awaited", x: left, y: top, width: 8, height: 9, rx: 1, visibility: "hidden" }),
      slots: Array.from({ length: slots }, (_, index) => draw("rect", { class: "slot", x: left + SLOT * index, y: top, width: 8, height: 9, rx: 1, visibility: "hidden" })),
    };
    if (this.#choice) for (const [key, value] of Object.entries({ tabindex: 0, role: "button", "aria-label": node.label })) parts.group.setAttribute(key, value);
    const name = draw("text", { class: "name", x: 8, y: lines.name }, node.label);
    if (node.label.length > width / (this.#large ? 12 : 10)) name.setAttribute("textLength", width - 16), name.setAttribute("lengthAdjust", "spacingAndGlyphs");
    parts.group.append(parts.title, draw("rect", { class: "box", width, height, rx: 7 }), name, parts.waiting, ...parts.slots, parts.awaited);
    if (!node.small) {
      const room = draw("rect", { class: "busy-room", x: 8, y: lines.busy + below, width: width - 16, height: 5, rx: 2 });
      parts.group.append(parts.service, parts.tag, room, parts.busy);
    }
    if (lines.done) parts.group.append(parts.done, parts.failed);
    (node.parts ?? []).forEach((text, index) => parts.group.append(...this.#drawPart(text, width, lines.slots + 13 + part * index)));
    svg.append(parts.group);
    return parts;
  }

  #drawPart(text, width, y) {
    const height = this.#shape.part - 3;
    const box = draw("rect", { class: "part", x: 8, y, width: width - 16, height, rx: 3 });
    return [box, draw("text", { class: "detail part-name", x: width / 2, y: y + height - 4, "text-anchor": "middle" }, text)];
  }

  #boxOf(node) {
    const { width, height } = node.small ? this.#shape.small : this.#shape.box;
    return { width, height: height + this.#shape.part * (node.parts?.length ?? 0) };
  }

  #widthOf(layer) {
    return Math.max(...layer.map((node) => this.#boxOf(node).width));
  }

  #showNode(node) {
    const parts = this.#nodes.get(node.id);
    parts.group.classList.toggle("slowest", node.slowest);
    const large = this.#large;
    const orders = node.small && node.awaits; // it does nothing else
    if (orders) this.#showAwaited(node, parts);
    else this.#showWaiting(node, parts);
    const full = this.#shape === FULL;
    const rate = full && node.rate ? `, ${short(node.rate)}/s` : "";
    write(parts.service, node.service ? `${duration(node.service)}${rate}` : full ? `${node.kind}${rate}` : `${fixed(node.done)} done`);
    if (full) write(parts.done, `${short(node.done)} done${node.small ? rate : ""}`);
    if (full) write(parts.failed, node.failed ? `${short(node.failed)} failed` : "");
    write(parts.tag, node.slowest && !large && !full ? "slowest" : "");
    mark(parts.busy, "width", (Math.min(1, Math.max(0, node.busy)) * (this.#shape.box.width - 16)).toFixed(1));
    const [first, last] = orders ? [1, 1 + node.ahead] : [0, node.waiting]; // the awaited one comes before the others
    const early = parts.slots.length - (orders ? 0 : Math.min(node.ahead, parts.slots.length >> 1)); // these are at the right
    parts.slots.forEach((slot, index) => {
      mark(slot, "class", index < early ? "slot" : "slot early");
      mark(slot, "visibility", index >= early || (index >= first && index < last) ? "visible" : "hidden");
    });
    write(parts.title, this.#said(node));
  }

  /** How many items wait; and how many are in work or, of a node in which results wait for their turn, these. */
  #showWaiting(node, { waiting }) {
    if (node.ahead) this.#early.add(node.id), (this.#own["graph-early"].hidden = false);
    const text = `${fixed(node.waiting)} wait`;
    const more = this.#early.has(node.id) ? `, ${fixed(node.ahead)} early` : node.inWork ? `, ${fixed(node.inWork)} in work` : "";
    write(waiting, this.#large ? text : text + more);
  }

  /** What a node that puts items in order waits for, in as many words as there is room for. */
  #showAwaited({ awaits, small }, { awaited, waiting }) {
    const room = this.#boxOf({ small }).width - 14;
    const fits = (text) => text.length * this.#shape.letter <= room;
    write(waiting, [`waits for ${awaits}`, `for ${awaits}`].find(fits) ?? awaits);
    mark(waiting, "textLength", fits(waiting.textContent) ? null : room);
    mark(waiting, "lengthAdjust", "spacingAndGlyphs");
    mark(awaited, "visibility", "visible");
    this.#own["graph-awaited"].hidden = false;
  }

  #showFrame({ name, inFlight, limit }, title, label) {
    write(label, `${name}: ${fixed(inFlight)} of ${fixed(limit)}`);
    write(title, `The governor ${name} lets in up to ${fixed(limit)}; ${fixed(inFlight)} are in flight.`);
  }

  /** Governors around whose nodes no frame can be drawn, in words. */
  #showUnframed(governors) {
    const framed = new Set(this.#frames.map(({ governor }) => governor));
    const others = governors.filter((_, number) => !framed.has(number));
    const said = ({ name, nodes, inFlight, limit }) => `${name}: ${fixed(inFlight)} of ${fixed(limit)}${nodes.length ? `, governs ${nodes.join(", ")}` : ""}`;
    write(this.#own["graph-governors"], others.map(said).join("; "));
  }

  #said(node) {
    const service = node.service ? `, ${duration(node.service)} per ${this.#item.one}` : "";
    const kind = [node.kind, node.where, node.parts?.join(", then ")].filter(Boolean).join(", ");
    return `${node.label} (${kind}): ${fixed(node.waiting)} wait (up to ${fixed(node.most)} so far), ${fixed(node.inWork)} in work${node.awaits ? `, waits for ${node.awaits}, ${fixed(node.ahead)} after it are there` : ""}, ${fixed(node.done)} done${node.failed ? `, ${fixed(node.failed)} failed` : ""}${service}, busy ${fixed(100 * node.busy)} % of the time`;
  }

  #describe() {
    const now = performance.now();
    if (now < this.#nextText && this.#state.running) return;
    this.#nextText = now + 1000;
    write(this.#own["graph-text"], this.#state.nodes.map((node) => `${this.#said(node)}${node.slowest ? ": the slowest" : ""}.`).join(" "));
  }
}

/** What differs between agents and blocks while they run. */
function tasksInWords({ agents, alive, blocks, calls, ended }) {
  const own = agents ? [`${agents === 1 ? "The agent is a task" : `Each of the ${fixed(agents)} agents is a task`} from start to end, also while it waits; ${fixed(alive)} exist${alive === 1 ? "s" : ""} now.`] : [];
  const called = blocks ? [`A block has a task only while it works on something; ${fixed(calls)} exist${calls === 1 ? "s" : ""} now, ${fixed(ended)} ${ended === 1 ? "has" : "have"} ended.`] : [];
  return [...own, ...called].join(" ");
}

function withoutApart(state) {
  const apart = new Set(state.nodes.filter((node) => node.apart).map((node) => node.id));
  const links = state.links.filter(({ from, to }) => !apart.has(from) && !apart.has(to));
  return { ...state, nodes: state.nodes.filter((node) => !node.apart), links };
}

function keyOf(link) {
  return `${link.from}\n${link.to}`;
}

/** The nodes in their layers, which the program has chosen. */
function layersOf(nodes) {
  const layers = [];
  for (const node of nodes) (layers[node.layer] ??= []).push(node);
  return layers.filter(Boolean);
}

/** A frame for each governor around whose nodes one can be drawn without other nodes in it. */
function framesOf(governors, places) {
  const frames = [];
  governors.forEach((one, governor) => {
    const inside = new Set(one.nodes);
    const own = [...places].filter(([id]) => inside.has(id)).map(([, place]) => place);
    if (own.length === 0) return;
    const [left, top] = [Math.min(...own.map(({ x }) => x)) - FRAME.side, Math.min(...own.map(({ y }) => y)) - FRAME.top];
    const right = Math.max(...own.map(({ x, width }) => x + width)) + FRAME.side;
    const bottom = Math.max(...own.map(({ y, height }) => y + height)) + FRAME.side;
    const crossed = [...places].some(([id, { x, y, width, height }]) => !inside.has(id) && x < right && x + width > left && y < bottom && y + height > top);
    if (!crossed) frames.push({ governor, x: left, y: top, width: right - left, height: bottom - top });
  });
  return frames;
}

function drawFrame(svg, { governor, x, y, width, height }) {
  const title = draw("title");
  const label = draw("text", { class: "detail frame-label", x: x + 8, y: y + 14 });
  svg.append(draw("g", { class: "frame" }, title, draw("rect", { x: x + 1, y: y + 1, width: width - 2, height: height - 2, rx: 9 })));
  return { governor, title, label };
}
