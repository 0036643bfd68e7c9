/**
 * A cyclic colour map for phases: an ellipse in the plane of lightness and blue–yellow of the OKLab colour space. Red- and green-blind eyes
 * keep both axes, the ends of the circle meet, and equal steps of phase look about equally far apart.
 * Source of the colour space: B. Ottosson, "A perceptual color space for image processing", 2020.
 */
const LIGHTNESS = 0.6;
const LIGHTNESS_SWING = 0.29;
const YELLOW_SWING = 0.13;
/** A little red with the yellow and the blue, which makes them gold and violet-blue instead of olive and teal. */
const RED_SHARE = 0.03;

/** @returns sRGB, 0 … 255 each */
export function phaseColour(phaseRad: number): [red: number, green: number, blue: number] {
  const towardsYellow = Math.sin(phaseRad);
  return oklabToSrgb(
    LIGHTNESS + LIGHTNESS_SWING * Math.cos(phaseRad),
    RED_SHARE * Math.abs(towardsYellow),
    YELLOW_SWING * towardsYellow,
  );
}

/** One colour a word, packed as canvas pixels (RGBA, little-endian). */
export function wordColours(phaseBits: number): Uint32Array<ArrayBuffer> {
  const words = 2 ** phaseBits;
  return Uint32Array.from({ length: words }, (_, word) => {
    const [red, green, blue] = phaseColour((2 * Math.PI * word) / words);
    return (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
  });
}

export function oklabToSrgb(lightness: number, a: number, b: number): [number, number, number] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    toByte(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    toByte(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    toByte(-0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s),
  ];
}

function toByte(linear: number): number {
  const gamma = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.round(255 * Math.min(1, Math.max(0, gamma)));
}
