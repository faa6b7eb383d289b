// The code that builds the mode of the run, with the line of the chosen box marked.

import { find, make, write } from "../dashboard/dom.js";

/** Shows the code of one mode. */
export class CodeView {
  #codes = {};
  #mode = "";
  #node = "";

  /** Take the code of all modes. */
  setCodes(codes) {
    this.#codes = codes;
    this.#mode = "";
  }

  /** Show the code of a mode. */
  show(mode) {
    const code = this.#codes[mode];
    if (mode === this.#mode || code === undefined) return;
    this.#mode = mode;
    write(find("code-file"), code.file);
    find("code").replaceChildren(...code.lines.map((line, index) => make("span", { className: "line", "data-line": code.first + index, textContent: `${line}\n` })));
    this.choose(this.#node);
  }

  /** Mark the line of a node of the network; "" for none. */
  choose(node) {
    this.#node = node;
    const { marks = {}, lines = [] } = this.#codes[this.#mode] ?? {};
    const index = marks[node] ?? marks[node.split(" ")[0]];
    [...find("code").children].forEach((line, place) => line.classList.toggle("chosen", place === index));
    const chosen = find("code").children[index];
    write(find("code-said"), chosen ? `Line ${chosen.dataset.line}: ${lines[index].trim()}` : "Choose a box of the network: its line is marked here.");
    if (chosen) find("code").scrollTop = chosen.offsetTop - find("code").clientHeight / 2;
  }
}
