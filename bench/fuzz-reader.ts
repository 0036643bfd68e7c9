/**
 * Fuzzed frames through the serial frame reader and the codec, by the millions: nothing may throw, no good frame after a delimiter may be
 * lost, and memory may not grow. Exits 0 only if all of that holds.
 *
 *     npx tsx bench/fuzz-reader.ts [--frames 10000000] [--seed 1] [--json]
 *
 * Heap figures are taken after a full garbage collection, the first when a fiftieth of the frames has warmed everything up.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createReaderFuzz } from '../test/fuzz/serial-reader-fuzz.ts';
import { createRandom } from '../core/signal/random.ts';

const STEPS = 50;
const ALLOWED_GROWTH_MB = 4;

const numberAfter = (flag: string, otherwise: number): number => {
  const at = process.argv.indexOf(flag);
  const value = at < 0 ? otherwise : Number(process.argv[at + 1]);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  console.error(
    `${flag} is ${process.argv[at + 1]}, not a whole number from 1 on. Try: npx tsx bench/fuzz-reader.ts ${flag} 1000`,
  );
  process.exit(2);
};
const frames = Math.max(STEPS, numberAfter('--frames', 10_000_000));
const seed = numberAfter('--seed', 1);
const json = process.argv.includes('--json');

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heapMb = (): number => {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 2 ** 20;
};

const random = createRandom(seed);
const fuzz = createReaderFuzz(() => random.uniform());
const startedMs = performance.now();
const seconds = (): number => (performance.now() - startedMs) / 1000;
const heap: number[] = [];
for (let step = 1; step <= STEPS; step += 1) {
  fuzz.run(Math.floor((frames * step) / STEPS) - fuzz.figures().framesIn);
  heap.push(heapMb());
  const { framesIn, understood } = fuzz.figures();
  if (!json && step % 5 === 0) {
    console.error(
      `${framesIn} frames in, ${understood} understood, heap ${heap.at(-1)?.toFixed(2)} MB, ${seconds().toFixed(0)} s`,
    );
  }
}

const figures = fuzz.figures();
const heapStartMb = heap[0];
const heapEndMb = heap[heap.length - 1];
const { markers, changed } = figures;
const good = markers.found === markers.sent && changed === 0 && heapEndMb - heapStartMb < ALLOWED_GROWTH_MB;
if (json) {
  console.log(
    JSON.stringify({ seed, ...figures, heapStartMb, heapEndMb, heapMostMb: Math.max(...heap), seconds: seconds(), good }),
  );
} else {
  const list = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .filter(([, count]) => count > 0)
      .map(([reason, count]) => `${reason} ${count}`)
      .join(', ');
  console.log(
    [
      `frames in ${figures.framesIn} (${(figures.bytesIn / 2 ** 20).toFixed(0)} MB), out ${figures.framesOut}, understood ${figures.understood}`,
      `reader dropped: ${list(figures.readerDiscards)}`,
      `codec dropped: ${list(figures.codecDiscards)}`,
      `markers ${markers.found} of ${markers.sent}, changed ${changed}, throws 0`,
      `heap ${heapStartMb.toFixed(2)} MB at the start, ${heapEndMb.toFixed(2)} MB at the end, ${Math.max(...heap).toFixed(2)} MB at most`,
      `${seconds().toFixed(0)} s, seed ${seed}: ${good ? 'all good' : 'NOT GOOD'}`,
    ].join('\n'),
  );
}
process.exitCode = good ? 0 : 1;
