// The error box: phase, file and exception of each error. It does not take the focus; Esc closes it.

import { find, make, mark, write } from "../dashboard/dom.js";
import { count, fixed } from "../dashboard/units.js";

const MOST = 200; // rows; older errors are only counted

/** Shows errors of the run. */
export class Errors {
  #box = find("errors");
  #button = find("show-errors");
  #rows = find("error-rows");
  #labels = new Map();
  #number = 0; // errors that were sent
  #failed = 0; // images that failed; if failures come too fast, not all errors are sent
  #fatal = 0;
  #seen = new Set();
  #run = null;
  #before = null;

  constructor() {
    find("close-errors").addEventListener("click", () => this.close());
    this.#button.addEventListener("click", () => {
      this.open();
      this.#before = this.#button;
      this.#box.focus();
    });
  }

  /** Take the names of the phases. */
  setPhases(phases) {
    for (const phase of phases) this.#labels.set(phase.id, phase.label);
  }

  /** Forget the errors when another run begins. */
  setRun(run) {
    if (this.#run === run) return;
    this.#run = run;
    this.#number = this.#failed = this.#fatal = 0;
    this.#seen.clear();
    this.#rows.replaceChildren();
    this.#count();
    this.close();
  }

  /** Take the number of images that failed. */
  setFailed(failed) {
    this.#failed = failed;
    this.#count();
  }

  add(error) {
    if (error.run !== undefined && error.run !== this.#run) this.setRun(error.run);
    const key = JSON.stringify([error.sequence, error.phase, error.file, error.exception]);
    if (this.#seen.has(key)) return; // it was sent again after a reload
    this.#seen.add(key);
    this.#number += 1;
    if (error.fatal) this.#fatal += 1;
    this.#rows.prepend(this.#row(error));
    if (this.#rows.childElementCount > MOST) this.#rows.lastElementChild.remove();
    this.#count();
    this.open();
    if (this.#number === 1 || error.fatal) {
      write(find("alerts"), `Error in phase ${this.#label(error.phase)}, file ${error.file}: ${error.exception}`);
    }
  }

  open() {
    this.#box.hidden = false;
    mark(this.#button, "aria-expanded", "true");
  }

  /** Close the box; returns whether it was open. */
  close() {
    if (this.#box.hidden) return false;
    const had = this.#box.contains(document.activeElement);
    this.#box.hidden = true;
    mark(this.#button, "aria-expanded", "false");
    if (had) (this.#before ?? (this.#button.hidden ? find("start") : this.#button)).focus({ preventScroll: true });
    this.#before = null;
    return true;
  }

  #label(phase) {
    return this.#labels.get(phase) ?? phase;
  }

  #row(error) {
    const what = error.fatal ? `${error.exception} – this ended the run.` : error.exception;
    return make(
      "tr",
      {},
      make("td", { className: "phase", textContent: this.#label(error.phase) }),
      make("td", { textContent: error.file }),
      make("td", { textContent: what }),
    );
  }

  #count() {
    const total = Math.max(this.#number, this.#failed + this.#fatal);
    const listed = this.#rows.childElementCount;
    this.#button.hidden = total === 0;
    write(this.#button, `⚠ ${count(total, "error")}`);
    write(find("errors-title"), `⚠ ${count(total, "error")}${listed < total ? `, the newest ${fixed(listed)} listed` : ""}`);
  }
}
