/** A beam that waits for its time, on virtual time: what is answered before, after and in between, and what makes it not happen. */
import { describe, expect, it } from 'vitest';
import type { Request } from '../firmware-protocol/messages.ts';
import { wordsCrc32c } from '../firmware-protocol/packing.ts';
import { WORDS, beamWords, chunk, commitAt, hostWith, patch } from '../test/doubles/panel-host.ts';

const ACK = { type: 'ack' };
const hello: Request = { type: 'hello', minMajor: 1, maxMajor: 1, host: 'test' };
const mute: Request = { type: 'set-safe-state', state: 'mute', position: 0, silenceMs: 0, enter: true };
const cancel = (beamId: number, upToMs: number): Request => ({ type: 'cancel-commit', beamId, atUs: BigInt(1000 * upToMs) });
const now = (beamId: number, slot = 0): Request => ({ type: 'commit', slot, beamId, atUs: 0n });

/** A panel that radiates beam 5 and has beam 6 whole in slot 0. */
function readyToSwitch(options: Parameters<typeof hostWith>[0] = {}) {
  const host = hostWith(options);
  host.showBeam(5);
  host.ask(chunk(6, 0, WORDS));
  return host;
}

describe('a timed commit', () => {
  it('waits with an ack, is latched at its time, and says so when it is asked again', async () => {
    const { ask, panel, clock } = readyToSwitch();
    await clock.advanceTo(10);
    expect(ask(commitAt(6, 50))).toEqual(ACK);
    expect(panel.radiated().beamId).toBe(5);
    await clock.advanceTo(49.9);
    expect(ask(commitAt(6, 50))).toEqual(ACK);
    expect(panel.radiated().beamId).toBe(5);
    await clock.advanceTo(50);
    expect(panel.radiated()).toEqual({ beamId: 6, words: beamWords(6) });
    await clock.advanceTo(80);
    const answer = { type: 'committed', beamId: 6, timeUs: 50_000n, wordsCrc32c: wordsCrc32c(beamWords(6)) };
    expect(ask(commitAt(6, 50))).toEqual(answer);
    expect(ask(now(6))).toEqual(answer);
    expect(clock.pendingTimers()).toBe(0);
  });

  it('tells its listener when it is latched, and not when it is armed', async () => {
    const latched: number[] = [];
    const { ask, clock } = readyToSwitch({ onLatch: (beamId) => latched.push(beamId) });
    ask(commitAt(6, 50));
    await clock.advanceTo(49);
    expect(latched).toEqual([5]);
    await clock.advanceTo(100);
    expect(latched).toEqual([5, 6]);
  });

  it('is answered anew each time, also under the same number: an ack from memory would hide how it ended', async () => {
    const { ask, clock } = readyToSwitch();
    expect(ask(commitAt(6, 50), 900)).toEqual(ACK);
    await clock.advanceTo(60);
    expect(ask(commitAt(6, 50), 900)).toMatchObject({ type: 'committed', beamId: 6 });
  });

  it('that comes after its time does nothing, and says too-late', async () => {
    const { ask, panel, clock } = readyToSwitch();
    await clock.advanceTo(50);
    expect(ask(commitAt(6, 50))).toEqual({ type: 'nack', code: 'too-late', detail: 0 });
    expect(ask(commitAt(6, 20))).toMatchObject({ code: 'too-late' });
    await clock.advanceTo(200);
    expect(panel.radiated().beamId).toBe(5);
  });

  it('is checked when it comes, as any commit', () => {
    const { ask, panel } = readyToSwitch();
    ask(chunk(7, 0, 16));
    expect(ask(commitAt(7, 50))).toEqual({ type: 'nack', code: 'not-staged', detail: 16 });
    expect(ask(commitAt(6, 50))).toMatchObject({ code: 'not-staged', detail: 0 });
    expect(ask(commitAt(4, 50))).toMatchObject({ code: 'stale-beam', detail: 5 });
    expect(ask(commitAt(7, 50, 2))).toMatchObject({ code: 'no-such-slot', detail: 2 });
    expect(panel.radiated().beamId).toBe(5);
  });

  it('holds its slot against chunks of other beams, and not the other slot', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask(commitAt(6, 50));
    const other = chunk(7, 0, WORDS);
    expect(ask(other)).toEqual({ type: 'nack', code: 'busy', detail: 0 });
    expect(ask(patch(7, 5, [1]))).toMatchObject({ code: 'busy' });
    expect(ask(chunk(6, 0, 16))).toEqual(ACK);
    expect(ask({ ...other, slot: 1 } as Request)).toEqual(ACK);
    await clock.advanceTo(50);
    expect(panel.radiated()).toEqual({ beamId: 6, words: beamWords(6) });
    expect(ask(other)).toEqual(ACK);
  });

  it('is latched as it was checked, whatever is still sent for it', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask(commitAt(6, 50));
    // One weight of a D: the slot is not whole any more.
    ask({ type: 'set-digital', slot: 0, beamId: 6, users: 2, offset: 0, weights: new Float32Array([1, 0]) });
    await clock.advanceTo(50);
    expect(panel.radiated()).toEqual({ beamId: 6, words: beamWords(6) });
  });

  it('far in the future waits without growing impatient', async () => {
    const { ask, panel, clock } = readyToSwitch();
    const atMs = 40 * 24 * 3_600_000;
    expect(ask(commitAt(6, atMs))).toEqual(ACK);
    expect(ask({ type: 'commit', slot: 0, beamId: 6, atUs: 2n ** 64n - 1n })).toEqual(ACK);
    expect(ask(commitAt(6, atMs))).toEqual(ACK);
    await clock.advanceTo(atMs - 1);
    expect(panel.radiated().beamId).toBe(5);
    await clock.advanceTo(atMs + 1);
    expect(panel.radiated().beamId).toBe(6);
  });
});

describe('a timed commit does not happen when', () => {
  it('it is cancelled; asked again later it is too late', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask(commitAt(6, 50));
    expect(ask(cancel(6, 50))).toEqual(ACK);
    expect(ask(cancel(6, 50))).toEqual(ACK);
    expect(clock.pendingTimers()).toBe(0);
    await clock.advanceTo(60);
    expect(panel.radiated().beamId).toBe(5);
    expect(ask(commitAt(6, 50))).toMatchObject({ code: 'too-late' });
    expect(ask(now(6))).toMatchObject({ type: 'committed', beamId: 6 });
  });

  it.each<[string, Request]>([
    ['another beam is committed at once', now(7, 1)],
    ['another timed commit takes its place', commitAt(7, 40, 1)],
    ['a stored beam is selected', { type: 'select-beam', position: 0, beamId: 8 }],
    ['a newer beam is cancelled, whose own commit may be lost', cancel(7, 0)],
    ['a session begins', hello],
    ['the safe state is entered', mute],
    ['the safe state is entered, even if it holds the beam', { ...mute, state: 'hold' }],
  ])('%s', async (_what, request) => {
    const { ask, panel, clock } = readyToSwitch();
    ask({ ...chunk(7, 0, WORDS), slot: 1 } as Request);
    ask({ type: 'store-beam', slot: 1, beamId: 7, position: 0 });
    ask(commitAt(6, 50));
    expect(ask(request)).not.toMatchObject({ type: 'nack' });
    await clock.advanceTo(100);
    expect(panel.radiated().beamId).not.toBe(6);
    expect(ask(commitAt(6, 50))).toMatchObject({ code: 'too-late' });
  });

  it('the host falls silent', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask({ ...mute, silenceMs: 30, enter: false });
    ask(commitAt(6, 50));
    await clock.advanceTo(100);
    expect(panel.radiated().beamId).toBe(0);
  });

  it('the panel is reset, though its clock passes the time again', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask(commitAt(6, 50));
    await clock.advanceTo(40);
    panel.reset();
    await clock.advanceTo(200);
    expect(panel.radiated().beamId).toBe(0);
    expect(panel.latched().beamId).toBe(0);
  });

  it('the panel finds a fault', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask(commitAt(6, 50));
    panel.fault(3);
    panel.recover();
    await clock.advanceTo(100);
    expect(panel.radiated().beamId).toBe(0);
  });

  it('the panel is closed', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask(commitAt(6, 50));
    panel.close();
    expect(clock.pendingTimers()).toBe(0);
    await clock.advanceTo(100);
    expect(panel.radiated().beamId).toBe(5);
  });
});

describe('a timed commit still happens after', () => {
  it.each<[string, Request, object]>([
    ['a commit that was refused', now(9, 1), { code: 'not-staged' }],
    ['a repetition of the commit before', now(5), { type: 'committed', beamId: 5 }],
    ['a timed commit of another beam that came too late', commitAt(7, 1, 1), { code: 'too-late' }],
    ['the cancellation of an older beam', cancel(4, 1000), { type: 'ack' }],
    ['the cancellation of an earlier time', cancel(6, 49), { type: 'ack' }],
    ['the cancellation of the beam that is radiated', cancel(5, 1000), { code: 'too-late' }],
    ['a hello that the panel cannot take', { ...hello, minMajor: 2, maxMajor: 3 }, { code: 'unsupported-version' }],
    ['a safe state that is only announced', { ...mute, enter: false }, { type: 'ack' }],
  ])('%s', async (_what, request, answer) => {
    const { ask, panel, clock } = readyToSwitch();
    await clock.advanceTo(10);
    ask(commitAt(6, 50));
    expect(ask(request)).toMatchObject(answer);
    await clock.advanceTo(50);
    expect(panel.radiated().beamId).toBe(6);
    expect(ask(cancel(6, 50))).toMatchObject({ code: 'too-late' });
  });

  it('it was put off to another time', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask(commitAt(6, 50));
    expect(ask(commitAt(6, 70))).toEqual(ACK);
    await clock.advanceTo(60);
    expect(panel.radiated().beamId).toBe(5);
    await clock.advanceTo(70);
    expect(panel.radiated().beamId).toBe(6);
  });
});

describe('a timed commit that was cancelled', () => {
  it('comes too late when a copy of it comes late, though its time is still to come', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask(commitAt(6, 50));
    ask(cancel(6, 50));
    expect(ask(commitAt(6, 50))).toEqual({ type: 'nack', code: 'too-late', detail: 0 });
    expect(ask(commitAt(6, 40))).toMatchObject({ code: 'too-late' });
    expect(clock.pendingTimers()).toBe(0);
    await clock.advanceTo(100);
    expect(panel.radiated().beamId).toBe(5);
  });

  it('comes too late when its cancellation overtakes it', async () => {
    const { ask, panel, clock } = readyToSwitch();
    expect(ask(cancel(6, 50))).toEqual(ACK);
    expect(ask(commitAt(6, 50))).toMatchObject({ code: 'too-late' });
    await clock.advanceTo(100);
    expect(panel.radiated().beamId).toBe(5);
  });

  it('may be said for a later time, which no late copy of commit or cancellation takes back', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask(commitAt(6, 50));
    ask(cancel(6, 50));
    expect(ask(commitAt(6, 51))).toEqual(ACK);
    expect(ask(cancel(6, 50))).toEqual(ACK);
    expect(ask(commitAt(6, 50))).toMatchObject({ code: 'too-late' });
    await clock.advanceTo(51);
    expect(panel.radiated().beamId).toBe(6);
  });

  it('stays so when other beams are cancelled, older and newer ones', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask({ ...chunk(7, 0, WORDS), slot: 1 } as Request);
    ask(cancel(7, 60));
    ask(cancel(6, 50));
    ask(cancel(7, 30));
    expect(ask(commitAt(6, 90))).toMatchObject({ code: 'too-late' });
    expect(ask(commitAt(7, 60, 1))).toMatchObject({ code: 'too-late' });
    expect(ask(commitAt(7, 61, 1))).toEqual(ACK);
    await clock.advanceTo(100);
    expect(panel.radiated().beamId).toBe(7);
  });

  it.each<[string, (host: ReturnType<typeof readyToSwitch>) => unknown]>([
    ['a session begins', ({ ask }) => ask(hello)],
    ['the panel is reset', ({ panel }) => panel.reset()],
  ])('is forgotten when %s', async (_what, anew) => {
    const host = readyToSwitch();
    host.ask(cancel(6, 50));
    anew(host);
    host.ask(chunk(6, 0, WORDS));
    expect(host.ask(commitAt(6, 50))).toEqual(ACK);
    await host.clock.advanceTo(60);
    expect(host.panel.radiated().beamId).toBe(6);
  });

  it('is not cancelled by a cancellation that was refused', () => {
    const { ask } = readyToSwitch();
    expect(ask(cancel(5, 1000))).toMatchObject({ code: 'too-late' });
    expect(ask(commitAt(6, 50))).toEqual(ACK);
  });
});

describe('a timed commit whose time is the very moment at which the silence is over', () => {
  it.each<[string, boolean]>([
    ['the silence was set first', true],
    ['the commit was', false],
  ])('is latched first, and then the silence has its way, also when %s', async (_what, silenceFirst) => {
    const latched: number[] = [];
    const { ask, panel, clock } = readyToSwitch({ onLatch: (beamId) => latched.push(beamId) });
    const hold: Request = { ...mute, state: 'hold', silenceMs: 50, enter: false };
    for (const request of silenceFirst ? [hold, commitAt(6, 50)] : [commitAt(6, 50), hold]) ask(request);
    await clock.advanceTo(50);
    expect(latched).toEqual([5, 6]);
    expect(panel.radiated()).toEqual({ beamId: 6, words: beamWords(6) });
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'safe', beamId: 6 });
  });

  it('mutes the beam that was just latched where that is the safe state', async () => {
    const latched: number[] = [];
    const { ask, panel, clock } = readyToSwitch({ onLatch: (beamId) => latched.push(beamId) });
    ask({ ...mute, silenceMs: 50, enter: false });
    ask(commitAt(6, 50));
    await clock.advanceTo(50);
    expect(latched).toEqual([5, 6]);
    expect(panel.latched().beamId).toBe(6);
    expect(panel.radiated().beamId).toBe(0);
  });
});

describe('once latched at its time', () => {
  it('a beam that was muted since is too late to be said again', async () => {
    const { ask, panel, clock } = readyToSwitch();
    ask(commitAt(6, 50));
    await clock.advanceTo(60);
    ask(mute);
    expect(ask(commitAt(6, 50))).toMatchObject({ code: 'too-late' });
    expect(ask(now(6))).toMatchObject({ code: 'stale-beam', detail: 6 });
    expect(panel.radiated().beamId).toBe(0);
  });

  it('the safe state is left, as by any commit', async () => {
    const { ask, clock } = readyToSwitch();
    ask(mute);
    ask(commitAt(6, 50));
    await clock.advanceTo(60);
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'radiating', beamId: 6 });
  });
});

describe('the clock of a panel', () => {
  it('is told to whoever asks, each time anew, and counts from its start', async () => {
    const { ask, panel, clock } = hostWith();
    const sync: Request = { type: 'sync-time', hostSendUs: 2n ** 63n };
    await clock.advanceTo(12.5);
    expect(ask(sync, 7)).toEqual({ type: 'synced', hostSendUs: 2n ** 63n, panelReceiveUs: 12_500n, panelSendUs: 12_500n });
    await clock.advanceTo(20);
    expect(ask(sync, 7)).toMatchObject({ panelReceiveUs: 20_000n });
    panel.reset();
    await clock.advanceTo(25);
    expect(ask(sync, 7)).toMatchObject({ panelReceiveUs: 5_000n });
  });
});
