// The network as a graph: blocks in layers, each with its waiting items and its busy time; the slowest is marked.

import { draw, find, make, mark, write } from "./dom.js";
import { count, duration, fixed } from "./units.js";

const BOX = { width: 128, height: 84 };
const GAP = { along: 34, across: 14 };
const SLOTS = 10; // little boxes for waiting items; further items are only counted

/** Draws the nodes and links of a network. Its elements are made by `NetworkView`. */
export class Graph {
  #item;
  #place = find("graph");
  #drawn = "";
  #nodes = new Map();
  #links = new Map();
  #upright = false;
  #state = null;
  #nextText = 0;

  constructor(item) {
    this.#item = item;
    new ResizeObserver(() => this.#resized()).observe(this.#place);
  }

  show(state) {
    if (state.nodes.length === 0) return;
    this.#state = state;
    this.#fit();
    for (const node of state.nodes) this.#showNode(node);
    for (const link of state.links) this.#links.get(keyOf(link))?.title.replaceChildren(`${count(link.passed, this.#item.one)} passed`);
    this.#describe();
  }

  #resized() {
    if (this.#state) this.show(this.#state);
  }

  #fit() {
    const { nodes, links } = this.#state;
    const layers = layersOf(nodes, links);
    const needed = layers.length * (BOX.width + GAP.along);
    const upright = this.#place.clientWidth < 0.62 * needed;
    const shape = JSON.stringify([nodes.map((node) => [node.id, node.label, node.where]), links.map(keyOf), upright]);
    if (shape === this.#drawn) return;
    this.#drawn = shape;
    this.#upright = upright;
    this.#draw(layers);
  }

  #draw(layers) {
    const [along, across] = this.#upright
      ? [BOX.height + GAP.along, BOX.width + GAP.across]
      : [BOX.width + GAP.along, BOX.height + GAP.across];
    const most = Math.max(...layers.map((layer) => layer.length));
    const places = new Map();
    layers.forEach((layer, depth) => {
      layer.forEach((node, index) => {
        const side = (index + (most - layer.length) / 2) * across + 3;
        places.set(node.id, this.#upright ? [side, depth * along + 3] : [depth * along + 3, side]);
      });
    });
    const [length, breadth] = [layers.length * along - GAP.along + 6, most * across - GAP.across + 6];
    const [width, height] = this.#upright ? [breadth, length] : [length, breadth];
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width: 1.25 * width, role: "img", "aria-label": "Graph of the network", "aria-describedby": "graph-text" });
    svg.append(draw("defs", {}, draw("marker", { id: "head", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 8, markerHeight: 8, orient: "auto" },
      draw("path", { class: "head", d: "M0 0 8 4 0 8z" }))));
    this.#links = new Map(this.#state.links.map((link) => [keyOf(link), this.#drawLink(svg, places.get(link.from), places.get(link.to))]));
    this.#nodes = new Map(this.#state.nodes.map((node) => [node.id, this.#drawNode(svg, node, places.get(node.id))]));
    this.#place.replaceChildren(svg);
  }

  #drawLink(svg, from, to) {
    const title = draw("title");
    if (from && to) {
      const [x1, y1, x2, y2] = this.#upright
        ? [from[0] + BOX.width / 2, from[1] + BOX.height, to[0] + BOX.width / 2, to[1]]
        : [from[0] + BOX.width, from[1] + BOX.height / 2, to[0], to[1] + BOX.height / 2];
      const bend = this.#upright ? `${x1} ${(y1 + y2) / 2} ${x2} ${(y1 + y2) / 2}` : `${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2}`;
      svg.append(draw("path", { class: "link", d: `M${x1} ${y1}C${bend} ${x2} ${y2}`, "marker-end": "url(#head)" }, title));
    }
    return { title };
  }

  #drawNode(svg, node, [x, y]) {
    const parts = {
      group: draw("g", { class: "node", transform: `translate(${x} ${y})`, "data-id": node.id }),
      title: draw("title"),
      waiting: draw("text", { class: "detail", x: 8, y: 35 }),
      service: draw("text", { class: "detail", x: 8, y: 66 }),
      tag: draw("text", { class: "tag", x: BOX.width - 7, y: 18, "text-anchor": "end" }),
      busy: draw("rect", { class: "busy", x: 8, y: 72, height: 5, width: 0, rx: 2 }),
      slots: Array.from({ length: SLOTS }, (_, index) => draw("rect", { class: "slot", x: 8 + 11.3 * index, y: 41, width: 8, height: 9, rx: 1, visibility: "hidden" })),
    };
    const name = draw("text", { class: "name", x: 8, y: 19 }, node.label);
    if (node.label.length > 12) name.setAttribute("textLength", BOX.width - 16), name.setAttribute("lengthAdjust", "spacingAndGlyphs");
    parts.group.append(parts.title, draw("rect", { class: "box", ...BOX, rx: 7 }), name, parts.waiting, ...parts.slots, parts.service, parts.tag,
      draw("rect", { class: "busy-room", x: 8, y: 72, width: BOX.width - 16, height: 5, rx: 2 }), parts.busy);
    svg.append(parts.group);
    return parts;
  }

  #showNode(node) {
    const parts = this.#nodes.get(node.id);
    parts.group.classList.toggle("slowest", node.slowest);
    write(parts.waiting, `${fixed(node.waiting)} wait${node.inWork ? `, ${fixed(node.inWork)} in work` : ""}`);
    write(parts.service, node.service ? duration(node.service) : `${fixed(node.done)} done`);
    write(parts.tag, node.slowest ? "slowest" : "");
    mark(parts.busy, "width", (Math.min(1, Math.max(0, node.busy)) * (BOX.width - 16)).toFixed(1));
    parts.slots.forEach((slot, index) => mark(slot, "visibility", index < node.waiting ? "visible" : "hidden"));
    write(parts.title, this.#said(node));
  }

  #said(node) {
    const service = node.service ? `, ${duration(node.service)} per ${this.#item.one}` : "";
    const kind = [node.kind, node.where].filter(Boolean).join(", ");
    return `${node.label} (${kind}): ${fixed(node.waiting)} wait (up to ${fixed(node.most)} so far), ${fixed(node.inWork)} in work, ${fixed(node.done)} done${service}, busy ${fixed(100 * node.busy)} % of the time`;
  }

  #describe() {
    const now = performance.now();
    if (now < this.#nextText && this.#state.running) return;
    this.#nextText = now + 1000;
    write(find("graph-text"), this.#state.nodes.map((node) => `${this.#said(node)}${node.slowest ? ": the slowest" : ""}.`).join(" "));
  }
}

function keyOf(link) {
  return `${link.from}\n${link.to}`;
}

/** Put each node one layer after the last node that feeds it; links back are left out. */
function layersOf(nodes, links) {
  const depth = new Map(nodes.map((node) => [node.id, 0]));
  for (let round = 0; round < nodes.length; round += 1) {
    let changed = false;
    for (const { from, to } of links) {
      const behind = (depth.get(from) ?? 0) + 1;
      if (depth.has(to) && behind < nodes.length && depth.get(to) < behind) changed = Boolean(depth.set(to, behind));
    }
    if (!changed) break;
  }
  const layers = [];
  for (const node of nodes) (layers[depth.get(node.id)] ??= []).push(node);
  return layers.filter(Boolean);
}
