/** What this machine's vector unit can do, by loops that do nothing else. */
import { encodeModule, FLOAT32, FunctionCode, VECTOR } from '../models/engine/wasm-module.ts';

export interface VectorLimits {
  /** Multiplications and additions of float32, four in a vector. */
  gigaflopsPerSecond: number;
  /** Of a vector. */
  divideNs: number;
  rootNs: number;
}

const TURNS = 400_000;
/** Enough that none waits for the one before. */
const ACCUMULATORS = 12;
const ROUNDS = 15;

export function vectorLimits(): VectorLimits {
  const { mul, add, div, sqrt } = FLOAT32.op;
  const product = bestNs((code, accumulator, factor) => {
    code.get(accumulator);
    code.get(factor);
    code.vector(mul);
    code.get(factor);
    code.vector(add);
  });
  const divideNs = bestNs((code, accumulator, factor) => {
    code.get(accumulator);
    code.get(factor);
    code.vector(div);
  });
  const rootNs = bestNs((code, accumulator) => {
    code.get(accumulator);
    code.vector(sqrt);
  });
  return { gigaflopsPerSecond: (2 * FLOAT32.width) / product, divideNs, rootNs };
}

/** Least time of one of them, ns. @param write leaves the next value of an accumulator on the stack */
function bestNs(write: (code: FunctionCode, accumulator: number, factor: number) => void): number {
  const code = new FunctionCode(0);
  const turn = code.integerLocal();
  const factor = code.vectorLocal();
  const accumulators = Array.from({ length: ACCUMULATORS }, () => code.vectorLocal());
  for (const local of [factor, ...accumulators]) {
    code.integer(0);
    code.memory(VECTOR.load, 64);
    code.set(local);
  }
  code.loop(turn, 0, TURNS, 1, () => {
    for (const accumulator of accumulators) {
      write(code, accumulator, factor);
      code.set(accumulator);
    }
  });
  for (const accumulator of accumulators) {
    code.integer(0);
    code.get(accumulator);
    code.memory(VECTOR.store, 128);
  }
  const memory = new WebAssembly.Memory({ initial: 1 });
  new Float32Array(memory.buffer, 64, 4).fill(0.7);
  const instance = new WebAssembly.Instance(new WebAssembly.Module(encodeModule([code])), { host: { memory } });
  const run = instance.exports['run'] as () => void;
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const startMs = performance.now();
    run();
    best = Math.min(best, performance.now() - startMs);
  }
  return (best * 1e6) / (TURNS * ACCUMULATORS);
}
