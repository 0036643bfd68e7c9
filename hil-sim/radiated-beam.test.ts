/** What a virtual panel, and two of one array, make of a beam: what is radiated, and what is measured of it. */
import { describe, expect, it } from 'vitest';
import { beamFrames } from '../firmware-protocol/chunking.ts';
import { encodeFrame } from '../firmware-protocol/codec.ts';
import { frobeniusNorm, matmul, multiplyAhB, subtract } from '../core/signal/complex-matrix.ts';
import { sinr, toDb } from '../core/signal/rate.ts';
import { createRandom } from '../core/signal/random.ts';
import { createAir } from './air.ts';
import { createSimulatedArray } from './simulated-array.ts';
import { CHAINS, DIGITAL, ELEMENTS, PHASE_BITS, USERS, WORDS, beamWords, hostWith } from '../test/doubles/panel-host.ts';
import { createVirtualPanel } from './virtual-panel.ts';

describe('what the panel radiates and reports', () => {
  it('is what its array makes of words and D, element faults included', () => {
    const { showBeam, panel, array } = hostWith();
    showBeam(5, beamWords(5), DIGITAL);
    const expected = array.radiatedPrecoder(beamWords(5), DIGITAL, 0);
    expect(frobeniusNorm(subtract(panel.radiatedPrecoder(), expected))).toBeLessThan(1e-6 * frobeniusNorm(expected));
  });

  it('shows a dead element as power that is missing', () => {
    const random = createRandom(1);
    const withDead = (deadElements: number[]) => {
      const impairments = { deadElements };
      const array = createSimulatedArray({ elements: ELEMENTS, rfChains: CHAINS, phaseBits: PHASE_BITS, random, impairments });
      const { showBeam, panel } = hostWith({ array });
      showBeam(5);
      return frobeniusNorm(panel.radiatedPrecoder()) ** 2;
    };
    expect(withDead([]) - withDead([3, 4])).toBeCloseTo(2 * CHAINS, 9);
  });

  it('changes with the temperature while the beam stays the same', () => {
    const random = createRandom(1);
    const impairments = { temperatureDriftDegPerMinute: 20 };
    const array = createSimulatedArray({ elements: ELEMENTS, rfChains: CHAINS, phaseBits: PHASE_BITS, random, impairments });
    const { showBeam, panel, clock } = hostWith({ array });
    showBeam(5);
    const before = panel.radiatedPrecoder();
    return clock.advanceTo(60_000).then(() => {
      expect(panel.radiated()).toEqual({ beamId: 5, words: beamWords(5) });
      expect(frobeniusNorm(subtract(panel.radiatedPrecoder(), before))).toBeGreaterThan(0.1);
    });
  });

  it('gives SNR near the truth on the channel as it stands, named with the beam', () => {
    const { ask, showBeam, panel, scene } = hostWith();
    showBeam(5, beamWords(5), DIGITAL);
    for (const timeS of [0, 1, 2]) {
      scene.moveTo(timeS);
      const truth = sinr(scene.channel(), panel.radiatedPrecoder(), 0.1);
      expect(panel.trueSinr()).toEqual(truth);
      const report = ask({ type: 'measure-snr', beamId: 5, pilots: 100_000 });
      expect(report).toMatchObject({ type: 'snr-report', beamId: 5, pilots: 100_000, firstUser: 0 });
      if (report?.type !== 'snr-report') return;
      truth.forEach((value, user) => expect(report.snrCentiDb[user] / 100).toBeCloseTo(toDb(value), 0));
    }
  });

  it('reports with noise that is set from outside', () => {
    const { showBeam, panel } = hostWith();
    showBeam(5);
    panel.setNoise(1e9);
    for (const value of panel.trueSinr()) expect(value).toBeLessThan(1e-6);
    expect(() => panel.setNoise(0)).toThrow(/noise is 0/);
  });

  it('says how many pilots it took when fewer were asked for than it takes to tell signal from noise', () => {
    const { ask, showBeam } = hostWith();
    showBeam(5);
    expect(ask({ type: 'measure-snr', beamId: 5, pilots: 1 })).toMatchObject({ type: 'snr-report', pilots: 3 });
  });

  it('hears each chain as the channel and the array have it', () => {
    const { ask, showBeam, array, scene } = hostWith();
    showBeam(5, beamWords(5), DIGITAL);
    const received = matmul(scene.channel(), array.radiatedAnalog(beamWords(5), 0));
    for (let user = 0; user < USERS; user++) {
      const report = ask({ type: 'measure-pilots', beamId: 5, user, pilots: 1_000_000 });
      if (report?.type !== 'pilot-report') throw new Error('no pilot report');
      for (let m = 0; m < CHAINS; m++) {
        expect(report.values[2 * m]).toBeCloseTo(received.re[user * CHAINS + m], 2);
        expect(report.values[2 * m + 1]).toBeCloseTo(received.im[user * CHAINS + m], 2);
      }
    }
  });

  it('drives chain k with stream k when a beam comes without D', () => {
    const { showBeam, panel } = hostWith();
    showBeam(5);
    const gram = multiplyAhB(panel.radiatedPrecoder(), panel.radiatedPrecoder());
    for (let k = 0; k < USERS; k++) expect(gram.re[k * USERS + k] / ELEMENTS).toBeCloseTo(1, 0);
  });
});

describe('two panels of one array', () => {
  it('drive their own elements, are told apart by nothing on the air, and hear what both radiate', () => {
    const { clock, array, scene } = hostWith();
    const random = createRandom(2);
    const air = createAir({ array, scene, noise: 0.1, random, clock });
    const halves = [0, 1].map((half) => {
      const own = Array.from({ length: ELEMENTS / 2 }, (_, i) => half * (ELEMENTS / 2) + i);
      const settings = { clock, random: random.stream(`panel ${half}`), capabilities: { panelSerial: `HALF-${half}` } };
      return createVirtualPanel({ ...settings, air: air.part(own) });
    });
    const whole = beamWords(5);
    halves.forEach((panel, half) => {
      expect(panel.capabilities).toMatchObject({ elements: ELEMENTS / 2, rfChains: CHAINS, users: USERS });
      const words = whole.slice((half * WORDS) / 2, ((half + 1) * WORDS) / 2);
      const frames = beamFrames({ slot: 0, beamId: 5, phaseBits: PHASE_BITS, words, maxPayloadBytes: 1024, firstSeq: 0 });
      for (const frame of frames) panel.receive(encodeFrame(frame));
      expect(panel.radiated()).toEqual({ beamId: 5, words });
    });
    const { showBeam, panel: alone } = hostWith({ array, scene, clock });
    showBeam(5, whole);
    for (const panel of halves) {
      expect(frobeniusNorm(subtract(panel.radiatedPrecoder(), alone.radiatedPrecoder()))).toBeLessThan(1e-9);
      expect(panel.trueSinr()).toEqual(halves[0].trueSinr());
    }
    expect(() => halves[0].fault(1)).not.toThrow();
    expect(frobeniusNorm(halves[1].radiatedPrecoder())).toBeLessThan(frobeniusNorm(alone.radiatedPrecoder()));
  });
});
