/**
 * The link to a panel that lives in this process: the same bytes as on a wire, without the wire. Frames are copied, so that neither side
 * can change what the other was sent, and delivered in order, later: never from inside `send`, as no real link would.
 *
 *   driver ── send ──► [outbound] ── microtask, or latency by the clock ──► peer.receive
 *   driver ◄─ onFrame ─ [inbound] ◄── the same ─────────────────────────── peer.onSend
 */
import type { Clock } from '../../core/clock/clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { noTraffic, type Link, type LinkState } from './link.ts';

/** The other end: a virtual panel, or a script in a test. */
export interface LoopbackPeer {
  receive(frame: Uint8Array): void;
  onSend(listener: (frame: Uint8Array) => void): void;
  /** The wire has dropped so many frames more on their way to it: it counts them as its own. */
  discarded?(frames: number): void;
}

export interface LoopbackOptions {
  /** Default 'loopback'. */
  name?: string;
  /** One-way latency in each direction, ms by the clock; without it frames arrive in the next microtask. */
  latencyMs?: number;
}

export interface LoopbackLink extends Link {
  /** Pulls the plug: frames under way are gone, the link is 'lost' until it is opened again. */
  lose(detail: string): void;
}

/**
 * A closed loopback link to `peer`.
 * @throws BeamrigError 'argument' when a latency is asked for without a clock
 */
export function createLoopbackLink(peer: LoopbackPeer, clock?: Clock, options: LoopbackOptions = {}): LoopbackLink {
  const { name = 'loopback', latencyMs = 0 } = options;
  if (latencyMs > 0 && clock === undefined) {
    throw new BeamrigError('argument', `A loopback latency of ${latencyMs} ms needs a clock.`, { wayOut: 'Hand in a clock.' });
  }
  const counters = noTraffic();
  let state: LinkState = { state: 'closed', reason: 'not-opened' };
  let onFrame: (frame: Uint8Array) => void = () => undefined;
  let onState: (state: LinkState) => void = () => undefined;

  const wait = latencyMs > 0 && clock !== undefined ? { clock, ms: latencyMs } : undefined;
  const outbound = createLane((frame) => peer.receive(frame), wait);
  const inbound = createLane((frame) => {
    counters.framesReceived++;
    counters.bytesReceived += frame.length;
    onFrame(frame);
  }, wait);

  peer.onSend((frame) => {
    if (state.state === 'open') inbound.put(frame);
    else counters.discarded++;
  });

  const change = (next: LinkState): void => {
    state = next;
    onState(next);
  };
  const closeAs = (next: LinkState): void => {
    if (state.state === 'closed') return;
    counters.discarded += outbound.empty() + inbound.empty();
    change(next);
  };

  return {
    kind: 'loopback',
    name,
    source: 'simulator',
    get state() {
      return state;
    },
    counters,
    open: async () => {
      if (state.state === 'open') return;
      if (state.reason !== 'not-opened') counters.reconnects++;
      change({ state: 'open' });
    },
    send: (frame) => {
      if (state.state !== 'open') return false;
      counters.framesSent++;
      counters.bytesSent += frame.length;
      outbound.put(frame);
      return true;
    },
    onFrame: (listener) => {
      onFrame = listener;
    },
    onState: (listener) => {
      onState = listener;
    },
    close: async () => closeAs({ state: 'closed', reason: 'closed-by-us' }),
    lose: (detail) => closeAs({ state: 'closed', reason: 'lost', cause: 'unplugged', detail }),
  };
}

/** One direction: first in, first out. */
interface Lane {
  put(frame: Uint8Array): void;
  /** Forgets what is under way and says how many frames that were. */
  empty(): number;
}

function createLane(deliver: (frame: Uint8Array) => void, wait: { clock: Clock; ms: number } | undefined): Lane {
  let underWay: Uint8Array[] = [];
  // A delivery set off before the lane was emptied must not deliver what was put in afterwards.
  let generation = 0;
  let flushPending = false;

  const flush = (): void => {
    flushPending = false;
    const frames = underWay;
    underWay = [];
    const mine = generation;
    for (const frame of frames) if (mine === generation) deliver(frame);
  };

  return {
    put: (frame) => {
      underWay.push(new Uint8Array(frame));
      if (wait !== undefined) {
        const mine = generation;
        wait.clock.after(wait.ms, () => {
          if (mine !== generation) return;
          const first = underWay.shift();
          if (first !== undefined) deliver(first);
        });
      } else if (!flushPending) {
        flushPending = true;
        queueMicrotask(flush);
      }
    },
    empty: () => {
      const lost = underWay.length;
      underWay = [];
      generation++;
      return lost;
    },
  };
}
