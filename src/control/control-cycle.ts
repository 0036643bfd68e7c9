/**
 * One control cycle, stage by stage:
 *
 *   prepare   channel ─► model                                  (may run while the cycle before is on the panel)
 *   radiate   quantise ─► push ─► commit ─► measure ─► record
 *
 * A cycle that fails on a rung is recorded void, with the failure in words and what was known by then; it never throws. Predicted SNR is
 * that of the quantised beam on the channel the controller was given; measured SNR is what the panel reports for this very beam id.
 */
import { counted } from '../../core/errors/counted.ts';
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Beam, Objective, Problem, Quantiser, RealisedBeam } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { identity, multiplyABh } from '../../core/signal/complex-matrix.ts';
import { trySolveHermitian } from '../../core/signal/cholesky.ts';
import { metricsOf } from '../../core/signal/metrics.ts';
import { zeroForcing } from '../../core/signal/precoders.ts';
import { fromDb, sumRate, toDb } from '../../core/signal/rate.ts';
import { realiseBeam } from '../../core/signal/realise-beam.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import type { Panel, PanelFailure } from '../panel/panel.ts';
import { NO_TABLE, stageTimes, type BoardUsed, type CycleRecord, type Source, type Stage } from '../telemetry/cycle-record.ts';
import { uncalibrated, type ArrayCalibration } from './array-calibration.ts';
import type { ChannelSource, GivenChannel } from './channel-source.ts';
import type { CycleView, SensingWish } from './controller.ts';
import { panelFailureMessage } from './watch/failure-messages.ts';
import { doubtOf, type ReadingDoubt } from './watch/reading-doubt.ts';

const IDEAL = uncalibrated();

/** What does not change from cycle to cycle. */
export interface CycleSetting {
  clock: Clock;
  channels: ChannelSource;
  rfChains: number;
  connection: Uint8Array | undefined;
  /** Q of the panel's phase shifters; a cycle may use fewer bits. */
  panelPhaseBits: number;
  /** P and σ², linear. */
  power: number;
  noise: number;
  /** What beams are to be good for. */
  objective: Objective;
  /** What is wished for beside the rates. */
  sensing?: SensingWish | undefined;
  /** How phases become words. */
  quantise: Quantiser;
  /** Pilots that an SNR reading is averaged over. */
  pilots: number;
  /** What the panels of a cycle are known to show; default: ideal states. */
  calibration?: (on: CyclePanel) => ArrayCalibration;
}

/** The panel that a cycle is radiated on. */
export interface CyclePanel {
  readonly panel: Panel;
  readonly source: Source;
  /** Its boards as they answered last, in the order of the rig's links; `panel` is '' where none has yet. */
  boards(): readonly BoardUsed[];
  /** Frames discarded since its links were opened. */
  linkDiscarded(): number;
  /** Of its boards, as they said last, °C; null where one was not asked. */
  temperaturesC?(): (number | null)[];
}

/** A cycle whose phases are known, or why they are not. */
export interface PreparedCycle {
  cycle: number;
  timeNs: bigint;
  startMs: number;
  modelId: string;
  /** Of the stages so far. */
  stageMs: Record<Stage, number>;
  given: GivenChannel | undefined;
  beam: Beam | undefined;
  zfSumRate: number;
  /** Stage and words, when it has already failed. */
  failure: { stage: Stage; message: string } | undefined;
}

/** What went wrong, as data: the loop decides what to do about it. */
export interface CycleFailure {
  stage: Stage;
  message: string;
  /** Set when it was the panel that failed. */
  panel?: PanelFailure;
  /** What makes it the same as that of another cycle, where the words are of this cycle alone. Default: the words. */
  cause?: string;
}

export interface FinishedCycle {
  record: CycleRecord;
  view: CycleView | undefined;
  failure: CycleFailure | undefined;
  /** Why its readings are not to be believed. */
  doubt: ReadingDoubt | undefined;
  /** What its boards were known to show. */
  calibration: ArrayCalibration;
}

/**
 * Takes the channel of a cycle and has the beamformer compute its phases.
 * @param slot of its beam, later than the cycle where something else was shown between cycles (between-cycles.ts)
 * @returns undefined when the source has no more channels
 */
export async function prepareCycle(
  setting: CycleSetting,
  beamformer: Beamformer,
  cycle: number,
  slot = cycle,
): Promise<PreparedCycle | undefined> {
  const { clock, channels, power, noise } = setting;
  const startMs = clock.nowMs();
  const prepared: PreparedCycle = {
    cycle,
    timeNs: clock.epochNs(),
    startMs,
    modelId: beamformer.id,
    stageMs: stageTimes(),
    given: undefined,
    beam: undefined,
    zfSumRate: NaN,
    failure: undefined,
  };
  const stage = stages(clock, prepared.stageMs);
  try {
    const given = await stage('channel', () => channels.take(slot));
    if (given === undefined) return undefined;
    prepared.given = given;
    const { channel } = given;
    // The yardstick needs only the channel: it is worked out here while the model's process computes.
    await stage('model', async () => {
      [prepared.beam, prepared.zfSumRate] = await Promise.all([
        clock.during(beamformer.compute(problemOf(setting, channel))),
        Promise.resolve().then(() => zfRate(channel, power, noise)),
      ]);
    });
  } catch (error) {
    prepared.failure = { stage: stage.now, message: messageOf(error) };
  }
  return prepared;
}

/**
 * Quantises a prepared cycle, sends it to the panel, measures it and makes its record.
 * @param on the panel of this cycle, from its first stage to its last
 * @param phaseBits Q of this cycle, at most the panel's
 * @param beamId the id under which the beam is committed
 */
export async function radiateCycle(
  setting: CycleSetting,
  on: CyclePanel,
  prepared: PreparedCycle,
  phaseBits: number,
  beamId: number,
): Promise<FinishedCycle> {
  const { clock } = setting;
  const { panel } = on;
  const users = prepared.given?.channel.rows ?? 0;
  const calibration = setting.calibration?.(on) ?? IDEAL;
  const record = emptyRecord(on, setting, prepared, phaseBits, users);
  record.calibration = calibration.id;
  const before = { retries: panel.counters.retries, timeouts: panel.counters.timeouts, discarded: on.linkDiscarded() };
  let resolved: RealisedBeam | undefined;
  let doubt: ReadingDoubt | undefined;

  const finish = (failure: CycleFailure | undefined): FinishedCycle => {
    record.cycleMs = clock.nowMs() - prepared.startMs;
    record.link = {
      retries: panel.counters.retries - before.retries,
      timeouts: panel.counters.timeouts - before.timeouts,
      discarded: on.linkDiscarded() - before.discarded,
      roundTripMs: panel.counters.roundTripMs,
    };
    if (failure === undefined) record.outcome = 'ok';
    else record.failure = `${failure.stage}: ${failure.message}`;
    return { record, view: viewOf(record, prepared, resolved), failure, doubt, calibration };
  };

  if (prepared.failure !== undefined) return finish(prepared.failure);
  const { given, beam } = prepared;
  if (given === undefined || beam === undefined) return finish({ stage: 'model', message: 'there is no beam' });

  const stage = stages(clock, record.stageMs);
  try {
    const problem = problemOf(setting, given.channel);
    const { objective, quantise } = setting;
    resolved = await stage('quantise', () =>
      realiseBeam(problem, beam, { states: calibration.states(phaseBits), objective, quantise }),
    );
    record.digital = resolved.digitalFrom;
    record.predictedSnrDb = resolved.sinr.map(toDb);
    record.predictedSumRate = resolved.sumRate;
    record.metrics.predicted = resolved.metrics;

    const { words, digital } = resolved;
    const applied = await stage('push', () =>
      panel.apply({
        beamId,
        phaseBits: setting.panelPhaseBits,
        words: toPanelBits(words, phaseBits, setting.panelPhaseBits),
        digital: { users, weights: interleaved(digital) },
      }),
    );
    if (!applied.ok) {
      return finish({ stage: stageOf(applied.failure), message: panelFailureMessage(applied.failure), panel: applied.failure });
    }
    // The panel knows where its pushing ended and its switching began.
    record.stageMs.push = applied.value.pushMs;
    record.stageMs.commit = applied.value.commitMs;

    const measured = await stage('measure', () => panel.measureSnr(beamId, setting.pilots));
    if (!measured.ok) {
      keepPartial(record, measured.failure, beamId);
      return finish({ stage: 'measure', message: panelFailureMessage(measured.failure), panel: measured.failure });
    }
    const { snrDb, firstUser } = measured.value;
    if (measured.value.beamId !== beamId || firstUser !== 0 || snrDb.length !== users) {
      const answer = `told of ${snrDb.length} from user ${firstUser} on, on beam ${measured.value.beamId}`;
      return finish({
        stage: 'measure',
        message: `asked for ${counted(users, 'user')} on beam ${beamId}, ${answer}`,
        cause: 'a report of something else',
      });
    }
    record.beamId = beamId;
    record.measuredSnrDb = snrDb;
    doubt = doubtOf(measured.value, { ...setting, channel: given.channel });
    if (doubt !== undefined) {
      // A rate of readings that nobody believes is no rate.
      record.doubt = doubt.message;
      record.doubtCause = doubt.cause;
      return finish(undefined);
    }
    const measuredSinr = snrDb.map(fromDb);
    record.measuredSumRate = measuredSinr.reduce((rate, sinr) => rate + Math.log2(1 + sinr), 0);
    record.metrics.measured = metricsOf(measuredSinr);
    return finish(undefined);
  } catch (error) {
    return finish({ stage: stage.now, message: messageOf(error) });
  }
}

interface Stages {
  /** Goes through a stage, and keeps the time it took, also where it throws. */
  <T>(name: Stage, work: () => T | Promise<T>): Promise<T>;
  /** The stage that was begun last. */
  now: Stage;
}

function stages(clock: Clock, stageMs: Record<Stage, number>): Stages {
  const go = async <T>(name: Stage, work: () => T | Promise<T>): Promise<T> => {
    go.now = name;
    const startMs = clock.nowMs();
    try {
      return await work();
    } finally {
      stageMs[name] = clock.nowMs() - startMs;
    }
  };
  go.now = 'channel' as Stage;
  return go;
}

/** The beam is credited with nothing, and what did come of its report is not thrown away. */
function keepPartial(record: CycleRecord, failure: PanelFailure, beamId: number): void {
  if (failure.reason !== 'unusable-report' || failure.partialSnrDb?.length !== record.measuredSnrDb.length) return;
  record.measuredSnrDb = failure.partialSnrDb;
  record.doubtCause = 'incomplete';
  record.doubt = `incomplete report on beam ${beamId}: ${failure.detail}`;
}

/** A void record with everything unknown; the stages fill in what they learn. */
function emptyRecord(
  on: CyclePanel,
  { channels, objective }: CycleSetting,
  prepared: PreparedCycle,
  phaseBits: number,
  users: number,
): CycleRecord {
  return {
    cycle: prepared.cycle,
    timeNs: prepared.timeNs,
    source: on.source,
    channelSource: channels.origin,
    panels: on
      .boards()
      .flatMap((board) => (board.panel === '' ? [] : [board.panel]))
      .join(' + '),
    modelId: prepared.modelId,
    calibration: NO_TABLE,
    phaseBits,
    beamId: 0,
    outcome: 'void',
    objective: objective.name,
    digital: 'none',
    predictedSnrDb: new Float64Array(users).fill(NaN),
    measuredSnrDb: new Float64Array(users).fill(NaN),
    predictedSumRate: NaN,
    measuredSumRate: NaN,
    zfSumRate: prepared.zfSumRate,
    metrics: { predicted: {}, measured: {} },
    stageMs: prepared.stageMs,
    cycleMs: 0,
    link: { retries: 0, timeouts: 0, discarded: 0, roundTripMs: 0 },
  };
}

function problemOf({ rfChains, power, noise, connection, sensing }: CycleSetting, channel: CMatrix): Problem {
  return {
    ...{ channel, rfChains, power, noise },
    ...(connection === undefined ? {} : { connection }),
    ...(sensing === undefined ? {} : { sensing }),
  };
}

/** Words of q bits as the panel's Q-bit words for the same phases: every 2^(Q − q)-th of its states. */
export function toPanelBits(words: Uint16Array, bits: number, panelBits: number): Uint16Array {
  return bits === panelBits ? words : words.map((word) => word << (panelBits - bits));
}

/** D as it goes over the wire: M×K row-major, re and im in turn. */
export function interleaved(digital: CMatrix): Float32Array {
  const weights = new Float32Array(2 * digital.re.length);
  for (let i = 0; i < digital.re.length; i++) {
    weights[2 * i] = digital.re[i];
    weights[2 * i + 1] = digital.im[i];
  }
  return weights;
}

/** Which of the two rungs of `apply` gave up. */
function stageOf(failure: PanelFailure): Stage {
  switch (failure.reason) {
    case 'not-staged':
    case 'read-back-differs':
    case 'array-split':
    case 'still-waiting':
    case 'clock-jumped':
      return 'commit';
    case 'rejected':
    case 'not-sent':
    case 'other-beam':
    case 'session-over':
    case 'no-answer':
    case 'unusable-report':
      return failure.request === 'commit' ? 'commit' : 'push';
    case 'link-closed':
    case 'panel-restarted':
    case 'silent':
    case 'no-good-cycle':
    case 'made-safe':
    case 'protocol-version':
    case 'wrong-panel':
    case 'not-authenticated':
      return 'push';
  }
}

function viewOf(record: CycleRecord, { given, beam }: PreparedCycle, resolved: RealisedBeam | undefined): CycleView | undefined {
  if (given === undefined || beam === undefined || resolved === undefined) return undefined;
  return {
    record,
    words: resolved.words,
    channel: given.channel,
    analog: resolved.analog,
    digital: resolved.digital,
    analogPhase: beam.analogPhase,
    userAzimuthRad: given.userAzimuthRad,
  };
}

/**
 * Sum rate of fully digital zero-forcing, √P·H⁺/‖H⁺‖_F, without forming it: every user hears √P/‖H⁺‖_F and nothing else, and ‖H⁺‖²_F is the
 * trace of (HHᴴ)⁻¹. Channels without full rank take the long way.
 */
export function zfRate(channel: CMatrix, power: number, noise: number): number {
  const users = channel.rows;
  const inverse = trySolveHermitian(multiplyABh(channel, channel), identity(users), 1e-8);
  if (inverse === undefined) return sumRate(channel, zeroForcing(channel, power), noise);
  let trace = 0;
  for (let k = 0; k < users; k++) trace += inverse.re[k * users + k];
  return users * Math.log2(1 + power / (noise * trace));
}

const messageOf = (error: unknown): string => {
  if (error instanceof BeamrigError) return error.message;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
};
