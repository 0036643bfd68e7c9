/**
 * The driver of one front-end: the session with it and the verbs, of which staging.ts and commit.ts are the words. A beam goes through three
 * states that are never taken for one another:
 *
 *   apply ─► chunks, pipelined ─► all acknowledged: staged ─► commit ─► 'committed' with a checksum ─► equal to what was asked: read back
 *                                                                │
 *                                                         answer lost: ask the panel what it radiates; unknown ─► the beam is void
 *
 * Nothing outlives the link: when it is lost everything under way fails, nothing is sent again, and `connect` shakes hands anew.
 */
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { NO_TEMPERATURE } from '../../firmware-protocol/limits.ts';
import type { BeamId, Capabilities, Request, SafeState } from '../../firmware-protocol/messages.ts';
import { wordsCrc32c } from '../../firmware-protocol/packing.ts';
import type { UserIndex } from '../../core/signal/indices.ts';
import type { Random } from '../../core/signal/random.ts';
import { LinkRefused, type Link } from '../link/link.ts';
import type { Commits, Staged } from './commit.ts';
import { createCommits, refused } from './commit.ts';
import { sealOf } from './frame-seal.ts';
import type { Session } from './handshake.ts';
import { keyMissing, shakeHands } from './handshake.ts';
import { checkUnprovenReports } from './unproven-reports.ts';
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
  PanelStatus,
  Result,
  StagedBeam,
} from './panel.ts';
import { createPanelSafety, type PanelSafety } from './panel-safety.ts';
import { pipeline } from './pipeline.ts';
import { readRadiated } from './read-back.ts';
import type { ReplyTo, RequestOf } from './replies.ts';
import type { LineTimeouts, RequestLimits, RequestLine } from './request-line.ts';
import { DEFAULT_TIMEOUTS, createRequestLine, linkClosed } from './request-line.ts';
import type { StagingType } from './staging.ts';
import { beamAsPatch, bytesOf, checkDimensions, copyFor, refusedUnlessWhole, wholeBeam } from './staging.ts';

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
  readonly #expected: Partial<Capabilities>;
  readonly #window: number;
  readonly #line: RequestLine;
  #session: Session | undefined;
  /** Why there is no session. */
  #absence: PanelFailure;
  /** Sessions and attempts at one, counted, so that a handshake notices when the link was lost under it. */
  #epoch = 0;
  #connecting: Promise<Result<Capabilities>> | undefined;
  /** The beam being staged or committed, 0 when none is. */
  #busyWith: BeamId = 0;
  #nextSlot = 0;
  #nextNonce = 0;
  readonly #commits: Commits;
  readonly #withKey: boolean;
  /** The beam that the panel confirmed last in this session and may radiate still: what a patch starts from, and nothing else. */
  #radiated: BeamCommand | undefined;
  readonly #safety: PanelSafety;

  constructor(options: PanelOptions) {
    const { link, clock, random, expected = {}, timeouts = {}, window = 4, authentication } = options;
    if (!Number.isInteger(window) || window < 1 || window > 32) {
      throw new BeamrigError('argument', `window is ${window}, not a whole number from 1 to 32`);
    }
    this.#link = link;
    this.#clock = clock;
    this.#expected = expected;
    this.#window = window;
    this.#withKey = authentication !== undefined;
    this.#safety = createPanelSafety(
      clock,
      () => this.#line,
      (why) => this.#endSession(why),
    );
    this.#line = createRequestLine({
      ...this.#safety.watch,
      link,
      clock,
      random,
      timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts },
      ...(authentication === undefined ? {} : { seal: sealOf(authentication.rigKey, expected.panelSerial, link.name) }),
      onRefusal: (code) => {
        const detail = `it refuses the counters or the key of this session (${code}); connect again`;
        this.#endSession({ reason: 'panel-restarted', detail });
      },
      onSessionOver: (failure) => this.#endSession(failure),
    });
    this.#commits = createCommits({
      clock,
      holds: (session) => session === this.#session,
      ask: (session, request, limits) => this.#ask(session, request, limits),
      status: (limits) => this.status(limits),
      readBack: () => this.readBack(),
      ping: () => this.ping(),
      explain: (failure) => this.#explain(failure),
    });
    this.#absence = { reason: 'link-closed', detail: `${link.name}: not connected yet`, noSession: true };
    const { unproven } = link;
    if (unproven !== undefined) {
      checkUnprovenReports({ unproven, clock, session: () => this.#session, status: (limits) => this.status(limits) });
    }
    link.onFrame((frame) => this.#line.receive(frame));
    link.onState((state) => {
      if (state.state === 'closed') this.#endSession(linkClosed(link));
    });
  }

  get name(): string {
    return this.#link.name;
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
    return this.#safety.shown;
  }

  onSafe(listener: () => void): void {
    this.#safety.onSafe(listener);
  }

  connect(): Promise<Result<Capabilities>> {
    this.#connecting ??= this.#openAndShake().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  apply(beam: BeamCommand): Promise<Result<AppliedBeam>> {
    return this.#exclusively('apply', beam.beamId, async () => {
      const staged = await this.#stageAlone(beam, true);
      return staged.ok ? this.#commitAlone(staged.value) : staged;
    });
  }

  stage(beam: BeamCommand): Promise<Result<StagedBeam>> {
    return this.#exclusively('stage', beam.beamId, () => this.#stageAlone(beam));
  }

  commit(staged: StagedBeam): Promise<Result<AppliedBeam>> {
    return this.#exclusively('commit', staged.beamId, () => this.#commitAlone(this.#own(staged)));
  }

  arm(staged: StagedBeam, atUs: bigint, withinMs?: number): Promise<Result<void>> {
    return this.#exclusively('commit', staged.beamId, async () => {
      const own = this.#own(staged);
      const armed = await this.#commits.arm(own, atUs, withinMs);
      // Nothing to start another patch from: the next staging sends the whole beam.
      if (!armed.ok && armed.failure.reason === 'not-staged') this.#radiated = undefined;
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

  storeBeam(beam: BeamCommand, position: number): Promise<Result<void>> {
    return this.#exclusively('store-beam', beam.beamId, async () => {
      const session = this.#session;
      if (session === undefined) return refused(this.#absence);
      const { beamId } = beam;
      for (let attempt = 1; ; attempt++) {
        const staged = await this.#stageAlone(beam);
        if (!staged.ok) return staged;
        const stored = await this.#ask<'store-beam'>(session, { type: 'store-beam', slot: staged.value.slot, beamId, position });
        if (stored.ok) return DONE;
        const { failure } = stored;
        if (failure.reason !== 'rejected' || failure.code !== 'not-staged' || attempt === 2) return this.#explain(failure);
      }
    });
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
    return answer.ok ? snrOf(answer.value, beamId, this.#session?.capabilities.users ?? 0) : this.#explain(answer.failure);
  }

  async measurePilots(beamId: BeamId, user: UserIndex, pilots: number): Promise<Result<MeasuredPilots>> {
    const answer = await this.#ask<'measure-pilots'>(this.#session, { type: 'measure-pilots', beamId, user, pilots });
    const chains = this.#session?.capabilities.rfChains ?? 0;
    return answer.ok ? pilotsOf(answer.value, beamId, user, chains) : this.#explain(answer.failure);
  }

  async readBack(): Promise<Result<{ beamId: BeamId; words: Uint16Array }>> {
    const session = this.#session;
    if (session === undefined) return refused(this.#absence);
    const read = await readRadiated(this.#line, session.capabilities, this.#window);
    if (this.#session !== session) return refused(this.#absence);
    return read.ok ? read : this.#explain(read.failure);
  }

  async status(limits?: RequestLimits): Promise<Result<PanelStatus>> {
    const session = this.#session;
    const answer = await this.#ask<'get-status'>(session, { type: 'get-status' }, limits);
    if (!answer.ok || session === undefined) return answer.ok ? refused(this.#absence) : answer;
    const { type: _type, temperatureCentiC, ...status } = answer.value;
    if (status.bootCount !== session.bootCount) {
      const detail = `boot ${status.bootCount} instead of ${session.bootCount}, up for ${status.uptimeMs} ms; connect again`;
      this.#endSession({ reason: 'panel-restarted', detail });
      return refused(this.#absence);
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
    if (enter) this.#radiated = undefined;
    const order = { state, position, silenceMs };
    const answer = await this.#ask<'set-safe-state'>(this.#session, { type: 'set-safe-state', ...order, enter });
    if (!answer.ok) {
      if (enter && answer.failure.reason === 'rejected') this.#safety.doubted();
      return this.#explain(answer.failure);
    }
    this.#safety.confirmed(order, enter);
    return DONE;
  }

  commandSafe(state: SafeState, options: { position?: number; silenceMs?: number } = {}): boolean {
    const { position = 0, silenceMs = 0 } = options;
    this.#radiated = undefined;
    if (this.#session !== undefined) {
      // The same session of the panel, and another one for whatever was begun in it.
      this.#session = { ...this.#session };
      this.#absence = { reason: 'made-safe' };
      this.#line.failAll(this.#absence, [SAFE]);
    }
    return this.#safety.command({ state, position, silenceMs });
  }

  close(): Promise<void> {
    this.#safety.close();
    return this.#link.close();
  }

  async #openAndShake(): Promise<Result<Capabilities>> {
    if (this.#link.state.state !== 'open') {
      try {
        await this.#link.open();
      } catch (error) {
        if (!isBeamrigError(error) || error.code !== 'link') throw error;
        const { message: detail, wayOut } = error;
        this.#absence = {
          reason: 'link-closed',
          detail,
          ...(error instanceof LinkRefused && wayOut !== undefined && { wayOut }),
        };
        return refused(this.#absence);
      }
    }
    this.#endSession({ reason: 'link-closed', detail: `${this.#link.name}: shaking hands`, noSession: true });
    this.#safety.beforeHandshake();
    this.#line.beginAnew();
    const epoch = this.#epoch;
    const expected = this.#expected;
    const withKey = this.#withKey;
    const link = this.#link;
    const { unproven } = link;
    const hurry = unproven?.words === undefined ? {} : DOUBTED;
    const shaken = await shakeHands(this.#line, { expected, withKey, hurry, link });
    if (this.#epoch === epoch) {
      if (shaken.ok) unproven?.refute();
      else if (unproven?.words !== undefined && shaken.failure.reason === 'no-answer') unproven.believe();
    }
    // With the beam that was given up no session begins.
    const unsafe = shaken.ok && this.#epoch === epoch ? await this.#safety.confirm() : undefined;
    if (this.#epoch !== epoch) return refused(this.#absence);
    if (!shaken.ok || unsafe !== undefined) {
      this.#absence = shaken.ok ? (unsafe ?? this.#absence) : shaken.failure;
      return refused(this.#absence);
    }
    this.#session = shaken.value;
    this.#safety.sessionBegan();
    this.#commits.sessionBegan(shaken.value);
    return { ok: true, value: shaken.value.capabilities };
  }

  #endSession(why: PanelFailure): void {
    this.#epoch++;
    this.#session = undefined;
    this.#safety.sessionEnded();
    if (why.reason === 'panel-restarted') this.#safety.doubted();
    this.#radiated = undefined;
    this.#absence = why;
    this.#line.failAll(why);
  }

  /** Asks within the session that the caller began in, or not at all: what was meant for one session is never said in the next. */
  async #ask<T extends Request['type']>(
    session: Session | undefined,
    request: RequestOf<T>,
    limits?: RequestLimits,
  ): Promise<Result<ReplyTo<T>>> {
    if (session === undefined || session !== this.#session) return refused(this.#absence);
    if (request.type === 'commit') this.#safety.beamMeant();
    const answer = await this.#line.request<T>(request, limits);
    const goesOn = session === this.#session || (request.type === SAFE && this.capabilities === session.capabilities);
    return goesOn ? answer : refused(this.#absence);
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

  /** @param commitEarly a commit may follow at the heels of the chunks: one round trip less */
  async #stageAlone(beam: BeamCommand, commitEarly = false): Promise<Result<Staged>> {
    const session = this.#session;
    const radiated = this.#radiated;
    if (session === undefined) return refused(this.#absence);
    const { capabilities } = session;
    checkDimensions(beam, capabilities);
    const startMs = this.#clock.nowMs();
    // A late chunk of the last beam must not fall into the slot of this one, where the panel has more than one.
    const slot = this.#nextSlot++ % capabilities.stagingSlots;
    const kept = copyFor(beam, capabilities);
    const crc = wordsCrc32c(kept.words);
    const patch = radiated && beamAsPatch(kept, radiated, slot, capabilities);
    const requests = patch ?? wholeBeam(kept, slot, capabilities);
    const sending = this.#send(requests);
    let earlyCommit: Staged['earlyCommit'];
    if (commitEarly && refusedUnlessWhole(requests) && requests.length < this.#window) {
      earlyCommit = this.#ask<'commit'>(session, { type: 'commit', slot, beamId: beam.beamId, atUs: 0n });
    }
    let sent = await sending;
    if (!sent.ok && earlyCommit !== undefined) {
      // Nothing of this beam is under way when the next one begins; whether it was switched is unknown.
      await earlyCommit;
      this.#radiated = undefined;
    }
    if (!sent.ok && patch !== undefined && sent.failure.reason === 'rejected') {
      // Whatever the panel radiates, it is not what we believed.
      this.#radiated = undefined;
      const why = await this.#explain(sent.failure);
      if (session !== this.#session) return why;
      sent = await this.#send(wholeBeam(kept, slot, capabilities));
    } else if (sent.ok && patch !== undefined) this.#line.counters.patchedBeams = (this.#line.counters.patchedBeams ?? 0) + 1;
    if (!sent.ok) return this.#explain(sent.failure);
    const pushMs = this.#clock.nowMs() - startMs;
    return { ok: true, value: { beamId: beam.beamId, session, slot, beam: kept, crc, pushMs, atUs: 0n, earlyCommit } };
  }

  #send(requests: readonly RequestOf<StagingType>[]): Promise<Result<unknown>> {
    this.#line.counters.stagedBytes = (this.#line.counters.stagedBytes ?? 0) + bytesOf(requests);
    return pipeline<StagingType>(this.#line, requests, this.#window);
  }

  /** The slot is not what it was, or never became it. Nothing was switched, so staging the whole beam once more is safe. */
  async #stageAgain(staged: Staged): Promise<Result<void>> {
    const startMs = this.#clock.nowMs();
    if (staged.session !== this.#session) return refused(this.#absence);
    const sent = await this.#send(wholeBeam(staged.beam, staged.slot, staged.session.capabilities));
    staged.pushMs += this.#clock.nowMs() - startMs;
    return sent.ok ? DONE : this.#explain(sent.failure);
  }

  async #commitAlone(staged: Staged): Promise<Result<AppliedBeam>> {
    let startMs = this.#clock.nowMs();
    let latched = await this.#commits.now(staged);
    if (!latched.ok && latched.failure.reason === 'not-staged') {
      const again = await this.#stageAgain(staged);
      if (!again.ok) return again;
      startMs = this.#clock.nowMs();
      latched = await this.#commits.now(staged);
    }
    return this.#applied(staged, latched, startMs);
  }

  #applied(staged: Staged, latched: Result<bigint>, startMs: number): Result<AppliedBeam> {
    this.#radiated = latched.ok && staged.session === this.#session ? staged.beam : undefined;
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
      this.#endSession(keyMissing(failure));
      return refused(this.#absence);
    }
    const status = await this.status();
    return !status.ok && status.failure.reason === 'panel-restarted' ? status : refused(failure);
  }
}

/** A panel that is said to be away is asked for less long. */
const DOUBTED: RequestLimits = { totalMs: 700 };

const DONE = { ok: true, value: undefined } as const;

/** What the command to be safe does not cut short: it says the same. */
const SAFE = 'set-safe-state';
