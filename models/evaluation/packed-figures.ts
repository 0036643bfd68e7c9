/** Figures of channels one after the other as plain numbers: threads share them, and they go from one machine to another with all their digits. */
import type { ChannelFigures } from './channel-figures.ts';

/** Power ratio, ZF, WMMSE, then three for each number of bits, and three more of sensing. */
export const figuresLength = (bits: number, sensing: boolean): number => 3 + (sensing ? 6 : 3) * bits;

export function readFigures(figures: Float64Array, task: number, bits: number, sensing: boolean): ChannelFigures {
  const at = task * figuresLength(bits, sensing);
  const [powerRatio, zf, wmmse] = figures.subarray(at, at + 3);
  const each = sensing ? 6 : 3;
  const atBits = Array.from({ length: bits }, (_, i) => {
    const from = at + 3 + each * i;
    const [sumRate, score, own, tau, rateLessTau, beampatternMse] = figures.subarray(from, from + each);
    const shown = { sumRate, score, ownDigital: own === 1 };
    return sensing ? { ...shown, sensing: { tau, rateLessTau, beampatternMse } } : shown;
  });
  return { powerRatio, zf, wmmse, atBits };
}

export function writeFigures(figures: Float64Array, task: number, { powerRatio, zf, wmmse, atBits }: ChannelFigures): void {
  const numbers = [
    powerRatio,
    zf,
    wmmse,
    ...atBits.flatMap(({ sumRate, score, ownDigital, sensing }) => [
      ...[sumRate, score, Number(ownDigital)],
      ...(sensing === undefined ? [] : [sensing.tau, sensing.rateLessTau, sensing.beampatternMse]),
    ]),
  ];
  figures.set(numbers, task * numbers.length);
}
