/**
 * What the array shows now, as far as anybody knows: the beam of the newest cycle, or the safe state that it was told or took by itself. A page
 * that goes on to show the beam of before would call dark what radiates, or the other way round.
 */
import { frobeniusNorm, identity, matmul, scale } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { wordsToPhases } from '../../core/signal/quantise.ts';
import { statesShown } from '../../core/signal/realise-beam.ts';
import { fromDb } from '../../core/signal/rate.ts';
import type { Controller, ControllerState, CycleView, RigDescription } from '../control/controller.ts';
import type { CycleRecord } from '../telemetry/cycle-record.ts';
import type { Radiation } from './socket-contract.ts';

/** A beam as the page shows it, of a cycle or fixed. */
export type ShownBeam = Pick<CycleView, 'words' | 'analog' | 'digital' | 'analogPhase' | 'userAzimuthRad'> & {
  record: Pick<CycleRecord, 'cycle' | 'phaseBits'>;
};

/** Of the codeword, which belongs to no cycle. */
export const CODEWORD_CYCLE = -2;

/** @param newest of the cycles; @param lit whether any beam is known to have radiated since the start */
export function radiationNow(
  state: ControllerState,
  rig: RigDescription,
  newest: Pick<CycleRecord, 'outcome'> | undefined,
  lit: boolean,
): Radiation {
  const { safe } = rig;
  const safely = (confirmed: boolean, byItself: boolean): Radiation => {
    if (safe.state === 'codeword') return { shows: 'codeword', azimuthDeg: safe.azimuthDeg, confirmed, byItself };
    const shows = safe.state === 'mute' ? 'dark' : lit ? 'held' : 'nothing';
    return { shows, azimuthDeg: null, confirmed, byItself };
  };
  const plainly = (shows: Radiation['shows']): Radiation => ({ shows, azimuthDeg: null, confirmed: true, byItself: false });
  // Also before the first and after the last of them: never is called dark what may radiate.
  if (state === 'measuring') return plainly('settings');
  if (safe.confirmed || (state !== 'running' && state !== 'starting')) return safely(safe.confirmed, false);
  if (newest === undefined) return plainly('nothing');
  if (newest.outcome === 'ok') return plainly('beam');
  const links = rig.links.filter(({ source }) => rig.source === 'simulator' || source !== 'simulator');
  if (links.length > 0 && links.every((link) => link.state === 'made safe')) return safely(true, true);
  return plainly('unknown');
}

/**
 * The fixed beam of the safe state as if a cycle had made it. Its digital precoder is the panel's own affair; all chains point the same way,
 * so only the level of the pattern depends on it, which is calculated for the whole power spread evenly over the chains.
 */
export function codewordView(rig: RigDescription, beam: ReturnType<Controller['safeBeam']>): ShownBeam | undefined {
  if (!beam) return undefined;
  const { words, phaseBits, states } = beam;
  const analogPhase = wordsToPhases(words, phaseBits);
  const { elements, rfChains } = rig;
  const connection = connectionMask(rig.connection, elements, rfChains);
  const analog = statesShown({ elements, rfChains, connection }, words, states);
  const even = identity(rig.rfChains);
  const digital = scale(even, Math.sqrt(fromDb(rig.snrDb)) / frobeniusNorm(matmul(analog, even)));
  return {
    record: { cycle: CODEWORD_CYCLE, phaseBits },
    words,
    analog,
    digital,
    analogPhase,
    userAzimuthRad: new Float64Array(),
  };
}
