import { describe, expect, it } from 'vitest';
import { SESSION_OVER } from '../firmware-protocol/limits.ts';
import type { Request } from '../firmware-protocol/messages.ts';
import { frobeniusNorm } from '../core/signal/complex-matrix.ts';
import { DARK, PHASE_BITS, WORDS, beamWords, chunk, hostWith } from '../test/doubles/panel-host.ts';

describe('the safe state', () => {
  const mute: Request = { type: 'set-safe-state', state: 'mute', position: 0, silenceMs: 200, enter: false };

  it('comes by itself when the host falls silent', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    ask(mute);
    showBeam(5);
    await clock.advanceTo(150);
    ask({ type: 'ping', nonce: 1 });
    await clock.advanceTo(349);
    expect(panel.radiated().beamId).toBe(5);
    await clock.advanceTo(351);
    expect(panel.radiated()).toEqual(DARK);
    expect(frobeniusNorm(panel.radiatedPrecoder())).toBe(0);
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'safe', beamId: 0 });
    expect(ask({ type: 'measure-snr', beamId: 5, pilots: 9 })).toMatchObject({ code: 'beam-mismatch', detail: 0 });
  });

  it('is left by no beam of the session that silence ended, then by a new one, and the watch goes on', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    ask(mute);
    showBeam(5);
    await clock.advanceTo(500);
    for (const beamId of [5, 6, 0xffff_ffff]) {
      expect(ask({ type: 'commit', slot: 0, beamId, atUs: 0n })).toMatchObject({ code: 'stale-beam', detail: SESSION_OVER });
    }
    const words = beamWords(6);
    expect(ask({ type: 'set-phases', slot: 0, beamId: 6, offset: 0, phaseBits: PHASE_BITS, words })).toMatchObject({
      code: 'stale-beam',
      detail: SESSION_OVER,
    });
    expect(panel.radiated()).toEqual(DARK);
    ask({ type: 'hello', minMajor: 1, maxMajor: 1, host: 'bench' });
    showBeam(6);
    expect(panel.radiated().beamId).toBe(6);
    await clock.advanceTo(1000);
    expect(panel.radiated()).toEqual(DARK);
  });

  it('keeps the session when it was commanded, however long the host is silent then', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    ask({ ...mute, enter: true });
    showBeam(5);
    ask({ ...mute, enter: true });
    await clock.advanceTo(60_000);
    showBeam(6);
    expect(panel.radiated().beamId).toBe(6);
  });

  it('is not entered by garbage being silence too, nor put off by it', async () => {
    const { ask, showBeam, panel, clock, sendBytes } = hostWith();
    ask(mute);
    showBeam(5);
    await clock.advanceTo(150);
    sendBytes(new Uint8Array([1, 2, 3]));
    await clock.advanceTo(201);
    expect(panel.radiated()).toEqual(DARK);
  });

  it('may hold the last beam', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    ask({ ...mute, state: 'hold' });
    showBeam(5);
    await clock.advanceTo(300);
    expect(panel.radiated()).toEqual({ beamId: 5, words: beamWords(5) });
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'safe', beamId: 5 });
  });

  it('may be a stored beam, at once', () => {
    const { ask, showBeam, panel } = hostWith();
    const codeword: Request = { type: 'set-safe-state', state: 'codeword', position: 1, silenceMs: 0, enter: true };
    expect(ask(codeword)).toMatchObject({ code: 'not-staged' });
    ask(chunk(4, 0, WORDS));
    ask({ type: 'store-beam', slot: 0, beamId: 4, position: 1 });
    showBeam(5);
    expect(ask(codeword)).toEqual({ type: 'ack' });
    expect(panel.radiated()).toEqual({ beamId: 0, words: beamWords(4) });
  });
});
