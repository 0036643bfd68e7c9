/** How far a compiled model is from onnxruntime, on channels that no training saw, over the SNRs that the zoo is trained for. */
import { fromParts, fromPhases, matmul } from '../core/signal/complex-matrix.ts';
import { fromDb, sumRate } from '../core/signal/rate.ts';
import type { Dimensions } from '../models/card.ts';
import { openCompiled } from '../models/engine/compiled-session.ts';
import { openSession } from '../models/graph/session.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';

export const SNR_FROM_DB = -8;
export const SNR_TO_DB = 22;

export interface EnginesApart {
  /** rad, of the channels: median, 95th percentile, worst. */
  phase: [median: number, p95: number, worst: number];
  /** bit/s/Hz: of the means, and of the worst channel. */
  meanRate: number;
  worstRate: number;
  worstChannel: number;
}

export async function enginesApart(
  { elements, rfChains, users }: Dimensions,
  bytes: Uint8Array,
  count: number,
): Promise<EnginesApart> {
  const set = drawChannelSet({ seed: 9, name: 'test', count, elements, users, paths: 10, scale: 'unit-element' });
  const compiled = openCompiled(bytes);
  const judge = await openSession(bytes);
  const rows: { phase: number; own: number; expected: number }[] = [];
  for (let channel = 0; channel < count; channel++) {
    const noise = 1 / fromDb(SNR_FROM_DB + ((SNR_TO_DB - SNR_FROM_DB) * channel) / count);
    const packed = set.packed.slice(channel * set.stride, (channel + 1) * set.stride);
    compiled.inputs['channel'].set(packed);
    compiled.inputs['power'][0] = 1;
    compiled.inputs['noise'][0] = noise;
    compiled.run();
    const expected = await judge.run({
      channel: { values: packed, shape: [1, users, elements, 2] },
      power: { values: Float32Array.of(1), shape: [1] },
      noise: { values: Float32Array.of(noise), shape: [1] },
    });
    const rateOf = (phases: ArrayLike<number>, weights: ArrayLike<number>): number => {
      const part = (offset: number): Float64Array =>
        Float64Array.from({ length: rfChains * users }, (_, i) => weights[2 * i + offset]);
      const analog = fromPhases(Float64Array.from(phases), elements, rfChains);
      return sumRate(set.channels[channel], matmul(analog, fromParts(rfChains, users, part(0), part(1))), noise);
    };
    const phases = compiled.outputs['analog_phase'];
    let phase = 0;
    phases.forEach((value, i) => {
      const difference = value - expected['analog_phase'].values[i];
      phase = Math.max(phase, Math.abs(Math.atan2(Math.sin(difference), Math.cos(difference))));
    });
    rows.push({
      phase,
      own: rateOf(phases, compiled.outputs['digital']),
      expected: rateOf(expected['analog_phase'].values, expected['digital'].values),
    });
  }
  await judge.close();
  const sorted = rows.map(({ phase }) => phase).sort((a, b) => a - b);
  const differences = rows.map(({ own, expected }) => own - expected);
  const worst = differences.reduce((most, value, i) => (Math.abs(value) > Math.abs(differences[most]) ? i : most), 0);
  return {
    phase: [sorted[count >> 1], sorted[Math.floor(count * 0.95)], sorted[count - 1]],
    meanRate: differences.reduce((sum, value) => sum + value, 0) / count,
    worstRate: differences[worst],
    worstChannel: worst,
  };
}
