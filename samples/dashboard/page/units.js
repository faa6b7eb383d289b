// Numbers as text: the same quantity always has the same number of decimals, so that digits stay in their places.

const NOTHING = "–";
const formats = new Map();

/** A number with a fixed count of decimals; a dash for an unknown one. */
export function fixed(value, decimals = 0) {
  if (value === null || value === undefined || !Number.isFinite(value)) return NOTHING;
  if (!formats.has(decimals)) {
    formats.set(decimals, new Intl.NumberFormat("en", { minimumFractionDigits: decimals, maximumFractionDigits: decimals }));
  }
  return formats.get(decimals).format(value);
}

/** Seconds as milliseconds, without the unit. */
export function ms(seconds) {
  return seconds === null || seconds === undefined ? NOTHING : fixed(1000 * seconds, 1);
}

/** A length of time with its unit, for sentences. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return NOTHING;
  if (Math.abs(seconds) < 1) return `${fixed(1000 * seconds, 1)} ms`;
  return `${fixed(seconds, seconds < 10 ? 2 : 1)} s`;
}

/** A count with its noun. */
export function count(number, noun) {
  return `${fixed(number)} ${noun}${number === 1 ? "" : "s"}`;
}
