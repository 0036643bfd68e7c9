/**
 * The driver of one front-end: what can be asked of it within a session (panel-session.ts). beam-staging.ts and commit.ts do the talking. A beam goes through
 * three states that are never taken for one another:
 *
 *   apply ─► chunks, pipelined ─► all acknowledged: staged ─► commit ─► 'committed' with a checksum ─► equal to what was asked: read back
 *                                                                │
 *                                                         answer lost: ask the panel what it radiates; unknown ─► the beam is void
 */
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { NO_TEMPERATURE } from '../../firmware-protocol/limits.ts';
import type { BeamId, Capabilities, Request, SafeState } from '../../firmware-protocol/messages.ts';
import type { UserIndex, UserRun } from '../../core/signal/indices.ts';
import type { Random } from '../../core/signal/random.ts';
import type { Link } from '../link/link.ts';
import { createBeamMemory, isOtherBeam } from './beam-memory.ts';
import { createBeamStaging, type BeamStaging } from './beam-staging.ts';
import type { Commits, Staged } from './commit.ts';
import { createCommits, refused } from './commit.ts';
import { sealOf } from './frame-seal.ts';
import type { Session } from './handshake.ts';
import { keyMissing } from './handshake.ts';
import { pilotsOf, snrOf } from './measurement.ts';
import type {
  AppliedBeam,
  ArrayMember,
  BeamCommand,
  ClockSample,
  DiscardedReplies,
  MeasuredPilots,
  MeasuredSnr,
  PanelCounters,
  PanelFailure,
  PanelLife,
  PanelStatus,
  Result,
  StagedBeam,
} from './panel.ts';
import { PanelSession } from './panel-session.ts';
import { readWords, whyNotAsStaged } from './read-back.ts';
import type { ReplyTo, RequestOf } from './replies.ts';
import type { RequestLine } from './request-line.ts';
import type { LineTimeouts, RequestLimits } from './request-timeouts.ts';

export interface PanelOptions {
  link: Link;
  clock: Clock;
  /** A stream of the driver's own: for jitter and the first sequence number. */
  random: Random;
  /** What the rig expects; `features` are those that must be there. */
  expected?: Partial<Capabilities>;
  timeouts?: Partial<LineTimeouts>;
  /** Chunks sent and not yet acknowledged, at most. Default 4: boards have small input buffers. */
  window?: number;
  /** Users whom the panel is there to report; all that it says there are, when left out. */
  hears?: UserRun;
  /** Frames are sealed with the panel's own key, derived from the rig's for `expected.panelSerial`. 16 to 64 bytes. */
  authentication?: { rigKey: Uint8Array };
}

/**
 * A panel at the other end of `link`, which must not be shared. Call `connect` first.
 * @throws {BeamrigError} 'argument' for a window out of range, a key of the wrong length, or a key without `expected.panelSerial`
 */
export function createPanel(options: PanelOptions): ArrayMember {
  return new PanelDriver(options);
}

class PanelDriver implements ArrayMember {
  readonly #link: Link;
  readonly #clock: Clock;
  readonly #window: number;
  readonly #hears: UserRun | undefined;
  readonly #panel: PanelSession;
  readonly #line: RequestLine;
  /** The beam being staged or committed, 0 when none is. */
  #busyWith: BeamId = 0;
  #nextNonce = 0;
  readonly #commits: Commits;
  readonly #staging: BeamStaging;
  readonly #memory = createBeamMemory();

  constructor(options: PanelOptions) {
    const { link, clock, random, expected = {}, timeouts = {}, window = 4, authentication } = options;
    if (!Number.isInteger(window) || window < 1 || window > 32) {
      throw new BeamrigError('argument', `window is ${window}, not a whole number from 1 to 32`);
    }
    this.#link = link;
    this.#clock = clock;
    this.#window = window;
    this.#hears = options.hears;
    this.#commits = createCommits({
      clock,
      holds: (session) => session === this.#session,
      ask: (session, request, limits) => this.#ask(session, request, limits),
      status: (limits) => this.status(limits),
      readBack: () => this.readBack(),
      ping: () => this.ping(),
      explain: (failure) => this.#explain(failure),
    });
    this.#panel = new PanelSession({
      link,
      clock,
      random,
      expected,
      timeouts,
      seal: authentication && sealOf(authentication.rigKey, expected.panelSerial, link.name),
      onBegin: (session) => {
        this.#memory.found(new Map());
        this.#commits.sessionBegan(session);
      },
      onDoubt: () => this.#staging.radiates(undefined),
      status: (limits) => this.status(limits),
    });
    this.#line = this.#panel.line;
    this.#staging = createBeamStaging({ panel: this.#panel, clock, window, explain: (failure) => this.#explain(failure) });
  }

  get name(): string {
    return this.#link.name;
  }

  get life(): PanelLife<Session> {
    return this.#panel.life;
  }

  get capabilities(): Capabilities | undefined {
    return this.#session?.capabilities;
  }

  get counters(): Readonly<PanelCounters> {
    return this.#line.counters;
  }

  get discards(): DiscardedReplies {
    return this.#line.discards;
  }

  get safeAs(): SafeState | undefined {
    return this.#panel.safety.shown;
  }

  onSafe(listener: () => void): void {
    this.#panel.safety.onSafe(listener);
  }

  connect(): Promise<Result<Capabilities>> {
    return this.#panel.connect();
  }

  apply(beam: BeamCommand): Promise<Result<AppliedBeam>> {
    return this.#exclusively('apply', beam.beamId, async () => {
      const stored = this.#session && this.#memory.stagedFrom(this.#session, beam);
      const staged = stored === undefined ? await this.#staging.stage(beam, true) : ({ ok: true, value: stored } as const);
      return staged.ok ? this.#commitAlone(staged.value) : staged;
    });
  }

  stage(beam: BeamCommand): Promise<Result<StagedBeam>> {
    return this.#exclusively('stage', beam.beamId, () => this.#staging.stage(beam));
  }

  commit(staged: StagedBeam): Promise<Result<AppliedBeam>> {
    return this.#exclusively('commit', staged.beamId, () => this.#commitAlone(this.#own(staged)));
  }

  arm(staged: StagedBeam, atUs: bigint, withinMs?: number): Promise<Result<void>> {
    return this.#exclusively('commit', staged.beamId, async () => {
      const own = this.#own(staged);
      const armed = await this.#commits.arm(own, atUs, withinMs);
      // Nothing to start another patch from: the next staging sends the whole beam.
      if (!armed.ok && armed.failure.reason === 'not-staged') this.#staging.radiates(undefined);
      return armed;
    });
  }

  confirm(staged: StagedBeam, withinMs?: number): Promise<Result<AppliedBeam>> {
    return this.#exclusively('commit', staged.beamId, async () => {
      const own = this.#own(staged);
      const startMs = this.#clock.nowMs();
      return this.#applied(own, await this.#commits.confirm(own, withinMs), startMs);
    });
  }

  cancel(staged: StagedBeam, withinMs?: number): Promise<Result<void>> {
    return this.#commits.cancel(this.#own(staged), withinMs);
  }

  storeBeam(beam: BeamCommand, position: number, verify = false): Promise<Result<void>> {
    return this.#exclusively('store-beam', beam.beamId, async () => {
      const session = this.#session;
      if (session === undefined) return refused(this.#panel.absence);
      const { beamId } = beam;
      for (let attempt = 1; ; attempt++) {
        const staged = await this.#staging.stage(beam);
        if (!staged.ok) return staged;
        const differs = verify ? await whyNotAsStaged(this.#line, staged.value, this.#window) : undefined;
        if (differs !== undefined) return this.#explain(differs);
        this.#memory.forget(position);
        const stored = await this.#ask<'store-beam'>(session, { type: 'store-beam', slot: staged.value.slot, beamId, position });
        if (stored.ok) {
          this.#memory.filled(position, staged.value.beam);
          return DONE;
        }
        const { failure } = stored;
        if (failure.reason !== 'rejected' || failure.code !== 'not-staged' || attempt === 2) return this.#explain(failure);
      }
    });
  }

  foundStored(contents: ReadonlyMap<number, string>): void {
    if (this.#session !== undefined) this.#memory.found(contents);
  }

  async syncClock(): Promise<Result<ClockSample>> {
    const hostSendMs = this.#clock.nowMs();
    const hostSendUs = BigInt(Math.round(hostSendMs * 1000));
    const answer = await this.#ask<'sync-time'>(this.#session, { type: 'sync-time', hostSendUs });
    if (!answer.ok) return answer;
    const { panelReceiveUs, panelSendUs } = answer.value;
    const hostReceiveUs = this.#clock.nowMs() * 1000;
    return { ok: true, value: { hostSendUs: hostSendMs * 1000, panelReceiveUs, panelSendUs, hostReceiveUs } };
  }

  async measureSnr(beamId: BeamId, pilots: number): Promise<Result<MeasuredSnr>> {
    const answer = await this.#ask<'measure-snr'>(this.#session, { type: 'measure-snr', beamId, pilots });
    if (!answer.ok) return this.#explain(answer.failure);
    return snrOf(answer.value, beamId, this.#session?.capabilities.users ?? 0, this.#hears);
  }

  async measurePilots(beamId: BeamId, user: UserIndex, pilots: number): Promise<Result<MeasuredPilots>> {
    const answer = await this.#ask<'measure-pilots'>(this.#session, { type: 'measure-pilots', beamId, user, pilots });
    const chains = this.#session?.capabilities.rfChains ?? 0;
    return answer.ok ? pilotsOf(answer.value, beamId, user, chains) : this.#explain(answer.failure);
  }

  async readBack(): Promise<Result<{ beamId: BeamId; words: Uint16Array }>> {
    const session = this.#session;
    if (session === undefined) return refused(this.#panel.absence);
    const read = await readWords(this.#line, session.capabilities, this.#window);
    if (this.#session !== session) return refused(this.#panel.absence);
    return read.ok ? read : this.#explain(read.failure);
  }

  async status(limits?: RequestLimits): Promise<Result<PanelStatus>> {
    const session = this.#session;
    const answer = await this.#ask<'get-status'>(session, { type: 'get-status' }, limits);
    if (!answer.ok || session === undefined) return answer.ok ? refused(this.#panel.absence) : answer;
    const { type: _type, temperatureCentiC, ...status } = answer.value;
    if (status.bootCount !== session.bootCount) {
      const detail = `boot ${status.bootCount} instead of ${session.bootCount}, up for ${status.uptimeMs} ms; connect again`;
      this.#panel.end({ reason: 'panel-restarted', detail });
      return refused(this.#panel.absence);
    }
    const temperatureC = temperatureCentiC === NO_TEMPERATURE ? null : temperatureCentiC / 100;
    return { ok: true, value: { ...status, temperatureC } };
  }

  async ping(): Promise<Result<{ panelTimeUs: bigint; roundTripMs: number }>> {
    const startMs = this.#clock.nowMs();
    this.#nextNonce = (this.#nextNonce + 1) >>> 0;
    const answer = await this.#ask<'ping'>(this.#session, { type: 'ping', nonce: this.#nextNonce });
    if (!answer.ok) return answer;
    return { ok: true, value: { panelTimeUs: answer.value.timeUs, roundTripMs: this.#clock.nowMs() - startMs } };
  }

  async setSafeState(
    state: SafeState,
    options: { position?: number; silenceMs?: number; enter?: boolean } = {},
  ): Promise<Result<void>> {
    const { position = 0, silenceMs = 0, enter = false } = options;
    if (enter) this.#staging.radiates(undefined);
    const order = { state, position, silenceMs };
    const answer = await this.#ask<'set-safe-state'>(this.#session, { type: 'set-safe-state', ...order, enter });
    if (!answer.ok) {
      if (enter && answer.failure.reason === 'rejected') this.#panel.safety.doubted();
      return this.#explain(answer.failure);
    }
    this.#panel.safety.confirmed(order, enter);
    return DONE;
  }

  commandSafe(state: SafeState, options: { position?: number; silenceMs?: number } = {}): boolean {
    const { position = 0, silenceMs = 0 } = options;
    return this.#panel.commandSafe({ state, position, silenceMs });
  }

  close(): Promise<void> {
    return this.#panel.close();
  }

  get #session(): Session | undefined {
    return this.#panel.current;
  }

  #ask<T extends Request['type']>(
    session: Session | undefined,
    request: RequestOf<T>,
    limits?: RequestLimits,
  ): Promise<Result<ReplyTo<T>>> {
    return this.#panel.ask(session, request, limits);
  }

  /** One beam at a time: what is begun while another is under way is refused. */
  async #exclusively<T>(request: string, beamId: BeamId, work: () => Promise<Result<T>>): Promise<Result<T>> {
    if (this.#busyWith !== 0) {
      return refused({ reason: 'not-sent', request, detail: `beam ${this.#busyWith} is still under way` });
    }
    this.#busyWith = beamId;
    try {
      return await work();
    } finally {
      this.#busyWith = 0;
    }
  }

  async #commitAlone(staged: Staged): Promise<Result<AppliedBeam>> {
    let startMs = this.#clock.nowMs();
    let latched = await this.#commits.now(staged);
    if (staged.position !== undefined) {
      if (latched.ok) this.#line.counters.selectedBeams = (this.#line.counters.selectedBeams ?? 0) + 1;
      else if (isOtherBeam(latched.failure)) this.#memory.forget(staged.position);
      // Where nothing lies there it is sent like any other.
      delete staged.position;
    }
    if (!latched.ok && latched.failure.reason === 'not-staged') {
      const again = await this.#staging.again(staged);
      if (!again.ok) return again;
      startMs = this.#clock.nowMs();
      latched = await this.#commits.now(staged);
    }
    return this.#applied(staged, latched, startMs);
  }

  #applied(staged: Staged, latched: Result<bigint>, startMs: number): Result<AppliedBeam> {
    this.#staging.radiates(latched.ok && staged.session === this.#session ? staged.beam : undefined);
    if (!latched.ok) return latched;
    const { beamId, pushMs } = staged;
    return { ok: true, value: { beamId, panelTimeUs: latched.value, pushMs, commitMs: this.#clock.nowMs() - startMs } };
  }

  /** @throws {BeamrigError} 'argument' for a beam that another panel staged */
  #own(staged: StagedBeam): Staged {
    if ('session' in staged && 'crc' in staged) return staged as Staged;
    throw new BeamrigError('argument', `beam ${staged.beamId} was not staged by the panel on ${this.name}`);
  }

  /** A panel that says no may have been restarted and lost its memory, which is another cause with another way out. */
  async #explain(failure: PanelFailure): Promise<{ ok: false; failure: PanelFailure }> {
    const isNo = failure.reason === 'rejected' || failure.reason === 'other-beam';
    if (!isNo || this.#session === undefined) return refused(failure);
    if (failure.reason === 'rejected' && failure.code === 'busy') return refused(failure);
    if (failure.reason === 'rejected' && failure.code === 'not-authenticated') {
      this.#panel.end(keyMissing(failure));
      return refused(this.#panel.absence);
    }
    const status = await this.status();
    return !status.ok && status.failure.reason === 'panel-restarted' ? status : refused(failure);
  }
}

const DONE = { ok: true, value: undefined } as const;
