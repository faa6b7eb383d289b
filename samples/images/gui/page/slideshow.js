// The slideshow: finished thumbnails in order, one a frame of the screen at most.

import { decode } from "./decode.js";
import { find, mark, write } from "./dom.js";
import { fixed } from "./units.js";

const TEXTS_EVERY = 100; // milliseconds: names that change more often cannot be read, and cost a layout each

/** Shows pictures; says `shown()` for each, which is what the program's credit is made of. */
export class Slideshow {
  #shown;
  #canvas = find("picture");
  #figure = find("slideshow");
  #waiting = []; // pictures on their way through the decoder, in order
  #frame = 0;
  #said = 0; // when the texts were written
  #unsaid = 0; // the timer that will write them

  constructor(shown) {
    this.#shown = shown;
    document.addEventListener("visibilitychange", () => this.#soon());
  }

  /** Take a picture; it appears as soon as those before it have. */
  add(head, jpeg) {
    const entry = { head, picture: null, done: false };
    this.#waiting.push(entry);
    const ready = (picture) => {
      entry.picture = picture;
      entry.done = true;
      this.#soon();
    };
    decode(jpeg).then(ready, () => ready(null)); // who cannot be decoded is passed over
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

  /** Say what the picture is, now or as soon as the last one could be read. */
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
