// The events of the program, read only. It reconnects by itself; while the page is hidden there is no connection.

const RETRY = [200, 400, 800, 1500]; // milliseconds, from one attempt to the next
const GIVE_UP_AFTER = 10_000; // milliseconds without an answer, after which the program is taken to have ended
const HIDDEN = 3_000; // milliseconds after which a hidden page ends its connection

/** Reads the messages of the program, and calls `on` for each event. */
export class Stream {
  #on;
  #source = null;
  #network = "";
  #attempts = 0;
  #lostAt = 0;
  #ended = false;
  #timer = 0;

  /** @param on {{message(object), lost(), ended()}} */
  constructor(on) {
    this.#on = on;
    document.addEventListener("visibilitychange", () => this.#shown());
    addEventListener("online", () => this.open());
    addEventListener("pageshow", (event) => event.persisted && this.open());
    addEventListener("pagehide", () => this.#close());
  }

  /** Connect, unless there is a connection; after the end, check whether the program is there again. */
  open() {
    if (this.#source !== null) return;
    clearTimeout(this.#timer);
    if (this.#attempts === 0) this.#lostAt = performance.now();
    this.#ended = false;
    const source = new EventSource(`events?network=${this.#network}`);
    source.onmessage = (event) => this.#received(JSON.parse(event.data));
    source.onerror = () => this.#failed(source);
    this.#source = source;
  }

  /** Show another network; "" stands for the one that starts last. */
  choose(network) {
    this.#network = network;
    this.#close();
    this.open();
  }

  #received(message) {
    this.#attempts = 0;
    if (message.type === "bye") this.#end();
    else this.#on.message(message);
  }

  #failed(source) {
    if (this.#source !== source) return;
    this.#close();
    if (this.#ended) return;
    if (this.#attempts === 0) this.#lostAt = performance.now();
    if (performance.now() - this.#lostAt > GIVE_UP_AFTER) return this.#end();
    this.#on.lost();
    const wait = RETRY[Math.min(this.#attempts, RETRY.length - 1)];
    this.#attempts += 1;
    this.#timer = setTimeout(() => this.open(), wait);
  }

  #shown() {
    clearTimeout(this.#timer);
    if (this.#ended) return;
    if (document.hidden) this.#timer = setTimeout(() => this.#close(), HIDDEN);
    else this.open();
  }

  #close() {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #end() {
    this.#ended = true;
    this.#attempts = 0;
    this.#close();
    this.#on.ended();
  }
}
