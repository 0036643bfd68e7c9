/** Each key of the rig file's simulator changes what the simulator does: the array, the channel, the panel. */
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { createRandom } from '../../core/signal/random.ts';
import { decodeFrame, encodeFrame } from '../../firmware-protocol/codec.ts';
import type { Impairments } from '../../hil-sim/simulated-array.ts';
import type { RigFile } from '../config/rig-file.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { assembleSimulator, createRigArray } from './simulator.ts';
import { createWorld } from './world.ts';

const N = 16;
const M = 2;
const SIZE = { elements: N, rfChains: M, users: 2 };
const rigOf = (simulator: string, { elements, rfChains, users } = SIZE): RigFile =>
  parseRigFile(
    `name: bench
array: { geometry: { kind: ula, elements: ${elements} }, rfChains: ${rfChains}, phaseBits: 6 }
users: { count: ${users} }
beamformer: { model: aligned }
simulator: ${simulator}
`,
    'bench.yaml',
  );
const random = () => createRandom(5).stream('simulator');

/** What the array radiates for some words, ten minutes after it was switched on. */
function radiated(simulator: string): number[] {
  const words = Uint16Array.from({ length: N * M }, (_, i) => (7 * i) % 64);
  const { re, im } = createRigArray(rigOf(simulator), random()).radiatedAnalog(words, 600);
  return [...re, ...im];
}

/** The channel and where its users are, an hour into the run. */
function received(simulator: string) {
  const given = createWorld({ rig: rigOf(simulator), random: random(), repeat: true }).take(72_000);
  if (given === undefined) throw new Error('the world of moving users never ends');
  return { channel: [...given.channel.re, ...given.channel.im], azimuthRad: given.userAzimuthRad };
}

function simulated(simulator: string, size = SIZE) {
  const rig = rigOf(simulator, size);
  const clock = createVirtualClock();
  const world = createWorld({ rig, random: random(), repeat: true });
  const { latencyMs } = rig.simulator.panel;
  return { clock, ...assembleSimulator({ rig, random: random(), clock, noise: 1, world, behaviours: [], latencyMs }) };
}

/** How long a ping is under way, ms. */
async function pingMs(simulator: string): Promise<number> {
  const { clock, link, panel } = simulated(simulator);
  await link.open();
  let answeredMs = NaN;
  link.onFrame((bytes) => {
    const decoded = decodeFrame(bytes);
    if (decoded.ok && decoded.frame.message.type === 'pong') answeredMs = clock.nowMs();
  });
  const sentMs = clock.nowMs();
  link.send(encodeFrame({ seq: 1, message: { type: 'ping', nonce: 1 } }));
  await clock.sleep(1000);
  await link.close();
  panel.close();
  return answeredMs - sentMs;
}

/** A key of hil-sim that the rig file has not would not compile here. */
type Unnamed = Exclude<keyof Impairments, keyof RigFile['simulator']['impairments']>;
const EVERY_IMPAIRMENT_HAS_A_KEY: [Unnamed] extends [never] ? true : false = true;

describe('the simulated array of a rig file', () => {
  it('can be given every impairment that hil-sim has', () => {
    expect(EVERY_IMPAIRMENT_HAS_A_KEY).toBe(true);
  });

  it.each([
    ['impairments: { gainErrorDb: 0.5 }'],
    ['impairments: { phaseErrorDeg: 5 }'],
    ['impairments: { phaseStateErrorDeg: 2 }'],
    ['impairments: { gainStateErrorDb: 0.4 }'],
    ['impairments: { deadElements: [3] }'],
    ['impairments: { stuckElements: [3] }'],
    ['impairments: { stuckWords: [{ element: 3, word: 9 }] }'],
    ['impairments: { temperatureDriftDegPerMinute: 1 }'],
    ['impairments: { coupling: { neighbourDb: -20 } }'],
    ['impairments: { coupling: { neighbourDb: -20, neighbourPhaseDeg: 90 } }'],
  ])('radiates something else with %s', (keys) => {
    expect(radiated(`{ ${keys} }`)).not.toEqual(radiated('{}'));
  });

  it('drifts as far in a minute as in ten when it is warm in seconds', () => {
    const drifting = (more: string): string => `{ impairments: { temperatureDriftDegPerMinute: 1${more} } }`;
    expect(radiated(drifting(', warmUpMinutes: 0.1'))).not.toEqual(radiated(drifting('')));
  });

  it('shows the word that an element is stuck at, whatever it is told', () => {
    const array = createRigArray(rigOf('{ impairments: { stuckWords: [{ element: 3, word: 16 }] } }'), random());
    const { re, im } = array.radiatedAnalog(new Uint16Array(N * M), 0);
    expect([re[3 * M], im[3 * M]].map((part) => Math.round(1e9 * part) / 1e9)).toEqual([0, 1]);
  });

  it('takes over from neighbours what its coupling says, and nothing from elements farther off', () => {
    const array = createRigArray(rigOf('{ impairments: { coupling: { neighbourDb: -20 }, deadElements: [3, 8] } }'), random());
    const { re } = array.radiatedAnalog(new Uint16Array(N * M), 0);
    // A dead element radiates a tenth of each neighbour; its neighbours miss its own tenth.
    expect(re[3 * M]).toBeCloseTo(0.2, 12);
    expect(re[4 * M]).toBeCloseTo(1.1, 12);
    expect(re[5 * M]).toBeCloseTo(1.2, 12);
  });
});

describe('the scene of a rig file', () => {
  it.each([
    ['channel: { paths: 5 }'],
    ['channel: { scale: paper-001 }'],
    ['channel: { directShare: 0.9 }'],
    ['channel: { nearestM: 20 }'],
    ['channel: { farthestM: 80 }'],
    ['channel: { sectorDeg: 20 }'],
    ['channel: { scattererLifeM: 2 }'],
    ['channel: { elementPattern: { exponent: 2 } }'],
    ['channel: { elementPattern: { exponent: 2, floorDb: -5 } }'],
    ['userSpeedMps: 3'],
  ])('is another one with %s', (keys) => {
    expect(received(`{ ${keys} }`).channel).not.toEqual(received('{}').channel);
  });

  it('keeps its users inside of the sector', () => {
    const { azimuthRad } = received('{ channel: { sectorDeg: 15, nearestM: 100, farthestM: 300 } }');
    for (const azimuth of azimuthRad) expect(Math.abs(azimuth)).toBeLessThanOrEqual((15 * Math.PI) / 180);
  });

  it('leaves out the straight path where nothing comes by it', () => {
    expect(received('{ channel: { directShare: 0 } }').channel).not.toEqual(received('{}').channel);
    expect(received('{ channel: { directShare: 1 } }').channel).not.toEqual(received('{ channel: { directShare: 0 } }').channel);
  });
});

describe('the simulated panel of a rig file', () => {
  it('says of itself what the file says', () => {
    const { panel } = simulated('{ panel: { protocolMinor: 1, maxPayloadBytes: 256, stagingSlots: 3, beamMemory: 0 } }');
    expect(panel.capabilities).toMatchObject({ protocolMinor: 1, maxPayloadBytes: 256, stagingSlots: 3, beamMemory: 0 });
    expect(panel.capabilities.features).not.toContain('beam-memory');
    expect(simulated('{}').panel.capabilities).toMatchObject({
      protocolMinor: 3,
      gainBits: 5,
      maxPayloadBytes: 1024,
      stagingSlots: 2,
      beamMemory: 16,
    });
  });

  it('takes payloads as long as its reports where the file does not say how long', () => {
    const { panel } = simulated('{}', { rfChains: 256, elements: 256, users: 256 });
    expect(panel.capabilities).toMatchObject({ users: 256, rfChains: 256, maxPayloadBytes: 2068 });
  });

  it.each([
    ['{}', 5, ['element-gain', 'element-enable']],
    ['{ panel: { elementEnable: false } }', 5, ['element-gain']],
    ['{ panel: { gainBits: 0 } }', 0, ['element-enable']],
    ['{ panel: { gainBits: 8 } }', 8, ['element-gain', 'element-enable']],
    ['{ panel: { protocolMinor: 2 } }', 0, []],
    ['{ panel: { protocolMinor: 1 } }', 0, []],
  ])('has of gains and enables what %s says', (file, gainBits, features) => {
    const { capabilities } = simulated(file).panel;
    expect(capabilities.gainBits).toBe(gainBits);
    expect(capabilities.features.filter((feature) => feature.startsWith('element-'))).toEqual(features);
  });

  it('takes its time to answer, and its link takes time each way', async () => {
    expect(await pingMs('{}')).toBe(0);
    expect(await pingMs('{ panel: { answerMs: 30 } }')).toBe(30);
    expect(await pingMs('{ panel: { answerMs: 30, latencyMs: 5 } }')).toBe(40);
  });
});

describe('a simulator that cannot be', () => {
  it.each([
    [
      '{ impairments: { stuckWords: [{ element: 16, word: 1 }] } }',
      /stuckWords\[0\]\.element: 16 is no element of this array; allowed: 0 to 15/,
    ],
    [
      '{ impairments: { stuckWords: [{ element: 1, word: 64 }] } }',
      /stuckWords\[0\]\.word: 64 is no word of 6 bits; allowed: 0 to 63/,
    ],
    ['{ impairments: { stuckElements: [1], stuckWords: [{ element: 1, word: 6 }] } }', /element 1 is stuck already/],
    [
      '{ impairments: { temperatureDriftDegPerMinute: -1 } }',
      /temperatureDriftDegPerMinute: -1 is not allowed; allowed: a number from 0 to 360/,
    ],
    ['{ impairments: { coupling: { neighbourDb: 3 } } }', /neighbourDb: 3 is not allowed; allowed: a number from -100 to -3/],
    ['{ channel: { nearestM: 40 } }', /farthestM: 40 m leaves no room beyond nearestM; allowed: 41 and more/],
    ['{ channel: { directShare: 1.5 } }', /directShare: 1.5 is not allowed; allowed: a number from 0 to 1/],
    ['{ panel: { protocolMinor: 4 } }', /protocolMinor: 4 is not allowed; allowed: 1 \| 2 \| 3/],
    ['{ panel: { gainBits: 9 } }', /gainBits: 9 is not allowed; allowed: a whole number from 0 to 8/],
    ['{ panel: { elementEnable: 1 } }', /elementEnable: 1 is not allowed; allowed: true or false/],
    ['{ panel: { answerMS: 3 } }', /answerMS: unknown key; did you mean answerMs\?/],
  ])('%s is refused by key and range', (keys, message) => {
    expect(() => rigOf(keys)).toThrow(message);
  });
});
