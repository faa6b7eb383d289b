// A colour for each image, the same as in saved charts (penstock.blocks.recording.colours says why these).

const GOLDEN_ANGLE = 137.50776405;
const LIGHTNESS = [0.77, 0.61, 0.92];
const CHROMA = 0.1;
const FIRST_HUE = 110;
const known = new Map();

/** The colour of an image by its number, as "#rrggbb". */
export function itemColour(item) {
  let colour = known.get(item);
  if (colour === undefined) {
    if (known.size > 20_000) known.clear();
    colour = compute(item);
    known.set(item, colour);
  }
  return colour;
}

function compute(item) {
  const lightness = LIGHTNESS[item % LIGHTNESS.length];
  const hue = (((FIRST_HUE + item * GOLDEN_ANGLE) % 360) * Math.PI) / 180;
  let chroma = CHROMA;
  let linear = toLinearRgb(lightness, chroma, hue);
  while (Math.min(...linear) < 0 || Math.max(...linear) > 1) {
    chroma *= 0.95; // the most that a screen can show of this hue
    linear = toLinearRgb(lightness, chroma, hue);
  }
  return `#${linear.map((part) => Math.round(255 * encode(part)).toString(16).padStart(2, "0")).join("")}`;
}

function toLinearRgb(lightness, chroma, hue) {
  const a = chroma * Math.cos(hue);
  const b = chroma * Math.sin(hue);
  const long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const short = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
    -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
    -0.0041960863 * long - 0.7034186147 * middle + 1.707614701 * short,
  ];
}

function encode(light) {
  return light <= 0.0031308 ? 12.92 * light : 1.055 * light ** (1 / 2.4) - 0.055;
}
