/** The bench of a case, by what joins rig and panels there. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Bench } from './bench.ts';
import { openPlayedBench, type BenchOptions } from './played-bench.ts';

/** @throws {BeamrigError} what a bench lacks: a compiler, an emulator, a broker */
export function openBench(options: BenchOptions): Promise<Bench> {
  const { carrier } = options.one;
  if (carrier === 'loopback' || carrier === 'mqtt') return openPlayedBench(options);
  throw new BeamrigError('argument', `there is no bench for carrier ${carrier} yet`);
}
