// The slideshow: finished thumbnails in order, one a frame of the screen at most.

import { find, mark, write } from "./dom.js";
import { fixed } from "./units.js";

/** Shows pictures; says `shown()` for each, which is what the program's credit is made of. */
export class Slideshow {
  #shown;
  #canvas = find("picture");
  #figure = find("slideshow");
  #waiting = []; // pictures on their way through the decoder, in order
  #frame = 0;

  constructor(shown) {
    this.#shown = shown;
    document.addEventListener("visibilitychange", () => this.#soon());
  }

  /** Take a picture; it appears as soon as those before it have. */
  add(head, blob) {
    const entry = { head, bitmap: null, done: false };
    this.#waiting.push(entry);
    const ready = (bitmap) => {
      entry.bitmap = bitmap;
      entry.done = true;
      this.#soon();
    };
    createImageBitmap(blob).then(ready, () => ready(null)); // who cannot be decoded is passed over
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
    const { head, bitmap } = this.#waiting.shift();
    if (bitmap !== null) {
      this.#show(head, bitmap);
      bitmap.close();
    }
    this.#shown();
  }

  #show(head, bitmap) {
    const canvas = this.#canvas;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    canvas.getContext("2d", { alpha: false }).drawImage(bitmap, 0, 0);
    write(find("picture-name"), head.name);
    write(find("picture-number"), head.total ? `${fixed(head.sequence)} of ${fixed(head.total)}` : `image ${fixed(head.sequence)}`);
    mark(canvas, "aria-label", `Thumbnail of ${head.name}`);
    this.#figure.dataset.run = head.run;
    this.#figure.dataset.sequence = head.sequence;
  }
}
