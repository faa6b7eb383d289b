// A table of the program's figures. Its cells are made anew only if its rows or columns have changed.

import { make, write } from "./dom.js";
import { count } from "./units.js";

/** Shows a table in a place of the page; nothing if it is empty. */
export class Table {
  #place;
  #name;
  #shape = "";
  #cells = [];
  #rows = [];
  #more = make("p", { className: "faint" });

  /**
   * @param place the element that gets the table
   * @param name the name of the table, for people who do not see it
   */
  constructor(place, name) {
    this.#place = place;
    this.#name = name;
  }

  /** @param table {{columns: {title: string, isText: boolean, cells: string[]}[], marked: number?, more: number}} */
  show({ columns, marked, more }) {
    const names = columns[0]?.cells ?? [];
    const shape = JSON.stringify([columns.map(({ title }) => title), names]);
    if (shape !== this.#shape) this.#build(columns, names);
    this.#shape = shape;
    columns.slice(1).forEach(({ cells }, column) => cells.forEach((text, row) => write(this.#cells[row][column], text)));
    this.#rows.forEach((row, number) => row.classList.toggle("slowest", number === marked));
    write(this.#more, more ? `… and ${count(more, "row")} more` : "");
  }

  #build([, ...columns], names) {
    if (names.length === 0) return this.#place.replaceChildren();
    const head = make("tr", {}, make("td", {}), ...columns.map(({ title, isText }) => make("th", { scope: "col", className: isText ? "text" : "", textContent: title })));
    this.#cells = names.map(() => columns.map(({ isText }) => make("td", { className: isText ? "text" : "number" })));
    this.#rows = names.map((name, row) => make("tr", {}, make("th", { scope: "row", textContent: name }), ...this.#cells[row]));
    const table = make("table", { "aria-label": this.#name }, make("thead", {}, head), make("tbody", {}, ...this.#rows));
    this.#place.replaceChildren(make("div", { className: "wide", tabIndex: 0, role: "region", "aria-label": `${this.#name}, can be scrolled` }, table), this.#more);
  }
}
