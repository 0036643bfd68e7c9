/**
 * What one control cycle leaves behind. The recorder writes it, the page shows it, a regression compares it; nobody else invents a shape.
 */
export type Source = 'hardware' | 'simulator';

export const STAGES = ['channel', 'model', 'quantise', 'push', 'commit', 'measure'] as const;
export type Stage = (typeof STAGES)[number];

export interface CycleRecord {
  cycle: number;
  /** Wall-clock time of the cycle's start, ns since 1970. */
  timeNs: bigint;
  source: Source;
  modelId: string;
  phaseBits: number;
  /** 0 when no beam was credited. */
  beamId: number;
  /** 'void': the beam is not known to be radiated, or its SNR could not be read; nothing is credited. `failure` says which rung gave up. */
  outcome: 'ok' | 'void';
  failure?: string;
  /** SINR per user, dB, of the quantised beam on the channel the controller was given. */
  predictedSnrDb: Float64Array;
  /** As reported by the panel for this very beam; NaN where there is none. */
  measuredSnrDb: Float64Array;
  /** bit/s/Hz */
  predictedSumRate: number;
  measuredSumRate: number;
  /** Digital ZF on the same channel: the yardstick shown beside. */
  zfSumRate: number;
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

/** What the recorder offers to the cycle: cheap, never waits, never throws into the loop. */
export interface CycleSink {
  cycle(record: CycleRecord): void;
  event(event: RigEvent): void;
}
