// The keyboard: letters that press buttons, except while the user types; the text size; Esc.

import { find, mark } from "../dashboard/dom.js";

const LETTERS = { s: "start", x: "stop", c: "compare", p: "hold", v: "view", ",": "step-back", ".": "step", "+": "larger", "=": "larger", "-": "smaller" };
const SIZES = [-1, 0, 1, 2];

/** Handle the keyboard. `escape()` closes what is open; `resized()` is called when the text size has changed. */
export function useKeys(escape, resized) {
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      if (escape()) event.preventDefault();
    } else if (event.repeat && event.target instanceof HTMLButtonElement && event.key === "Enter") {
      event.preventDefault(); // a key that is held down must not start and stop repeatedly
    } else if (letterCounts(event)) press(event);
  });
  find("use-keys").checked = localStorageGet("keys") !== "off";
  find("use-keys").addEventListener("change", (event) => localStorageSet("keys", event.target.checked ? "on" : "off"));
  find("show-keys").addEventListener("click", () => toggleKeys());
  setSize(Number(localStorageGet("size") ?? 0));
  find("larger").addEventListener("click", () => resize(1, resized));
  find("smaller").addEventListener("click", () => resize(-1, resized));
}

/** Show or hide the list of keys; returns whether it was open. */
export function toggleKeys(open = find("keys").hidden) {
  const was = !find("keys").hidden;
  find("keys").hidden = !open;
  mark(find("show-keys"), "aria-expanded", String(open));
  return was;
}

function letterCounts(event) {
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || !find("use-keys").checked) return false;
  return !event.target.closest?.("input:not([type=checkbox], [type=radio], [type=range], [type=file]), select, textarea");
}

function press(event) {
  const id = LETTERS[event.key.toLowerCase()];
  if (id === undefined) return;
  event.preventDefault();
  find(id).click();
}

function resize(step, resized) {
  const place = SIZES.indexOf(Number(document.documentElement.dataset.size ?? 0)) + step;
  setSize(SIZES[Math.max(0, Math.min(SIZES.length - 1, place))]);
  resized();
}

function setSize(size) {
  const known = SIZES.includes(size) ? size : 0;
  document.documentElement.dataset.size = known;
  localStorageSet("size", String(known));
  find("smaller").disabled = known === SIZES[0];
  find("larger").disabled = known === SIZES.at(-1);
}

function localStorageGet(name) {
  try {
    return localStorage.getItem(`penstock-images-${name}`);
  } catch {
    return null; // the browser may forbid it; then the page remembers nothing
  }
}

function localStorageSet(name, value) {
  try {
    localStorage.setItem(`penstock-images-${name}`, value);
  } catch {
    // see above
  }
}
