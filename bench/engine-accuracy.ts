/**
 * How far compiled models are from onnxruntime: every model of the zoo on 200 channels never trained
 * on, over the SNRs that it was trained for.
 *
 *   npx tsx bench/engine-accuracy.ts [--channels 200] [--json]
 *
 * Of a channel, the largest difference of a phase, and the difference of the sum rate of the beam as computed. A few channels in a hundred are
 * chaotic: a rounding decides which way they go, in onnxruntime as well, so read the medians and see the worst.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { machine } from '../models/reproduce/provenance.ts';
import { listSizedModels } from '../models/reproduce/sized-models.ts';
import { enginesApart, SNR_FROM_DB, SNR_TO_DB, type EnginesApart } from '../test/engines-apart.ts';

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
  results.push({ model: id, ...(await enginesApart(card.dimensions, readFileSync(path), count)) });
}
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
