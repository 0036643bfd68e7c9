import { describe, expect, it } from 'vitest';
import { offsetsOf } from '../../calibration/nominal-grid.ts';
import { CALIBRATION_METHODS } from '../../calibration/methods.ts';
import { coded } from '../../calibration/methods/coded.ts';
import { hadamard } from '../../calibration/methods/hadamard.ts';
import { rotatingVector } from '../../calibration/methods/rotating-vector.ts';
import { stateDifference } from '../../calibration/state-difference.ts';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { fromParts, zeros } from '../../core/signal/complex-matrix.ts';
import { connectionMask } from '../../core/signal/geometry.ts';
import { userIndex } from '../../core/signal/indices.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { createRecordedScene } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { createLoopbackLink } from '../link/loopback.ts';
import { createPanelRecovery } from '../control/panel-recovery.ts';
import { createPanel } from '../panel/panel-driver.ts';
import { createArrayReader, type ArrayReader } from './array-reader.ts';
import { alignmentReadings } from './align-chains.ts';
import type { ArrayUnderTest } from './array-under-test.ts';
import { measureArray, readingsOf } from './measure-array.ts';
import { byPower, measurePowers, powerReadingsOf } from './measure-powers.ts';

const [ELEMENTS, CHAINS, BITS] = [8, 2, 3];
const PILOTS = 64;
/** σ² of a reading: 40 dB below one element. */
const NOISE = 1e-4;

function bench(options: { connection?: 'full' | 'sub'; behaviours?: Behaviour[] } = {}) {
  const { connection = 'full', behaviours = [] } = options;
  const clock = createVirtualClock();
  const random = createRandom(1);
  const array = createSimulatedArray({
    ...{ elements: ELEMENTS, rfChains: CHAINS, phaseBits: BITS, connection, random: random.stream('array') },
    impairments: { gainErrorDb: 0.5, phaseErrorDeg: 60, phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 },
  });
  // A probe straight ahead: every element is as near.
  const scene = createRecordedScene([fromParts(1, ELEMENTS, new Float64Array(ELEMENTS).fill(1), new Float64Array(ELEMENTS))]);
  const virtual = createVirtualPanel({ clock, array, scene, noise: NOISE * PILOTS, random: random.stream('panel'), behaviours });
  const panel = createPanel({ link: createLoopbackLink(virtual, clock), clock, random: random.stream('driver') });
  const recovery = createPanelRecovery({
    ...{ panel, clock, random: random.stream('recovery'), safe: { state: 'mute' }, silenceMs: 5000, connected: false },
    tell: () => undefined,
  });
  const stop = new AbortController().signal;
  const reader = createArrayReader({
    panel,
    recovery,
    clock,
    phaseBits: BITS,
    rfChains: CHAINS,
    users: 1,
    receiver: userIndex(0),
    pilots: PILOTS,
    stop,
  });
  const underTest = {
    ...{ elements: ELEMENTS, rfChains: CHAINS, phaseBits: BITS, elementEnable: false },
    ...(connection === 'full' ? {} : { connection: connectionMask(connection, ELEMENTS, CHAINS) }),
  };
  /** What the array shows in truth: chain m of its elements, state by state. */
  const truth = (m: number, elements: readonly number[]): CMatrix => {
    const out = zeros(elements.length, 2 ** BITS);
    for (let word = 0; word < 2 ** BITS; word++) {
      const shown = array.radiatedAnalog(new Uint16Array(ELEMENTS * CHAINS).fill(word), 0);
      elements.forEach((n, row) => {
        out.re[row * out.cols + word] = shown.re[n * CHAINS + m];
        out.im[row * out.cols + word] = shown.im[n * CHAINS + m];
      });
    }
    return out;
  };
  return { reader, underTest, truth };
}

describe.each(['full', 'sub'] as const)('an array that is connected as %s', (connection) => {
  it('is known by its states after a coded measurement, its elements always on', async () => {
    const { reader, underTest, truth } = bench({ connection });
    const options = { array: underTest, method: coded, readings: 1000, random: createRandom(3) };
    const steps: number[] = [];
    const { chains } = await measureArray({ ...options, onProgress: (done) => steps.push(done) }, reader);
    const [{ noise }] = chains;
    expect(noise).toBeGreaterThan(NOISE / 2);
    expect(noise).toBeLessThan(NOISE * 2);
    expect(steps).toEqual(Array.from({ length: readingsOf(options) }, (_, i) => i + 1));
    chains.forEach(({ elements, estimate }, m) => {
      expect(elements).toEqual(connection === 'full' ? [0, 1, 2, 3, 4, 5, 6, 7] : m === 0 ? [0, 1, 2, 3] : [4, 5, 6, 7]);
      expect(stateDifference(estimate.states, truth(m, elements)).phaseDeg).toBeLessThan(1.5);
    });
  });
});

it('loses no reading where frames and the session are lost on the way', async () => {
  const behaviours: Behaviour[] = [
    { do: 'drop', probability: 0.05 },
    { do: 'reset', messages: ['commit'], nth: 40, bootMs: 20 },
  ];
  const { reader, underTest, truth } = bench({ behaviours });
  const { chains } = await measureArray({ array: underTest, method: coded, readings: 64, random: createRandom(3) }, reader);
  chains.forEach(({ elements, estimate }, m) => {
    const found = offsetsOf(estimate.states, 2 ** BITS);
    expect(stateDifference(found, offsetsOf(truth(m, elements), 2 ** BITS)).phaseDeg).toBeLessThan(2);
  });
});

describe('a receiver at its full scale', () => {
  /** Clips both parts of all that is heard. */
  const clipping = (reader: Pick<ArrayReader, 'read'>, scale: number): Pick<ArrayReader, 'read'> => ({
    read: async (setting) => {
      const heard = await reader.read(setting);
      const clip = (value: number): number => Math.min(Math.max(value, -scale), scale);
      return { ...heard, re: heard.re.map(clip), im: heard.im.map(clip) };
    },
  });

  it('has its clipped readings left out, and the others tell', async () => {
    const { reader, underTest, truth } = bench();
    const options = { array: underTest, method: coded, readings: 1000, random: createRandom(3) };
    const { chains } = await measureArray(options, clipping(reader, 4.5));
    chains.forEach(({ elements, estimate, saturated }, m) => {
      expect(saturated).toBeGreaterThan(2);
      expect(stateDifference(estimate.states, truth(m, elements)).phaseDeg).toBeLessThan(1.5);
    });
  });

  it('is refused where too little is left, and by methods that need each reading', async () => {
    const { reader, underTest } = bench();
    const options = { array: underTest, random: createRandom(3) };
    await expect(measureArray({ ...options, method: coded }, clipping(reader, 1))).rejects.toMatchObject({
      code: 'calibration',
      message: expect.stringContaining('at the receiver’s full scale, and the others are too few') as string,
    });
    await expect(measureArray({ ...options, method: rotatingVector }, clipping(reader, 2))).rejects.toMatchObject({
      message: expect.stringContaining('the method rev needs each of them') as string,
    });
  });
});

describe('one reading of the noise that is a thousand times too large', () => {
  const glitching = (reader: Pick<ArrayReader, 'read'>): Pick<ArrayReader, 'read'> => {
    let i = 0;
    return {
      read: async (setting) => {
        const { rows, cols, re, im } = await reader.read(setting);
        const by = i++ === 9 ? 1000 : 1;
        return { rows, cols, re: re.map((each) => by * each), im: im.map((each) => by * each) };
      },
    };
  };

  it.each([
    ['pilots', measureArray, coded],
    ['power', measurePowers, byPower(coded)],
  ] as const)('leaves the noise of readings of %s, and what is measured, as they are', async (_, measure, method) => {
    const measured = async (through: (reader: Pick<ArrayReader, 'read'>) => Pick<ArrayReader, 'read'>) => {
      const { reader, underTest, truth } = bench();
      const options = { array: underTest, method, readings: 200, random: createRandom(3) };
      const { chains } = await measure(options, through(reader));
      return chains.map(({ elements, estimate, noise }, m) => {
        return { noise, deg: stateDifference(estimate.states, truth(m, elements)).phaseDeg };
      });
    };
    const without = await measured((reader) => reader);
    const beside = await measured(glitching);
    beside.forEach(({ noise, deg }, m) => {
      expect(noise / without[m].noise).toBeGreaterThan(0.8);
      expect(noise / without[m].noise).toBeLessThan(1.25);
      expect(deg).toBeLessThan(1.1 * without[m].deg);
    });
  });
});

describe('an SNR that is out of what a report can say', () => {
  /** Says so of some of the readings. */
  const losing = (reader: Pick<ArrayReader, 'read'>, isLost: (i: number) => boolean): Pick<ArrayReader, 'read'> => {
    let i = 0;
    return {
      read: async (setting) => {
        const heard = await reader.read(setting);
        return isLost(i++) ? { ...heard, re: heard.re.map(() => NaN) } : heard;
      },
    };
  };
  const options = (array: ArrayUnderTest) => ({ array, method: byPower(coded), readings: 500, random: createRandom(3) });

  it('is left out, also while the reference is chosen', async () => {
    const missedDeg = async (isLost: (i: number) => boolean): Promise<number[]> => {
      const { reader, underTest, truth } = bench();
      const { chains } = await measurePowers(options(underTest), losing(reader, isLost));
      return chains.map(({ elements, estimate }, m) => stateDifference(estimate.states, truth(m, elements)).phaseDeg);
    };
    const all = await missedDeg(() => false);
    const aligning = powerReadingsOf(options(bench().underTest)) - alignmentReadings(CHAINS, 'power');
    const lacking = await missedDeg((i) => i % 20 === 3 && i < aligning);
    lacking.forEach((deg, m) => expect(deg).toBeLessThan(1.4 * all[m]));
  });

  it('is told where too many of them are', async () => {
    const { reader, underTest } = bench();
    const refused = measurePowers(
      options(underTest),
      losing(reader, (i) => i >= 32),
    );
    await expect(refused).rejects.toMatchObject({ code: 'calibration', message: /^32 of 32 SNRs/ });
  });
});

it('asks for another method where elements cannot be switched off', async () => {
  const { reader, underTest } = bench();
  for (const method of CALIBRATION_METHODS.filter(({ needsElementEnable }) => needsElementEnable)) {
    const refused = measureArray({ array: underTest, method, random: createRandom(3) }, reader);
    await expect(refused).rejects.toMatchObject({
      code: 'argument',
      message: expect.stringContaining('element-enable') as string,
    });
  }
  expect(hadamard.needsElementEnable).toBe(true);
});
