// The slideshow: finished thumbnails in order, at most one per frame of the screen.

import { decode } from "./decode.js";
import { find, mark, write } from "../dashboard/dom.js";
import { fixed } from "../dashboard/units.js";

const TEXTS_EVERY = 100; // milliseconds between two names: people cannot read names that change more often

/** Shows pictures. `shown()` is called for each, so that the program may send another. */
export class Slideshow {
  #shown;
  #canvas = find("picture");
  #figure = find("slideshow");
  #waiting = []; // pictures that are being decoded, in order
  #frame = 0;
  #said = 0; // when the texts were written
  #unsaid = 0; // the timer that will write them

  constructor(shown) {
    this.#shown = shown;
    document.addEventListener("visibilitychange", () => this.#soon());
  }

  /** Take a picture; it appears after those before it. */
  add(head, jpeg) {
    const entry = { head, picture: null, done: false };
    this.#waiting.push(entry);
    const ready = (picture) => {
      entry.picture = picture;
      entry.done = true;
      this.#soon();
    };
    decode(jpeg).then(ready, () => ready(null)); // a picture that cannot be decoded is skipped
  }

  #soon() {
    if (this.#frame === 0 && this.#waiting.length > 0 && this.#waiting[0].done) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#next();
        this.#soon();
      });
    }
  }

  #next() {
    const { head, picture } = this.#waiting.shift();
    if (picture !== null) {
      this.#show(head, picture);
      picture.close();
    }
    this.#shown();
  }

  #show(head, picture) {
    const canvas = this.#canvas;
    const { width, height } = head;
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    canvas.getContext("2d", { alpha: false }).drawImage(picture, 0, 0, width, height);
    this.#figure.dataset.run = head.run;
    this.#figure.dataset.sequence = head.sequence;
    this.#saySoon(head);
  }

  /** Show the name of the picture now, or when the last name has been shown long enough. */
  #saySoon(head) {
    clearTimeout(this.#unsaid);
    const wait = this.#said + TEXTS_EVERY - performance.now();
    if (wait > 0) this.#unsaid = setTimeout(() => this.#say(head), wait);
    else this.#say(head);
  }

  #say(head) {
    this.#said = performance.now();
    write(find("picture-name"), head.name);
    write(find("picture-number"), head.total ? `${fixed(head.sequence)} of ${fixed(head.total)}` : `image ${fixed(head.sequence)}`);
    mark(this.#canvas, "aria-label", `Thumbnail of ${head.name}`);
  }
}
