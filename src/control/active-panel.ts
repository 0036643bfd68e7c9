/**
 * Which panel the cycles run on: the hardware, or the simulator where the rig's policy lets it stand in. Cycles ask at their boundaries
 * (`ready`) and stay with what they were given to their end, so no beam and no reading ever belongs half to one and half to the other.
 *
 *   hardware ── lost, policy any-time ──► simulator        the hardware is looked for meanwhile, beside the cycles
 *   hardware ◄── back, and made safe ──── simulator        at the boundary of a cycle; the simulator is muted
 *
 * Every move is marked in the records (`source`) and told, but for hardware that comes and goes again and again: that is told thrice.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { BeamId, Capabilities, SafeState } from '../../firmware-protocol/messages.ts';
import type { Random } from '../../core/signal/random.ts';
import type { PanelFailure, Result } from '../panel/panel.ts';
import { SOURCE_WORDS, isOnRealLink, type RigEvent, type Source } from '../telemetry/cycle-record.ts';
import { createBeamIds, type BeamIds } from './beam-ids.ts';
import type { CyclePanel } from './control-cycle.ts';
import type { LinkDescription } from './controller.ts';
import { oncePerCause } from './watch/once-per-cause.ts';
import { FLAPPING, createPanelRecovery, type PanelRecovery, type SafeChoice } from './panel-recovery.ts';

/** Parts of an array that do not show one thing together. */
export interface Apart {
  words: string;
  /** Set when one of them could not be asked. */
  failure?: PanelFailure;
}

/** One of the panels that the rig has: all of its hardware, or its simulator. */
export interface RigPanel extends CyclePanel {
  /** It has a session. */
  connected: boolean;
  /** Opens, shakes hands, and checks it against the rig. */
  connect(): Promise<Result<Capabilities>>;
  /** Where it has several parts, one of which is lost: tells those within reach to enter this safe state, unless they have. */
  calm?(safe: SafeChoice, silenceMs: number): Promise<void>;
  /** How the newest cycle fared on it, for `links` to tell whose fault it is; it may have news of its own. */
  fared?(failure: PanelFailure | undefined, tell: (event: Omit<RigEvent, 'timeNs'>) => void): void;
  /** Where it has several parts: why what they show together is not this safe state, or no beam; undefined when all is well. */
  apart?(safe: SafeState): Promise<Apart | undefined>;
  links(): LinkDescription[];
}

export interface ActivePanelOptions {
  /** Where the run begins. */
  first: RigPanel;
  /** The simulator of a run that began on hardware and may fall back at any time, or the hardware that such a run waits for. */
  other?: RigPanel;
  /** Move to the simulator when the hardware is lost; otherwise cycles are void until it is back. */
  fallBack: boolean;
  /** Why the run begins where it begins. */
  reason: string;
  clock: Clock;
  /** For the jitter of back-off. */
  random: Random;
  safe: SafeChoice;
  silenceMs: number;
  goodCycle: { limitMs: number; trialMs: number };
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
  /** A safe state that was commanded blind is confirmed by one of them. */
  onSafe?: () => void;
}

export interface ActivePanelDescription {
  source: Source;
  sourceReason: string;
  sourceSinceMs: number;
  links: LinkDescription[];
}

export interface ActivePanel {
  /** The panel of this cycle. */
  readonly panel: CyclePanel;
  readonly lost: boolean;
  /** Why, while it is. */
  readonly loss: string | undefined;
  /** The panel goes to its safe state by itself when it hears nothing. */
  readonly guarded: boolean;
  /** Whatever this run may have left radiating has confirmed the safe state, and was given no beam since. */
  readonly confirmed: boolean;
  /** Tells the panel its safe state, before the first cycle. */
  arm(): Promise<void>;
  /** Before every cycle: moves where a move is due, recovers what is lost, arms what is not. Rejects with 'stopped' when the signal aborts. */
  ready(signal: AbortSignal): Promise<{ unusable: string } | undefined>;
  beamId(cycle: number): Promise<BeamId>;
  worked(): void;
  failed(failure: PanelFailure): { unusable: string } | undefined;
  /** Commands the safe state wherever this run may have left something radiating, before this returns, and without waiting for anybody. False: no link took it. */
  commandSafe(): boolean;
  /** And waits for it to be confirmed. Returns words when it is not, after `withinMs` at the latest. */
  makeSafe(withinMs?: number): Promise<string | undefined>;
  /** The hardware has several parts, and one alone can leave the others radiating what is no beam, whatever the safe state. */
  readonly mayComeApart: boolean;
  /** Between cycles that are long apart: makes safe, and looks for what is missing, where the hardware has come apart. Told once. */
  lookAfter(signal: AbortSignal): Promise<void>;
  describe(): ActivePanelDescription;
  /** The highest that the panels of this cycle said last, °C; null where none was asked. */
  temperatureC(): number | null;
  close(): Promise<void>;
}

interface Candidate {
  rigPanel: RigPanel;
  keeper: PanelRecovery;
  beamIds: BeamIds;
  /** It was given a beam since it last confirmed its safe state. */
  mayRadiate: boolean;
}

export function createActivePanel(options: ActivePanelOptions): ActivePanel {
  return new Active(options);
}

class Active implements ActivePanel {
  readonly #options: ActivePanelOptions;
  readonly #causes;
  #active: Candidate;
  /** The one that no cycle runs on now. */
  #resting: Candidate | undefined;
  #sourceReason: string;
  #sourceSinceMs: number;
  #fallbackTold = true;
  #fellBack = false;
  /** The hardware is looked for beside the cycles. */
  #search: Promise<void> | undefined;
  #found = false;
  readonly #ending = new AbortController();

  constructor(options: ActivePanelOptions) {
    this.#options = options;
    this.#causes = oncePerCause(options.clock);
    this.#active = this.#candidate(options.first);
    this.#resting = options.other === undefined ? undefined : this.#candidate(options.other);
    this.#sourceReason = options.reason;
    this.#sourceSinceMs = this.#epochMs();
  }

  get panel(): CyclePanel {
    return this.#active.rigPanel;
  }

  get lost(): boolean {
    return this.#active.keeper.lost;
  }

  get loss(): string | undefined {
    const { lost, loss } = this.#active.keeper;
    return lost ? (loss?.words ?? 'it has not answered yet') : undefined;
  }

  get guarded(): boolean {
    return this.#active.keeper.guarded;
  }

  get confirmed(): boolean {
    const { state } = this.#options.safe;
    return this.#mayRadiate().every((candidate) => {
      const left = candidate !== this.#active && !candidate.mayRadiate;
      return left || candidate.rigPanel.panel.safeAs === state;
    });
  }

  arm(): Promise<void> {
    return this.#active.keeper.arm();
  }

  async ready(signal: AbortSignal): Promise<{ unusable: string } | undefined> {
    if (isOnRealLink(this.#active.rigPanel.source)) {
      if (this.lost && this.#options.fallBack) this.#fallBack();
    } else if (this.#resting !== undefined) {
      await this.#moveBack(this.#resting);
    }
    const { keeper, beamIds } = this.#active;
    if (keeper.lost) {
      const outcome = await keeper.recover(signal);
      if (typeof outcome === 'object') return outcome;
      if (outcome === 'back') beamIds.sessionBegan();
    }
    await keeper.arm();
    return undefined;
  }

  beamId(cycle: number): Promise<BeamId> {
    this.#active.mayRadiate = true;
    this.#active.keeper.lit();
    return this.#active.beamIds.take(cycle);
  }

  worked(): void {
    this.#active.rigPanel.fared?.(undefined, this.#options.tell);
    this.#active.keeper.worked();
  }

  failed(failure: PanelFailure): { unusable: string } | undefined {
    const { keeper, beamIds, rigPanel } = this.#active;
    rigPanel.fared?.(failure, this.#options.tell);
    // It has seen newer ids, of somebody else.
    if (failure.reason === 'rejected' && failure.code === 'stale-beam') beamIds.passed(failure.detail);
    return keeper.failed(failure);
  }

  commandSafe(): boolean {
    return this.#mayRadiate()
      .map(({ keeper }) => keeper.commandSafe())
      .every(Boolean);
  }

  async makeSafe(withinMs?: number): Promise<string | undefined> {
    const words = await Promise.all(
      this.#mayRadiate().map(async (candidate) => {
        const certain = candidate !== this.#active && !candidate.mayRadiate;
        const unconfirmed = await this.#safe(candidate, withinMs);
        return certain ? undefined : unconfirmed;
      }),
    );
    const unsafe = words.filter((word) => word !== undefined);
    return unsafe.length === 0 ? undefined : unsafe.join('; ');
  }

  /** What rests was made safe when it was left; it counts where that is not certain, or where it can hear. */
  #mayRadiate(): Candidate[] {
    const resting = this.#resting;
    const counts = resting !== undefined && (resting.mayRadiate || resting.rigPanel.panel.capabilities !== undefined);
    return counts ? [this.#active, resting] : [this.#active];
  }

  get mayComeApart(): boolean {
    const { safe } = this.#options;
    return safe.state !== 'mute' && [this.#active, this.#resting].some((candidate) => candidate?.rigPanel.apart !== undefined);
  }

  async lookAfter(signal: AbortSignal): Promise<void> {
    if (isOnRealLink(this.#active.rigPanel.source)) return this.#lookAfterActive(signal);
    const hardware = this.#resting;
    // Before it was found it is looked after by the search.
    if (hardware === undefined || !this.#found) return;
    const apart = await hardware.rigPanel.apart?.(this.#options.safe.state);
    if (apart === undefined) return;
    this.#found = false;
    if (apart.failure !== undefined) hardware.keeper.failed(apart.failure);
    this.#look(hardware);
  }

  describe(): ActivePanelDescription {
    const { rigPanel } = this.#active;
    const resting = this.#resting?.rigPanel;
    const absent = resting !== undefined && isOnRealLink(resting.source) ? resting.links() : [];
    return {
      source: rigPanel.source,
      sourceReason: this.#newestReason(),
      sourceSinceMs: this.#sourceSinceMs,
      links: [...absent, ...rigPanel.links()],
    };
  }

  temperatureC(): number | null {
    const told = this.#active.rigPanel.links().flatMap(({ temperatureC }) => (temperatureC === null ? [] : [temperatureC]));
    return told.length === 0 ? null : Math.max(...told);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.allSettled([this.#active, this.#resting].map(async (candidate) => candidate?.rigPanel.panel.close()));
    if (this.#search === undefined) return;
    await this.#search;
    // It may have been about to open the links when they were closed.
    await Promise.allSettled([this.#resting?.rigPanel.panel.close()]);
  }

  async #lookAfterActive(signal: AbortSignal): Promise<void> {
    const { rigPanel, keeper, beamIds } = this.#active;
    if (!keeper.lost) {
      const apart = await rigPanel.apart?.(this.#options.safe.state);
      if (apart === undefined) return;
      if (apart.failure !== undefined) keeper.failed(apart.failure);
      // A loss is told as such, unless the next cycle is to tell of a move.
      if (!keeper.lost || this.#options.fallBack) this.#tellApart(apart);
    }
    if (keeper.lost) {
      if ((await keeper.recover(signal)) !== 'back') return;
      beamIds.sessionBegan();
    }
    await this.#safe(this.#active);
  }

  #tellApart({ words }: Apart): void {
    if (!this.#causes.occurs('apart')) return;
    this.#options.tell({
      level: 'error',
      code: 'array-apart',
      message: `The array came apart while the rig was paused: ${words}.`,
      action: 'What it showed was no beam any more: all of it that is within reach was made safe.',
    });
  }

  /** The hardware is lost: the simulator takes its place, and the hardware is looked for. */
  #fallBack(): void {
    if (this.#resting === undefined) return;
    const { keeper, rigPanel } = this.#active;
    const { loss } = keeper;
    const what = SOURCE_WORDS[rigPanel.source];
    this.#change(`the ${what} was lost: ${loss?.words ?? 'it went away'}`);
    this.#fellBack = true;
    this.#look(this.#resting);
    const outage = this.#causes.begins(`fallback: ${loss?.reason ?? ''}`);
    this.#fallbackTold = outage.told;
    if (!this.#fallbackTold) return;
    this.#options.tell({
      level: 'error',
      code: 'fallback',
      message: `The ${what} was lost: ${loss?.words ?? 'it went away'}.`,
      action: `The rig goes on with the simulator, and every record says so; it moves back by itself when the ${what} is back.${outage.last ? FLAPPING : ''}`,
    });
  }

  /** Onto the hardware, once it was found and is still there. */
  async #moveBack(hardware: Candidate): Promise<void> {
    if (!this.#found) return this.#look(hardware);
    this.#found = false;
    if (hardware.rigPanel.panel.capabilities === undefined) {
      hardware.keeper.failed({ reason: 'link-closed', detail: 'gone again before it was used' });
      return this.#look(hardware);
    }
    const simulator = this.#active;
    if ((await simulator.keeper.rest()) === undefined) simulator.mayRadiate = false;
    this.#change('');
    if (!this.#fallbackTold) return;
    const panels = hardware.rigPanel.links().map(({ name, panel, firmware }) => `${panel} (${firmware}) on ${name}`);
    this.#options.tell({
      level: 'info',
      code: 'panels-back',
      message: `The ${SOURCE_WORDS[hardware.rigPanel.source]} is there: ${panels.join(', ')}.`,
      action: 'The rig runs on it from the next cycle on.',
    });
  }

  /** Looking for the hardware may come upon another reason than the one it was lost for: a board that is back with a wrong key, say. */
  #newestReason(): string {
    const { keeper, rigPanel } = this.#resting ?? this.#active;
    if (!isOnRealLink(rigPanel.source) || this.#resting === undefined || !keeper.lost) return this.#sourceReason;
    const words = keeper.loss?.words;
    if (words === undefined || this.#sourceReason.endsWith(words)) return this.#sourceReason;
    return this.#fellBack ? `the ${SOURCE_WORDS[rigPanel.source]} was lost, and by now: ${words}` : words;
  }

  #change(reason: string): void {
    if (this.#resting === undefined) return;
    [this.#active, this.#resting] = [this.#resting, this.#active];
    this.#sourceReason = reason;
    this.#sourceSinceMs = this.#epochMs();
  }

  #look(hardware: Candidate): void {
    this.#search ??= this.#searchFor(hardware).finally(() => {
      this.#search = undefined;
    });
  }

  async #searchFor(hardware: Candidate): Promise<void> {
    const { signal } = this.#ending;
    try {
      while (!signal.aborted) {
        const outcome = await hardware.keeper.recover(signal);
        if (typeof outcome === 'object') this.#tellUnusable(outcome.unusable);
        if (outcome !== 'back' || signal.aborted) continue;
        hardware.beamIds.sessionBegan();
        // It may still show the beam of before it was lost.
        await this.#safe(hardware);
        if (hardware.rigPanel.panel.capabilities === undefined) continue;
        this.#found = true;
        return;
      }
    } catch (error) {
      if (isBeamrigError(error) && error.code === 'stopped') return;
      this.#tellUnusable(error instanceof Error ? error.message : String(error));
    }
  }

  #tellUnusable(words: string): void {
    if (!this.#causes.occurs(`unusable: ${words}`)) return;
    this.#options.tell({
      level: 'error',
      code: 'panels-unusable',
      message: `What answers cannot be used: ${words}.`,
      action: 'The rig stays on the simulator; what is attached is asked again until it fits.',
    });
  }

  async #safe(candidate: Candidate, withinMs?: number): Promise<string | undefined> {
    const unsafe = await candidate.keeper.makeSafe(withinMs);
    if (unsafe === undefined) candidate.mayRadiate = false;
    return unsafe;
  }

  #candidate(rigPanel: RigPanel): Candidate {
    const { clock, random, safe, silenceMs, goodCycle, tell, fallBack, onSafe } = this.#options;
    if (onSafe !== undefined) rigPanel.panel.onSafe(onSafe);
    const keeper = createPanelRecovery({
      panel: rigPanel.panel,
      connect: () => rigPanel.connect(),
      calm: async () => rigPanel.calm?.(safe, silenceMs),
      connected: rigPanel.connected,
      clock,
      random,
      safe,
      silenceMs,
      goodCycle,
      // Moves are told here, and hardware that no cycle runs on yet is missed by nobody.
      discreet: () => isOnRealLink(rigPanel.source) && (fallBack || this.#active.rigPanel !== rigPanel),
      tell,
    });
    const beamIds = createBeamIds(async () => (await rigPanel.connect()).ok);
    return { rigPanel, keeper, beamIds, mayRadiate: false };
  }

  #epochMs = (): number => Number(this.#options.clock.epochNs() / 1_000_000n);
}
