/** A beam as panels are told it: words at their bits, D as it goes over the wire, and what is off or weaker where somebody chose so. */
import type { Beam } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { BeamCommand } from '../panel/panel.ts';

/** Words of q bits as the panel's Q-bit words for the same phases: every 2^(Q − q)-th of its states. */
export function toPanelBits(words: Uint16Array, bits: number, panelBits: number): Uint16Array {
  return bits === panelBits ? words : words.map((word) => word << (panelBits - bits));
}

/** D as it goes over the wire: M×K row-major, re and im in turn. */
export function interleaved(digital: CMatrix): Float32Array {
  const weights = new Float32Array(2 * digital.re.length);
  for (let i = 0; i < digital.re.length; i++) {
    weights[2 * i] = digital.re[i];
    weights[2 * i + 1] = digital.im[i];
  }
  return weights;
}

/**
 * Enables and gain words of a beam that somebody chose, and the beam with the gains that the panel can show.
 * @param gainBits G of the panel, whose word w is the amplitude (w + 1)/2^G; one of 0 has none, and refuses the beam
 */
export function settingsOf(
  beam: Beam,
  gainBits: number,
): { readonly beam: Beam; readonly settings: Pick<BeamCommand, 'enabled' | 'gains'> } {
  const given = beam.asGiven;
  if (given === undefined || given === 'phases') return { beam, settings: {} };
  const { enabled, amplitude } = given;
  const switched = enabled === undefined ? {} : { enabled };
  if (amplitude === undefined) return { beam, settings: switched };
  const top = 2 ** gainBits;
  const gains = Uint16Array.from(amplitude, (a) => Math.min(top - 1, Math.max(0, Math.round(a * top) - 1)));
  const shown = Float64Array.from(gains, (word) => (word + 1) / top);
  return { beam: { ...beam, asGiven: { ...given, amplitude: shown } }, settings: { ...switched, gains } };
}
