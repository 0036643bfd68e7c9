/** An array and a board with receivers only, played by `beamrig panel` as a process of its own on real wires; this process is the host. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { userIndex } from '../../core/signal/indices.ts';
import { createRandom } from '../../core/signal/random.ts';
import { parseRigFile, type RigFile } from '../../src/config/rig-file.ts';
import { startEmbeddedBroker } from '../../src/link/mqtt/embedded-broker.ts';
import type { BeamCommand, Result } from '../../src/panel/panel.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import { assembleHardware } from '../../src/rig/hardware.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { createWorld } from '../../src/rig/world.ts';
import type { CycleRecord } from '../../src/telemetry/cycle-record.ts';
import { forOneTest } from '../for-one-test.ts';
import { hasPart } from '../parts.ts';
import { openPtyPair } from '../pty.ts';
import { startPanels } from '../built-program.ts';

const [N, M, K, Q] = [16, 2, 2, 6];
const MANY = 4_000_000;

const own = forOneTest('user-panel');
const { later } = own;

const rigText = (links: string): string => `
name: heard-elsewhere
seed: 7
array: { geometry: { kind: ula, elements: ${N} }, rfChains: ${M}, phaseBits: ${Q} }
users: { count: ${K} }
beamformer: { model: aligned }
simulator: { impairments: { gainErrorDb: 0.5, phaseErrorDeg: 5, phaseStateErrorDeg: 2 } }
links:
${links}
fallback: never
`;

/** The far process, and the hardware of the same rig file at this end. */
async function bench(links: string, ...flags: string[]) {
  const path = join(own.folder, 'rig.yaml');
  writeFileSync(path, rigText(links));
  const played = later(startPanels([path, ...flags]), (it) => it.stop());
  await played.line(({ type }) => type === 'ready');
  const rig = parseRigFile(rigText(links), path);
  const hardware = await assembleHardware({ rig, clock: createRealClock(), random: createRandom(3) });
  later(hardware, ({ panel }) => panel.close());
  return { played, rig, hardware };
}

const must = async <T>(result: Promise<Result<T>>): Promise<T> => {
  const done = await result;
  if (!done.ok) throw new Error(JSON.stringify(done.failure));
  return done.value;
};

function beamOf(beamId: number): BeamCommand {
  const random = createRandom(beamId);
  const words = Uint16Array.from({ length: N * M }, () => Math.floor(random.uniform() * 2 ** Q));
  return {
    beamId,
    phaseBits: Q,
    words,
    digital: { users: K, weights: Float32Array.from({ length: 2 * M * K }, () => random.normal()) },
  };
}

/** hᴴ·C·E·S of a user while this beam is shown in the world of the rig file: M complex values. */
function trueChains(rig: RigFile, { beamId, words }: BeamCommand, user: number): number[] {
  const random = createRandom(rig.seed).stream('simulator');
  const world = createWorld({ rig, random, repeat: true });
  const analog = createRigArray(rig, random).radiatedAnalog(words, 0);
  world.latched(beamId);
  const { re, im } = world.scene.channel();
  return Array.from({ length: M }, (_, m) => {
    let [sumRe, sumIm] = [0, 0];
    for (let n = 0; n < N; n++) {
      const [h, a] = [user * N + n, n * M + m];
      sumRe += re[h] * analog.re[a] - im[h] * analog.im[a];
      sumIm += re[h] * analog.im[a] + im[h] * analog.re[a];
    }
    return [sumRe, sumIm];
  }).flat();
}

/** Every user heard on every beam as the world has it, and a beam that is gone is credited with nothing. */
async function expectHeard({ rig, hardware, played }: Awaited<ReturnType<typeof bench>>): Promise<void> {
  expect(await hardware.reach()).toEqual([]);
  const { panel } = hardware;
  for (const beamId of [1, 2]) {
    await must(panel.apply(beamOf(beamId)));
    for (let user = 0; user < K; user++) {
      const { values } = await must(panel.measurePilots(beamId, userIndex(user), MANY));
      trueChains(rig, beamOf(beamId), user).forEach((part, i) => expect(values[i]).toBeCloseTo(part, 1.9));
    }
    const { snrDb, firstUser } = await must(panel.measureSnr(beamId, 64));
    expect([firstUser, snrDb.length]).toEqual([0, K]);
  }
  expect(await panel.measurePilots(1, userIndex(0), 16)).toMatchObject({ ok: false, failure: { reason: 'not-sent' } });
  // The array loses its supply and knows nothing of its beam any more; the receivers would go on measuring.
  played.type('front reset');
  await played.line(({ type, panel: name }) => type === 'reset' && name === 'front');
  expect(await panel.measurePilots(2, userIndex(0), 16)).toMatchObject({
    ok: false,
    failure: { panel: expect.stringMatching(/./) as string, reason: 'panel-restarted' },
  });
  expect(await hardware.connect()).toMatchObject({ ok: true });
  await must(panel.apply(beamOf(3)));
  const { values } = await must(panel.measurePilots(3, userIndex(1), MANY));
  trueChains(rig, beamOf(3), 1).forEach((part, i) => expect(values[i]).toBeCloseTo(part, 1.9));
}

const LIMITS = { timeout: 120_000 };

describe('an array and a board with receivers only', LIMITS, () => {
  it.skipIf(!hasPart('socat'))('are heard over two serial lines [needs socat]', async () => {
    const [array, probe] = [
      later(await openPtyPair(), (open) => open.close()),
      later(await openPtyPair(), (open) => open.close()),
    ];
    const links = `  - { name: front, serial: { path: ${array.a} } }\n  - { name: probe, role: user, serial: { path: ${probe.a} } }`;
    await expectHeard(await bench(links, '--serial', `front=${array.b}`, '--serial', `probe=${probe.b}`));
  });

  it('are heard over a broker, with receivers of each user on a board of their own', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const on = (name: string, more = ''): string =>
      `  - { name: ${name}, panel: B-${name}, ${more}mqtt: { url: '${broker.url}' } }`;
    const links = [on('front'), on('first', 'role: user, users: 0, '), on('second', 'role: user, users: 1, ')].join('\n');
    const rig = await bench(links);
    await expectHeard(rig);
    const described = rig.hardware.links().map(({ name, elements, users }) => ({ name, elements, users }));
    expect(described).toEqual([
      { name: 'front', elements: '0-15', users: '' },
      { name: 'first', elements: '', users: '0' },
      { name: 'second', elements: '', users: '1' },
    ]);
  });

  it('make one rig, which is dark while its receivers are gone and goes on when they are back', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const mqtt = `mqtt: { url: '${broker.url}' }`;
    const text = rigText(`  - { name: front, panel: A, ${mqtt} }\n  - { name: probe, panel: B, role: user, ${mqtt} }`);
    const path = join(own.folder, 'rig.yaml');
    writeFileSync(path, text);
    const played = later(startPanels([path]), (it) => it.stop());
    await played.line(({ type }) => type === 'ready');
    const rig = parseRigFile(text, path);
    const assembled = await assembleRig({
      rig,
      clock: createRealClock(),
      recorder: { cycle: () => undefined, event: () => undefined },
    });
    later(assembled, ({ controller }) => controller.stop());
    const record = (match: (record: CycleRecord) => boolean): Promise<CycleRecord> =>
      new Promise((resolve) => {
        const leave = assembled.controller.onCycle((candidate) => {
          if (!match(candidate)) return;
          leave();
          resolve(candidate);
        });
      });
    const isGood = ({ outcome, measuredSnrDb }: CycleRecord): boolean => outcome === 'ok' && measuredSnrDb.every(Number.isFinite);
    const good = record(isGood);
    const done = assembled.run();
    expect(await good).toMatchObject({ source: 'played-panel' });

    const lost = record(({ outcome }) => outcome === 'void');
    played.type('probe unplug');
    expect((await lost).failure).toMatch(/probe|B/);
    await played.line(({ type, panel }) => type === 'dark' && panel === 'front');
    const again = record(isGood);
    played.type('probe plug');
    expect(await again).toMatchObject({ source: 'played-panel', panels: 'A + B' });
    await assembled.controller.stop();
    await done;
  });

  it('are told apart by what they are: a panel that drives elements is no probe', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const mqtt = `mqtt: { url: '${broker.url}' }`;
    const { hardware } = await bench(`  - { panel: A, ${mqtt} }\n  - { panel: B, role: user, ${mqtt} }`);
    const swapped = parseRigFile(rigText(`  - { panel: B, ${mqtt} }\n  - { panel: A, role: user, ${mqtt} }`), 'swapped.yaml');
    await hardware.panel.close();
    const other = later(
      await assembleHardware({ rig: swapped, clock: createRealClock(), random: createRandom(3) }),
      ({ panel }) => panel.close(),
    );
    const problems = await other.reach();
    expect(problems.map(({ link, detail }) => `${link}: ${detail}`)).toEqual([
      "B: the panel's role is user, the rig wants array",
      "A: the panel's role is array, the rig wants user",
    ]);
  });

  it('may be a board alone, which hears noise and says so', async () => {
    const broker = later(await startEmbeddedBroker({ port: 0 }), (open) => open.close());
    const played = later(
      startPanels([
        ...['--elements', `${N}`, '--rf-chains', `${M}`, '--phase-bits', `${Q}`, '--users', `${K}`],
        ...['--panel', 'PROBE-1', '--role', 'user', '--mqtt', broker.url],
      ]),
      (it) => it.stop(),
    );
    await played.line(({ type }) => type === 'ready');
    expect(played.lines.find(({ type }) => type === 'start')).toMatchObject({
      panels: [{ panel: 'PROBE-1', elements: '', users: '0-1' }],
    });
    expect(played.lines.find(({ type }) => type === 'warning')).toMatchObject({
      message: expect.stringContaining('noise alone') as string,
    });
  });
});
