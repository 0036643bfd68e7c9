/**
 * What one control cycle leaves behind. The recorder writes it, the page shows it, a regression compares it; nobody else invents a shape.
 */
import type { Engine } from '../../models/engine/engines.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import type { MetricValues } from '../../core/signal/metrics.ts';
import type { BeamformerKind } from '../beamforming/beamformer.ts';

/**
 * What radiated and measured. A played panel is a program at the far end of a real link: the link is real, what it radiates and reports is
 * calculated. An array is hardware only if all of its panels are.
 */
export type Source = 'hardware' | 'played-panel' | 'simulator';

/** Where the channels come from that the beams were computed for: simulated users, a file that somebody gave, or pilots that the panels reported. */
export type ChannelOrigin = 'simulation' | 'file' | 'sounding';

/** What sounding the channel of a cycle took, and how well it is known. */
export interface SoundingUsed {
  /** Beams of the whole channel that were heard just before the cycle, and slots that all sounding before it took; 0 between soundings. */
  beams: number;
  slots: number;
  /** Slots since the whole channel was sounded. */
  ageSlots: number;
  /** What the error that the estimator tells of itself had to be widened by, mean over the users, 1 where it was right; NaN where nobody tested it. */
  widened: number;
  /** Share of the slots of the last period that were left for data. */
  dataShare: number;
}

/** Frames went over a wire that can be cut, to a panel that can be lost. */
export const isOnRealLink = (source: Source): boolean => source !== 'simulator';

/** As a person says it, in the middle of a sentence. */
export const SOURCE_TEXT: Record<Source, string> = {
  hardware: 'hardware',
  'played-panel': 'played panel',
  simulator: 'simulator',
};

/** With what makes hardware less than it seems: beams that were computed for users who are not there. */
export const sourceText = (source: Source, channelSource: ChannelOrigin): string =>
  SOURCE_TEXT[source] + (source === 'hardware' && channelSource === 'simulation' ? ', channels simulated' : '');

/**
 * The stages of a cycle, in the order in which it passes them. A new one is a line here, and whoever works in it notes its time: records, tables,
 * pages, summaries and docs/records.md have it by themselves.
 */
export const CYCLE_STAGES = [
  { name: 'channel', meaning: 'taking the channel', where: 'host' },
  { name: 'model', meaning: 'the beamformer', where: 'host' },
  { name: 'quantise', meaning: 'words and digital weights', where: 'host' },
  { name: 'push', meaning: 'words and weights on their way to the panels', where: 'panels' },
  { name: 'commit', meaning: 'the panels switch', where: 'panels' },
  { name: 'measure', meaning: 'the panels report SNR', where: 'panels' },
] as const satisfies readonly { name: string; meaning: string; where: 'host' | 'panels' }[];

export type Stage = (typeof CYCLE_STAGES)[number]['name'];
export const STAGES: readonly Stage[] = CYCLE_STAGES.map(({ name }) => name);
/** Where one of these fails, no panel was told anything of the cycle. */
export const STAGES_BEFORE_PANELS: ReadonlySet<Stage> = new Set(
  CYCLE_STAGES.filter(({ where }) => where === 'host').map(({ name }) => name),
);

/** Milliseconds by stage: those that are known, and 0 for the others. */
export const stageTimes = (known: Partial<Record<Stage, number>> = {}): Record<Stage, number> => ({
  ...(Object.fromEntries(STAGES.map((stage) => [stage, 0])) as Record<Stage, number>),
  ...known,
});

/** Readings that cannot be; averages over too few pilots; a report that lacks users. */
export type DoubtCause = 'out-of-reason' | 'few-pilots' | 'incomplete';

/** How the array fares, as far as its tables, the watch of the prediction and elements that were measured again tell. */
export interface HealthFigures {
  /** Elements that do not do what they are told; several of which one has failed are one. */
  readonly flawedElements: number;
  /** dB a user, mean over users: all that the watch has told of since it learned what is normal. */
  readonly lostDb: number;
}

export interface CycleRecord {
  cycle: number;
  /** Wall-clock time of the cycle's start, ns since 1970. */
  timeNs: bigint;
  source: Source;
  channelSource: ChannelOrigin;
  /** Serial numbers of the boards that the cycle ran on, in the order of the rig's links, ' + ' between them; '' where none has answered yet. */
  panels: string;
  modelId: string;
  /** Ids of the tables that phase states are known by, or NO_TABLE. */
  calibration: string;
  phaseBits: number;
  /** 0 when no beam was credited. */
  beamId: number;
  /** 'void': the beam is not known to be radiated, or its SNR could not be read; nothing is credited. `failure` says which rung gave up. */
  outcome: 'ok' | 'void';
  failure?: string;
  /**
   * Why no mean counts the readings of this cycle, which are here as they came: they cannot be what they say, or, in a void cycle, are only some of
   * those asked for.
   */
  doubt?: string;
  doubtCause?: DoubtCause;
  /** What D was chosen to be best for, and whose it is; 'none' before there was one. */
  objective: string;
  digital: 'beamformer' | 'objective' | 'none';
  /** SINR per user, dB, of the quantised beam on the channel the controller was given. */
  predictedSnrDb: Float64Array;
  /** As reported by the panel for this very beam; NaN where there is none, as for all users of a void cycle without a doubt. */
  measuredSnrDb: Float64Array;
  /** bit/s/Hz */
  predictedSumRate: number;
  measuredSumRate: number;
  /** Digital ZF on the same channel: the yardstick shown beside. */
  zfSumRate: number;
  /** Where the channel was sounded: what that took, and what of the measured rate it leaves, bit/s/Hz. */
  sounding?: SoundingUsed & { netSumRate: number };
  /** What was known of the array when the cycle had ended; absent where nobody watches. */
  health?: HealthFigures;
  /** By the names of core/signal/metrics.ts: of the quantised beam, and from what the panels reported for it. */
  metrics: { predicted: MetricValues; measured: MetricValues };
  /** Milliseconds by stage, and the whole cycle. */
  stageMs: Record<Stage, number>;
  cycleMs: number;
  /** What this cycle added to the counters, and the smoothed round trip. */
  link: { retries: number; timeouts: number; discarded: number; roundTripMs: number };
}

/** Something a person should know, once per cause. */
export interface RigEvent {
  timeNs: bigint;
  level: 'info' | 'warning' | 'error';
  /** Short and stable, for scripts: 'fallback', 'panel-lost', 'influx-unreachable', 'model-switched', … */
  code: string;
  /** What happened, in words. */
  message: string;
  /** What was done about it. */
  action?: string;
}

/** Who chose the beams. */
export interface ModelUsed {
  id: string;
  kind: BeamformerKind;
  /** What computed it; a baseline is plain code. */
  engine?: Engine;
  /** Why onnxruntime ran it where the compiled engine would have been taken. */
  engineReason?: string;
  /** Budget of steps of a beam, where that could be chosen. */
  steps?: number;
  /** Q of the words that its network chose among; absent: it gave phases as if any could be shown. */
  phaseBits?: number;
  /** Its network was told what was to be sensed. */
  sensing?: true;
  sha256?: string;
  cardSha256?: string;
}

/** What of a beamformer is kept. */
export function modelUsed({
  id,
  kind,
  engine,
  engineReason,
  steps,
  phaseBits,
  sensing,
  sha256,
  cardSha256,
}: ModelUsed): ModelUsed {
  const known = { engine, engineReason, steps, phaseBits, sensing, sha256, cardSha256 };
  return { id, kind, ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== undefined)) };
}

/** A panel at the other end of a link, as it said itself. */
export interface BoardUsed {
  link: string;
  kind: string;
  source: Source;
  panel: string;
  firmware: string;
}

/** Phase states are taken as ideal. */
export const NO_TABLE = 'none';

/** What phase states are known by. */
export interface CalibrationUsed {
  /** Ids of the tables, or NO_TABLE. */
  readonly id: string;
  /** The tables themselves, as files. */
  readonly tables: readonly { readonly name: string; readonly text: string }[];
}

/** What a cycle commanded, and for which channel. */
export interface CommandedBeam {
  /** N·M words at Q of the cycle, word (n, m) at n·M + m. */
  words: Uint16Array;
  /** D, M×K */
  digital: CMatrix;
  /** H, K×N */
  channel: CMatrix;
}

/** What the recorder offers to the cycle: cheap, never waits, never throws into the loop. */
export interface CycleSink {
  /** @param beam undefined where the cycle did not get as far as words */
  cycle(record: CycleRecord, beam?: CommandedBeam): void;
  event(event: RigEvent): void;
  /** From this cycle on another model chooses the beams, other boards radiate them, or their states are known by other tables: for the manifest. */
  changed?(cycle: number, what: { model: ModelUsed } | { boards: BoardUsed[] } | { calibration: CalibrationUsed }): void;
}
