/**
 * What holds of every run, whatever its scenario is about:
 *
 *   one record for each cycle, in order; a void one credits no beam and says why
 *   what a good cycle credits was shown by every panel, with the very words that the controller commanded
 *   no panel shows what nobody commanded; two panels do not show different beams for long
 *   when all is over, nothing is radiated
 */
import { wordsCrc32c } from '../../firmware-protocol/packing.ts';
import { SAFE_BEAM_ID } from '../control/beam-ids.ts';
import { toPanelBits } from '../control/beam-on-wire.ts';
import type { CycleRecord } from '../telemetry/cycle-record.ts';
import type { Shown } from './bench.ts';

export interface Soundness {
  shown(shown: Shown, nowS: number): void;
  /** @param words N·M as commanded, at Q of the cycle, where it got as far */
  recorded(record: CycleRecord, words: Uint16Array | undefined): void;
  /** What did not hold, in words. @param safe what may be shown at the end */
  broken(safe: 'mute' | 'hold' | 'codeword'): string[];
}

/** The fixed beam of the safe state: kept under an id of its own, and none where a panel shows it from its memory. */
export const isFixed = (beamId: number): boolean => beamId === SAFE_BEAM_ID || beamId === 0;

/** To ask who switched, to call it off or command darkness, and the silence limit of a panel that nobody can reach, s. */
const APART_S = 6;
const MOST_TOLD = 20;
/** Beams that are remembered: more than are ever under way. */
const REMEMBERED = 64;

/**
 * @param panels elements of each panel, in its order
 * @param chains M
 * @param phaseBits Q of the panels
 */
export function createSoundness(panels: readonly (readonly number[])[], chains: number, phaseBits: number): Soundness {
  const found: string[] = [];
  const say = (text: string): void => void (found.length < MOST_TOLD && found.push(text));
  const latest = panels.map(() => new Map<number, number>());
  const showing: (Shown['beam'] | undefined)[] = panels.map(() => undefined);
  let next = 0;
  let differsSinceS: number | undefined;

  const partOf = (words: Uint16Array, elements: readonly number[]): Uint16Array => {
    const part = new Uint16Array(elements.length * chains);
    elements.forEach((element, own) => part.set(words.subarray(element * chains, (element + 1) * chains), own * chains));
    return part;
  };

  return {
    shown({ panel, beam }, nowS) {
      showing[panel] = beam;
      if (beam !== undefined) {
        latest[panel].set(beam.beamId, wordsCrc32c(beam.words));
        const [oldest] = latest[panel].keys();
        if (latest[panel].size > REMEMBERED) latest[panel].delete(oldest);
      }
      const lit = new Set(showing.flatMap((each) => (each === undefined ? [] : [each.beamId])));
      if (lit.size > 1) differsSinceS ??= nowS;
      else {
        if (differsSinceS !== undefined && nowS - differsSinceS > APART_S)
          say(`panels showed different beams for ${(nowS - differsSinceS).toFixed(1)} s`);
        differsSinceS = undefined;
      }
    },
    recorded(record, words) {
      const { cycle, outcome, beamId, failure = '' } = record;
      if (cycle !== next) say(`the record after that of cycle ${next - 1} is of cycle ${cycle}`);
      next = cycle + 1;
      if (outcome === 'void') {
        if (failure === '') say(`cycle ${cycle} is void without a reason`);
        if (beamId !== 0) say(`cycle ${cycle} is void and credits beam ${beamId}`);
        return;
      }
      if (record.source === 'simulator') return;
      panels.forEach((elements, panel) => {
        const crc = latest[panel].get(beamId);
        if (crc === undefined) say(`cycle ${cycle} credits beam ${beamId}, which panel ${panel} did not show`);
        else if (words !== undefined && crc !== wordsCrc32c(partOf(toPanelBits(words, record.phaseBits, phaseBits), elements)))
          say(`panel ${panel} showed beam ${beamId} with other words than cycle ${cycle} commanded`);
      });
    },
    broken(safe) {
      const lit = showing.flatMap((beam, panel) => {
        if (beam === undefined || safe === 'hold' || (safe === 'codeword' && isFixed(beam.beamId))) return [];
        return [`when all was over panel ${panel} still radiated beam ${beam.beamId}`];
      });
      return [...found, ...lit];
    },
  };
}
