/**
 * A beam that was kept, as what chooses the beams of a run: the same words on every cycle, and the very D that went with them. So it is sent, measured
 * and made safe as any other.
 */
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, fromPhases, matmul } from '../../core/signal/complex-matrix.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { wordsToPhases } from '../../core/signal/quantise.ts';
import { fromDb, toDb } from '../../core/signal/rate.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import type { KeptBeam } from '../telemetry/kept-beams.ts';

export function chooseKept(
  { cycle, elements, rfChains, users, phaseBits }: KeptBeam,
  { words, digital }: { words: Uint16Array; digital: CMatrix },
): Beamformer {
  return {
    id: `kept-cycle-${cycle}`,
    kind: 'by-hand',
    title: `the beam of cycle ${cycle}, as it was kept`,
    dimensions: { elements, rfChains, users },
    compute: async () => ({ analogPhase: wordsToPhases(words, phaseBits), digital, asGiven: { bits: phaseBits, words } }),
    close: async () => undefined,
  };
}

/** @throws BeamrigError 'rig-file' where the rig is another than the beam is for */
export function requireSameArray(kept: KeptBeam, connection: string | undefined, rig: RigFile): void {
  const { array } = rig;
  const pairs: [what: string, beam: string | number, rig: string | number][] = [
    ['elements', kept.elements, elementsOf(rig)],
    ['RF chains', kept.rfChains, array.rfChains],
    ['users', kept.users, rig.users.count],
    ['connection', connection ?? array.connection, array.connection],
  ];
  const other = pairs.filter(([, beam, here]) => beam !== here).map(([what, beam, here]) => `${what} ${beam}, not ${here}`);
  if (kept.phaseBits > array.phaseBits) other.push(`words of ${kept.phaseBits} bits, not ${array.phaseBits}`);
  if (other.length === 0) return;
  throw new BeamrigError('rig-file', `the beam is for another array than that of '${rig.name}': ${other.join('; ')}`, {
    wayOut: 'Give the rig file of an array like the one that the beam was kept on.',
  });
}

/** What float64 makes of a beam that was scaled to the very power of its rig. */
const ROUNDING = 1 + 1e-9;

/**
 * A beam goes out with the D that it was kept with, so its own power is what is radiated, whatever the run's manifest says.
 * @throws BeamrigError 'rig-file' where that is more than the rig may radiate, or no number
 */
export function requireNoMorePower(
  { elements, rfChains, phaseBits }: KeptBeam,
  { words, digital }: { words: Uint16Array; digital: CMatrix },
  { name, snrDb, array }: RigFile,
): void {
  const mask = array.connection === 'full' ? undefined : connectionMask(array.connection, elements, rfChains);
  const analog = fromPhases(wordsToPhases(words, phaseBits), elements, rfChains, mask);
  const power = frobeniusNorm(matmul(analog, digital)) ** 2;
  if (power <= fromDb(snrDb) * ROUNDING) return;
  const finite = Number.isFinite(power);
  const beamDb = finite ? `${toDb(power).toFixed(2)} dB` : 'no number';
  throw new BeamrigError('rig-file', `the beam has more power than '${name}' may radiate: ${beamDb}, and snrDb is ${snrDb}`, {
    wayOut: finite
      ? 'Set snrDb in the rig file to the power of the beam where the array may have it.'
      : 'Send another cycle: the digital weights of this one are none.',
  });
}
