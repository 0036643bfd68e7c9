/**
 * Why readings do not fit one another, as far as what is left of them tells.
 *
 * Let z_i = r_i·ĉ*[n, word(i, n)]/|ĉ| be what is left of reading i in the frame of element n. An element that answers now so and now otherwise leaves multiples
 * of its own field, on one line in its own frame: |Σ z_i²| is near Σ |z_i|², and for all other elements it is small, for there the angles are any. Where
 * the field changed as a whole, because the probe or what reflects moved, most elements leave one thing before a moment and another after it.
 */
import type { StateEstimate } from './estimate-states.ts';
import { shownIn, type ReadingPlan } from './reading-plan.ts';

export type Misfit =
  /** One element, and the share of what is left that is its. */
  | { readonly kind: 'element'; readonly element: number; readonly share: number }
  /** Most elements changed at about this reading. */
  | { readonly kind: 'moved'; readonly reading: number }
  | { readonly kind: 'unknown' };

/** Moments that a change is looked for at. */
const MOMENTS = 16;
/** So many moments before and after. */
const NEAR = 2;
const LEAST_SHARE = 0.3;
/** Of an element, in variances: one in e^5 by chance. */
const SURE_CHANGE = 5;

export function misfitOf(plan: ReadingPlan, { states, residual }: Pick<StateEstimate, 'states' | 'residual'>): Misfit {
  const moment = Math.max(1, Math.floor(plan.readings / MOMENTS));
  let power = 0;
  for (let i = 0; i < residual.rows; i++) power += residual.re[i] ** 2 + residual.im[i] ** 2;
  let suspect = { element: 0, share: 0 };
  /** By moment: elements that changed there, and how surely all of them together. */
  const changed = new Float64Array(MOMENTS);
  const sureness = new Float64Array(MOMENTS);
  let heardElements = 0;
  for (let n = 0; n < plan.elements; n++) {
    const { squareRe, squareIm, on, sums } = inFrameOf(plan, n, { states, residual }, moment);
    if (on === 0) continue;
    heardElements++;
    const share = Math.hypot(squareRe, squareIm) / ((power * on) / plan.readings || 1);
    if (share > suspect.share) suspect = { element: n, share };
    for (let at = 1; at < MOMENTS; at++) {
      // Near it alone: what goes on for long was taken for drift, in lines.
      const [before, after] = [total(sums.slice(Math.max(0, at - NEAR), at)), total(sums.slice(at, at + NEAR))];
      if (before.count === 0 || after.count === 0) continue;
      const re = before.re / before.count - after.re / after.count;
      const im = before.im / before.count - after.im / after.count;
      const variance = (power / plan.readings) * (1 / before.count + 1 / after.count);
      const sure = (re * re + im * im) / (variance || 1);
      sureness[at] += sure;
      if (sure > SURE_CHANGE) changed[at]++;
    }
  }
  const at = sureness.indexOf(Math.max(...sureness));
  if (changed[at] > heardElements / 2) return { kind: 'moved', reading: at * moment };
  return suspect.share > LEAST_SHARE ? { kind: 'element', ...suspect } : { kind: 'unknown' };
}

interface Sum {
  re: number;
  im: number;
  count: number;
}

function inFrameOf(
  plan: ReadingPlan,
  n: number,
  { states, residual }: Pick<StateEstimate, 'states' | 'residual'>,
  moment: number,
): { squareRe: number; squareIm: number; on: number; sums: Sum[] } {
  const sums = Array.from({ length: MOMENTS }, () => ({ re: 0, im: 0, count: 0 }));
  let [squareRe, squareIm, on] = [0, 0, 0];
  for (let i = 0; i < plan.readings; i++) {
    const word = shownIn(plan, i, n);
    if (word === undefined) continue;
    const at = n * states.cols + word;
    const size = Math.hypot(states.re[at], states.im[at]) || 1;
    const re = (residual.re[i] * states.re[at] + residual.im[i] * states.im[at]) / size;
    const im = (residual.im[i] * states.re[at] - residual.re[i] * states.im[at]) / size;
    squareRe += re * re - im * im;
    squareIm += 2 * re * im;
    on++;
    const sum = sums[Math.min(Math.floor(i / moment), MOMENTS - 1)];
    sum.re += re;
    sum.im += im;
    sum.count++;
  }
  return { squareRe, squareIm, on, sums };
}

const total = (sums: readonly Sum[]): Sum =>
  sums.reduce((all, { re, im, count }) => ({ re: all.re + re, im: all.im + im, count: all.count + count }), {
    re: 0,
    im: 0,
    count: 0,
  });
