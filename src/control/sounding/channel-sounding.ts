/**
 * The channel of a rig that listens: nobody gives it one, it sounds its users through its panels between cycles.
 *
 *   whole: slots of beams ─► Ĥ ─► phases by the beamformer ─► words ─┐
 *   effective: one slot through these words ─► fused with Ĥ ─► D ────┴─► cycles of data, until it is time to sound again
 *
 * Words stand from one sounding of the whole channel to the next, D until the effective channel is sounded again: by their periods, or sooner where
 * the SINR has fallen from what it was after the last sounding. Slots are beams, those of data among them. The controller never sees a simulated
 * scene: all that it knows has come as pilot reports on beams of its own.
 */
import { counted } from '../../../core/errors/counted.ts';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import type { RealisedBeam } from '../../../core/signal/beam-contract.ts';
import { matmul, type CMatrix } from '../../../core/signal/complex-matrix.ts';
import type { ArrayGeometry } from '../../../core/signal/geometry.ts';
import type { Random } from '../../../core/signal/random.ts';
import { fromDb } from '../../../core/signal/rate.ts';
import { realiseBeam } from '../../../core/signal/realise-beam.ts';
import type { ChannelEstimate } from '../../../sounding/estimator.ts';
import { fuse } from '../../../sounding/fuse.ts';
import { beamsOfSearch } from '../../../sounding/hierarchical-beams.ts';
import type { SoundingArray } from '../../../sounding/sounding-beams.ts';
import { netRate, soundingDue, type SoundingPeriods } from '../../../sounding/sounding-schedule.ts';
import type { PanelFailure } from '../../panel/panel.ts';
import { uncalibrated, type ArrayCalibration } from '../array-calibration.ts';
import type { BetweenCycles, Bench, NextCycle, WorkFailure } from '../between-cycles.ts';
import type { ChannelSource, GivenChannel, StandingBeam } from '../channel-source.ts';
import { interleaved, toPanelBits } from '../beam-on-wire.ts';
import { problemOf, type CyclePanel, type CycleSetting, type FinishedCycle } from '../control-cycle.ts';
import { panelFailureMessage } from '../watch/failure-messages.ts';
import type { Listening } from './listening.ts';
import { createPilotListening } from './pilot-listening.ts';
import { createPowerListening } from './power-listening.ts';
import { endsSounding, type SlotReading } from './slot-reader.ts';
import { createSoundingPlans, hearsPower, type EstimatorName } from './sounding-plans.ts';
import { createUserChannels } from './user-channels.ts';
import { readPowersOf } from './power-reader.ts';
import { estimateFound, searchUsers } from './user-search.ts';

export interface ChannelSoundingOptions {
  readonly setting: Omit<CycleSetting, 'channels'>;
  readonly geometry: ArrayGeometry;
  readonly users: number;
  /** Sets of words of a sounding of the whole channel, M beams each. */
  readonly sets: number;
  readonly estimator: EstimatorName;
  /** Each user is looked for from wide beams to narrow ones, by powers of chains that reach every element; `sets` says nothing. */
  readonly isSearched: boolean;
  readonly periods: SoundingPeriods;
  /** σ² of one pilot in the unit of the panel's readings; absent: learned. */
  readonly noise?: number | undefined;
  readonly random: Random;
}

export type ChannelSounding = ChannelSource & BetweenCycles;

/** Of the words of a sounding, one in so many may be void. */
const VOID_SETS = 4;
/** Below this pilot SNR of a random beam of norm 1, a further slot makes the estimate no better. */
const LEAST_TO_FUSE = fromDb(5);

/** What a sounding of the whole channel tells. */
interface Found {
  readonly estimate: ChannelEstimate;
  /** Pilot SNR of a beam of norm 1, linear. */
  readonly pilotSnr: number;
}

/** What is known of the whole channel. */
interface Sounded extends Found {
  readonly on: CyclePanel;
  readonly calibration: string;
  readonly slot: number;
}

/** What is known through the words that stand. */
interface Through {
  readonly slot: number;
  readonly channel: CMatrix;
  readonly widened: number;
  readonly bySinr: boolean;
  readonly standing: StandingBeam;
}

const IDEAL = uncalibrated();

export function createChannelSounding(options: ChannelSoundingOptions): ChannelSounding {
  return new Sounding(options);
}

class Sounding implements ChannelSounding {
  readonly origin = 'sounding';
  readonly name = 'sounding';
  readonly #options: ChannelSoundingOptions;
  readonly #plans;
  readonly #listening: Listening;
  readonly #channels;
  /** What a sounding of the whole channel takes. */
  readonly #whole: { readonly beams: number; readonly slots: number };
  #sounded: Sounded | undefined;
  #through: Through | undefined;
  /** Predicted less measured SINR, mean over the users, dB: after the newest sounding, and how much it has grown since. */
  #missed: { firstDb: number; grownDb: number } | undefined;
  /** Slots that sounding took within the last period. */
  #spent: number[] = [];
  /** For the record of the next cycle. */
  #before = { beams: 0, slots: 0, channelMs: 0, modelMs: 0 };
  #newestSlot = 0;

  constructor(options: ChannelSoundingOptions) {
    this.#options = options;
    this.#plans = createSoundingPlans(options.estimator, options.sets, options.random);
    const { users, setting } = options;
    const asked = { users, rfChains: setting.rfChains, pilots: setting.pilots, noise: setting.noise };
    this.#listening = hearsPower(options.estimator) ? createPowerListening(asked) : createPilotListening(asked, options.noise);
    this.#channels = createUserChannels(options.estimator === 'sparse-bayesian');
    const searched = users * beamsOfSearch(options.geometry, setting.rfChains);
    this.#whole = options.isSearched
      ? { beams: searched, slots: searched }
      : { beams: options.sets * setting.rfChains, slots: options.sets * this.#listening.slotsASet.whole };
  }

  about(): string {
    const { periods } = this.#options;
    const { beams, slots } = this.#whole;
    const how = `${beams} beams in ${counted(slots, 'slot')} every ${periods.wholeSlots}, D every ${periods.effectiveSlots}`;
    if (this.#sounded === undefined) return `sounded through the panels (${how}): not known yet`;
    return `sounded through the panels (${how}), ${counted(this.#newestSlot - this.#sounded.slot, 'slot')} ago`;
  }

  due(next: NextCycle): boolean {
    return this.#whatIsDue(next) !== undefined;
  }

  async work(bench: Bench): Promise<WorkFailure | undefined> {
    const { clock } = this.#options.setting;
    const startMs = clock.nowMs();
    const what = this.#whatIsDue(bench);
    const modelBeforeMs = this.#before.modelMs;
    const failure =
      (what?.what === 'whole' ? await this.#soundWhole(bench) : undefined) ??
      (await this.#soundThrough(bench, what?.because === 'sinr' && what.what === 'effective'));
    this.#before.channelMs += clock.nowMs() - startMs - (this.#before.modelMs - modelBeforeMs);
    return failure;
  }

  take(slot: number): GivenChannel {
    this.#newestSlot = slot;
    const sounded = this.#sounded;
    const { beams, slots, channelMs, modelMs } = this.#before;
    this.#before = { beams: 0, slots: 0, channelMs: 0, modelMs: 0 };
    if (sounded === undefined) {
      throw new BeamrigError('panel', 'the users have not been heard: no sounding has been whole yet');
    }
    const through = this.#through;
    return {
      channel: through?.channel ?? sounded.estimate.channel,
      userAzimuthRad: new Float64Array(),
      ...(through === undefined ? {} : { standing: through.standing }),
      sounding: {
        ...{ beams, slots, ageSlots: slot - sounded.slot, widened: through?.widened ?? NaN },
        dataShare: this.#dataShare(slot),
      },
      beforeMs: { channel: channelMs, model: modelMs },
    };
  }

  after({ record, doubt }: FinishedCycle): void {
    // Beside the pause before the next cycle; an estimate that comes sooner has it learned first.
    setImmediate(() => this.#channels.learn());
    if (record.outcome !== 'ok' || doubt !== undefined) return;
    const missed = Array.from(record.predictedSnrDb, (predicted, user) => predicted - record.measuredSnrDb[user]);
    const known = missed.filter(Number.isFinite);
    if (known.length === 0) return;
    const meanDb = known.reduce((sum, each) => sum + each, 0) / known.length;
    const firstDb = this.#missed?.firstDb ?? meanDb;
    this.#missed = { firstDb, grownDb: meanDb - firstDb };
  }

  interrupted(): void {
    this.#sounded = undefined;
    this.#through = undefined;
    this.#missed = undefined;
  }

  #whatIsDue({ on, choice, slot }: NextCycle): { what: 'whole' | 'effective'; because: 'period' | 'sinr' } | undefined {
    const sounded = this.#sounded;
    const { periods } = this.#options;
    if (sounded?.on !== on || sounded.calibration !== this.#calibrationOf(on).id) return { what: 'whole', because: 'period' };
    const sinceWholeSlots = slot - sounded.slot;
    if (!this.#mayStand(choice, sounded)) {
      return sinceWholeSlots >= periods.wholeSlots ? { what: 'whole', because: 'period' } : undefined;
    }
    const through = this.#through;
    const stands = through?.standing.modelId === choice.beamformer.id && through.standing.phaseBits === choice.phaseBits;
    // What asks for it again and again is not to take more slots than data has.
    const isLong = sinceWholeSlots >= 2 * (this.#whole.slots + this.#listening.slotsASet.through);
    return soundingDue(
      {
        sinceWholeSlots,
        sinceEffectiveSlots: stands ? slot - through.slot : Infinity,
        ...(this.#missed === undefined ? {} : { missedDb: this.#missed.grownDb }),
        effectiveBySinr: through?.bySinr ?? false,
      },
      isLong ? periods : { wholeSlots: periods.wholeSlots, effectiveSlots: periods.effectiveSlots },
    );
  }

  /** Beams that somebody chose, or that are looked for by measuring, are other ones in each cycle; weak pilots tell nothing more of one beam. */
  #mayStand({ beamformer }: NextCycle['choice'], { pilotSnr }: Sounded): boolean {
    return beamformer.kind !== 'by-hand' && beamformer.heard === undefined && pilotSnr >= LEAST_TO_FUSE;
  }

  async #soundWhole(bench: Bench): Promise<WorkFailure | undefined> {
    const { setting, geometry, isSearched } = this.#options;
    const calibration = this.#calibrationOf(bench.on);
    if (this.#sounded !== undefined && this.#sounded.on !== bench.on) {
      this.#channels.forget();
      this.#listening.forget();
    }
    const states = calibration.states(setting.panelPhaseBits);
    const { rfChains, connection } = setting;
    const array = { geometry, rfChains, states, ...(connection === undefined ? {} : { connection }) };
    const startSlot = bench.slot;
    const found = isSearched ? await this.#search(bench, array) : await this.#hear(bench, calibration.id, array);
    if ('message' in found) return found;
    if (bench.signal.aborted) return undefined;
    this.#through = undefined;
    this.#missed = undefined;
    this.#sounded = { on: bench.on, calibration: calibration.id, slot: startSlot, ...found };
    return undefined;
  }

  /** Beams that are known before. */
  async #hear(bench: Bench, key: string, array: SoundingArray): Promise<Found | WorkFailure> {
    const { setting, sets } = this.#options;
    const plan = this.#plans.next(key, array);
    let heard: { set: number; readings: SlotReading[] }[] = [];
    for (const [set, words] of plan.slots.entries()) {
      const toShow = { words, phaseBits: setting.panelPhaseBits };
      const read = await this.#shown(bench, () => this.#listening.readWhole(bench, toShow));
      if (read.ok) heard.push({ set, readings: read.value });
      else {
        const lost = set + 1 - heard.length;
        if (lost * VOID_SETS > sets || endsSounding(bench, read.failure)) {
          return voidSounding(read.failure, lost, sets, this.#sounded);
        }
      }
    }
    heard = this.#withoutGlitches(heard);
    this.#before.beams += heard.length * setting.rfChains;
    const { values, noise, pilotSnr } = this.#listening.whole(heard.map(({ readings }) => readings));
    const doubt = this.#listening.doubt();
    if (doubt !== undefined) bench.tell(noiseDoubted(doubt));
    const prepared = plan.heardWith(heard.map(({ set }) => set));
    const estimated = this.#channels.estimate(prepared, values, noise, bench.signal);
    return { estimate: await bench.workingOut(setting.clock.during(estimated)), pilotSnr };
  }

  /** Words with a reading that is a glitch are as if they had not been read. Where too many have one they are something else, and count. */
  #withoutGlitches<Heard extends { readings: SlotReading[] }>(heard: Heard[]): Heard[] {
    const { sets } = this.#options;
    const glitched = this.#listening.glitched(heard.map(({ readings }) => readings));
    const kept = heard.filter((_, i) => !glitched[i]);
    return (sets - kept.length) * VOID_SETS > sets ? heard : kept;
  }

  /** Beams that depend on what was heard before: one that could not be read is shown again. */
  async #search(bench: Bench, array: SoundingArray): Promise<Found | WorkFailure> {
    const { setting, users } = this.#options;
    const { rfChains, pilots, panelPhaseBits: phaseBits } = setting;
    let lost = 0;
    const found = await searchUsers(array, users, async (words, user, chains) => {
      for (;;) {
        const read = await this.#shown(bench, () =>
          readPowersOf(bench, { words, phaseBits }, { users, rfChains, pilots }, user, chains),
        );
        if (read.ok) return read;
        lost++;
        if (lost * VOID_SETS * rfChains > this.#whole.slots || endsSounding(bench, read.failure)) return read;
      }
    });
    if (!found.ok) return voidSounding(found.failure, lost, this.#whole.slots, this.#sounded);
    this.#before.beams += this.#whole.beams;
    return estimateFound(found.value, (sets) => this.#listening.whole(sets));
  }

  /** Phases where none stand, one slot through them, and D. */
  async #soundThrough(bench: Bench, bySinr: boolean): Promise<WorkFailure | undefined> {
    const sounded = this.#sounded;
    const { choice, on } = bench;
    if (sounded === undefined || !this.#mayStand(choice, sounded)) return undefined;
    const { setting, users } = this.#options;
    const states = this.#calibrationOf(on).states(choice.phaseBits);
    const before = this.#through?.standing;
    const stands = before?.modelId === choice.beamformer.id && before.phaseBits === choice.phaseBits;
    const { estimate } = sounded;
    const chosen = stands ? before : await this.#choose(bench, estimate.channel, states);
    if (bench.signal.aborted) return undefined;
    const { words, digital, analog } = chosen.realised;
    const { panelPhaseBits } = setting;
    const shown = toPanelBits(words, choice.phaseBits, panelPhaseBits);
    const slot = bench.slot;
    const toShow = { words: shown, phaseBits: panelPhaseBits, digital: { users, weights: interleaved(digital) } };
    const read = await this.#shown(bench, () => this.#listening.readThrough(bench, toShow));
    if (!read.ok) {
      return {
        message: `The effective channel could not be sounded: ${panelFailureMessage(read.failure)}.`,
        ...{ cause: `effective: ${read.failure.reason}`, panel: read.failure },
        action: 'Cycles go on with the weights of before, or of the whole sounding.',
      };
    }
    const { values, noise } = this.#listening.through(read.value, matmul(estimate.channel, analog));
    const { channel, widened } = fuse(estimate, analog, values, noise);
    // Later ones hear how far users have moved since, and nothing of the estimator.
    if (this.#through === undefined) this.#channels.judged(widened);
    if (bench.signal.aborted) return undefined;
    const realised = this.#realise(channel, chosen, states);
    const mean = widened.reduce((sum, each) => sum + each, 0) / widened.length;
    this.#through = { slot, channel, widened: mean, bySinr, standing: { ...chosen, realised } };
    this.#missed = undefined;
    return undefined;
  }

  async #choose({ choice }: Bench, channel: CMatrix, states: ReturnType<ArrayCalibration['states']>): Promise<StandingBeam> {
    const { setting } = this.#options;
    const startMs = setting.clock.nowMs();
    const problem = problemOf(setting, channel);
    const beam = await setting.clock.during(choice.beamformer.compute(problem));
    this.#before.modelMs += setting.clock.nowMs() - startMs;
    const realised = realiseBeam(problem, beam, { states, objective: setting.objective, quantise: setting.quantise });
    return { modelId: choice.beamformer.id, phaseBits: choice.phaseBits, beam, realised };
  }

  /** The same words, and D for this channel. */
  #realise(channel: CMatrix, { beam, realised }: StandingBeam, states: ReturnType<ArrayCalibration['states']>): RealisedBeam {
    const { setting } = this.#options;
    const quantise = (): { words: Uint16Array } => ({ words: realised.words });
    return realiseBeam(problemOf(setting, channel), beam, { states, objective: setting.objective, quantise });
  }

  /** Counts the slots that a reading takes. */
  async #shown<T>(bench: Bench, read: () => Promise<T>): Promise<T> {
    const startSlot = bench.slot;
    try {
      return await read();
    } finally {
      for (let slot = startSlot; slot < bench.slot; slot++) this.#spent.push(slot);
      this.#before.slots += bench.slot - startSlot;
    }
  }

  #dataShare(slot: number): number {
    const span = Math.min(this.#options.periods.wholeSlots, slot + 1);
    this.#spent = this.#spent.filter((each) => each > slot - span);
    return netRate(1, this.#spent.length, span);
  }

  #calibrationOf = (on: CyclePanel): ArrayCalibration => this.#options.setting.calibration?.(on) ?? IDEAL;
}

const noiseDoubted = ({ given, heard }: { given: number; heard: number }): Parameters<Bench['tell']>[0] => ({
  level: 'warning',
  code: 'noise-doubted',
  message: `channel.noise is ${given} in the rig file, and pilots of the same beams asked for twice differ by a noise of ${Number(heard.toPrecision(3))}.`,
  action: 'Channels and predicted SINR go by the rig file’s. Leave channel.noise out to have it learned, or give what was heard.',
});

const voidSounding = (panel: PanelFailure, lost: number, slots: number, before: Sounded | undefined): WorkFailure => ({
  message: `A sounding is void: ${lost} of ${counted(slots, 'slot')} could not be read, the last because ${panelFailureMessage(panel)}.`,
  ...{ cause: panel.reason, panel },
  action:
    before === undefined
      ? 'Cycles are void until the users are heard; it is tried again before each.'
      : 'Cycles go on with the channel of before; it is tried again before each.',
});
