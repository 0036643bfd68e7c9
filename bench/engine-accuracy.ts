/**
 * How far compiled models are from onnxruntime, and both from the same network in float64: every model of the zoo on 200 channels never trained
 * on, over the SNRs that it was trained for.
 *
 *   npx tsx bench/engine-accuracy.ts [--channels 200] [--json]
 *
 * Of a channel, the largest difference of a phase, and the difference of the sum rate of the beam as computed. A few channels in a hundred are
 * chaotic: a rounding decides which way they go, in onnxruntime as well, so read the medians and see the worst.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { fromParts, fromPhases, matmul } from '../core/signal/complex-matrix.ts';
import { fromDb, sumRate } from '../core/signal/rate.ts';
import { openCompiled } from '../models/engine/compiled-session.ts';
import { openSession } from '../models/graph/session.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { drawChannelSet } from '../models/training/channel-set.ts';
import { listModels } from '../models/zoo.ts';

const { values: options } = parseArgs({
  options: { channels: { type: 'string', default: '200' }, json: { type: 'boolean', default: false } },
});
const count = Number(options.channels);
if (!Number.isInteger(count) || count < 20) {
  console.error(
    `--channels is ${options.channels}, not a whole number from 20 on. Try: npx tsx bench/engine-accuracy.ts --channels 200`,
  );
  process.exit(2);
}
const SNR_FROM_DB = -8;
const SNR_TO_DB = 22;

interface Row {
  model: string;
  /** rad, of the channels: median, 95th percentile, worst. */
  phase: [median: number, p95: number, worst: number];
  /** bit/s/Hz: of the means, and of the worst channel. */
  meanRate: number;
  worstRate: number;
  worstChannel: number;
}

async function measure(id: string, path: string): Promise<Row> {
  const card = listModels().find((model) => model.id === id)?.card;
  if (card === undefined) throw new Error(`${id} is not in the zoo`);
  const { elements, rfChains, users } = card.dimensions;
  const set = drawChannelSet({ seed: 9, name: 'test', count, elements, users, paths: 10, scale: 'unit-element' });
  const bytes = readFileSync(path);
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
    model: id,
    phase: [sorted[count >> 1], sorted[Math.floor(count * 0.95)], sorted[count - 1]],
    meanRate: differences.reduce((sum, value) => sum + value, 0) / count,
    worstRate: differences[worst],
    worstChannel: worst,
  };
}

const results: Row[] = [];
for (const { id, path } of listModels()) results.push(await measure(id, path));
if (options.json)
  console.log(JSON.stringify({ bench: 'engine-accuracy', machine: machine(), channels: count, results }, null, 2));
else {
  console.log(`${count} channels, ${SNR_FROM_DB} to ${SNR_TO_DB} dB: compiled against onnxruntime`);
  for (const { model, phase, meanRate, worstRate, worstChannel } of results) {
    const [median, p95, most] = phase.map((value) => value.toExponential(1));
    console.log(
      `${model.padEnd(30)} largest phase difference of a channel, rad: median ${median}, p95 ${p95}, most ${most}; rate, bit/s/Hz: mean ${meanRate.toExponential(1)}, worst ${worstRate.toExponential(1)} (channel ${worstChannel})`,
    );
  }
}
