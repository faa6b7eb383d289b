// The errors of a network, the newest first.

import { find, make, write } from "./dom.js";
import { count, fixed } from "./units.js";

const MOST = 100; // further errors are only counted

/** Shows the errors of one network. */
export class Troubles {
  #run = null;
  #last = 0; // the number of the newest error that is listed
  #list = find("troubles");

  /** Forget the errors when another network is shown. */
  setRun(run) {
    if (this.#run === run) return;
    this.#run = run;
    this.#last = 0;
    this.#list.replaceChildren();
    this.setCount(0);
  }

  /** Take an error; one that was sent before is left out. */
  add({ run, number, where, error, details }) {
    this.setRun(run);
    if (number <= this.#last) return;
    this.#last = number;
    const parts = [make("span", { className: "where", textContent: where }), " ", make("span", { className: "what", textContent: error })];
    if (details) parts.push(make("details", {}, make("summary", { textContent: "Traceback" }), make("pre", { tabIndex: 0, textContent: details })));
    this.#list.prepend(make("li", {}, ...parts));
    if (this.#list.childElementCount > MOST) this.#list.lastElementChild.remove();
    this.setCount(number);
  }

  /** Take the number of errors so far. */
  setCount(number) {
    const total = Math.max(number, this.#last);
    const listed = this.#list.childElementCount;
    find("troubles-panel").hidden = total === 0;
    write(find("troubles-title"), `⚠ ${count(total, "error")}${listed && listed < total ? `, ${fixed(listed)} of them below` : ""}`);
  }
}
