/** Marks on elements that do not do what they are told: a shape for each flaw, with a word for it, so that no colour has to be told from another. */
import type { RigDescription } from '../../src/server/socket-contract.ts';

export type Flaw = RigDescription['flaws'][number];

const SIGNS: Record<Flaw['flaw'], { sign: string; word: string }> = {
  dead: { sign: '✕', word: 'dead' },
  stuck: { sign: '■', word: 'stuck' },
  'dead-or-stuck': { sign: '✕', word: 'dead or stuck' },
  weak: { sign: '▽', word: 'weak' },
  suspect: { sign: '?', word: 'suspected' },
  off: { sign: '∠', word: 'off' },
};
export const signOf = ({ flaw }: Flaw): string => SIGNS[flaw].sign;

/** Elements named of one kind. */
const MOST_NAMED = 6;
const SMALLEST_PX = 7;
const LARGEST_PX = 16;

/** Of one element on one chain: 'dead (by the table)'; undefined where nothing is known against it. */
export function flawAt(flaws: readonly Flaw[], element: number, chain: number): string | undefined {
  const flaw = flaws.find((one) => one.element === element && (one.chain === null || one.chain === chain));
  if (flaw === undefined) return undefined;
  const by = { table: 'by its table', watch: 'by what users measure', probe: 'measured again' }[flaw.by];
  return `${flaw.offDeg === null ? SIGNS[flaw.flaw].word : `off by ${flaw.offDeg.toFixed(0)}°`} (${by})`;
}

/** '✕ dead: 12, 40 · ■ stuck: 5'; empty where there are none. */
export function flawKey(flaws: readonly Flaw[]): string {
  const byWord = new Map<string, Set<number>>();
  for (const { flaw, element } of flaws) {
    const { sign, word } = SIGNS[flaw];
    const key = `${sign} ${word}`;
    byWord.set(key, (byWord.get(key) ?? new Set()).add(element));
  }
  return Array.from(byWord, ([key, elements]) => {
    const named = [...elements].sort((a, b) => a - b);
    const more = named.length > MOST_NAMED ? ` and ${named.length - MOST_NAMED} more` : '';
    return `${key}: ${named.slice(0, MOST_NAMED).join(', ')}${more}`;
  }).join(' · ');
}

/** Draws the sign of a flaw into a cell: dark with a light edge, to be seen on every phase. */
export function drawFlaw(
  context: CanvasRenderingContext2D,
  { flaw }: Flaw,
  x: number,
  y: number,
  width: number,
  height: number,
): void {
  const size = Math.max(SMALLEST_PX, Math.min(LARGEST_PX, width, height));
  context.save();
  context.font = `bold ${size}px sans-serif`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.lineJoin = 'round';
  context.lineWidth = 3;
  context.strokeStyle = '#ffffff';
  context.fillStyle = '#000000';
  context.strokeText(SIGNS[flaw].sign, x + width / 2, y + height / 2);
  context.fillText(SIGNS[flaw].sign, x + width / 2, y + height / 2);
  context.restore();
}
