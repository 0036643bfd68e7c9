/** How far a compiled model is from onnxruntime, on channels that no training saw, over the SNRs that it was trained for. */
import { steeringVector } from '../core/signal/geometry.ts';
import { fromParts, scale } from '../core/signal/complex-matrix.ts';
import { fromDb } from '../core/signal/rate.ts';
import type { SizedCard } from '../models/card.ts';
import { openBeams } from '../models/compiled-beams.ts';
import { compileImage } from '../models/engine/compiled-session.ts';
import { openSession, type Feed } from '../models/graph/session.ts';
import { beamOf, flatInputs, problemTensors } from '../models/model-tensors.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';
import { beamWorth } from '../src/beamforming/beam-worth.ts';

export interface EnginesApart {
  /** rad, of the channels: median, 95th percentile, worst. */
  phase: [median: number, p95: number, worst: number];
  /** bit/s/Hz, of R, or R − ωτ of a model that senses: median of the distances, difference of the means, and the worst channel. */
  medianWorth: number;
  meanWorth: number;
  worstWorth: number;
  worstChannel: number;
}

export async function enginesApart(card: SizedCard, bytes: Uint8Array, count: number): Promise<EnginesApart> {
  const { elements, rfChains, users } = card.dimensions;
  if (typeof card.training === 'string') throw new Error(`${card.id} is untrained`);
  const [fromSnrDb, toSnrDb] = card.training.snrRangeDb;
  const set = drawChannelSet({ seed: 9, name: 'test', count, elements, users, paths: 10, scale: 'unit-element' });
  const ahead = steeringVector({ kind: 'ula', elements, spacingWavelengths: 0.5 }, 0);
  const factor = scale(fromParts(elements, 1, ahead.re, ahead.im), 1 / Math.sqrt(elements));
  const sensed = card.sensing === undefined ? {} : { sensing: { factor, weight: 0.3 } };
  const compiled = openBeams({ card, image: compileImage(bytes) });
  const judge = await openSession(bytes);
  const rows: { phase: number; own: number; expected: number }[] = [];
  for (const [index, channel] of set.channels.entries()) {
    const power = fromDb(fromSnrDb + ((toSnrDb - fromSnrDb) * index) / count);
    const problem = { channel, rfChains, power, noise: 1, ...sensed };
    const flat = flatInputs(card, problem);
    const feeds: Record<string, Feed> = {};
    let at = 0;
    for (const { name, shape } of problemTensors(card)) {
      const values = flat.slice(at, (at += shape.reduce((product, length) => product * length, 1)));
      feeds[name] = { values, shape };
    }
    const found = await judge.run(feeds);
    const expected = beamOf(card, [...found['analog_phase'].values, ...found['digital'].values]);
    const own = compiled(problem);
    let phase = 0;
    own.analogPhase.forEach((value, i) => {
      const difference = value - expected.analogPhase[i];
      phase = Math.max(phase, Math.abs(Math.atan2(Math.sin(difference), Math.cos(difference))));
    });
    rows.push({ phase, own: beamWorth(problem, own), expected: beamWorth(problem, expected) });
  }
  await judge.close();
  const ascending = (values: number[]): number[] => values.sort((a, b) => a - b);
  const phases = ascending(rows.map(({ phase }) => phase));
  const differences = rows.map(({ own, expected }) => own - expected);
  const worst = differences.reduce((most, value, i) => (Math.abs(value) > Math.abs(differences[most]) ? i : most), 0);
  return {
    phase: [phases[count >> 1], phases[Math.floor(count * 0.95)], phases[count - 1]],
    medianWorth: ascending(differences.map(Math.abs))[count >> 1],
    meanWorth: differences.reduce((sum, value) => sum + value, 0) / count,
    worstWorth: differences[worst],
    worstChannel: worst,
  };
}
