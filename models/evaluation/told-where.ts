/** Errors of an evaluation say where: of thousands of channels at several SNRs, one is easily the only one. */
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { toDb } from '../../core/signal/rate.ts';

export interface EvaluatedPlace {
  /** Name of the beamformer. */
  model: string;
  /** Where the channels are from. */
  file: string;
  /** Index in it. */
  channel: number;
  /** P/σ², linear. */
  snr: number;
}

/**
 * The error with file, channel, SNR and beamformer before what it says. What was 'argument' to a beamformer is none that anybody typed: 'no-figure'.
 */
export function toldWhere(error: unknown, { model, file, channel, snr }: EvaluatedPlace): unknown {
  if (!isBeamrigError(error)) return error;
  const { code, message, wayOut } = error;
  const where = `${file}: [${channel}] at ${Number(toDb(snr).toFixed(3))} dB has no figure by ${model}: ${message}`;
  const others = 'Leave that channel or that SNR out, or choose another model or baseline.';
  return new BeamrigError(code === 'argument' ? 'no-figure' : code, where, {
    wayOut: wayOut === undefined ? others : `${sentence(wayOut)} ${others}`,
    cause: error,
  });
}

/** With a capital at its beginning and a full stop at its end. */
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.?$/, '.')}`;
