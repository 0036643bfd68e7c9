/** A board with receivers only beside a panel of the array: it hears what that radiates, and does not know what it is. */
import { describe, expect, it } from 'vitest';
import { userIndex } from '../core/signal/indices.ts';
import { createRandom } from '../core/signal/random.ts';
import { decodeFrame, encodeFrame } from '../firmware-protocol/codec.ts';
import type { Reply, Request } from '../firmware-protocol/messages.ts';
import { CHAINS, ELEMENTS, USERS, beamWords, chunk, commitAt, hostWith } from '../test/doubles/panel-host.ts';
import { createAir } from './air.ts';
import { createVirtualPanel, type PanelSettings } from './virtual-panel.ts';

/** An array of one panel and receivers in one air, and what each answers. */
function beside(hears?: [firstUser: number, count: number], capabilities?: PanelSettings['capabilities']) {
  const { clock, array, scene } = hostWith();
  const air = createAir({ array, scene, noise: 0.1, random: createRandom(2), clock });
  const settings = { clock, random: createRandom(3) };
  const panels = {
    array: createVirtualPanel({ ...settings, air: air.part() }),
    receivers: createVirtualPanel({
      ...settings,
      receivers: air.receivers(),
      ...(hears && { hears: { firstUser: userIndex(hears[0]), count: hears[1] } }),
      ...(capabilities && { capabilities }),
    }),
  };
  let seq = 0;
  const ask = (panel: keyof typeof panels, message: Request): Reply => {
    const replies: Uint8Array[] = [];
    panels[panel].onSend((frame) => replies.push(frame));
    panels[panel].receive(encodeFrame({ seq: seq++, message }));
    const decoded = decodeFrame(replies[0]);
    if (!decoded.ok) throw new Error(decoded.reason);
    return decoded.frame.message as Reply;
  };
  const radiate = (beamId: number): void => {
    ask('array', chunk(beamId, 0, ELEMENTS * CHAINS));
    expect(ask('array', commitAt(beamId, 0))).toMatchObject({ type: 'committed' });
  };
  return { ...panels, air, simulated: array, scene, ask, radiate };
}

const MANY = 4_000_000;
const snr = (beamId: number): Request => ({ type: 'measure-snr', beamId, pilots: MANY });
const pilots = (beamId: number, user: number): Request => ({ type: 'measure-pilots', beamId, user, pilots: MANY });

describe('a board with receivers only', () => {
  it('hears the beam that panels of the array radiate, and the next one, under whichever id it is asked', () => {
    const { ask, radiate, array } = beside();
    for (const beamId of [5, 6]) {
      radiate(beamId);
      const report = ask('receivers', snr(77));
      if (report.type !== 'snr-report') throw new Error(report.type);
      expect(report).toMatchObject({ beamId: 77, firstUser: 0 });
      const trueDb = [...array.trueSinr()].map((ratio) => 10 * Math.log10(ratio));
      [...report.snrCentiDb].forEach((centiDb, user) => expect(centiDb / 100).toBeCloseTo(trueDb[user], 1));
    }
  });

  it('hears each chain alone, as hᴴ·C·E·S', () => {
    const { ask, radiate, simulated, scene } = beside();
    radiate(5);
    const analog = simulated.radiatedAnalog(beamWords(5), 0);
    const channel = scene.channel();
    const report = ask('receivers', pilots(5, 1));
    if (report.type !== 'pilot-report') throw new Error(report.type);
    for (let m = 0; m < CHAINS; m++) {
      let [re, im] = [0, 0];
      for (let n = 0; n < ELEMENTS; n++) {
        const [h, a] = [ELEMENTS + n, n * CHAINS + m];
        re += channel.re[h] * analog.re[a] - channel.im[h] * analog.im[a];
        im += channel.re[h] * analog.im[a] + channel.im[h] * analog.re[a];
      }
      expect(report.values[2 * m]).toBeCloseTo(re, 2);
      expect(report.values[2 * m + 1]).toBeCloseTo(im, 2);
    }
  });

  it('hears noise where nothing is radiated', () => {
    const { ask } = beside();
    const report = ask('receivers', pilots(5, 0));
    if (report.type !== 'pilot-report') throw new Error(report.type);
    for (const value of report.values) expect(Math.abs(value)).toBeLessThan(0.01);
    expect(ask('receivers', snr(5))).toMatchObject({ snrCentiDb: new Int16Array(USERS).fill(-6000) });
  });

  it('changes nothing that panels of the array report', () => {
    const alone = beside();
    const other = beside();
    for (const { radiate } of [alone, other]) radiate(5);
    other.ask('receivers', snr(5));
    const few: Request = { type: 'measure-snr', beamId: 5, pilots: 16 };
    expect(other.ask('array', few)).toEqual(alone.ask('array', few));
  });

  it('reports the users that it has receivers for, by their index', () => {
    const { ask, radiate } = beside([1, 1]);
    radiate(5);
    const report = ask('receivers', snr(5));
    expect(report).toMatchObject({ firstUser: 1 });
    expect(report.type === 'snr-report' && report.snrCentiDb).toHaveLength(1);
    expect(ask('receivers', pilots(5, 0))).toEqual({ type: 'nack', code: 'wrong-dimensions', detail: USERS });
  });

  it('starts anew after a reset, without its fault', () => {
    const { ask, receivers } = beside();
    receivers.fault(3);
    expect(ask('receivers', snr(5))).toEqual({ type: 'nack', code: 'fault', detail: 3 });
    receivers.reset();
    expect(ask('receivers', { type: 'get-status' })).toMatchObject({ state: 'idle', bootCount: 2, beamId: 0 });
    expect(ask('receivers', snr(5))).toMatchObject({ type: 'snr-report' });
  });

  it('cannot have receivers for users that there are not, nor be one that reports nothing', () => {
    expect(() => beside([1, USERS])).toThrow(/receivers for users 1 to 2/);
    expect(() => beside(undefined, { features: ['time-sync'] })).toThrow(/reports neither SNR nor pilots/);
  });
});
