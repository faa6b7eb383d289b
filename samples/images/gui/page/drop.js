// Sends pictures that were dropped on the page, or chosen there, to the program, which then uses them as its source.

import { find, mark, write } from "../dashboard/dom.js";
import { count } from "../dashboard/units.js";

const MOST_FILES = 500;
const MOST_BYTES = 64 * 1024 * 1024;
const MOST_SAID = 3; // problems with single files
const GONE_AFTER = 700; // milliseconds
const AGAIN = 409; // the program does not know yet that files are coming

/** Sends dropped files; `done()` is called when some have arrived. */
export class Drop {
  #connection;
  #allowed;
  #done;
  #opened = null;
  #timer = 0;
  #busy = false;
  #kinds = []; // the extensions of pictures

  constructor(connection, allowed, done) {
    this.#connection = connection;
    this.#allowed = allowed;
    this.#done = done;
    addEventListener("dragenter", (event) => this.#over(event));
    addEventListener("dragover", (event) => this.#over(event));
    addEventListener("drop", (event) => this.#dropped(event));
    find("files").addEventListener("change", (event) => {
      const files = [...event.target.files];
      event.target.value = "";
      if (files.length) this.#send(files);
    });
  }

  /** Take the extensions of pictures. */
  setKinds(kinds) {
    this.#kinds = kinds;
  }

  /** The program now expects files, or reports how many have come. */
  answered(message) {
    if (message.open) this.#opened?.();
  }

  /** Files are held over the page. The browser repeats this event; when it stops, they have left the page. */
  #over(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.#cover(this.#allowed());
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#cover(false), GONE_AFTER);
  }

  #cover(yes) {
    find("drop-here").hidden = !yes;
  }

  async #dropped(event) {
    if (!hasFiles(event)) return;
    event.preventDefault();
    this.#cover(false);
    const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const plain = [...event.dataTransfer.files];
    await this.#send(entries.some((entry) => entry.isDirectory) ? await filesOf(entries) : plain);
  }

  async #send(files) {
    if (this.#busy || !this.#allowed()) return say("Stop the run first.");
    const pictures = files.filter((file) => this.#kinds.some((kind) => file.name.toLowerCase().endsWith(kind)));
    const usable = pictures.filter((file) => file.size <= MOST_BYTES).slice(0, MOST_FILES);
    if (usable.length === 0) return say(this.#whyNone(files, pictures));
    this.#busy = true;
    try {
      await this.#begin();
      const problems = await this.#sendAll(usable);
      this.#connection.send({ type: "drop-end" });
      say([...left(files.length - pictures.length, pictures.length - usable.length), ...few(problems)].join(" "));
      if (problems.length < usable.length) this.#done();
    } finally {
      this.#busy = false;
      find("drop-progress").hidden = true;
    }
  }

  #whyNone(files, pictures) {
    if (files.length === 0) return "The folder has no files.";
    return pictures.length ? "They are larger than 64 MiB." : `There is no picture among ${count(files.length, "file")}.`;
  }

  async #begin() {
    const opened = new Promise((resolve) => {
      this.#opened = resolve;
      setTimeout(resolve, 2000);
    });
    this.#connection.send({ type: "drop-begin" });
    await opened;
  }

  async #sendAll(files) {
    const progress = find("drop-progress");
    progress.hidden = false;
    const problems = [];
    for (const [index, file] of files.entries()) {
      progress.value = index / files.length;
      const problem = await post(file);
      if (problem) problems.push(`${file.name}: ${problem.replace(/^drop: /, "")}.`);
    }
    return problems;
  }
}

/** The files that were left out, in words. */
function left(others, tooMuch) {
  const said = [];
  if (others) said.push(`${count(others, "file")} left out: not a type of picture.`);
  if (tooMuch) said.push(`${tooMuch} not taken: up to ${MOST_FILES} files of up to 64 MiB are allowed.`);
  return said;
}

/** The first few problems, and how many more there are. */
function few(problems) {
  return problems.length > MOST_SAID ? [...problems.slice(0, MOST_SAID), `And ${problems.length - MOST_SAID} more.`] : problems;
}

function hasFiles(event) {
  return [...(event.dataTransfer?.types ?? [])].includes("Files");
}

function say(text) {
  write(find("drop-problem"), text);
  mark(find("files"), "aria-invalid", text ? "true" : null);
  if (text) find("settings").open = true;
}

async function post(file) {
  for (let attempt = 0; ; attempt += 1) {
    try {
      const reply = await fetch(`drop?name=${encodeURIComponent(file.name)}`, { method: "POST", body: file });
      if (reply.ok) return "";
      if (reply.status !== AGAIN || attempt === 5) return (await reply.json().catch(() => ({}))).error ?? `refused (${reply.status})`;
    } catch {
      return "could not be sent";
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function filesOf(entries) {
  const files = [];
  const open = [...entries];
  while (open.length && files.length < MOST_FILES) {
    const entry = open.shift();
    if (entry.isFile) files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    else open.push(...(await listed(entry.createReader())));
  }
  return files;
}

async function listed(reader) {
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return all.sort((one, other) => (one.name < other.name ? -1 : 1));
    all.push(...some);
  }
}
