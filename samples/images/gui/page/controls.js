// The controls: their values make up the form, and each shows the program's message about its value.

import { find, make, mark, write } from "../dashboard/dom.js";

const NUMBERS = ["noise", "governor", "filters", "workers", "limit", "repeat", "layers", "concurrency"];
const CHECKS = ["endless", "model", "broken"];
const ONE_WHEN_MISSING = ["layers", "concurrency"];
const TIMES = ["time-load", "time-scale", "time-noise", "time-output"];
const INPUTS = { size: ["width", "height"], drop: ["files"], folder: ["folder"], times: TIMES };
/** Stands for the folder in a form if the pictures were dropped on the page; it cannot be a path. */
export const DROPPED = "\0dropped";
const AFTER_TYPING = 250; // milliseconds

/** Reads and sets the form. `changed()` is called when the user has changed it. */
export class Controls {
  #changed;
  #timer = 0;
  #modes = [];
  #presets = [];
  #touched = false;

  constructor(changed) {
    this.#changed = changed;
    const form = find("controls");
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", (event) => this.#input(event.target));
    form.addEventListener("change", (event) => this.#input(event.target));
    find("preset").addEventListener("change", () => this.#usePreset(find("preset").value));
    this.#foldSettings();
    this.#showSource();
  }

  /** The form, to be sent. */
  get form() {
    const form = { folder: this.#folder(), mode: this.mode, size: ["width", "height"].map(number) };
    // The program keeps its values for fields that do not matter now, so that they cannot be wrong.
    for (const name of NUMBERS) if (matters(name)) form[name] = number(name);
    for (const name of CHECKS) form[name] = find(name).checked;
    if (matters("times-part")) form.times = TIMES.map(number);
    return { ...form, executor: find("executor").value };
  }

  get mode() {
    return document.querySelector("input[name=mode]:checked")?.value ?? "data-flow";
  }

  /** Take the modes, presets and values that the program offers. After a reconnection the user's values stay. */
  offer({ modes, presets, form }) {
    if (this.#touched) return;
    this.#modes = modes;
    this.#presets = presets;
    find("modes").replaceChildren(...modes.map((mode) => modeButton(mode)));
    const options = presets.map((preset) => make("option", { value: preset.id, textContent: preset.label }));
    find("preset").replaceChildren(make("option", { value: "", textContent: "Choose …" }), ...options);
    this.set(form);
  }

  /** Set the controls that a form names. */
  set(form) {
    if ("folder" in form) this.#setFolder(form.folder);
    const mode = form.mode && document.querySelector(`input[name=mode][value="${CSS.escape(form.mode)}"]`);
    if (mode) mode.checked = true;
    if (form.size) [find("width").value, find("height").value] = form.size;
    for (const name of NUMBERS) if (name in form) find(name).value = form[name] ?? "";
    for (const name of ONE_WHEN_MISSING) if (find(name).value === "" && !(name in form)) find(name).value = 1;
    if (form.executor) find("executor").value = form.executor;
    for (const name of CHECKS) if (name in form) find(name).checked = form[name];
    if (form.times) TIMES.forEach((id, index) => (find(id).value = form.times[index]));
    this.#showTexts();
  }

  /** Choose a folder, or null for painted pictures, or `DROPPED`, on behalf of the user. */
  choose(folder) {
    this.#setFolder(folder);
    this.#soon();
  }

  /** Show the message about a control; an empty message removes it. Returns what it says, with the control's name. */
  say(field, message) {
    const place = document.getElementById(`${field}-problem`) ?? find("problem");
    const text = inWords(message, field);
    write(place, text);
    for (const id of INPUTS[field] ?? [field]) {
      const input = document.getElementById(id);
      if (input?.matches("input, select")) mark(input, "aria-invalid", message ? "true" : null);
    }
    return place === find("problem") ? text : `${nameOf(field)}: ${text}`;
  }

  /** Nothing is wrong with the form any more. Messages about dropped files stay until the next drop. */
  clear() {
    for (const place of document.querySelectorAll("#controls .problem:not(#drop-problem)")) write(place, "");
    for (const input of document.querySelectorAll("#controls [aria-invalid]:not(#files)")) input.removeAttribute("aria-invalid");
  }

  /** Move the focus to the first control that is wrong, and show it together with its message. */
  focusProblem() {
    const input = document.querySelector("#controls [aria-invalid]");
    if (input === null) return;
    if (!find("settings").open && find("settings").contains(input)) find("settings").open = true;
    input.focus({ preventScroll: true });
    input.closest(".field").scrollIntoView({ block: "center" });
  }

  /** Forget the change that the program has not checked yet, because a command is sent with the form. */
  sent() {
    clearTimeout(this.#timer);
  }

  /** Enable or disable the settings. */
  enable(yes) {
    find("settings-fields").disabled = !yes;
    find("mode-field").disabled = !yes;
  }

  #input(target) {
    if (target.id === "preset") return;
    if (target.id !== "files") find("preset").value = "";
    this.#showTexts();
    this.#showSource();
    this.#soon();
  }

  /** In one column the settings would push everything else far down, so they begin folded there. */
  #foldSettings() {
    let before = null;
    new ResizeObserver(() => {
      const folded = isOneColumn();
      if (folded !== before) find("settings").open = !folded;
      before = folded;
    }).observe(document.querySelector("main"));
  }

  #soon() {
    this.#touched = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#changed(), AFTER_TYPING);
  }

  #usePreset(id) {
    const preset = this.#presets.find((one) => one.id === id);
    if (!preset) return;
    this.set(preset.form);
    find("preset").value = id;
    write(find("preset-help"), preset.help);
    this.#soon();
  }

  #folder() {
    const source = document.querySelector("input[name=source]:checked").value;
    return { painted: null, folder: find("folder").value, dropped: DROPPED }[source];
  }

  #setFolder(folder) {
    const source = folder === null ? "painted" : folder === DROPPED ? "dropped" : "folder";
    document.querySelector(`input[name=source][value=${source}]`).checked = true;
    if (source === "folder") find("folder").value = folder;
    this.#showSource();
  }

  #showSource() {
    const source = document.querySelector("input[name=source]:checked").value;
    find("folder-part").hidden = source !== "folder";
    find("drop-part").hidden = source !== "dropped";
  }

  /** In the model, only the chapter's modes can be chosen. */
  #showModes(model) {
    for (const { id, inModel } of this.#modes) {
      const button = document.querySelector(`input[name=mode][value="${CSS.escape(id)}"]`);
      button.disabled = model && !inModel;
      if (button.disabled && button.checked) document.querySelector("input[name=mode][value=data-flow]").checked = true;
    }
  }

  #showTexts() {
    const model = find("model").checked;
    this.#showModes(model);
    write(find("mode-help"), this.#modes.find((mode) => mode.id === this.mode)?.help ?? "");
    write(find("workers-unit"), find("executor").value);
    find("times-part").hidden = !model;
    for (const field of document.querySelectorAll("#controls [data-for=work]")) field.hidden = model;
    if (find("preset").value === "") write(find("preset-help"), "Sets several of the controls below.");
  }
}

function modeButton(mode) {
  const input = make("input", { type: "radio", name: "mode", value: mode.id, "aria-describedby": "mode-help" });
  return make("label", { title: mode.help }, input, mode.label);
}

/** The message without the name of its control, beside which it is shown; what is wrong comes first. */
function inWords(message, field) {
  const short = message.startsWith(`${field}: `) ? message.slice(field.length + 2) : message;
  const [, expected, got] = short.match(/^expected (.*), got (.*)$/) ?? [];
  if (expected) return got === "nothing" ? `${whyNothing(field)}; expected ${expected}` : `${got} is not allowed; expected ${expected}`;
  return short.charAt(0).toUpperCase() + short.slice(1);
}

/** A field gives no number if it is empty, or if the text in it is none. */
function whyNothing(field) {
  const bad = (INPUTS[field] ?? [field]).some((id) => document.getElementById(id)?.validity.badInput);
  return bad ? "This is not a number" : "The field is empty";
}

/** What the page calls a control. */
function nameOf(field) {
  const input = document.getElementById((INPUTS[field] ?? [field])[0]);
  return (input?.closest("fieldset.field")?.querySelector("legend") ?? input?.labels?.[0])?.textContent.trim() ?? field;
}

/** Whether a control is shown, so that its value matters. */
function matters(id) {
  return find(id).closest("[hidden]") === null;
}

/** The number in a field; null if there is none. */
function number(id) {
  const text = find(id).value.trim();
  return text === "" || Number.isNaN(Number(text)) ? null : Number(text);
}

/** Whether the controls are above everything else. */
function isOneColumn() {
  return getComputedStyle(document.querySelector("main")).gridTemplateColumns.split(" ").length === 1;
}
