// The WebSocket to the program: JSON both ways, and binary messages from the program. It reconnects by itself.

const RETRY = [100, 200, 400, 800, 1500]; // milliseconds, from one attempt to the next
const SAY_SO = 10_000; // milliseconds between two messages that say that the page is still there
const GIVE_UP_AFTER = 10_000; // milliseconds without an answer, after which the program is taken to have ended

/** Exchanges messages with the program, and calls `on` for each event. */
export class Connection {
  #on;
  #name;
  #socket = null;
  #attempts = 0;
  #lostAt = performance.now();
  #ended = false;
  #timer = 0;

  /**
   * @param on {{opened(), message(object), data(ArrayBuffer), lost(), ended(string)}}
   * @param key the key under which the page keeps its name while it is reloaded
   */
  constructor(on, key) {
    this.#on = on;
    this.#name = nameOfPage(key);
    document.addEventListener("visibilitychange", () => this.send({ type: "visible", yes: !document.hidden }));
    addEventListener("pageshow", (event) => event.persisted && this.open());
    setInterval(() => this.send({ type: "here" }), SAY_SO);
    addEventListener("online", () => this.open());
  }

  get ready() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connect, unless there is a connection; after the end, check whether the program is there again. */
  open() {
    if (this.#socket !== null) return;
    if (this.#ended) this.#lostAt = performance.now();
    this.#ended = false;
    clearTimeout(this.#timer);
    const address = new URL(`ws?name=${encodeURIComponent(this.#name)}`, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = () => this.#closed(socket);
    this.#socket = socket;
  }

  /** Send a message. Without a connection the message is lost, and this returns false. */
  send(message) {
    if (!this.ready) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  #opened() {
    this.#attempts = 0;
    if (document.hidden) this.send({ type: "visible", yes: false });
    this.#on.opened();
  }

  #received(data) {
    if (typeof data !== "string") return this.#on.data(data);
    const message = JSON.parse(data);
    if (message.type === "bye") this.#end(message.reason ?? "");
    else this.#on.message(message);
  }

  #closed(socket) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    if (this.#ended) return;
    if (this.#attempts === 0) this.#lostAt = performance.now();
    if (performance.now() - this.#lostAt > GIVE_UP_AFTER) return this.#end("");
    this.#on.lost();
    const wait = RETRY[Math.min(this.#attempts, RETRY.length - 1)];
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.open(), wait);
  }

  #end(reason) {
    this.#ended = true;
    this.#attempts = 0;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    this.#on.ended(reason);
  }
}

/** A name that the page keeps when it is reloaded; empty if the browser keeps nothing. */
function nameOfPage(key) {
  try {
    const name = sessionStorage.getItem(key) ?? Math.random().toString(36).slice(2);
    sessionStorage.setItem(key, name);
    return name;
  } catch {
    return "";
  }
}
