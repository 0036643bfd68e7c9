/**
 * An array spread over several panels, each on a link of its own, as one panel: the control loop needs to know nothing of it.
 *
 *   beam ─► words by the element map ─► each panel: stage ─► all staged ─► switched at one time (switch-together.ts) ─► whole: radiated
 *                                                                                                     └─ split: void, and made safe at once
 *
 * A beam is credited only while every panel is known to radiate it: measured by one of them, it is asked of the others afterwards. Where panels are
 * switched by their clocks, these are looked at afterwards too: one that jumped has switched its part at another time.
 *
 * **An array that shows part of one beam and part of another does not stay so.** All panels within reach are told to enter the safe state that
 * was set last (group-safety.ts).
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { BeamId, Capabilities, SafeState } from '../../firmware-protocol/messages.ts';
import type { UserIndex } from '../../core/signal/indices.ts';
import type { ClockKeeping } from './clock-keeping.ts';
import { createClockKeeping } from './clock-keeping.ts';
import { createCredit, type Credit } from './credit.ts';
import { arrayOfOne } from './array-of-one.ts';
import type { ElementMap } from './element-map.ts';
import { createElementMap } from './element-map.ts';
import { createGroupSafety, type GroupSafety } from './group-safety.ts';
import { mergedCapabilities, mergedCounters, mergedStatus, whyNotOneArray } from './group-capabilities.ts';
import { otherBeam } from './measurement.ts';
import { lifeOfArray, sessionOf } from './panel-life-cycle.ts';
import { mergedSnr, pilotReporters, snrReporters, type Receivers, type Reporter } from './reporters.ts';
import { connectFirst } from './session-ends.ts';
import type {
  AppliedBeam,
  ArrayMember,
  BeamCommand,
  MeasuredPilots,
  MeasuredSnr,
  PanelCounters,
  PanelFailure,
  PanelGroup,
  PanelLife,
  PanelStatus,
  Result,
  StagedBeam,
} from './panel.ts';
import { checkDimensions, whyNotTaken } from './staging.ts';
import type { Part, Switch } from './switch-together.ts';
import { createSwitch } from './switch-together.ts';

export interface PanelGroupOptions {
  /** `elements`: the array's element that each of the panel's own is, 0-based, in the panel's order. */
  members: readonly { panel: ArrayMember; elements: readonly number[] }[];
  /** Of the whole array. */
  elements: number;
  rfChains: number;
  clock: Clock;
  /** Boards with receivers only, which report users in place of a panel of the array. */
  receivers?: readonly Receivers[];
}

/**
 * A single panel that has all elements in order, and nobody else to report for it, is itself the array.
 * @throws {BeamrigError} 'argument' when an element has no panel, two, or is none of the array's
 */
export function createPanelGroup(options: PanelGroupOptions): PanelGroup {
  const { members, elements, rfChains, receivers = [] } = options;
  const map = createElementMap(
    members.map((member) => member.elements),
    elements,
    rfChains,
  );
  const [{ panel, elements: own }] = members;
  const alone = members.length === 1 && receivers.length === 0 && own.every((element, i) => element === i);
  return alone ? arrayOfOne(panel) : new Group(options, map);
}

interface Member {
  panel: ArrayMember;
  elements: number;
  clock: ClockKeeping;
  /** Its session when the array was put together; another one since means that it was lost meanwhile. */
  joined: Capabilities | undefined;
}

type Listener = Receivers & Pick<Member, 'joined'>;

class Group implements PanelGroup {
  readonly members: readonly ArrayMember[];
  readonly counters: Readonly<PanelCounters>;
  readonly #parts: readonly Member[];
  readonly #receivers: readonly Listener[];
  readonly #switch: Switch;
  #merged: Capabilities | undefined;
  #connecting: Promise<Result<Capabilities>> | undefined;
  /** The beam that all panels confirmed last and nothing has changed since, as far as is known; 0 = none. */
  #agreed: BeamId = 0;
  #applying: BeamId = 0;
  readonly #measured: Credit;
  readonly #safety: GroupSafety;

  readonly #options: PanelGroupOptions;
  readonly #map: ElementMap;

  constructor(options: PanelGroupOptions, map: ElementMap) {
    this.#options = options;
    this.#map = map;
    const { members, clock, receivers = [] } = options;
    this.#receivers = receivers.map((one) => ({ ...one, joined: undefined }));
    this.members = members.map(({ panel }) => panel);
    this.#parts = members.map(({ panel, elements }) => ({
      panel,
      elements: elements.length,
      clock: createClockKeeping(panel, clock),
      joined: undefined,
    }));
    this.counters = mergedCounters(() => this.#boards.map((panel) => panel.counters));
    this.#switch = createSwitch(clock);
    this.#measured = createCredit({
      members: this.members,
      absence: () => this.#absence(),
      agreed: () => this.#agreed,
      doubt: () => (this.#agreed = 0),
      clockVerdicts: () =>
        this.#timed()
          ? this.#parts.map(async ({ panel, clock: keeping }) => {
              const why = await keeping.verify();
              return why && { panel: panel.name, ...why };
            })
          : [],
    });
    this.#safety = createGroupSafety(
      this.members,
      () => this.#lifeOf(this.#parts).state === 'session',
      (ask) => this.#ofAll(ask),
    );
  }

  get name(): string {
    return this.#boards.map((panel) => panel.name).join(' + ');
  }

  /** Its panels, and the receivers beside them. */
  get #boards(): readonly ArrayMember[] {
    return [...this.members, ...this.#receivers.map(({ panel }) => panel)];
  }

  /** Of nothing but the lives of its boards: an array that nobody hears is asked for nothing either. */
  get #life(): PanelLife<Capabilities | undefined> {
    return this.#lifeOf([...this.#parts, ...this.#receivers]);
  }

  #lifeOf(boards: readonly Pick<Member, 'panel' | 'joined'>[]): PanelLife<Capabilities | undefined> {
    const members = boards.map(({ panel, joined }) => ({ name: panel.name, life: panel.life, joined }));
    return lifeOfArray(members, () => this.#merged);
  }

  get capabilities(): Capabilities | undefined {
    return sessionOf(this.#life);
  }

  get safeAs(): SafeState | undefined {
    return this.#safety.shown;
  }

  onSafe(listener: () => void): void {
    for (const panel of this.members) panel.onSafe(() => this.safeAs !== undefined && listener());
  }

  connect(): Promise<Result<Capabilities>> {
    this.#connecting ??= this.#putTogether().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async apply(beam: BeamCommand): Promise<Result<AppliedBeam>> {
    checkDimensions(beam, this.#options);
    if (this.#applying !== 0) {
      return refused({ reason: 'not-sent', request: 'apply', detail: `beam ${this.#applying} is still under way` });
    }
    const absence = this.#absence() ?? this.#unfit(beam);
    if (absence !== undefined) return refused(absence);
    this.#applying = beam.beamId;
    this.#agreed = 0;
    this.#safety.beamMeant();
    try {
      return await this.#applyAlone(beam);
    } finally {
      this.#applying = 0;
    }
  }

  async measureSnr(beamId: BeamId, pilots: number): Promise<Result<MeasuredSnr>> {
    const reporters = (): Result<readonly Reporter[]> => snrReporters(this.members, this.#receivers, this.#merged?.users ?? 0);
    const asked = await this.#measured('measure-snr', beamId, reporters, ({ panel }) => panel.measureSnr(beamId, pilots));
    return asked.ok ? mergedSnr(beamId, asked.value.reporters, asked.value.reports) : asked;
  }

  async measurePilots(beamId: BeamId, user: UserIndex, pilots: number): Promise<Result<MeasuredPilots>> {
    const reporters = (): Result<readonly Pick<Reporter, 'panel'>[]> => pilotReporters(this.members, this.#receivers, user);
    const ask = ({ panel }: Pick<Reporter, 'panel'>): Promise<Result<MeasuredPilots>> =>
      panel.measurePilots(beamId, user, pilots);
    const asked = await this.#measured('measure-pilots', beamId, reporters, ask);
    return asked.ok ? asked.value.reports[0] : asked;
  }

  async readBack(): Promise<Result<{ beamId: BeamId; words: Uint16Array }>> {
    const read = await this.#ofAll((panel) => panel.readBack());
    if (!read.ok) return read;
    const [{ beamId }] = read.value;
    const other = read.value.findIndex((one) => one.beamId !== beamId);
    if (other >= 0)
      return refused({ panel: this.members[other].name, ...otherBeam('read-phases', beamId, read.value[other].beamId) });
    return { ok: true, value: { beamId, words: this.#map.join(read.value.map((one) => one.words)) } };
  }

  async status(): Promise<Result<PanelStatus>> {
    const all = await this.#ofAll((panel) => panel.status());
    return all.ok ? { ok: true, value: mergedStatus(all.value) } : all;
  }

  async ping(): Promise<Result<{ panelTimeUs: bigint; roundTripMs: number }>> {
    const all = await this.#ofAll((panel) => panel.ping());
    if (!all.ok) return all;
    const roundTripMs = Math.max(...all.value.map((one) => one.roundTripMs));
    return { ok: true, value: { panelTimeUs: all.value[0].panelTimeUs, roundTripMs } };
  }

  async storeBeam(beam: BeamCommand, position: number, verify = false): Promise<Result<void>> {
    checkDimensions(beam, this.#options);
    const unfit = this.#unfit(beam);
    if (unfit !== undefined) return refused(unfit);
    return nothing(await this.#ofAll((panel, i) => panel.storeBeam(this.#partOf(beam, i), position, verify)));
  }

  /** A panel switches to a stored beam at once, and not at a time: parts of the array would show two beams meanwhile. */
  foundStored(): void {}

  setSafeState(
    state: SafeState,
    options: { position?: number; silenceMs?: number; enter?: boolean } = {},
  ): Promise<Result<void>> {
    const { position = 0, silenceMs = 0, enter = false } = options;
    if (enter) this.#agreed = 0;
    return this.#safety.set({ state, position, silenceMs }, enter);
  }

  commandSafe(state: SafeState, options: { position?: number; silenceMs?: number } = {}): boolean {
    const { position = 0, silenceMs = 0 } = options;
    this.#agreed = 0;
    return this.#safety.command({ state, position, silenceMs });
  }

  makePartsSafe(): Promise<void> {
    return this.#safety.makePartsSafe();
  }

  async close(): Promise<void> {
    await Promise.all(this.#boards.map((panel) => panel.close()));
  }

  /** Shakes hands with the panels that have no session, or with all where all have one; then looks whether they are one array. */
  async #putTogether(): Promise<Result<Capabilities>> {
    const boards = this.#boards;
    const without = boards.filter((panel) => panel.capabilities === undefined);
    this.#agreed = 0;
    const shaken = await Promise.all(
      (without.length > 0 ? without : boards).map(async (panel) => ({ panel, result: await panel.connect() })),
    );
    for (const { panel, result } of shaken) if (!result.ok) return refused({ panel: panel.name, ...result.failure });

    const facts = [];
    for (const member of this.#parts) {
      const { name, capabilities } = member.panel;
      if (capabilities === undefined) return refused(this.#absence() ?? connectFirst(name));
      facts.push({ name, capabilities, elements: member.elements });
    }
    const heard = [];
    for (const { panel, users } of this.#receivers) {
      const { name, capabilities } = panel;
      if (capabilities === undefined) return refused(this.#absence() ?? connectFirst(name));
      heard.push({ name, capabilities, users });
    }
    const failure = whyNotOneArray(facts, this.#options.rfChains, heard);
    if (failure !== undefined) return refused(failure);
    const all = facts.map((fact) => fact.capabilities);
    const ofReceivers = heard.map((fact) => fact.capabilities);
    this.#merged = mergedCapabilities(all, this.#options.elements, ofReceivers);
    this.#parts.forEach((member, i) => (member.joined = all[i]));
    this.#receivers.forEach((listener, i) => (listener.joined = ofReceivers[i]));
    this.#safety.whole();
    if (this.#timed()) {
      const clocks = await this.#ofAll((_panel, i) => this.#parts[i].clock.refresh());
      if (!clocks.ok) return clocks;
    }
    const absence = this.#absence();
    return absence === undefined ? { ok: true, value: this.#merged } : refused(absence);
  }

  async #applyAlone(beam: BeamCommand): Promise<Result<AppliedBeam>> {
    const { clock } = this.#options;
    const startMs = clock.nowMs();
    const { commands } = this.#safety;
    const timed = this.#timed();
    // Before the chunks, which would keep it waiting and so spoil the sample.
    const clocks = timed ? this.#ofAll((_panel, i) => this.#parts[i].clock.refresh()) : undefined;
    const stage = (i: number): Promise<Result<StagedBeam>> => this.members[i].stage(this.#partOf(beam, i));
    const staged = await this.#ofAll((_panel, i) => stage(i));
    const known = await clocks;
    // Nothing has been switched yet, so the array shows what it showed.
    if (!staged.ok) return this.#unswitched(staged.failure);
    if (known?.ok === false) return known;
    const jumped = this.#jumped();
    if (jumped !== undefined) return refused(jumped);
    const stagedMs = clock.nowMs();
    const parts = this.#parts.map((member, i): Part => ({ ...member, staged: staged.value[i], stageAgain: () => stage(i) }));
    const switched = await (timed ? this.#switch.together(parts) : this.#switch.now(parts));
    // All of them were told, and whoever told them looks what they show.
    if (this.#safety.commands !== commands) return refused({ reason: 'made-safe' });
    // Too late, or still to come: perhaps its clock is not what it was.
    if (switched.outcome !== 'whole') for (const { clock: keeping } of this.#parts) keeping.doubt();
    if (switched.outcome === 'unchanged') return this.#unswitched(switched.failure);
    if (switched.outcome === 'split') {
      await this.#safety.makeAllSafe();
      return refused(switched.failure);
    }
    const absence = this.#absence();
    if (absence !== undefined) return refused(absence);
    this.#agreed = beam.beamId;
    const { latches, latchSpreadUs } = switched;
    return {
      ok: true,
      value: {
        beamId: beam.beamId,
        panelTimeUs: latches[0].panelTimeUs,
        pushMs: stagedMs - startMs,
        commitMs: clock.nowMs() - stagedMs,
        ...(latchSpreadUs === undefined ? {} : { latchSpreadUs }),
      },
    };
  }

  /** Whether the panels can be switched at one time, and there are several. */
  #timed(): boolean {
    return this.members.length > 1 && this.#merged?.features.includes('time-sync') === true;
  }

  /** A clock that was found to have jumped: nothing is wrong with the beam before, and what it showed since is not known to be. */
  #jumped(): PanelFailure | undefined {
    const member = this.#parts.find(({ clock }) => clock.jumpedMs > 0);
    return member && { panel: member.panel.name, reason: 'clock-jumped', byMs: member.clock.jumpedMs };
  }

  #partOf(beam: BeamCommand, panel: number): BeamCommand {
    const { words, enabled, gains } = beam;
    return {
      ...beam,
      words: this.#map.split(words, panel),
      ...(enabled && { enabled: this.#map.split(enabled, panel) }),
      ...(gains && { gains: this.#map.split(gains, panel) }),
    };
  }

  /** Looked at before any panel is asked: one of them would take its part, and another not. */
  #unfit(beam: BeamCommand): PanelFailure | undefined {
    return this.#merged && whyNotTaken(beam, this.#merged, 'the array, as all its panels have it,');
  }

  /** No panel switched. One that has a fault shows nothing, though, and the others a part of the beam before, which is no beam either. */
  async #unswitched(failure: PanelFailure): Promise<Result<never>> {
    if (failure.reason === 'rejected' && failure.code === 'fault') await this.#safety.makeAllSafe();
    return refused(failure);
  }

  /** Why the array has no session, where it has none. */
  #absence(): PanelFailure | undefined {
    const { state, why } = this.#life;
    return state === 'session' ? undefined : (why ?? connectFirst(this.name));
  }

  /** Asks all panels at once. @returns all answers, or the first failure with the panel's name */
  async #ofAll<T>(ask: (panel: ArrayMember, index: number) => Promise<Result<T>>): Promise<Result<T[]>> {
    const results = await Promise.all(this.members.map(ask));
    const values: T[] = [];
    for (const [i, result] of results.entries()) {
      if (!result.ok) return refused({ panel: this.members[i].name, ...result.failure });
      values.push(result.value);
    }
    return { ok: true, value: values };
  }
}

const refused = (failure: PanelFailure): { ok: false; failure: PanelFailure } => ({ ok: false, failure });

const nothing = (result: Result<unknown>): Result<void> => (result.ok ? { ok: true, value: undefined } : result);
