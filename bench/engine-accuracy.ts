/**
 * How far compiled models are from onnxruntime: every model of the zoo on 200 channels never trained
 * on, over the SNRs that it was trained for.
 *
 *   npx tsx bench/engine-accuracy.ts [--channels 200] [--json]
 *
 * Of a channel, the largest difference of a phase, and the difference of what the beam is worth as computed: its sum rate, or R − ωτ of a model
 * that senses. A few channels in a hundred are chaotic, most of them where a network has thousands of steps: a rounding decides which way they go,
 * in onnxruntime as well, so read the medians and see the worst.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from '../models/reproduce/provenance.ts';
import { listSizedModels } from '../models/reproduce/sized-models.ts';
import { enginesApart, type EnginesApart } from '../test/engines-apart.ts';

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
const results: ({ model: string } & EnginesApart)[] = [];
for (const { id, path, card } of listSizedModels()) {
  results.push({ model: id, ...(await enginesApart(card, readFileSync(path), count)) });
}
if (options.json)
  console.log(JSON.stringify({ bench: 'engine-accuracy', machine: machine(), channels: count, results }, null, 2));
else {
  console.log(`${count} channels over the SNRs of its training: compiled against onnxruntime`);
  for (const { model, phase, medianWorth, meanWorth, worstWorth, worstChannel } of results) {
    const [median, p95, most] = phase.map((value) => value.toExponential(1));
    console.log(
      `${model.padEnd(30)} largest phase difference of a channel, rad: median ${median}, p95 ${p95}, most ${most}; worth, bit/s/Hz: median ${medianWorth.toExponential(1)}, mean ${meanWorth.toExponential(1)}, worst ${worstWorth.toExponential(1)} (channel ${worstChannel})`,
    );
  }
}
