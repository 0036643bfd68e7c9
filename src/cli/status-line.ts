/** One line that says how the rig does: rewritten in place on a terminal, a new line every few seconds elsewhere. */
import { counted } from '../../core/errors/counted.ts';
import type { Controller } from '../control/controller.ts';
import type { SlowPace } from '../control/watch/pace-watch.ts';
import { sourceText, type ChannelOrigin, type CycleRecord, type Source } from '../telemetry/cycle-record.ts';

export interface RigStatus {
  type: 'status';
  state: string;
  source: Source;
  channelSource: ChannelOrigin;
  /** Slots since the channel was sounded; null where it was not. */
  channelAgeSlots: number | null;
  cycle: number;
  cyclesPerSecond: number;
  /** Set while the loop cannot keep the rate of the rig file. */
  slow: SlowPace | null;
  void: number;
  measuredSnrDb: (number | null)[];
  predictedSnrDb: (number | null)[];
  measuredSumRate: number | null;
  zfSumRate: number | null;
  cycleMs: number;
  model: string;
  phaseBits: number;
}

/** Counts from the first cycle on; ask for `now` as often as you like. */
export function watchStatus(controller: Controller): { now(): RigStatus | undefined; stop(): void } {
  let latest: CycleRecord | undefined;
  let voidCycles = 0;
  const stop = controller.onCycle((record) => {
    latest = record;
    if (record.outcome === 'void') voidCycles += 1;
  });
  return {
    stop,
    now: () =>
      latest && {
        type: 'status',
        state: controller.state,
        source: latest.source,
        channelSource: latest.channelSource,
        channelAgeSlots: latest.sounding?.ageSlots ?? null,
        cycle: latest.cycle,
        cyclesPerSecond: round(controller.cyclesPerSecond(), 1) ?? 0,
        slow: controller.describe().slow,
        void: voidCycles,
        // Of a void cycle the record may have some, credited to nobody.
        measuredSnrDb: Array.from(latest.measuredSnrDb, (value) => (latest?.outcome === 'ok' ? round(value, 2) : null)),
        predictedSnrDb: Array.from(latest.predictedSnrDb, (value) => round(value, 2)),
        measuredSumRate: round(latest.measuredSumRate, 3),
        zfSumRate: round(latest.zfSumRate, 3),
        cycleMs: round(latest.cycleMs, 3) ?? 0,
        model: latest.modelId,
        phaseBits: latest.phaseBits,
      },
  };
}

/**
 * Of many users the least, the median and the greatest stand for all.
 * `SIMULATOR  cycle 120  20.0/s  void 0  SNR 12.1 11.8 13.0 9.9 dB (predicted 12.0 …)  25.1 bit/s/Hz (ZF 29.3)`
 */
export function statusText(status: RigStatus): string {
  const rate = (value: number | null): string => (value === null ? '–' : value.toFixed(1));
  return [
    sourceText(status.source, status.channelSource).toUpperCase(),
    ['paused', 'faulted'].includes(status.state) ? status.state : '',
    `cycle ${status.cycle}`,
    `${status.cyclesPerSecond.toFixed(1)}/s${status.slow === null ? '' : ` of ${status.slow.askedPerSecond} (${status.slow.stage})`}`,
    // Early, because a narrow terminal shows only the beginning.
    `void ${status.void}`,
    status.channelAgeSlots === null ? '' : `sounded ${counted(status.channelAgeSlots, 'slot')} ago`,
    `SNR ${snrText(status.measuredSnrDb)} dB (predicted ${snrText(status.predictedSnrDb)})`,
    `${rate(status.measuredSumRate)} bit/s/Hz (ZF ${rate(status.zfSumRate)})`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

/** More users than these are not told one by one: nobody reads 256 figures in a line. */
const MOST_USERS = 8;

function snrText(values: readonly (number | null)[]): string {
  const text = (value: number | null | undefined): string => (value === null || value === undefined ? '–' : value.toFixed(1));
  if (values.length <= MOST_USERS) return values.map(text).join(' ');
  const known = values.filter((value) => value !== null).sort((a, b) => a - b);
  const few = known.length === values.length ? '' : `${known.length} of `;
  return `of ${few}${values.length} users ${text(known[0])} … ${text(known[known.length >> 1])} … ${text(known.at(-1))}`;
}

function round(value: number, digits: number): number | null {
  return Number.isFinite(value) ? Number(value.toFixed(digits)) : null;
}
