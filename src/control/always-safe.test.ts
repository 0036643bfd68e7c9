/**
 * However a run ends or is held up, the array does not go on radiating. Not a property of a flag: the real loop, recovery, group, drivers and links,
 * on virtual panels and virtual time, with verbs, failing panels, cut links and failing stages at times drawn at random. What is looked at is
 * what each virtual panel radiates.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { SafeState } from '../../firmware-protocol/messages.ts';
import { TYPE_CODES } from '../../firmware-protocol/type-codes.ts';
import { createAir } from '../../hil-sim/air.ts';
import { createRecordedScene } from '../../hil-sim/scene.ts';
import { createSimulatedArray } from '../../hil-sim/simulated-array.ts';
import { createVirtualPanel } from '../../hil-sim/virtual-panel.ts';
import { LinkError } from '../link/link.ts';
import { createLoopbackLink } from '../link/loopback.ts';
import type { Panel } from '../panel/panel.ts';
import { createPanel } from '../panel/panel-driver.ts';
import { createPanelGroup } from '../panel/panel-group.ts';
import { createControlLoop } from './control-loop.ts';
import type { RigDescription } from './controller.ts';
import { CHAINS, ELEMENTS, asRigPanel, fixedBeamformer, plainSetting } from '../../test/doubles/scripted-panel.ts';
import { goodCycleAt, silenceMsAt } from './silence-limit.ts';

const RATE_HZ = 10;
const SILENCE_MS = silenceMsAt(RATE_HZ, 2000);
/**
 * As long as a panel may radiate without a good cycle where one thing goes wrong: its own limit of silence from the last frame that it heard, or the
 * host's for a panel that is heard and does nothing right; and what a handshake or a late answer adds to them. Where several do, it may fall
 * deaf at the moment at which the host gives it up, and its own limit comes on top.
 */
const ONE_LIMIT_MS = goodCycleAt(SILENCE_MS, 0, RATE_HZ).limitMs + 500;
const BOTH_LIMITS_MS = ONE_LIMIT_MS + SILENCE_MS;
const LOOK_EVERY_MS = 25;

/** What happens, to one of the panels or to the rig. */
type Happening =
  | { what: 'run' | 'pause' | 'stop' | 'sink-fails' | 'channel-fails' }
  | { what: 'bits'; bits: number }
  | { what: 'model-fails'; times: number }
  | { what: 'channel-hangs'; forMs: number }
  /** What goes to the panel is lost, what comes from it, only its readings, or the link. */
  | { what: 'deaf' | 'unheard' | 'no-readings' | 'unplugged'; panel: number; forMs: number }
  | { what: 'reset' | 'fault' | 'recover'; panel: number };

const VERBS: ReadonlySet<Happening['what']> = new Set(['run', 'pause', 'stop', 'bits']);

interface Story {
  panels: 1 | 2;
  safe: SafeState;
  latencyMs: number;
  seed: number;
  events: { afterMs: number; happening: Happening }[];
}

const panel = fc.nat(1);
const forMs = fc.integer({ min: 20, max: 7000 });
const aHappening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ what: fc.constantFrom('run' as const, 'pause' as const, 'stop' as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constantFrom('sink-fails' as const, 'channel-fails' as const) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('bits' as const), bits: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('model-fails' as const), times: fc.integer({ min: 1, max: 8 }) }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('channel-hangs' as const), forMs }) },
  {
    weight: 6,
    arbitrary: fc.record({
      what: fc.constantFrom('deaf' as const, 'unheard' as const, 'no-readings' as const, 'unplugged' as const),
      panel,
      forMs,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ what: fc.constantFrom('reset' as const, 'fault' as const, 'recover' as const), panel }),
  },
);

const aStory: fc.Arbitrary<Story> = fc.record({
  panels: fc.constantFrom(1 as const, 2 as const),
  safe: fc.constantFrom<SafeState>('mute', 'codeword'),
  latencyMs: fc.constantFrom(0.5, 4),
  seed: fc.nat(1000),
  events: fc.array(fc.record({ afterMs: fc.integer({ min: 0, max: 2500 }), happening: aHappening }), {
    minLength: 1,
    maxLength: 7,
  }),
});

/** Plays a story to its end. @returns what was radiated for longer than it may be, if anything was */
async function play(story: Story, sabotage: (panel: Panel) => Panel = (sound) => sound): Promise<string[]> {
  const { panels, safe, latencyMs, seed, events } = story;
  const clock = createVirtualClock();
  const random = createRandom(seed);
  const each = ELEMENTS / panels;
  const channel = fromParts(2, ELEMENTS, [1, 0.5, -0.2, 1, 0.3, -1, 0.8, 0.1], [0.2, 0.1, 1, -0.5, 0.4, 0.3, -0.9, 1]);
  const air = createAir({
    array: createSimulatedArray({ elements: ELEMENTS, rfChains: CHAINS, phaseBits: 6, random: random.stream('array') }),
    scene: createRecordedScene([channel]),
    noise: 1,
    random: random.stream('air'),
    clock,
  });
  const ends = Array.from({ length: panels }, (_, i) => {
    const elements = Array.from({ length: each }, (_unused, element) => i * each + element);
    const trouble = { deaf: 0, unheard: 0, readings: 0, away: 0 };
    const part = air.part(elements);
    /** Since when it has radiated beams of cycles without being dark in between, ms. */
    const lit = { sinceMs: NaN };
    const virtual = createVirtualPanel({
      clock,
      air: {
        ...part,
        drive: (beam) => {
          part.drive(beam);
          if (virtual.radiated().beamId === 0) lit.sinceMs = NaN;
          else if (Number.isNaN(lit.sinceMs)) lit.sinceMs = clock.nowMs();
        },
      },
      random: random.stream(`panel ${i}`),
      capabilities: { panelSerial: `P-${i}` },
    });
    const link = createLoopbackLink(
      {
        receive: (frame) => clock.nowMs() < trouble.deaf || virtual.receive(frame),
        onSend: (listener) =>
          virtual.onSend((frame) => {
            const now = clock.nowMs();
            if (now < trouble.unheard || (now < trouble.readings && frame[1] === TYPE_CODES['snr-report'])) return;
            listener(frame);
          }),
      },
      clock,
      { name: `link ${i}`, latencyMs },
    );
    const open = link.open.bind(link);
    link.open = () =>
      clock.nowMs() < trouble.away ? Promise.reject(new LinkError('no-port', `link ${i}: there is no such port`)) : open();
    return { elements, trouble, lit, virtual, link, driver: createPanel({ link, clock, random: random.stream(`driver ${i}`) }) };
  });
  const group = createPanelGroup({
    members: ends.map(({ driver, elements }) => ({ panel: driver, elements })),
    elements: ELEMENTS,
    rfChains: CHAINS,
    clock,
  });

  const stage = { modelFails: 0, channelHangsUntilMs: 0, channelFails: false, sinkFails: false };
  const model = fixedBeamformer('fixed', { fails: () => stage.modelFails-- > 0 });
  const now = { goodMs: 0 };
  expect(await group.connect()).toMatchObject({ ok: true });
  const loop = createControlLoop({
    setting: {
      ...plainSetting(clock, channel),
      channels: {
        origin: 'file',
        take: async () => {
          // A model that computes holds virtual time, so that it is the stage before that hangs.
          const leftMs = stage.channelHangsUntilMs - clock.nowMs();
          if (leftMs > 0) await clock.sleep(leftMs);
          if (stage.channelFails) throw new Error('the channels are gone');
          return { channel, userAzimuthRad: new Float64Array() };
        },
      },
    },
    panel: { ...asRigPanel(sabotage(group), 'hardware'), makePartsSafe: () => group.makePartsSafe() },
    description: { name: 'always safe', models: [], modelId: '', phaseBits: 0 } as unknown as RigDescription,
    beamformer: model,
    openBeamformer: async (id) => fixedBeamformer(id),
    rateHz: RATE_HZ,
    pipelined: seed % 2 === 0,
    safe:
      safe === 'codeword'
        ? { state: safe, beam: () => ({ phaseBits: 6, words: new Uint16Array(ELEMENTS * CHAINS), states: { bits: 6 } }) }
        : { state: safe },
    random: random.stream('recovery'),
    sink: {
      cycle: ({ outcome }) => {
        if (stage.sinkFails) throw new Error('the disk is full');
        if (outcome === 'ok') now.goodMs = clock.nowMs();
      },
      event: () => undefined,
    },
  });

  const troubles = events.filter(({ happening: { what } }) => !VERBS.has(what)).length;
  const limitMs = troubles > 1 ? BOTH_LIMITS_MS : ONE_LIMIT_MS;
  const violations: string[] = [];
  const look = (): void =>
    ends.forEach(({ virtual, lit }, i) => {
      const { beamId } = virtual.radiated();
      const forMs = clock.nowMs() - Math.max(lit.sinceMs, now.goodMs);
      if (forMs > limitMs)
        violations.push(`panel ${i} radiates beam ${beamId} ${forMs} ms after the last good cycle (${loop.state})`);
    });
  const pass = async (ms: number): Promise<void> => {
    for (const endMs = clock.nowMs() + ms; clock.nowMs() < endMs && violations.length === 0;) {
      await clock.sleep(Math.min(LOOK_EVERY_MS, endMs - clock.nowMs()));
      look();
    }
  };
  /** Nothing has ever gone wrong with a panel: what is asked of one is done at once. */
  let sound = true;
  const mustBeDark = (after: string): void => {
    for (const { virtual } of ends) {
      const { beamId } = virtual.radiated();
      if (sound && beamId !== 0) violations.push(`beam ${beamId} is radiated after ${after}`);
    }
  };

  const happen = async (happening: Happening): Promise<void> => {
    const untilMs = 'forMs' in happening ? clock.nowMs() + happening.forMs : 0;
    if ('panel' in happening) sound = false;
    const end = ends['panel' in happening ? happening.panel % panels : 0];
    switch (happening.what) {
      case 'run':
        return void (await loop.run());
      case 'pause':
        if ((await loop.pause()).ok) mustBeDark('a pause');
        return;
      case 'stop':
        await loop.stop();
        return mustBeDark('a stop');
      case 'bits':
        return void (await loop.setPhaseBits(happening.bits));
      case 'model-fails':
        return void (stage.modelFails = happening.times);
      case 'channel-hangs':
        return void (stage.channelHangsUntilMs = untilMs);
      case 'channel-fails':
        return void (stage.channelFails = true);
      case 'sink-fails':
        return void (stage.sinkFails = true);
      case 'deaf':
        return void (end.trouble.deaf = untilMs);
      case 'unheard':
        return void (end.trouble.unheard = untilMs);
      case 'no-readings':
        return void (end.trouble.readings = untilMs);
      case 'unplugged':
        end.trouble.away = untilMs;
        return end.link.lose('cable pulled');
      case 'reset':
        return end.virtual.reset(300);
      case 'fault':
        return end.virtual.fault(7);
      case 'recover':
        return end.virtual.recover();
    }
  };

  const outcome = loop.start();
  await pass(500);
  for (const { afterMs, happening } of events) {
    await pass(afterMs);
    const happened = happen(happening);
    // A verb may wait for a panel that says nothing: the others do not.
    await Promise.race([happened, clock.sleep(afterMs)]);
    void happened.catch((error: unknown) => violations.push(String(error)));
  }
  await pass(limitMs + 500);
  await loop.stop();
  mustBeDark('the end');
  await outcome;
  now.goodMs = Math.min(now.goodMs, clock.nowMs());
  await pass(limitMs + 500);
  ends.forEach(({ virtual }, i) => {
    const { beamId } = virtual.radiated();
    if (beamId !== 0) violations.push(`panel ${i} radiates beam ${beamId} long after the run has ended`);
  });
  for (const { virtual } of ends) virtual.close();
  return violations;
}

/** Drawn once, and mended: stopped while both panels are deaf, one of them was greeted after the end, and radiated for another silence. */
const FOUND: Story[] = [
  {
    ...{ panels: 2, safe: 'mute', latencyMs: 0.5, seed: 0 },
    events: [
      { afterMs: 0, happening: { what: 'deaf', panel: 0, forMs: 4745 } },
      { afterMs: 1735, happening: { what: 'deaf', panel: 1, forMs: 1781 } },
      { afterMs: 61, happening: { what: 'stop' } },
    ],
  },
];

describe('the array is always made safe', () => {
  it('whatever is asked of the rig, and whatever of it fails, in whatever order', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(aStory, async (story) => {
        const stuck = new Promise<string[]>((r) => setTimeout(() => r(['STUCK']), 3000));
        expect(await Promise.race([play(story), stuck])).toEqual([]);
      }),
      { numRuns: 300, examples: FOUND.map((story): [Story] => [story]) },
    );
  });

  const stories: [string, Happening][] = [
    ['a pause', { what: 'pause' }],
    ['a stop', { what: 'stop' }],
    ['a failing model', { what: 'model-fails', times: 8 }],
    ['a record that cannot be kept', { what: 'sink-fails' }],
    ['a panel that is not heard', { what: 'unheard', panel: 0, forMs: 7000 }],
    ['a panel without readings', { what: 'no-readings', panel: 0, forMs: 7000 }],
  ];

  it.each(stories)('and would not be after %s, were the command to be safe obeyed by nobody', async (_, happening) => {
    const story: Story = { panels: 1, safe: 'mute', latencyMs: 0.5, seed: 1, events: [{ afterMs: 300, happening }] };
    expect(await play(story)).toEqual([]);
    // It says that it is safe, and goes on. A frame now and then keeps its own limit away.
    const deafToSafety = (panel: Panel): Panel =>
      new Proxy(panel, {
        get: (target, key) => {
          if (key === 'commandSafe') return () => true;
          if (key === 'setSafeState') return async () => ({ ok: true, value: undefined });
          if (key === 'close') return async () => undefined;
          const value = Reflect.get(target, key, target) as unknown;
          return typeof value === 'function' ? (value.bind(target) as unknown) : value;
        },
      });
    expect(await play(story, deafToSafety)).not.toEqual([]);
  });
});
