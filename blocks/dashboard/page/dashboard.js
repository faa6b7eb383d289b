// The page of any network: passes each message of the program to the part that shows it.

import { Diagnosis } from "./diagnosis.js";
import { find, make, mark, write } from "./dom.js";
import { NetworkView } from "./network.js";
import { Stream } from "./stream.js";
import { Table } from "./table.js";
import { Troubles } from "./troubles.js";
import { duration } from "./units.js";

const STATES = {
  running: "running",
  done: "done",
  failed: "failed",
  stalled: "stood still",
  cancelled: "cancelled",
  recorded: "recorded",
};

const network = new NetworkView(find("network"), undefined, null, true);
const figures = new Table(find("figures"), "Figures");
const losses = new Table(find("losses"), "Items that were lost or failed");
const waits = new Diagnosis(find("waits"));
const alarm = new Diagnosis(find("alarm-text"));
const troubles = new Troubles();
const stream = new Stream({ message: receive, lost, ended });
let chosen = "";
let state = null;

const handlers = { hello, networks, state: show, spans: (message) => network.add(message), error: (message) => troubles.add(message) };

function receive(message) {
  handlers[message.type]?.(message);
}

function hello({ chart, version }) {
  find("name").title = `penstock ${version}`;
  network.setStyle(chart);
  find("again").hidden = true;
  if (state === null) say("connected", "No network has started yet");
}

/** Offer the networks of the program. */
function networks({ rows }) {
  const options = rows.toReversed().map(({ run, name, how }) => make("option", { value: run, textContent: `${run}  ${name}${how === "running" ? "" : `, ${STATES[how]}`}` }));
  find("networks").replaceChildren(make("option", { value: "", textContent: "the newest" }), ...options);
  find("networks").value = chosen;
  find("choice").hidden = rows.length < 2 && chosen === "";
}

function show(message) {
  const before = state;
  state = message;
  troubles.setRun(state.run);
  troubles.setCount(state.errors);
  write(find("name"), state.name);
  say(state.late ? "late" : state.how, statusText());
  if (before?.how !== state.how || before?.run !== state.run) {
    write(find("announcer"), `${state.name} ${STATES[state.how]}`);
    document.title = `${state.how === "running" ? "▶ " : ""}${state.name}`;
  }
  mark(document.body, "data-chart", state.chart ? "" : null);
  find("chart-hint").hidden = state.chart;
  network.show(state.network);
  find("figures-panel").hidden = find("waits-panel").hidden = state.how === "recorded";
  figures.show(state.table);
  losses.show(state.losses);
  const [lines, circle] = [state.diagnosis, state.diagnosis.filter(({ title }) => title === "In a circle")];
  showAlarm(state.verdict ? lines : circle);
  waits.show(state.verdict ? [] : lines, state.verdict ? "See above." : "No items are held, and nothing waits.");
  showSummary();
}

function statusText() {
  const seconds = duration(state.network.seconds);
  if (state.late) return `The loop has not answered for ${duration(state.late)}: a function blocks it`;
  if (state.how === "recorded") return `A recorded run of ${seconds}`;
  return state.how === "running" ? `Running for ${seconds}` : `${STATES[state.how].replace(/^./, (first) => first.toUpperCase())} after ${seconds}`;
}

/** Show why nothing moves, if it is so. */
function showAlarm(lines) {
  find("alarm").hidden = !state.verdict && lines.length === 0;
  write(find("alarm-title"), state.verdict ? "It stood still: nothing could move any more" : "Some parts wait for each other in a circle");
  alarm.show(lines);
}

function showSummary() {
  const lines = [state.bottleneck, ...state.notes].filter(Boolean);
  find("summary").hidden = lines.length === 0;
  if (find("summary-text").textContent !== lines.join("")) find("summary-text").replaceChildren(...lines.map((textContent) => make("p", { textContent })));
}

function say(status, text) {
  mark(document.body, "data-status", status);
  write(find("status-text"), text);
}

function lost() {
  say("connecting", "The connection is lost; trying again …");
  network.stop();
}

function ended() {
  network.stop();
  find("again").hidden = false;
  const how = state === null || state.how === "running" ? "" : `${statusText()}. `;
  say(how ? state.how : "ended", `${how}The program shows it no more`);
}

Object.assign(find("graph"), { tabIndex: 0, role: "region", ariaLabel: "The network, can be scrolled" }); // it may be long
find("networks").addEventListener("change", () => {
  chosen = find("networks").value;
  stream.choose(chosen);
});
find("again").addEventListener("click", () => stream.open());
mark(document.documentElement, "data-ready", "");
stream.open();
