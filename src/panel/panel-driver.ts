/**
 * The driver of one front-end. A beam goes through three states that are never taken for one another:
 *
 *   apply ─► chunks, pipelined ─► all acknowledged: staged ─► commit ─► 'committed' with a checksum ─► equal to what was asked: read back
 *                                                                │
 *                                                         answer lost: ask the panel what it radiates; unknown ─► the beam is void
 *
 * Nothing outlives the link: when it is lost everything under way fails, nothing is sent again, and `connect` shakes hands anew.
 */
import type { Clock } from '../../clock/clock.ts';
import { BeamrigError, isBeamrigError } from '../../errors/beamrig-error.ts';
import { beamFrames, maxWordsPerChunk } from '../../firmware-protocol/chunking.ts';
import type { BeamId, Capabilities, Request, SafeState } from '../../firmware-protocol/messages.ts';
import { wordsCrc32c } from '../../firmware-protocol/packing.ts';
import type { UserIndex } from '../../signal/indices.ts';
import type { Random } from '../../signal/random.ts';
import type { Link } from '../link/link.ts';
import type { Session } from './handshake.ts';
import { shakeHands } from './handshake.ts';
import type {
  AppliedBeam,
  BeamCommand,
  MeasuredPilots,
  MeasuredSnr,
  Panel,
  PanelCounters,
  PanelFailure,
  PanelStatus,
  Result,
} from './panel.ts';
import { pipeline } from './pipeline.ts';
import type { LineTimeouts, ReplyTo, RequestLine, RequestOf } from './request-line.ts';
import { DEFAULT_TIMEOUTS, createRequestLine, linkClosed } from './request-line.ts';

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
}

/** Times that the words radiated are read again when the beam changed between two chunks of them. */
const READ_BACK_ATTEMPTS = 3;
/** How slow a panel's clock may be, and how late an answer, before they are taken for a restart and looked into. */
const CLOCK_SLACK = 0.9;
const ANSWER_SLACK_MS = 250;

/** A panel at the other end of `link`, which must not be shared. Call `connect` first. */
export function createPanel(options: PanelOptions): Panel {
  return new PanelDriver(options);
}

class PanelDriver implements Panel {
  private readonly link: Link;
  private readonly clock: Clock;
  private readonly expected: Partial<Capabilities>;
  private readonly window: number;
  private readonly line: RequestLine;
  private session: Session | undefined;
  /** Why there is no session. */
  private absence: PanelFailure;
  /** Sessions and attempts at one, counted, so that a handshake notices when the link was lost under it. */
  private epoch = 0;
  private connecting: Promise<Result<Capabilities>> | undefined;
  /** The beam being applied, 0 when none is. */
  private applying: BeamId = 0;
  private nextSlot = 0;
  private nextNonce = 0;
  /** Newest panel time seen, and when: a panel whose time falls behind ours was restarted. */
  private panelTime = { us: 0n, atMs: 0 };

  constructor(options: PanelOptions) {
    const { link, clock, random, expected = {}, timeouts = {}, window = 4 } = options;
    if (!Number.isInteger(window) || window < 1 || window > 32) {
      throw new BeamrigError('argument', `window is ${window}, not a whole number from 1 to 32`);
    }
    this.link = link;
    this.clock = clock;
    this.expected = expected;
    this.window = window;
    this.line = createRequestLine({ link, clock, random, timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts } });
    this.absence = { reason: 'link-closed', detail: `${link.name}: not connected yet` };
    link.onFrame((frame) => this.line.receive(frame));
    link.onState((state) => {
      if (state.state === 'closed') this.endSession(linkClosed(link));
    });
  }

  get name(): string {
    return this.link.name;
  }

  get capabilities(): Capabilities | undefined {
    return this.session?.capabilities;
  }

  get counters(): Readonly<PanelCounters> {
    return this.line.counters;
  }

  connect(): Promise<Result<Capabilities>> {
    this.connecting ??= this.openAndShake().finally(() => {
      this.connecting = undefined;
    });
    return this.connecting;
  }

  async apply(beam: BeamCommand): Promise<Result<AppliedBeam>> {
    const { session } = this;
    if (session === undefined) return refused(this.absence);
    checkDimensions(beam, session.capabilities);
    if (this.applying !== 0) return refused({ reason: 'rejected', request: 'apply', code: 'busy', detail: this.applying });
    this.applying = beam.beamId;
    try {
      return await this.applyAlone(session, beam);
    } finally {
      this.applying = 0;
    }
  }

  async measureSnr(beamId: BeamId, pilots: number): Promise<Result<MeasuredSnr>> {
    const answer = await this.ask<'measure-snr'>(this.session, { type: 'measure-snr', beamId, pilots });
    if (!answer.ok) return this.explain(answer.failure);
    const { timeUs, firstUser, snrCentiDb, ...report } = answer.value;
    if (report.beamId !== beamId) return refused(otherBeam('measure-snr', report.beamId));
    const users = this.session?.capabilities.users ?? 0;
    if (snrCentiDb.length !== users) {
      return refused({ reason: 'wrong-panel', field: 'users', expected: String(users), actual: String(snrCentiDb.length) });
    }
    const snrDb = Float64Array.from(snrCentiDb, (centiDb) => centiDb / 100);
    return { ok: true, value: { beamId, panelTimeUs: timeUs, pilots: report.pilots, firstUser, snrDb } };
  }

  async measurePilots(beamId: BeamId, user: UserIndex, pilots: number): Promise<Result<MeasuredPilots>> {
    const answer = await this.ask<'measure-pilots'>(this.session, { type: 'measure-pilots', beamId, user, pilots });
    if (!answer.ok) return this.explain(answer.failure);
    const { timeUs, values, ...report } = answer.value;
    if (report.beamId !== beamId || report.user !== user) return refused(otherBeam('measure-pilots', report.beamId));
    return { ok: true, value: { beamId, panelTimeUs: timeUs, pilots: report.pilots, user, values } };
  }

  async readBack(): Promise<Result<{ beamId: BeamId; words: Uint16Array }>> {
    const { session } = this;
    if (session === undefined) return refused(this.absence);
    const requests = readRequests(session.capabilities);
    let beamId: BeamId = 0;
    for (let attempt = 0; attempt < READ_BACK_ATTEMPTS; attempt++) {
      const read = await pipeline<'read-phases'>(this.line, requests, this.window);
      if (this.session !== session) return refused(this.absence);
      if (!read.ok) return this.explain(read.failure);
      beamId = read.value[0].beamId;
      if (read.value.some((chunk) => chunk.beamId !== beamId)) continue; // half of one beam and half of another is neither
      const words = new Uint16Array(session.capabilities.elements * session.capabilities.rfChains);
      for (const chunk of read.value) words.set(chunk.words, chunk.offset);
      return { ok: true, value: { beamId, words } };
    }
    return refused(otherBeam('read-phases', beamId));
  }

  async status(): Promise<Result<PanelStatus>> {
    const { session } = this;
    const answer = await this.ask<'get-status'>(session, { type: 'get-status' });
    if (!answer.ok || session === undefined) return answer.ok ? refused(this.absence) : answer;
    const { type: _type, temperatureCentiC, ...status } = answer.value;
    if (status.bootCount !== session.bootCount) {
      const detail = `boot ${status.bootCount} instead of ${session.bootCount}, up for ${status.uptimeMs} ms; connect again`;
      this.endSession({ reason: 'panel-restarted', detail });
      return refused(this.absence);
    }
    return { ok: true, value: { ...status, temperatureC: temperatureCentiC / 100 } };
  }

  async ping(): Promise<Result<{ panelTimeUs: bigint; roundTripMs: number }>> {
    const startMs = this.clock.nowMs();
    this.nextNonce = (this.nextNonce + 1) >>> 0;
    const answer = await this.ask<'ping'>(this.session, { type: 'ping', nonce: this.nextNonce });
    if (!answer.ok) return answer;
    return { ok: true, value: { panelTimeUs: answer.value.timeUs, roundTripMs: this.clock.nowMs() - startMs } };
  }

  async setSafeState(
    state: SafeState,
    options: { position?: number; silenceMs?: number; enter?: boolean } = {},
  ): Promise<Result<void>> {
    const { position = 0, silenceMs = 0, enter = false } = options;
    const request = { type: 'set-safe-state', state, position, silenceMs, enter } as const;
    const answer = await this.ask<'set-safe-state'>(this.session, request);
    return answer.ok ? { ok: true, value: undefined } : this.explain(answer.failure);
  }

  close(): Promise<void> {
    return this.link.close();
  }

  private async openAndShake(): Promise<Result<Capabilities>> {
    if (this.link.state.state !== 'open') {
      try {
        await this.link.open();
      } catch (error) {
        if (!isBeamrigError(error) || error.code !== 'link') throw error;
        return refused({ reason: 'link-closed', detail: error.message });
      }
    }
    this.endSession({ reason: 'link-closed', detail: `${this.link.name}: shaking hands` });
    const { epoch } = this;
    const shaken = await shakeHands(this.line, this.expected);
    if (this.epoch !== epoch) return refused(this.absence);
    if (!shaken.ok) {
      this.absence = shaken.failure;
      return shaken;
    }
    this.session = shaken.value;
    this.panelTime = { us: BigInt(shaken.value.uptimeMs) * 1000n, atMs: this.clock.nowMs() };
    return { ok: true, value: shaken.value.capabilities };
  }

  private endSession(why: PanelFailure): void {
    this.epoch++;
    this.session = undefined;
    this.absence = why;
    this.line.failAll(why);
  }

  /** Asks within the session that the caller began in, or not at all: what was meant for one session is never said in the next. */
  private async ask<T extends Request['type']>(session: Session | undefined, request: RequestOf<T>): Promise<Result<ReplyTo<T>>> {
    if (session === undefined || session !== this.session) return refused(this.absence);
    const answer = await this.line.request<T>(request);
    return session === this.session ? answer : refused(this.absence);
  }

  private async applyAlone(session: Session, beam: BeamCommand): Promise<Result<AppliedBeam>> {
    const startMs = this.clock.nowMs();
    const { beamId } = beam;
    // A late chunk of the last beam must not fall into the slot of this one, where the panel has more than one.
    const slot = this.nextSlot++ % session.capabilities.stagingSlots;
    const chunks = chunkRequests(beam, slot, session.capabilities);
    const crc = wordsCrc32c(beam.words);

    for (let attempt = 1; ; attempt++) {
      const staged = await pipeline<ChunkType>(this.line, chunks, this.window);
      if (!staged.ok) return this.explain(staged.failure);
      const stagedMs = this.clock.nowMs();
      const committed = await this.commit(session, { type: 'commit', slot, beamId, atUs: 0n }, crc);
      if (committed.ok) {
        const commitMs = this.clock.nowMs() - stagedMs;
        return { ok: true, value: { beamId, panelTimeUs: committed.value, pushMs: stagedMs - startMs, commitMs } };
      }
      // A chunk of another beam that came twice, and late, empties the slot. Nothing was switched, so staging once more is safe.
      if (committed.failure.reason !== 'not-staged' || attempt === 2) return committed;
    }
  }

  /** Switches the slot to the elements. @returns panel time of the latch, or when it was found latched if the answer was lost */
  private async commit(session: Session, request: RequestOf<'commit'>, crc: number): Promise<Result<bigint>> {
    const { beamId } = request;
    const answer = await this.ask<'commit'>(session, request);
    if (!answer.ok) return this.findOut(session, beamId, crc, answer.failure);
    const { wordsCrc32c: latchedCrc, timeUs } = answer.value;
    if (latchedCrc !== crc) return refused(differs(beamId, crc, latchedCrc));
    if (this.timeFellBack(timeUs)) {
      const status = await this.status();
      if (!status.ok) return status;
    }
    return { ok: true, value: timeUs };
  }

  /** A restarted panel counts its time from nought: worth asking for its status, even if it is only a slow clock. */
  private timeFellBack(timeUs: bigint): boolean {
    const elapsedMs = this.clock.nowMs() - this.panelTime.atMs;
    const advancedMs = Number(timeUs - this.panelTime.us) / 1000;
    this.panelTime = { us: timeUs, atMs: this.clock.nowMs() };
    return advancedMs < 0 || advancedMs < CLOCK_SLACK * elapsedMs - ANSWER_SLACK_MS;
  }

  /** After a commit without a good answer: what does the panel radiate? `failure` stands unless it is this very beam, word by word. */
  private async findOut(session: Session, beamId: BeamId, crc: number, failure: PanelFailure): Promise<Result<bigint>> {
    const asItStands = refused(notStaged(failure));
    // Ids begin again with each host: what was radiated before us may bear this one, with the same words and another D.
    if (session !== this.session || beamId === session.inheritedBeamId) return asItStands;
    const status = await this.status();
    if (!status.ok) return status.failure.reason === 'panel-restarted' ? status : asItStands;
    if (status.value.beamId !== beamId || !session.capabilities.features.includes('read-back')) return asItStands;
    const radiated = await this.readBack();
    if (!radiated.ok || radiated.value.beamId !== beamId) return asItStands;
    const radiatedCrc = wordsCrc32c(radiated.value.words);
    if (radiatedCrc !== crc) return refused(differs(beamId, crc, radiatedCrc));
    const pong = await this.ping();
    return pong.ok ? { ok: true, value: pong.value.panelTimeUs } : asItStands;
  }

  /** A panel that says no may have been restarted and lost its memory, which is another cause with another way out. */
  private async explain(failure: PanelFailure): Promise<{ ok: false; failure: PanelFailure }> {
    if (failure.reason !== 'rejected' || failure.code === 'busy' || this.session === undefined) return refused(failure);
    const status = await this.status();
    return !status.ok && status.failure.reason === 'panel-restarted' ? status : refused(failure);
  }
}

const refused = (failure: PanelFailure): { ok: false; failure: PanelFailure } => ({ ok: false, failure });

const otherBeam = (request: string, beamId: BeamId): PanelFailure => ({
  reason: 'rejected',
  request,
  code: 'beam-mismatch',
  detail: beamId,
});

const differs = (beamId: BeamId, expectedCrc32c: number, actualCrc32c: number): PanelFailure => ({
  reason: 'read-back-differs',
  beamId,
  expectedCrc32c,
  actualCrc32c,
});

function notStaged(failure: PanelFailure): PanelFailure {
  if (failure.reason !== 'rejected' || failure.code !== 'not-staged') return failure;
  return { reason: 'not-staged', firstMissingWord: failure.detail };
}

type ChunkType = 'set-phases' | 'set-digital';
const isChunk = (request: Request): request is RequestOf<ChunkType> =>
  request.type === 'set-phases' || request.type === 'set-digital';

/** The chunks of a beam, with copies of its words and weights: the caller's buffers may be reused while chunks wait for their turn. */
function chunkRequests(beam: BeamCommand, slot: number, capabilities: Capabilities): RequestOf<ChunkType>[] {
  const { beamId, phaseBits, digital } = beam;
  const frames = beamFrames({
    slot,
    beamId,
    phaseBits,
    words: beam.words.slice(),
    ...(digital !== undefined && capabilities.features.includes('digital-weights')
      ? { digital: { users: digital.users, weights: digital.weights.slice() } }
      : {}),
    maxPayloadBytes: capabilities.maxPayloadBytes,
    firstSeq: 0,
  });
  return frames.map((frame) => frame.message as Request).filter(isChunk);
}

function readRequests(capabilities: Capabilities): RequestOf<'read-phases'>[] {
  const { elements, rfChains, phaseBits, maxPayloadBytes } = capabilities;
  const total = elements * rfChains;
  const perChunk = maxWordsPerChunk(maxPayloadBytes, phaseBits);
  return Array.from({ length: Math.ceil(total / perChunk) }, (_, index) => {
    const offset = index * perChunk;
    return { type: 'read-phases', source: 'radiated', slot: 0, offset, count: Math.min(perChunk, total - offset) };
  });
}

/** @throws {BeamrigError} 'shape' when the beam is not one for this panel: a mistake of the program, not of the link */
function checkDimensions(beam: BeamCommand, capabilities: Capabilities): void {
  const { elements, rfChains } = capabilities;
  if (beam.words.length !== elements * rfChains) {
    const expected = `${elements} elements × ${rfChains} chains = ${elements * rfChains}`;
    throw new BeamrigError('shape', `beam ${beam.beamId} has ${beam.words.length} words; the panel takes ${expected}.`);
  }
  const { digital } = beam;
  if (digital !== undefined && digital.weights.length !== 2 * rfChains * digital.users) {
    const expected = `2·${rfChains} chains·${digital.users} users = ${2 * rfChains * digital.users}`;
    throw new BeamrigError(
      'shape',
      `digital.weights of beam ${beam.beamId} has ${digital.weights.length} numbers, not ${expected}.`,
    );
  }
}
