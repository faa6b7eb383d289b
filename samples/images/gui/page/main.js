// The page: connects the parts, and passes each message to the part that shows it.

import { Connection } from "../dashboard/connection.js";
import { find, mark, write } from "../dashboard/dom.js";
import { NetworkView } from "../dashboard/network.js";
import { count, duration } from "../dashboard/units.js";
import { CodeView } from "./code.js";
import { Comparison } from "./comparison.js";
import { Controls, DROPPED } from "./controls.js";
import { Drop } from "./drop.js";
import { Errors } from "./errors.js";
import { Figures } from "./figures.js";
import { FolderList } from "./folder.js";
import { toggleKeys, useKeys } from "./keys.js";
import { Slideshow } from "./slideshow.js";
import { View } from "./view.js";

const BUTTONS = ["start", "stop", "compare", "quit"];
const CREDIT = 4; // pictures that may be on their way
const READY = { idle: "Ready", running: "Running", stopping: "Stopping …", comparing: "Comparing modes", quitting: "Ending …" };

const page = {
  state: null,
  role: "viewer",
  asked: "", // the command whose answer may be "invalid"
};

const connection = new Connection({ opened, message: receive, data: showPicture, lost, ended }, "penstock-images-page");
const slideshow = new Slideshow(() => connection.send({ type: "more", pictures: 1 }));
const controls = new Controls(() => connection.send({ type: "check", form: controls.form }));
const figures = new Figures();
const code = new CodeView();
const network = new NetworkView(find("network"), { one: "image", an: "an image" }, (node) => code.choose(node));
const comparison = new Comparison();
const errors = new Errors();
const folders = new FolderList(listFolder);
const view = new View((large) => network.setLarge(large));
const drop = new Drop(connection, mayChange, () => controls.choose(DROPPED));

const handlers = {
  hello: greet,
  state: showState,
  spans: (message) => network.add(message),
  error: (message) => errors.add(message),
  invalid: showInvalid,
  valid: ({ field }) => (field === "*" ? controls.clear() : controls.say(field, "")),
  folder: (message) => folders.show(message),
  comparison: ({ rows }) => comparison.show(rows),
  role: ({ role }) => setRole(role),
  form: ({ form }) => page.role === "viewer" && controls.set(form),
  drop: dropped,
};

function opened() {
  connection.send({ type: "more", pictures: CREDIT });
}

function showPicture(data) {
  const length = new DataView(data).getUint32(0);
  const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
  slideshow.add(head, new Uint8Array(data, 4 + length));
}

function receive(message) {
  handlers[message.type]?.(message);
}

function greet(hello) {
  showEnd(false);
  find("start").title = `penstock ${hello.version}, ${count(hello.processors, "processor")}`;
  network.setStyle(hello.chart);
  setRole(hello.role);
  comparison.setModes(hello.modes);
  code.setCodes(hello.code);
  controls.offer(hello);
  drop.setKinds(hello.kinds);
  if (hello.folder) folders.show(hello.folder);
  comparison.show(hello.comparison?.rows ?? hello.comparison ?? []);
  showState(hello.state);
}

function setRole(role) {
  page.role = role;
  document.body.dataset.role = role;
  find("role-note").hidden = role === "controller";
  if (page.state) enable(page.state.controls);
}

function showState(state) {
  const before = page.state;
  page.state = state;
  document.body.dataset.status = state.status;
  document.body.dataset.run = state.run;
  errors.setRun(state.run);
  errors.setPhases(state.phases);
  errors.setFailed(state.failed);
  write(find("status-text"), said(state).join(": "));
  if (before?.status !== state.status) announce(state);
  if (state.status === "running" || state.status === "comparing") page.asked = "";
  enable(state.controls);
  figures.show(state);
  network.show(state.network);
  code.show(state.mode);
  showWhose(state);
  showProgress(state.progress);
  const news = before && (before.status !== state.status || before.compared !== state.compared); // a quick one may be over
  if (state.compared && news && page.role === "controller") {
    find("comparison-title").scrollIntoView({ block: "nearest" });
  }
}

/** Say whose figures the page shows; after a comparison they are those of its last mode. */
function showWhose(state) {
  const mode = state.run ? comparison.label(state.mode) : "";
  const last = state.compared && state.status === "idle" ? ", the last of the compared modes" : "";
  write(find("figures-of"), mode && `: ${mode}${last}`);
  mark(document.body, "data-compared", state.compared ? "" : null);
  comparison.markShown(state.compared ? state.mode : "");
}

/** Show how far the steps before a run are, in place of the picture. */
function showProgress(progress) {
  find("getting-ready").hidden = !progress;
  if (!progress) return;
  const bar = find("getting-ready-bar");
  write(find("getting-ready-text"), progress.total ? `${progress.what}: ${progress.number} of ${progress.total}` : `${progress.what} …`);
  bar.hidden = !progress.total; // a bar that only moves would take processor time from what is measured
  if (progress.total) bar.value = (progress.number - 1) / progress.total;
}

/** The status of the program, and its message unless it says the same. */
function said({ status, message }) {
  return [READY[status], message === `${READY[status]}.` ? "" : message].filter(Boolean);
}

function announce(state) {
  const end = state.outcome ? `${count(state.images, "image")}, ${duration(state.steady ?? state.perImage)} per image` : "";
  write(find("announcer"), [...said(state), state.status === "idle" ? end : ""].filter(Boolean).map((one) => one.replace(/\.$/, "")).join(". "));
  document.title = `${state.status === "idle" ? "" : "▶ "}Penstock images`;
}

function enable(allowed) {
  const steers = page.role === "controller";
  const active = document.activeElement;
  for (const name of BUTTONS) find(name).disabled = !(steers && allowed[name]);
  controls.enable(steers && allowed.settings);
  keepFocus(active);
}

/** Move the focus from a button that was disabled to the other button. */
function keepFocus(active) {
  if (active === find("start") || active === find("compare") || active === find("stop")) page.onButtons = active;
  if (!page.onButtons?.disabled || (document.activeElement !== document.body && document.activeElement !== page.onButtons)) return;
  const next = page.onButtons === find("stop") ? find("start") : find("stop");
  if (next.disabled) return;
  next.focus({ preventScroll: true }); // the page must not jump away from what the user looks at
  page.onButtons = next;
}

function mayChange() {
  return page.role === "controller" && Boolean(page.state?.controls.settings) && connection.ready;
}

function showInvalid({ field, message }) {
  const early = field === "folder" && controls.form.folder === DROPPED && !page.asked;
  if (early) return; // the user has not dropped anything yet
  const said = controls.say(field, message);
  if (!page.asked) return;
  controls.focusProblem();
  write(find("problem"), `Not started. ${said}.`);
  page.asked = "";
}

function listFolder(path) {
  controls.choose(path);
  connection.send({ type: "list", path });
}

function dropped(message) {
  write(find("dropped-count"), message.count ? ` (${message.count})` : "");
  drop.answered(message);
}

function lost() {
  document.body.dataset.status = "connecting";
  write(find("status-text"), "The connection is lost; trying again …");
  network.stop();
  enable({});
}

function ended(reason) {
  document.body.dataset.status = "ended";
  write(find("status-text"), ["The program has ended", reason].filter(Boolean).join(": "));
  enable({});
  network.stop();
  showEnd(true);
  find("again").focus();
}

/** Show or hide the notice that the program has ended; it covers the page. Returns whether it was shown. */
function showEnd(yes) {
  const was = !find("ended").hidden;
  find("ended").hidden = !yes;
  for (const below of [document.querySelector(".page"), find("errors")]) below.inert = yes;
  return was;
}

function command(type) {
  if (find(type).disabled) return;
  page.asked = type;
  controls.sent();
  write(find("problem"), "");
  connection.send(type === "start" || type === "compare" ? { type, form: controls.form } : { type });
}

for (const name of BUTTONS) find(name).addEventListener("click", () => command(name));
find("folder").addEventListener("change", () => connection.send({ type: "list", path: find("folder").value }));
find("again").addEventListener("click", () => connection.open());
find("leave").addEventListener("click", () => showEnd(false));
useKeys(
  () => showEnd(false) || errors.close() || toggleKeys(false) || view.set(false),
  () => network.restyle(),
);
mark(document.documentElement, "data-ready", "");
connection.open();
