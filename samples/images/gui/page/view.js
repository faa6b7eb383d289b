// The view for a projector: the picture, the chart, the network and four figures, large enough for the back row.

import { find, mark } from "../dashboard/dom.js";

const NAME = "projector"; // also the fragment of the address that opens this view

/** Switches between the two views. `changed(large)` is called when the view has changed. */
export class View {
  #changed;

  constructor(changed) {
    this.#changed = changed;
    find("view").addEventListener("click", () => this.set(!this.large));
    find("leave-view").addEventListener("click", () => this.set(false));
    addEventListener("hashchange", () => this.#show());
    this.#show();
  }

  get large() {
    return document.documentElement.dataset.view === NAME;
  }

  /** Change the view, and the address with it, so that a reload keeps it. Returns whether it was the large one. */
  set(large) {
    const was = this.large;
    history.replaceState(null, "", large ? `#${NAME}` : location.pathname);
    this.#show();
    if (was && !large) find("view").focus({ preventScroll: true });
    return was;
  }

  #show() {
    const large = location.hash === `#${NAME}`;
    mark(document.documentElement, "data-view", large ? NAME : null);
    find("leave-view").hidden = !large;
    scrollTo(0, 0);
    this.#changed(large);
  }
}
