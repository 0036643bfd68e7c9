/** Beams with elements off and gains of their own: as a host sends them, to one panel and to several, and to those that cannot. */
import { describe, expect, it } from 'vitest';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { wordsCrc32c } from '../../firmware-protocol/packing.ts';
import { bench as forgetful } from '../../test/doubles/driver-bench.ts';
import { beamOf } from '../../test/doubles/whole-beam.ts';
import { CHAINS, panelArray } from '../../test/panel-array.ts';
import type { BenchMember } from '../../test/panel-array.ts';
import { createElementMap } from './element-map.ts';
import type { BeamCommand } from './panel.ts';

const ELEMENTS = 16;
const PLACES = ELEMENTS * CHAINS;
const ALL = Array.from({ length: ELEMENTS }, (_, i) => i);
/** Two panels, interleaved, the second one from the far end. */
const TWO: BenchMember[] = [
  { elements: ALL.filter((n) => n % 2 === 0), aheadMs: 5000, driftPpm: 60 },
  { elements: ALL.filter((n) => n % 2 === 1).reverse(), aheadMs: 3_600_000, driftPpm: -40 },
];

const without = (...elements: number[]): Uint8Array =>
  Uint8Array.from({ length: PLACES }, (_, place) => (elements.includes(Math.floor(place / CHAINS)) ? 0 : 1));
/** The gain word of element n, of 5 bits. */
const falling = Uint16Array.from({ length: PLACES }, (_, place) => 31 - Math.floor(place / CHAINS));

/** An array, and Σ|X_nk|² of what each of its elements radiates. */
function bench(members: BenchMember[] = [{ elements: ALL }]) {
  const rig = panelArray(members);
  const powers = (): number[] => {
    const { re, im, cols } = rig.air.precoder();
    return ALL.map((n) => {
      let power = 0;
      for (let at = n * cols; at < (n + 1) * cols; at++) power += re[at] ** 2 + im[at] ** 2;
      return power;
    });
  };
  const types = (panel = 0): string[] => rig.panels[panel].sent.map(({ type }) => type);
  /** A beam with the words and weights of beam 1, whose own id is another one. */
  const like1 = (beamId: number, more: Partial<BeamCommand> = {}): BeamCommand => rig.ask({ ...rig.beam(1), beamId, ...more });
  return { ...rig, powers, types, like1 };
}

describe.each([
  ['one panel', [{ elements: ALL }]],
  ['two panels', TWO],
] as [string, BenchMember[]][])('an array of %s', (_what, members) => {
  it('radiates nothing of the elements that a beam has off, and all of the next beam', async () => {
    const { group, beam, like1, powers } = bench(members);
    await group.connect();
    expect(group.capabilities?.features).toEqual(expect.arrayContaining(['element-enable', 'element-gain']));
    expect(await group.apply(beam(1))).toMatchObject({ ok: true });
    const whole = powers();
    expect(await group.apply(like1(2, { enabled: without(3, 8, 13) }))).toMatchObject({ ok: true, value: { beamId: 2 } });
    expect(powers()).toEqual(whole.map((power, n) => ([3, 8, 13].includes(n) ? 0 : power)));
    expect(await group.apply(like1(3))).toMatchObject({ ok: true });
    expect(powers()).toEqual(whole);
  });

  it('radiates each element at its own gain', async () => {
    const { group, beam, like1, powers } = bench(members);
    await group.connect();
    await group.apply(beam(1));
    const whole = powers();
    expect(await group.apply(like1(2, { gains: falling, enabled: without(0) }))).toMatchObject({ ok: true });
    powers().forEach((power, n) => expect(power).toBeCloseTo(n === 0 ? 0 : whole[n] * ((32 - n) / 32) ** 2, 9));
  });

  it('stores a beam with what it has off', async () => {
    const { group, panels, beam, like1, powers } = bench(members);
    await group.connect();
    await group.apply(beam(1));
    expect(await group.storeBeam(like1(2, { enabled: without(3) }), 4)).toEqual({ ok: true, value: undefined });
    for (const { driver } of panels) await driver.setSafeState('codeword', { position: 4, enter: true });
    expect(powers().flatMap((power, n) => (power === 0 ? [n] : []))).toEqual([3]);
  });

  it('holds what is off under hold, mutes it under mute, and has all on in the next beam', async () => {
    const { group, beam, like1, powers } = bench(members);
    await group.connect();
    await group.apply(beam(1));
    const whole = powers();
    await group.apply(like1(2, { enabled: without(3), gains: falling }));
    const held = powers();
    expect(await group.setSafeState('hold', { enter: true })).toMatchObject({ ok: true });
    expect(powers()).toEqual(held);
    expect(await group.setSafeState('mute', { enter: true })).toMatchObject({ ok: true });
    expect(powers()).toEqual(ALL.map(() => 0));
    expect(await group.apply(like1(3))).toMatchObject({ ok: true });
    expect(powers()).toEqual(whole);
  });

  it('has all on again when a panel has restarted, which has forgotten what it had off and in memory', async () => {
    const { group, panels, beam, like1, powers } = bench(members);
    await group.connect();
    await group.apply(beam(1));
    const whole = powers();
    expect(await group.apply(like1(2, { enabled: without(3) }))).toMatchObject({ ok: true });
    expect(await group.storeBeam(like1(3, { enabled: without(5) }), 4)).toMatchObject({ ok: true });
    panels[0].virtual.reset();
    expect(await group.apply(like1(4))).toMatchObject({ ok: false });
    expect(await group.connect()).toMatchObject({ ok: true });
    expect(await group.apply(like1(5))).toMatchObject({ ok: true });
    expect(powers()).toEqual(whole);
    const failure = { reason: 'rejected', code: 'not-staged' };
    expect(await panels[0].driver.setSafeState('codeword', { position: 4, enter: true })).toMatchObject({ ok: false, failure });
  });

  it('sends nothing of a beam with enables or gains that a panel cannot take, and says the way out', async () => {
    const old = members.map((member, i) => (i === 0 ? { ...member, capabilities: { protocolMinor: 2 as const } } : member));
    const { group, beam, like1, panels, shown } = bench(old);
    await group.connect();
    expect(await group.apply(beam(1))).toMatchObject({ ok: true });
    const before = panels.map(({ sent }) => sent.length);
    for (const [more, request, feature] of [
      [{ enabled: without(3) }, 'set-enables', 'element-enable'],
      [{ gains: falling }, 'set-gains', 'element-gain'],
    ] as const) {
      const failure = { reason: 'not-sent', request, wayOut: expect.stringContaining(`panels with ${feature}`) as string };
      expect(await group.apply(like1(2, more))).toMatchObject({ ok: false, failure });
      expect(await group.storeBeam(like1(2, more), 1)).toMatchObject({ ok: false, failure });
    }
    expect(panels.map(({ sent }) => sent.length)).toEqual(before);
    expect(shown()).toEqual(members.map(() => 1));
    // Everything else goes on as with any older panel.
    expect(await group.measureSnr(1, 64)).toMatchObject({ ok: true });
    expect(await group.apply(like1(3))).toMatchObject({ ok: true });
  });
});

describe('a beam with enables and gains', () => {
  it('is sent in chunks after its words, and without them nothing of the kind is said', async () => {
    const { group, beam, types } = bench();
    await group.connect();
    await group.apply(beam(1));
    expect(types().filter((type) => type === 'set-enables' || type === 'set-gains')).toEqual([]);
    const from = types().length;
    await group.apply({ ...beam(2), enabled: without(1), gains: falling });
    // 64 bytes of payload: 40 places of one bit, 80 gains of five.
    const said = ['set-phases', 'set-digital', 'set-enables', 'set-gains', 'commit'];
    expect([...new Set(types().slice(from))]).toEqual(said);
  });

  it.each<[string, Behaviour]>([
    ['a chunk of enables is lost', { do: 'drop', messages: ['set-enables'], nth: 1 }],
    ['a chunk of gains comes late', { do: 'delay', messages: ['set-gains'], nth: 1, delayMs: 40 }],
    ['every chunk comes twice', { do: 'duplicate', messages: ['set-enables', 'set-gains'] }],
    ['the answer to the commit is lost', { do: 'drop', direction: 'to-host', messages: ['committed'], nth: 1 }],
    ['the panel is busy', { do: 'nack', code: 'busy', messages: ['set-gains'], nth: 1 }],
  ])('is latched whole when %s', async (_what, behaviour) => {
    const { group, like1, powers } = bench([{ elements: ALL, behaviours: [behaviour], capabilities: { maxPayloadBytes: 1024 } }]);
    await group.connect();
    expect(await group.apply(like1(2, { enabled: without(3), gains: falling }))).toMatchObject({ ok: true });
    expect(powers().flatMap((power, n) => (power === 0 ? [n] : []))).toEqual([3]);
  });

  it('is refused, and the beam before goes on, by a panel that names the feature and does not know the request', async () => {
    const older: Behaviour = { do: 'nack', code: 'unsupported-message', messages: ['set-enables', 'set-gains'] };
    const { group, beam, like1, shown } = bench([{ elements: ALL, behaviours: [older] }]);
    await group.connect();
    expect(await group.apply(beam(1))).toMatchObject({ ok: true });
    const failure = { reason: 'rejected', request: 'set-enables', code: 'unsupported-message' };
    expect(await group.apply(like1(2, { enabled: without(3) }))).toMatchObject({ ok: false, failure });
    expect(shown()).toEqual([1]);
    expect(await group.apply(like1(3))).toMatchObject({ ok: true });
  });

  it('is void when no commit is answered: what is on cannot be read back', async () => {
    const silent: Behaviour = { do: 'drop', direction: 'to-host', messages: ['committed'] };
    const { group, beam, like1 } = bench([{ elements: ALL, behaviours: [silent] }]);
    await group.connect();
    expect(await group.apply(beam(1))).toMatchObject({ ok: true });
    const failure = { reason: 'no-answer', request: 'commit' };
    expect(await group.apply(like1(2, { enabled: without(3) }))).toMatchObject({ ok: false, failure });
    expect(await group.apply(like1(3, { gains: falling }))).toMatchObject({ ok: false, failure });
  });

  it('is not believed of a panel that acknowledged the enables and latched the words alone', async () => {
    const alone = wordsCrc32c(beamOf(2).words);
    const { driver } = forgetful({
      forge: (message) => (message.type === 'committed' ? { ...message, wordsCrc32c: alone } : message),
    });
    await driver.connect();
    const enabled = new Uint8Array(beamOf(2).words.length).fill(1).fill(0, 0, 4);
    expect(await driver.apply({ ...beamOf(2), enabled })).toMatchObject({
      ok: false,
      failure: { reason: 'read-back-differs', beamId: 2, actualCrc32c: alone },
    });
  });

  it('goes as a patch of a beam with others off, which it does not inherit', async () => {
    const { group, panels, beam, like1, powers } = bench([{ elements: ALL, capabilities: { maxPayloadBytes: 1024 } }]);
    await group.connect();
    await group.apply(beam(1));
    const whole = powers();
    await group.apply(like1(2, { enabled: without(3) }));
    const from = panels[0].sent.length;
    await group.apply(like1(3, { enabled: without(5), gains: new Uint16Array(PLACES).fill(31) }));
    expect(powers()).toEqual(whole.map((power, n) => (n === 5 ? 0 : power)));
    await group.apply(like1(4));
    expect(powers()).toEqual(whole);
    const said = panels[0].sent.slice(from).map(({ type }) => type);
    expect(said.filter((type) => type === 'patch-phases')).toHaveLength(2);
    expect(said).not.toContain('set-phases');
  });

  it('is copied, so that the caller may reuse its buffers at once', async () => {
    const { group, like1, powers } = bench([{ elements: ALL, driver: { window: 1 } }]);
    await group.connect();
    const beam = like1(2, { enabled: without(3), gains: falling.slice() });
    const applying = group.apply(beam);
    beam.enabled?.fill(0);
    beam.gains?.fill(0);
    expect(await applying).toMatchObject({ ok: true });
    expect(powers().flatMap((power, n) => (power === 0 ? [n] : []))).toEqual([3]);
  });

  it.each<[string, Partial<BeamCommand>, RegExp]>([
    ['too few enables', { enabled: new Uint8Array(3) }, /enabled of beam 2 has 3 places, not 32/],
    ['too many gains', { gains: new Uint16Array(33) }, /gains of beam 2 has 33 places, not 32/],
    ['a place half on', { enabled: without().fill(2, 7, 8) }, /enabled\[7\] of beam 2 is 2/],
    ['a gain of too many bits', { gains: falling.slice().fill(32, 4, 5) }, /gains\[4\] of beam 2 is 32, beyond 5 bits/],
  ])('is a mistake of the program with %s', async (_what, more, message) => {
    const { group, like1 } = bench();
    await group.connect();
    await expect(group.apply(like1(2, more))).rejects.toThrow(message);
  });

  it('is not taken by panels whose gain words mean different amplitudes', async () => {
    const { group, like1 } = bench([TWO[0], { ...TWO[1], capabilities: { gainBits: 6 } }]);
    expect(await group.connect()).toMatchObject({ ok: true, value: { gainBits: 0 } });
    expect(group.capabilities?.features).not.toContain('element-gain');
    expect(await group.apply(like1(2, { gains: falling }))).toMatchObject({ ok: false, failure: { reason: 'not-sent' } });
    expect(await group.apply(like1(2, { enabled: without(3) }))).toMatchObject({ ok: true });
  });
});

describe('the element map', () => {
  it('gives each panel the enables of its own elements, in its own order', () => {
    const map = createElementMap([[2, 0], [1]], 3, 2);
    const part = map.split(Uint8Array.of(1, 0, 1, 1, 0, 1), 0);
    expect(part).toBeInstanceOf(Uint8Array);
    expect([...part]).toEqual([0, 1, 1, 0]);
  });
});
