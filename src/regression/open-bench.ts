/** The bench of a case, by what joins rig and panels there. */
import type { BenchOptions } from './bench-rig.ts';
import type { Bench } from './bench.ts';
import { openFirmwareBench } from './firmware-bench.ts';
import { isFirmware } from './firmware-limits.ts';
import { openHardwareBench } from './hardware-bench.ts';
import { openPlayedBench } from './played-bench.ts';

/** @throws {BeamrigError} 'bench-part' for what a bench lacks: a compiler, an emulator */
export function openBench(options: BenchOptions): Promise<Bench> {
  const { hardware, one } = options;
  const { carrier } = one;
  if (hardware !== undefined) return openHardwareBench(options, hardware);
  return isFirmware(carrier) ? openFirmwareBench(options, carrier) : openPlayedBench(options);
}
