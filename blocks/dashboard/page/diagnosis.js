// Who holds items and who waits: the parts of a diagnosis as lists. They are written anew only if they have changed.

import { make } from "./dom.js";

/** Shows the parts of a diagnosis in a place of the page. */
export class Diagnosis {
  #place;
  #shown = "";

  constructor(place) {
    this.#place = place;
  }

  /**
   * @param sections {{title: string, entries: string[]}[]}
   * @param otherwise what to say if there are none
   */
  show(sections, otherwise = "") {
    const text = JSON.stringify([sections, otherwise]);
    if (text === this.#shown) return;
    this.#shown = text;
    const parts = sections.map(({ title, entries }) => [make("h3", { textContent: title }), make("ul", { className: "lines" }, ...entries.map((entry) => make("li", { textContent: entry })))]);
    this.#place.replaceChildren(...(sections.length ? parts.flat() : [make("p", { className: "faint", textContent: otherwise })]));
  }
}
