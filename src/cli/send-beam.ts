/** A kept beam on a rig, for one or some cycles. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { loadRigFile } from '../config/rig-file.ts';
import { chooseKept, requireNoMorePower, requireSameArray } from '../rig/kept-beam.ts';
import { isOnRealLink, sourceText, type Source } from '../telemetry/cycle-record.ts';
import type { KeptBeam } from '../telemetry/kept-beams.ts';
import type { StoredRun } from '../telemetry/run-folder.ts';
import { printError } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { radiate } from './radiate.ts';

export interface SentBeam {
  rig: string;
  source: Source;
  /** The channel that SNR is expected over: the one that was kept, or what the rig believes its users to hear now. */
  channel: 'kept' | 'of the rig';
  /** Serial numbers of the boards that radiated it. */
  panels: string;
  cycles: number;
  void: number;
  failure?: string;
  /** Of the newest cycle that was ok; empty without one. */
  predictedSnrDb: number[];
  measuredSnrDb: number[];
  measuredSumRate: number | null;
  /** Why the array may not be in its safe state now. */
  unsafe?: string;
  worked: boolean;
}

/** @throws {BeamrigError} 'run-folder' where words were not kept, 'rig-file' where the rig has another array or less power, and what `run` throws */
export async function sendBeam(options: { run: StoredRun; kept: KeptBeam; rigPath: string; cycles: number }): Promise<SentBeam> {
  const { run, kept, rigPath, cycles } = options;
  if (kept.beam === undefined) {
    throw new BeamrigError('run-folder', `${run.folder}: channels were kept, and no phase words: there is nothing to send`, {
      wayOut: 'Set telemetry.keep: words or all in the rig file; runs from then on keep their beams.',
    });
  }
  const { rig } = loadRigFile(rigPath);
  requireSameArray(kept, run.manifest.setting?.connection, rig);
  requireNoMorePower(kept, kept.beam, rig);
  const then = run.manifest.setting?.snrDb;
  if (then !== undefined && then !== rig.snrDb) {
    printError(
      `The beam was made for an SNR of ${then} dB, and the rig file says ${rig.snrDb}: it is sent with the power that it has, which is no more.`,
    );
  }
  const file = `cycle ${kept.cycle} of ${run.manifest.run}`;
  const radiated = await radiate({
    rig,
    chosen: chooseKept(kept, kept.beam),
    ...(kept.channel === undefined ? {} : { channels: { channels: [kept.channel], file } }),
    cycles,
  });
  const { source, panels, ok, failure, unsafe, faulted } = radiated;
  return {
    rig: rig.name,
    source,
    channel: kept.channel === undefined ? 'of the rig' : 'kept',
    panels,
    cycles: radiated.cycles,
    void: radiated.void,
    ...(failure === undefined ? {} : { failure }),
    predictedSnrDb: Array.from(ok?.predictedSnrDb ?? []),
    measuredSnrDb: Array.from(ok?.measuredSnrDb ?? []),
    measuredSumRate: ok === undefined || Number.isNaN(ok.measuredSumRate) ? null : ok.measuredSumRate,
    ...(unsafe === undefined ? {} : { unsafe }),
    worked: ok !== undefined && !faulted && unsafe === undefined,
  };
}

export function sentText(sent: SentBeam): string[] {
  const { rig, source, panels, channel, measuredSnrDb, predictedSnrDb, measuredSumRate, cycles, unsafe, failure } = sent;
  const db = (values: number[]): string =>
    values.map((value) => (value === -Infinity ? '(not served)' : value.toFixed(1))).join(' ');
  const voids = sent.void === 0 ? '' : `, ${sent.void} of ${cycles} cycles void${failure === undefined ? '' : ` (${failure})`}`;
  const where = `${rig}: ${sourceText(source, channel === 'kept' ? 'file' : 'simulation')}, ${panels}`;
  // Only the simulator can put its users back where they were.
  const changed = isOnRealLink(source) ? ', which may be another by now' : '';
  const scene =
    channel === 'kept'
      ? `over the channel that was kept${changed}`
      : 'over the channel of this rig, for the old one was not kept';
  const read =
    measuredSnrDb.length === 0
      ? `Sent to ${where}: NOT READ BACK${voids}.`
      : `Sent to ${where}: SNR read back ${db(measuredSnrDb)} dB, expected ${db(predictedSnrDb)} ${scene}; ${measuredSumRate?.toFixed(2) ?? '–'} bit/s/Hz${voids}.`;
  return [
    printable(read),
    unsafe === undefined ? 'The array is in its safe state again.' : printable(`NOT CERTAIN TO BE SAFE: ${unsafe}`),
  ];
}
