// The WebSocket to the program: JSON both ways, pictures as binary messages against credit; it comes back by itself.

const CREDIT = 4; // pictures that may be under way
const RETRY = [100, 200, 400, 800, 1500]; // milliseconds, from one attempt to the next
const SAY_SO = 10_000; // milliseconds, from one word to the next that the page is there
const GIVE_UP_AFTER = 10_000; // milliseconds without the program: it has ended

/** Talks to the program; `on` is told of messages, pictures and whether there is a connection. */
export class Connection {
  #on;
  #socket = null;
  #attempts = 0;
  #lostAt = performance.now();
  #ended = false;
  #timer = 0;

  /** @param on {{message(object), picture(object, Uint8Array), lost(), ended(string)}} */
  constructor(on) {
    this.#on = on;
    document.addEventListener("visibilitychange", () => this.send({ type: "visible", yes: !document.hidden }));
    addEventListener("pageshow", (event) => event.persisted && this.open());
    setInterval(() => this.send({ type: "here" }), SAY_SO);
    addEventListener("online", () => this.open());
  }

  get ready() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Connect, unless there is a connection; after the end, look whether the program is there again. */
  open() {
    if (this.#socket !== null) return;
    if (this.#ended) this.#lostAt = performance.now();
    this.#ended = false;
    clearTimeout(this.#timer);
    const address = new URL(`ws?name=${encodeURIComponent(nameOfPage())}`, location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = () => this.#closed(socket);
    this.#socket = socket;
  }

  /** Send a message; without a connection it is lost, and false returned. */
  send(message) {
    if (!this.ready) return false;
    this.#socket.send(JSON.stringify(message));
    return true;
  }

  /** A picture has been shown: another may come. */
  shown() {
    this.send({ type: "more", pictures: 1 });
  }

  #opened() {
    this.#attempts = 0;
    if (document.hidden) this.send({ type: "visible", yes: false });
    this.send({ type: "more", pictures: CREDIT });
  }

  #received(data) {
    if (typeof data !== "string") {
      const length = new DataView(data).getUint32(0);
      const head = JSON.parse(new TextDecoder().decode(new Uint8Array(data, 4, length)));
      this.#on.picture(head, new Uint8Array(data, 4 + length));
      return;
    }
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

/** A name that the page keeps when it is reloaded; none if the browser keeps nothing. */
function nameOfPage() {
  try {
    const name = sessionStorage.getItem("penstock-images-page") ?? Math.random().toString(36).slice(2);
    sessionStorage.setItem("penstock-images-page", name);
    return name;
  } catch {
    return "";
  }
}
