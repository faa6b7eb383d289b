// The list of folders: a button for each, and one for the folder above.

import { find, make, mark, write } from "../dashboard/dom.js";
import { count } from "../dashboard/units.js";

/** Shows the listing in `folder` messages; `go(path)` asks for another one. */
export class FolderList {
  #go;
  #list = find("folder-list");

  constructor(go) {
    this.#go = go;
  }

  show(listing) {
    write(find("folder-start"), listing.start ? `in ${listing.start}` : "");
    find("folder-start").title = listing.start ?? "";
    const buttons = listing.folders.map((name) => this.#button(name, `${name}/`, listing.path ? `${listing.path}/${name}` : name));
    if (listing.path) buttons.unshift(this.#button("the folder above", "↑ ..", listing.path.split("/").slice(0, -1).join("/")));
    const had = this.#list.contains(document.activeElement);
    this.#list.replaceChildren(...buttons);
    if (listing.more) this.#list.append(make("span", { className: "help", textContent: "There are more folders: type the name." }));
    if (had) (this.#list.querySelector("button") ?? find("folder")).focus();
    const help = `${count(listing.pictures, "picture")} in this folder. Type the name of another, or choose one from the list.`;
    write(find("folder-help"), help);
    mark(find("folder-help"), "data-path", listing.path);
  }

  #button(name, text, path) {
    const label = name === "the folder above" ? name : `Folder ${name}`;
    const button = make("button", { type: "button", title: name, "aria-label": label }, make("span", { textContent: text, dir: "auto" }));
    button.addEventListener("click", () => this.#go(path));
    return button;
  }
}
