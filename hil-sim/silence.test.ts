/** What keeps a virtual panel from its safe state, and what kept one of version 1.1 from it. The panel in C is told more: c-panel-silence.test.ts. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Request } from '../firmware-protocol/messages.ts';
import { hostWith } from '../test/doubles/panel-host.ts';

const mute: Request = { type: 'set-safe-state', state: 'mute', position: 0, silenceMs: 200, enter: false };
const hello: Request = { type: 'hello', minMajor: 1, maxMajor: 1, host: 'bench' };
const refused: Request = { type: 'measure-snr', beamId: 4, pilots: 9 };

/** A panel that radiates beam 5 and hears this every 50 ms from then on, each time under a new number; the beam after a second of that. */
async function shownAfterASecondOf(request: Request, protocolMinor: 1 | 2): Promise<number> {
  const { ask, showBeam, panel, clock } = hostWith({ capabilities: { protocolMinor } });
  ask(mute);
  showBeam(5);
  for (let nowMs = 50; nowMs <= 1000; nowMs += 50) {
    await clock.advanceTo(nowMs);
    expect(ask(request)).toBeDefined();
  }
  panel.close();
  return panel.radiated().beamId;
}

interface SilenceVector {
  name: string;
  steps: { atMs: number; frame: string; said: string }[];
  darkAtMs: number;
}
const vectorsFile = new URL('../firmware-protocol/vectors/vectors.json', import.meta.url);
const { silences } = JSON.parse(readFileSync(vectorsFile, 'utf8')) as { silences: SilenceVector[] };

describe('a panel that its host hears no more', () => {
  it.each(silences)('is dark when the vectors say so: $name', async ({ steps, darkAtMs }) => {
    const { panel, clock, sendBytes, messages } = hostWith();
    for (const { atMs, frame, said } of steps) {
      await clock.advanceTo(atMs);
      sendBytes(new Uint8Array(Buffer.from(frame, 'hex')));
      const reply = messages().at(-1);
      expect(reply?.type === 'nack' ? reply.code : reply?.type).toBe(said);
    }
    await clock.advanceTo(darkAtMs - 0.001);
    expect(panel.radiated().beamId).toBe(5);
    await clock.advanceTo(darkAtMs);
    expect(panel.radiated().beamId).toBe(0);
  });

  it('is dark in time, however often the host greets it or is refused', async () => {
    expect(await shownAfterASecondOf(hello, 2)).toBe(0);
    expect(await shownAfterASecondOf(refused, 2)).toBe(0);
    expect(await shownAfterASecondOf({ type: 'get-status' }, 2)).toBe(5);
  });

  it('went on radiating as long as it was greeted before version 1.2, and a panel can be played so', async () => {
    expect(await shownAfterASecondOf(hello, 1)).toBe(5);
    expect(await shownAfterASecondOf(refused, 1)).toBe(5);
    const { ask } = hostWith({ capabilities: { protocolMinor: 1 } });
    const capabilities = ask(hello);
    expect(capabilities).toMatchObject({ type: 'capabilities', protocolMinor: 1 });
    expect(capabilities?.type === 'capabilities' && capabilities.features).not.toContain('simulated');
  });

  it('is not kept alive by what its wire could not make out, and counts it', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    ask(mute);
    showBeam(5);
    await clock.advanceTo(199);
    panel.discarded(3);
    await clock.advanceTo(201);
    expect(ask({ type: 'get-status' })).toMatchObject({ state: 'safe', badFrames: 3 });
  });

  it('is dark in time also when the timer is late and a frame is there first', async () => {
    const { ask, showBeam, panel, clock } = hostWith();
    ask(mute);
    showBeam(5);
    await clock.advanceTo(100);
    ask({ type: 'ping', nonce: 1 });
    // The wait that is under way ends at 200 ms; the silence at 300.
    await clock.advanceTo(299);
    expect(panel.radiated().beamId).toBe(5);
    await clock.advanceTo(300);
    expect(panel.radiated().beamId).toBe(0);
  });
});
