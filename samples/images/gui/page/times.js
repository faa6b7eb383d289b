// Lengths of time as the chapter counts them.

import { fixed } from "../dashboard/units.js";

/** Seconds as a multiple of the shortest phase of the model, which the chapter calls T. */
export function inT(seconds, { shortest }) {
  return `${fixed(seconds / shortest, 1).replace(/\.0$/, "")} T`;
}
