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
  if (seconds !== 0 && Math.abs(seconds) < 1e-4) return `${fixed(1e6 * seconds, 1)} µs`;
  if (Math.abs(seconds) < 1) return `${fixed(1000 * seconds, 1)} ms`;
  return `${fixed(seconds, seconds < 10 ? 2 : 1)} s`;
}

/** A count with its noun. */
export function count(number, noun) {
  return `${fixed(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** A number with three digits, and thousands and millions as k and M. */
export function short(value) {
  for (const [size, unit] of [[1e9, " G"], [1e6, " M"], [1e5, " k"]]) {
    if (value >= size) return `${threeDigits(unit === " k" ? value / 1e3 : value / size)}${unit}`;
  }
  return Number.isInteger(value) ? fixed(value) : threeDigits(value);
}

function threeDigits(value) {
  return fixed(value, value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2);
}
