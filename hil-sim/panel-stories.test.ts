import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { patchMessages } from '../firmware-protocol/chunking.ts';
import type { Reply, Request } from '../firmware-protocol/messages.ts';
import { PHASE_BITS, USERS, WORDS, beamWords, chunk, commitAt, hostWith } from '../test/doubles/panel-host.ts';

const aBeam = fc.integer({ min: 1, max: 3 });
const aChunk = fc
  .tuple(small(2), aBeam, fc.constantFrom(0, 16), fc.constantFrom(16, 32))
  .map(([slot, beamId, offset, count]): Request => ({ ...chunk(beamId, offset, count), ...{ slot } }));
const aCommit = fc.record({
  type: fc.constant('commit' as const),
  slot: small(2),
  beamId: aBeam,
  atUs: fc.constantFrom(0n, 0n, 0n, 5n),
});
const anyRequest: fc.Arbitrary<Request> = fc.oneof(
  { arbitrary: aChunk, weight: 4 },
  { arbitrary: aCommit, weight: 4 },

  fc.record({ type: fc.constant('ping' as const), nonce: small(9) }),
  fc.record({ type: fc.constant('get-status' as const) }),
  fc.record({
    type: fc.constant('hello' as const),
    minMajor: fc.constantFrom(1, 2),
    maxMajor: fc.constant(2),
    host: fc.string({ maxLength: 8 }),
  }),
  fc.record({
    type: fc.constant('set-digital' as const),
    slot: small(2),
    beamId: aBeam,
    users: fc.constantFrom(1, USERS),
    offset: small(5),
    weights: fc.constantFrom(2, 8).map((length) => new Float32Array(length).fill(1)),
  }),
  fc.record({
    type: fc.constant('set-enables' as const),
    slot: small(2),
    beamId: aBeam,
    offset: fc.constantFrom(0, 9),
    enabled: fc.uint8Array({ max: 1, minLength: WORDS, maxLength: WORDS }).map((all) => Uint8Array.from(all)),
  }),
  fc.record({
    type: fc.constant('set-gains' as const),
    slot: small(2),
    beamId: aBeam,
    gainBits: fc.constantFrom(5, 5, 6),
    offset: fc.constantFrom(0, 9),
    gains: fc.constantFrom(9, WORDS).map((length) => new Uint16Array(length).fill(7)),
  }),
  fc.record({
    type: fc.constant('read-phases' as const),
    source: fc.constantFrom('staged' as const, 'radiated' as const),
    slot: small(2),
    offset: small(WORDS),
    count: fc.integer({ min: 1, max: 9 }),
  }),
  fc.record({
    type: fc.constant('measure-snr' as const),
    beamId: aBeam,
    pilots: fc.integer({ min: 1, max: 0xffffffff }),
  }),
  fc.record({
    type: fc.constant('measure-pilots' as const),
    beamId: aBeam,
    pilots: fc.constant(1),
    user: small(2),
  }),
  fc.record({
    type: fc.constant('store-beam' as const),
    slot: small(2),
    beamId: aBeam,
    position: fc.constantFrom(0, 1, 99),
  }),
  fc.record({
    type: fc.constant('select-beam' as const),
    beamId: aBeam,
    position: fc.constantFrom(0, 1, 99),
  }),
  fc.record({
    type: fc.constant('set-safe-state' as const),
    state: fc.constantFrom('mute' as const, 'hold' as const, 'codeword' as const),
    position: fc.constantFrom(0, 1, 99),
    silenceMs: fc.constantFrom(0, 7),
    enter: fc.boolean(),
  }),
);

describe('any story of good requests', () => {
  it('is answered request by request, and only whole beams are ever radiated', () => {
    const whole = [new Uint16Array(WORDS), ...[1, 2, 3].map(beamWords)].map((words) => words.join());
    const shown = new Set<string>();
    fc.assert(
      fc.property(fc.array(anyRequest, { minLength: 10, maxLength: 60 }), (requests) => {
        const { ask, panel, received } = hostWith();
        ask(chunk(2, 0, WORDS));
        for (const request of requests) {
          const before = received.length;
          expect(ask(request)).toBeDefined();
          expect(received.length).toBe(before + 1);
          shown.add(panel.radiated().words.join());
        }
        panel.close();
      }),
      { numRuns: 300, seed: 1 },
    );
    expect([...shown].sort()).toEqual(whole.sort());
  });
});

/** A commit that the host has said; atMs 0 is at once. */
interface Wish {
  beamId: number;
  slot: number;
  atMs: number;
}

/** What a host does, and what happens to it; numbers choose among what there is. */
const anEvent = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('stage' as const),
      slot: small(1),
      chunks: fc.oneof({ weight: 3, arbitrary: fc.constant([0, 1, 2, 3]) }, fc.subarray([0, 1, 2, 3])),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('more' as const), pick: small(2), chunk: small(3) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('patch' as const), slot: small(1), lost: small(7) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('commit' as const), pick: small(2) }) },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('commit-at' as const), pick: small(2), inMs: fc.integer({ min: -3, max: 12 }) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('cancel' as const), pick: small(2) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('late-copy' as const), back: small(20) }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('late-commit' as const), back: small(1) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('safe' as const), state: fc.constantFrom('mute' as const, 'hold' as const) }),
  },
  { weight: 1, arbitrary: fc.constantFrom({ do: 'hello' as const }, { do: 'reset' as const }, { do: 'fault' as const }) },
);

interface PlannedBeam {
  beamId: number;
  slot: number;
  words: Uint16Array;
  /** A patch is whole for the panel before it is for the host: it is committed only when all its messages were acknowledged. */
  ready: boolean;
}

describe('any interleaving of stages, patches, timed commits, cancellations, sessions and late copies', () => {
  it('radiates whole beams only, each as the host staged it, and committed it, and did not call it off again', async () => {
    const reached = { latchedAtOnce: 0, latchedAtItsTime: 0, latchedFromPatches: 0, calledOffAndCopied: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(anEvent, { minLength: 40, maxLength: 80, size: 'max' }), async (events) => {
        let session = 0;
        let nextId = 1;
        let beams: PlannedBeam[] = [];
        let sent: Request[] = [];
        const committed = new Map<number, Uint16Array>();
        // What the host has said and not called off again, and the timed commits that it has called off.
        let wanted: Wish[] = [];
        let calledOff: Wish[] = [];
        let timed: Wish[] = [];
        let shown = new Uint16Array(WORDS);
        let dark = true;
        let waiting = false;

        const { ask, panel, clock } = hostWith({
          onLatch: (beamId) => {
            const meant = committed.get(beamId);
            expect(panel.radiated()).toEqual({ beamId, words: meant });
            expect(
              wanted.map((wish) => wish.beamId),
              'what was called off is not latched',
            ).toContain(beamId);
            shown = panel.radiated().words.slice();
            dark = false;
            if (waiting) reached.latchedAtItsTime += 1;
            else reached.latchedAtOnce += 1;
            if (patched.has(beamId)) reached.latchedFromPatches += 1;
          },
        });
        const patched = new Set<number>();
        const say = (request: Request) => {
          sent.push(request);
          return ask(request);
        };
        /** Other words for the same id in another session. */
        const wordsOf = (beamId: number) => beamWords(beamId + 17 * session);
        const plan = (slot: number, ready: boolean): PlannedBeam => {
          const beamId = nextId++;
          // What the host puts into a slot takes the place of what it had there.
          for (const other of beams) if (other.slot === slot) other.ready = false;
          const beam = { beamId, slot, words: wordsOf(beamId), ready };
          beams = [beam, ...beams].slice(0, 3);
          return beam;
        };
        const part = ({ beamId, slot, words }: PlannedBeam, index: number): Request => ({
          type: 'set-phases',
          slot,
          beamId,
          phaseBits: PHASE_BITS,
          offset: 8 * index,
          words: words.slice(8 * index, 8 * index + 8),
        });
        const newSession = (): void => {
          session += 1;
          nextId = 1;
          beams = [];
          sent = [];
          committed.clear();
          wanted = [];
          calledOff = [];
          timed = [];
          patched.clear();
        };

        for (const event of events) {
          const beam = 'pick' in event ? beams.at(event.pick) : undefined;
          switch (event.do) {
            case 'stage': {
              const planned = plan(event.slot, true);
              for (const index of event.chunks) say(part(planned, index));
              break;
            }
            case 'more':
              if (beam && !patched.has(beam.beamId)) say(part(beam, event.chunk));
              break;
            case 'patch': {
              const base = panel.radiated();
              if (base.beamId === 0) break;
              const planned = plan(event.slot, false);
              patched.add(planned.beamId);
              const { beamId, slot, words: to } = planned;
              const from = base.words;
              const options = { slot, beamId, fromBeamId: base.beamId, phaseBits: PHASE_BITS, from, to, maxPayloadBytes: 64 };
              const answers = patchMessages(options).map((message, i) => (i === event.lost ? undefined : say(message)));
              planned.ready = answers.every((answer) => answer?.type === 'ack');
              break;
            }
            case 'commit':
            case 'commit-at':
              if (beam?.ready) {
                committed.set(beam.beamId, beam.words);
                const atMs = event.do === 'commit' ? 0 : Math.max(0, clock.nowMs() - bootedMs(ask, clock.nowMs()) + event.inMs);
                const wish = { beamId: beam.beamId, slot: beam.slot, atMs };
                wanted.push(wish);
                if (atMs > 0) timed.push(wish);
                const answer = say(commitAt(beam.beamId, atMs, beam.slot));
                if (answer?.type === 'nack' && answer.code === 'too-late') wanted = wanted.filter((other) => other !== wish);
              }
              break;
            case 'cancel':
              if (beam) {
                const { beamId } = beam;
                const upToMs = Math.max(0, ...timed.filter((wish) => wish.beamId === beamId).map(({ atMs }) => atMs));
                const answer = say({ type: 'cancel-commit', beamId, atUs: BigInt(Math.round(1000 * upToMs)) });
                if (answer?.type !== 'ack') break;
                const isOver = (wish: Wish): boolean =>
                  wish.atMs > 0 && (wish.beamId < beamId || (wish.beamId === beamId && wish.atMs <= upToMs));
                calledOff.push(...wanted.filter(isOver));
                wanted = wanted.filter((wish) => !isOver(wish));
              }
              break;
            case 'late-commit': {
              const copy = timed.at(-1 - event.back);
              if (!copy) break;
              const isToCome = copy.atMs > clock.nowMs() - bootedMs(ask, clock.nowMs());
              const answer = ask(commitAt(copy.beamId, copy.atMs, copy.slot));
              if (!calledOff.includes(copy) || !isToCome) break;
              reached.calledOffAndCopied += 1;
              // Or it was committed at once since, and is radiated.
              expect(answer?.type === 'nack' ? answer.code : answer?.type).toMatch(/^(too-late|committed)$/);
              break;
            }
            case 'wait':
              waiting = true;
              await clock.advanceTo(clock.nowMs() + event.ms);
              waiting = false;
              break;
            case 'late-copy': {
              const copy = sent.at(-1 - event.back);
              if (copy) ask(copy);
              dark ||= copy?.type === 'set-safe-state' && copy.state === 'mute';
              break;
            }
            case 'safe':
              say({ type: 'set-safe-state', state: event.state, position: 0, silenceMs: 0, enter: true });
              dark ||= event.state === 'mute';
              break;
            case 'hello':
              ask({ type: 'hello', minMajor: 1, maxMajor: 1, host: 'again' });
              newSession();
              break;
            case 'reset':
              panel.reset();
              newSession();
              dark = true;
              break;
            case 'fault':
              panel.fault(9);
              ask(commitAt(1, 0));
              panel.recover();
              dark = true;
              break;
          }
          expect(panel.radiated().words).toEqual(dark ? new Uint16Array(WORDS) : shown);
        }
        panel.close();
      }),
      { numRuns: 120, seed: 7 },
    );
    // The stories did reach what they are about.
    for (const count of Object.values(reached)) expect(count).toBeGreaterThan(20);
  });
});

/** When the panel started, by the host's clock, as a host learns it. */
function bootedMs(ask: (request: Request) => Reply | undefined, nowMs: number): number {
  const synced = ask({ type: 'sync-time', hostSendUs: 0n });
  if (synced?.type !== 'synced') throw new Error('no clock');
  return nowMs - Number(synced.panelReceiveUs) / 1000;
}

function small(max: number): fc.Arbitrary<number> {
  return fc.integer({ min: 0, max });
}
