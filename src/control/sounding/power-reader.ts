/**
 * A slot of a sounding where users report SNR and no pilots: D drives one stream and nothing else, so that the SNR of its user is a power,
 *
 *   one chain:    |y_m|²         two chains, the stronger r turned by j^i:    |y_m + j^i·y_r|²
 *
 * in units of the noise at the user. Every user and every choice of chains is a beam of its own under the same words. Singles are enough for where a
 * user is; with pairs, y is known but for one phase, which the whole row of a user has in common and which matters to nobody.
 */
import { zeros, type CMatrix } from '../../../core/signal/complex-matrix.ts';
import { chainsByPower } from '../../../sounding/power-only.ts';
import type { PanelFailure, Result } from '../../panel/panel.ts';
import type { Bench } from '../between-cycles.ts';
import { columnOf, powerOf, type DrivenChains } from '../driven-chains.ts';
import type { SlotReading, SlotRequest, SlotToShow } from './slot-reader.ts';

type Request = Omit<SlotRequest, 'times'>;
type Weights = DrivenChains['weights'];

/** @returns K×M powers as real parts, in units of the noise at the users */
export function readPowers(bench: Bench, slot: SlotToShow, request: Request): Promise<Result<SlotReading[]>> {
  return readUsers(bench, request, async (user) => {
    const powers = await readSingles(bench, slot, request, user);
    return powers.ok ? { ok: true, value: { row: rowOf(powers.value.values), pilots: powers.value.pilots } } : powers;
  });
}

/** @returns K×M, what user k hears of each chain but for a phase of the whole row, in units where the noise at the users is 1 */
export function readChainsByPower(bench: Bench, slot: SlotToShow, request: Request): Promise<Result<SlotReading[]>> {
  return readUsers(bench, request, async (user) => {
    const singles = await readSingles(bench, slot, request, user);
    if (!singles.ok) return singles;
    const powers = singles.value.values;
    const strongest = powers.indexOf(Math.max(...powers));
    const pairs: [number, number][] = [];
    for (let chain = 0; chain < request.rfChains; chain++) {
      if (chain === strongest) {
        pairs.push([0, 0]);
        continue;
      }
      const pair: number[] = [];
      for (const [re, im] of [
        [1, 0],
        [0, 1],
      ]) {
        const weights = [
          { chain, re: 1, im: 0 },
          { chain: strongest, re, im },
        ];
        const power = await readDriven(bench, slot, request, user, weights);
        if (!power.ok) return power;
        pair.push(power.value.power);
      }
      pairs.push([pair[0], pair[1]]);
    }
    return { ok: true, value: { row: chainsByPower(powers, pairs, strongest), pilots: singles.value.pilots } };
  });
}

/** @returns 1×B powers of one user on the first B chains, as `readPowers` has them */
export async function readPowersOf(
  bench: Bench,
  slot: SlotToShow,
  request: Request,
  user: number,
  chains: number,
): Promise<Result<SlotReading>> {
  const read = await readSingles(bench, slot, request, user, chains);
  if (!read.ok) return read;
  bench.heard();
  return { ok: true, value: { values: rowOf(read.value.values), pilots: read.value.pilots } };
}

/** Beams that users' readings take under one set of words. */
export const beamsByPower = (rfChains: number, users: number): { singles: number; withPairs: number } => ({
  singles: users * rfChains,
  withPairs: users * (3 * rfChains - 2),
});

async function readUsers(
  bench: Bench,
  { users, rfChains }: Request,
  read: (user: number) => Promise<Result<{ row: CMatrix; pilots: number }>>,
): Promise<Result<SlotReading[]>> {
  const values = zeros(users, rfChains);
  let pilots = Infinity;
  for (let user = 0; user < users; user++) {
    const heard = await read(user);
    if (!heard.ok) return heard;
    values.re.set(heard.value.row.re, user * rfChains);
    values.im.set(heard.value.row.im, user * rfChains);
    pilots = Math.min(pilots, heard.value.pilots);
  }
  bench.heard();
  return { ok: true, value: [{ values, pilots }] };
}

async function readSingles(
  bench: Bench,
  slot: SlotToShow,
  request: Request,
  user: number,
  chains = request.rfChains,
): Promise<Result<{ values: number[]; pilots: number }>> {
  const values: number[] = [];
  let pilots = Infinity;
  for (let chain = 0; chain < chains; chain++) {
    const heard = await readDriven(bench, slot, request, user, [{ chain, re: 1, im: 0 }]);
    if (!heard.ok) return heard;
    values.push(heard.value.power);
    pilots = Math.min(pilots, heard.value.pilots);
  }
  return { ok: true, value: { values, pilots } };
}

async function readDriven(
  bench: Bench,
  { words, phaseBits }: SlotToShow,
  { users, rfChains, pilots }: Request,
  user: number,
  weights: Weights,
): Promise<Result<{ power: number; pilots: number }>> {
  const { panel } = bench.on;
  const beamId = await bench.beamId();
  const digital = { users, weights: columnOf({ weights }, rfChains, users, user) };
  const applied = await panel.apply({ beamId, words, phaseBits, digital });
  if (!applied.ok) return applied;
  const report = await panel.measureSnr(beamId, pilots);
  const power = powerOf(report, user);
  if (!power.ok) return power;
  if (Number.isNaN(power.value)) return { ok: false, failure: outOfScale(user) };
  return { ok: true, value: { power: power.value, pilots: report.ok ? report.value.pilots : pilots } };
}

const outOfScale = (user: number): PanelFailure => ({
  reason: 'unusable-report',
  request: 'measure-snr',
  detail: `the SNR of user ${user} is out of what a report can say: lower the gain of the receiver`,
});

const rowOf = (values: readonly number[]): CMatrix => ({
  rows: 1,
  cols: values.length,
  re: Float64Array.from(values),
  im: new Float64Array(values.length),
});
