/**
 * Which panel the cycles run on: the hardware, or the simulator where the rig's policy lets it stand in. Cycles ask at their boundaries
 * (`ready`) and stay with what they were given to their end, so no beam and no reading ever belongs half to one and half to the other.
 *
 *   hardware ── lost, policy any-time ──► simulator        the hardware is looked for meanwhile, beside the cycles
 *   hardware ◄── back, and made safe ──── simulator        at the boundary of a cycle; the simulator is muted
 *
 * Every move is marked in the records (`source`) and told, but for hardware that comes and goes again and again: that is told thrice.
 */
import type { BeamId } from '../../firmware-protocol/messages.ts';
import type { PanelFailure } from '../panel/panel.ts';
import { SOURCE_TEXT, isOnRealLink } from '../telemetry/cycle-record.ts';
import { createBeamIds } from './beam-ids.ts';
import type { CyclePanel } from './control-cycle.ts';
import type { LentArray } from './array-calibrator.ts';
import type { ActivePanel, ActivePanelDescription, ActivePanelOptions } from './active-panel-options.ts';
import { safeOn, type Candidate, type Apart, type RigPanel } from './rig-panel.ts';
import { createHardwareSearch, type HardwareSearch, type Unusable } from './hardware-search.ts';
import { oncePerCause } from './watch/once-per-cause.ts';
import { FLAPPING, createPanelRecovery } from './panel-recovery.ts';

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
  #muted = false;
  #fallbackAnnounced = true;
  #fellBack = false;
  /** Of the loss that the rig fell back for. */
  #movedFor: string | undefined;
  readonly #search: HardwareSearch;

  constructor(options: ActivePanelOptions) {
    this.#options = options;
    this.#causes = oncePerCause(options.clock);
    this.#search = createHardwareSearch(
      (hardware) => this.#safe(hardware),
      (found) => this.#tellUnusable(found),
    );
    this.#active = this.#candidate(options.first);
    this.#resting = options.other === undefined ? undefined : this.#candidate(options.other);
    this.#sourceReason = options.reason;
    this.#sourceSinceMs = this.#epochMs();
  }

  get panel(): CyclePanel {
    return this.#active.rigPanel;
  }

  get rigPanel(): RigPanel {
    return this.#active.rigPanel;
  }

  get standsIn(): boolean {
    return this.#resting !== undefined && isOnRealLink(this.#resting.rigPanel.source);
  }

  lend(): LentArray {
    const { rigPanel, recovery } = this.#active;
    this.#active.mayRadiate = true;
    this.#muted = false;
    recovery.holdNothing(true);
    return { rigPanel, recovery };
  }

  async takeBack(): Promise<string | undefined> {
    const { recovery, beamIds } = this.#active;
    recovery.release();
    if ((await recovery.recover(new AbortController().signal)) === 'back') beamIds.sessionBegan();
    return this.#safe(this.#active);
  }

  get lost(): boolean {
    return this.#active.recovery.lost;
  }

  get loss(): string | undefined {
    const { lost, loss } = this.#active.recovery;
    return lost ? (loss?.message ?? 'it has not answered yet') : undefined;
  }

  get guarded(): boolean {
    return this.#active.recovery.guarded;
  }

  get confirmed(): boolean {
    const state = this.muted ? 'mute' : this.#options.safe.state;
    return this.#mayRadiate().every((candidate) => {
      const left = candidate !== this.#active && !candidate.mayRadiate;
      return left || candidate.rigPanel.panel.safeAs === state;
    });
  }

  arm(): Promise<void> {
    return this.#active.recovery.arm();
  }

  async ready(signal: AbortSignal): Promise<{ unusable: string } | undefined> {
    if (isOnRealLink(this.#active.rigPanel.source)) {
      if (this.lost && this.#options.fallBack) this.#fallBack();
    } else if (this.#resting !== undefined) {
      await this.#moveBack(this.#resting);
    }
    const { recovery, beamIds } = this.#active;
    recovery.holdNothing(false);
    if (recovery.lost) {
      const outcome = await recovery.recover(signal);
      if (typeof outcome === 'object') return outcome;
      if (outcome === 'back') beamIds.sessionBegan();
    }
    await recovery.arm();
    return undefined;
  }

  beamId(slot: number): Promise<BeamId> {
    this.#active.mayRadiate = true;
    this.#muted = false;
    this.#active.recovery.lit();
    return this.#active.beamIds.take(slot);
  }

  worked(): void {
    this.#active.rigPanel.fared?.(undefined, this.#options.tell);
    this.#active.recovery.worked();
  }

  heard(): void {
    this.#active.recovery.heard();
  }

  failed(failure: PanelFailure): { unusable: string } | undefined {
    const { recovery, beamIds, rigPanel } = this.#active;
    rigPanel.fared?.(failure, this.#options.tell);
    // It has seen newer ids, of somebody else.
    if (failure.reason === 'rejected' && failure.code === 'stale-beam') beamIds.passed(failure.detail);
    return recovery.failed(failure);
  }

  commandSafe(): boolean {
    return this.#mayRadiate()
      .map(({ recovery }) => recovery.commandSafe())
      .every(Boolean);
  }

  get muted(): boolean {
    return this.#muted || (this.#options.safe.state === 'hold' && this.#active.recovery.holdsNothing);
  }

  async mute(): Promise<string | undefined> {
    this.#muted = true;
    const words = await Promise.all(
      this.#mayRadiate().map(async (candidate) => {
        const unconfirmed = await candidate.recovery.rest();
        if (unconfirmed === undefined) candidate.mayRadiate = false;
        return unconfirmed;
      }),
    );
    const unsafe = words.filter((word) => word !== undefined);
    return unsafe.length === 0 ? undefined : unsafe.join('; ');
  }

  async makeSafe(withinMs?: number): Promise<string | undefined> {
    this.#muted = false;
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
    return (
      !this.muted &&
      safe.state !== 'mute' &&
      [this.#active, this.#resting].some((candidate) => candidate?.rigPanel.apart !== undefined)
    );
  }

  async lookAfter(signal: AbortSignal): Promise<void> {
    if (isOnRealLink(this.#active.rigPanel.source)) return this.#lookAfterActive(signal);
    const hardware = this.#resting;
    // Before it is found it is looked after by the search.
    if (hardware === undefined || !this.#search.hasFound(hardware)) return;
    const apart = await hardware.rigPanel.apart?.(this.#options.safe.state);
    if (apart === undefined) return;
    if (apart.failure !== undefined) hardware.recovery.failed(apart.failure);
    hardware.recovery.release();
    this.#search.begin(hardware);
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
    const known = this.#active.rigPanel.links().flatMap(({ temperatureC }) => (temperatureC === null ? [] : [temperatureC]));
    return known.length === 0 ? null : Math.max(...known);
  }

  async close(): Promise<void> {
    const searched = this.#search.end();
    await Promise.allSettled([this.#active, this.#resting].map(async (candidate) => candidate?.rigPanel.panel.close()));
    // It may have been about to open the links when they were closed.
    if (await searched) await Promise.allSettled([this.#resting?.rigPanel.panel.close()]);
  }

  async #lookAfterActive(signal: AbortSignal): Promise<void> {
    const { rigPanel, recovery, beamIds } = this.#active;
    if (!recovery.lost) {
      const apart = await rigPanel.apart?.(this.#options.safe.state);
      if (apart === undefined) return;
      if (apart.failure !== undefined) recovery.failed(apart.failure);
      // A loss is told as such, unless the next cycle is to tell of a move.
      if (!recovery.lost || this.#options.fallBack) this.#tellApart(apart);
    }
    if (recovery.lost) {
      if ((await recovery.recover(signal)) !== 'back') return;
      beamIds.sessionBegan();
    }
    await this.#safe(this.#active);
  }

  #tellApart({ message: text }: Apart): void {
    if (!this.#causes.occurs('apart')) return;
    this.#options.tell({
      level: 'error',
      code: 'array-apart',
      message: `The array came apart while the rig was paused: ${text}.`,
      action: 'What it showed was no beam any more: all of it that is within reach was made safe.',
    });
  }

  /** The hardware is lost: the simulator takes its place, and the hardware is looked for. */
  #fallBack(): void {
    if (this.#resting === undefined) return;
    const { recovery, rigPanel } = this.#active;
    const { loss } = recovery;
    const what = SOURCE_TEXT[rigPanel.source];
    this.#change(`the ${what} was lost: ${loss?.message ?? 'it went away'}`);
    this.#fellBack = true;
    this.#movedFor = loss?.cause;
    this.#search.begin(this.#resting);
    const outage = this.#causes.begins(`fallback: ${loss?.reason ?? ''}`);
    this.#fallbackAnnounced = outage.announced;
    if (!this.#fallbackAnnounced) return;
    this.#options.tell({
      level: 'error',
      code: 'fallback',
      message: `The ${what} was lost: ${loss?.message ?? 'it went away'}.`,
      action: `The rig goes on with the simulator, and every record says so; it moves back by itself when the ${what} is back.${outage.last ? FLAPPING : ''}`,
    });
  }

  /** Onto the hardware, once it was found and is still there. */
  async #moveBack(hardware: Candidate): Promise<void> {
    if (!this.#search.hasFound(hardware)) return this.#search.begin(hardware);
    const simulator = this.#active;
    if ((await simulator.recovery.rest()) === undefined) simulator.mayRadiate = false;
    this.#change('');
    if (!this.#fallbackAnnounced) return;
    const panels = hardware.rigPanel.links().map(({ name, panel, firmware }) => `${panel} (${firmware}) on ${name}`);
    this.#options.tell({
      level: 'info',
      code: 'panels-back',
      message: `The ${SOURCE_TEXT[hardware.rigPanel.source]} is there: ${panels.join(', ')}.`,
      action: 'The rig runs on it from the next cycle on.',
    });
  }

  /** Looking for the hardware may come upon another reason than the one it was lost for: a board that is back with a wrong key, say. */
  #newestReason(): string {
    const { recovery, rigPanel } = this.#resting ?? this.#active;
    if (!isOnRealLink(rigPanel.source) || this.#resting === undefined || !recovery.lost) return this.#sourceReason;
    const { loss } = recovery;
    if (loss === undefined || loss.cause === this.#movedFor) return this.#sourceReason;
    const { message } = loss;
    return this.#fellBack ? `the ${SOURCE_TEXT[rigPanel.source]} was lost, and by now: ${message}` : message;
  }

  #change(reason: string): void {
    if (this.#resting === undefined) return;
    [this.#active, this.#resting] = [this.#resting, this.#active];
    this.#sourceReason = reason;
    this.#sourceSinceMs = this.#epochMs();
  }

  #tellUnusable({ cause, message }: Unusable): void {
    if (!this.#causes.occurs(`unusable: ${cause}`)) return;
    this.#options.tell({
      level: 'error',
      code: 'panels-unusable',
      message: `What answers cannot be used: ${message}.`,
      action: 'The rig stays on the simulator; what is attached is asked again until it fits.',
    });
  }

  async #safe(candidate: Candidate, withinMs?: number): Promise<string | undefined> {
    const unsafe = await candidate.recovery.makeSafe(withinMs);
    if (unsafe === undefined) candidate.mayRadiate = false;
    return unsafe;
  }

  #candidate(rigPanel: RigPanel): Candidate {
    const { clock, random, safe, silenceMs, goodCycle, tell, fallBack, onSafe } = this.#options;
    if (onSafe !== undefined) rigPanel.panel.onSafe(onSafe);
    const recovery = createPanelRecovery({
      panel: rigPanel.panel,
      connect: () => rigPanel.connect(),
      makePartsSafe: async () => rigPanel.makePartsSafe?.(),
      connected: rigPanel.connected,
      clock,
      random,
      safe: safeOn(safe, rigPanel),
      silenceMs,
      goodCycle,
      // Moves are told here, and hardware that no cycle runs on yet is missed by nobody.
      discreet: () => isOnRealLink(rigPanel.source) && (fallBack || this.#active.rigPanel !== rigPanel),
      tell,
    });
    const beamIds = createBeamIds(async () => (await rigPanel.connect()).ok);
    return { rigPanel, recovery, beamIds, mayRadiate: false };
  }

  #epochMs = (): number => Number(this.#options.clock.epochNs() / 1_000_000n);
}
