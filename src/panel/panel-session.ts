/**
 * The session with one panel: its life (panel-life-cycle.ts) moved by what happens on the link, and everything that is asked of it asked within one
 * session or not at all.
 *
 * Nothing outlives the link: when it is lost everything under way fails, nothing is sent again, and `connect` shakes hands anew.
 */
import type { Clock } from '../../core/clock/clock.ts';
import type { Random } from '../../core/signal/random.ts';
import type { Capabilities, Request } from '../../firmware-protocol/messages.ts';
import { LinkError, linkRemedy, type Link } from '../link/link.ts';
import { refused } from './commit.ts';
import type { FrameSeal } from './frame-seal.ts';
import { shakeHands, type Session } from './handshake.ts';
import { born, next, sessionOf, type LifeInput } from './panel-life-cycle.ts';
import { createPanelSafety, type PanelSafety } from './panel-safety.ts';
import type { PanelFailure, PanelLife, PanelStatus, Result } from './panel.ts';
import type { ReplyTo, RequestOf } from './replies.ts';
import { createRequestLine, type RequestLine } from './request-line.ts';
import { DEFAULT_TIMEOUTS, type LineTimeouts, type RequestLimits } from './request-timeouts.ts';
import { linkClosed } from './session-ends.ts';
import type { SafeOrder } from './safe-ladder.ts';
import { checkUnprovenReports } from './unproven-reports.ts';

export interface PanelSessionOptions {
  link: Link;
  clock: Clock;
  random: Random;
  expected: Partial<Capabilities>;
  timeouts: Partial<LineTimeouts>;
  seal: FrameSeal | undefined;
  /** A session begins. */
  onBegin: (session: Session) => void;
  /** What the panel radiates is not known any more, or is no beam. */
  onDoubt: () => void;
  status: (limits: RequestLimits) => Promise<Result<PanelStatus>>;
}

export class PanelSession {
  readonly line: RequestLine;
  readonly safety: PanelSafety;
  readonly #options: PanelSessionOptions;
  #now: PanelLife<Session>;
  #closes = 0;
  #connecting: Promise<Result<Capabilities>> | undefined;

  constructor(options: PanelSessionOptions) {
    const { link, clock, random, timeouts, seal, status } = options;
    this.#options = options;
    this.#now = born({ reason: 'link-closed', cause: 'not-connected', detail: `${link.name}: not connected yet` });
    this.safety = createPanelSafety(
      clock,
      () => this.line,
      (why) => this.end(why),
    );
    this.line = createRequestLine({
      ...this.safety.watch,
      link,
      clock,
      random,
      timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts },
      ...(seal === undefined ? {} : { seal }),
      onEnded: (why) => this.end(why),
    });
    const { unproven } = link;
    if (unproven !== undefined) checkUnprovenReports({ unproven, clock, session: () => this.current, status });
    link.onFrame((frame) => this.line.receive(frame));
    link.onState((state) => {
      if (state.state === 'closed') this.end(linkClosed(link));
    });
  }

  get life(): PanelLife<Session> {
    return this.#now;
  }

  get current(): Session | undefined {
    return sessionOf(this.#now);
  }

  /** Why what was begun in another session, or in none, is not done. */
  get absence(): PanelFailure {
    return this.#now.why ?? linkClosed(this.#options.link);
  }

  /** Opens the link and shakes hands; once for all who ask meanwhile. */
  connect(): Promise<Result<Capabilities>> {
    this.#connecting ??= this.#openAndShake().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  /** Asks within the session that the caller began in, or not at all: what was meant for one session is never said in the next. */
  async ask<T extends Request['type']>(
    session: Session | undefined,
    request: RequestOf<T>,
    limits?: RequestLimits,
  ): Promise<Result<ReplyTo<T>>> {
    if (session === undefined || session !== this.current) return refused(this.absence);
    if (request.type === 'commit' || request.type === 'select-beam') this.safety.beamMeant();
    const answer = await this.line.request<T>(request, limits);
    const goesOn = session === this.current || (request.type === SAFE && this.current?.capabilities === session.capabilities);
    return goesOn ? answer : refused(this.absence);
  }

  end(why: PanelFailure): void {
    this.#leave({ input: 'ended', why });
    if (why.reason === 'panel-restarted') this.safety.doubted();
    this.line.failAll(why);
  }

  /** @returns whether the link took it */
  commandSafe(order: SafeOrder): boolean {
    this.#options.onDoubt();
    if (this.current !== undefined) {
      this.#move({ input: 'made-safe' });
      this.line.failAll(this.absence, [SAFE]);
    }
    return this.safety.command(order);
  }

  close(): Promise<void> {
    this.#closes++;
    this.safety.close();
    return this.#options.link.close();
  }

  #move(input: LifeInput<Session>): void {
    this.#now = next(this.#now, input);
  }

  #leave(input: LifeInput<Session>): void {
    this.#move(input);
    this.safety.sessionEnded();
    this.#options.onDoubt();
  }

  async #openAndShake(): Promise<Result<Capabilities>> {
    const { link, expected, seal } = this.#options;
    if (link.state.state !== 'open') {
      const closes = this.#closes;
      try {
        await link.open();
        // Closed while it was being opened: it must not be found open by nobody.
        if (closes !== this.#closes) await link.close();
        if (closes !== this.#closes) return this.#notShaken(linkClosed(link));
      } catch (error) {
        if (!(error instanceof LinkError)) throw error;
        return this.#notShaken(notOpened(error));
      }
    }
    const why = { reason: 'link-closed', cause: 'handshake', detail: `${link.name}: shaking hands` } as const;
    this.#leave({ input: 'connect', why });
    this.line.failAll(why);
    this.safety.beforeHandshake();
    this.line.beginAnew();
    const { era } = this.#now;
    const { unproven } = link;
    const hurry = unproven?.doubt === undefined ? {} : DOUBTED;
    const shaken = await shakeHands(this.line, { expected, withKey: seal !== undefined, hurry, link });
    if (this.#now.era === era) {
      if (shaken.ok) unproven?.refute();
      else if (unproven?.doubt !== undefined && shaken.failure.reason === 'no-answer') unproven.believe();
    }
    // With the beam that was given up no session begins.
    const unsafe = shaken.ok && this.#now.era === era ? await this.safety.confirm() : undefined;
    if (this.#now.era !== era) return refused(this.absence);
    if (!shaken.ok) return this.#notShaken(shaken.failure);
    if (unsafe !== undefined) return this.#notShaken(unsafe);
    this.#move({ input: 'shaken', session: shaken.value });
    this.safety.sessionBegan();
    this.#options.onBegin(shaken.value);
    return { ok: true, value: shaken.value.capabilities };
  }

  #notShaken(why: PanelFailure): { ok: false; failure: PanelFailure } {
    this.#move({ input: 'not-shaken', why });
    return refused(why);
  }
}

/** With the way out where a person has to see to it. */
function notOpened({ reason: cause, message: detail, wayOut }: LinkError): PanelFailure {
  const advice = linkRemedy(cause) === 'refused' && wayOut !== undefined ? { wayOut } : {};
  return { reason: 'link-closed', cause, detail, ...advice };
}

/** A panel that is said to be away is asked for less long. */
const DOUBTED: RequestLimits = { totalMs: 700 };

/** What the command to be safe does not cut short: it says the same. */
const SAFE = 'set-safe-state';
