import { describe, expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { PanelFailure } from '../panel/panel.ts';
import type { CycleRecord, RigEvent } from '../telemetry/cycle-record.ts';
import { SAFE_BEAM_ID } from './beam-ids.ts';
import { createControlLoop } from './control-loop.ts';
import type { ControlLoopOptions } from './control-loop.ts';
import type { RigDescription } from './controller.ts';
import {
  CHAINS,
  ELEMENTS,
  NO_ANSWER,
  asRigPanel,
  fixedBeamformer,
  plainSetting,
  scriptedPanel,
} from '../../test/doubles/scripted-panel.ts';
import { CHANNEL, cycles } from '../../test/doubles/scripted-rig.ts';

const PULLED: PanelFailure = { reason: 'link-closed', cause: 'unplugged', detail: 'cable pulled' };

/** A rig with hardware and a simulator, both of them scripts. */
function twoPanels(begin: 'hardware' | 'simulator', fallBack: boolean, overrides: Partial<ControlLoopOptions> = {}) {
  const clock = createVirtualClock();
  const hardware = scriptedPanel(clock, 'hardware', begin === 'hardware');
  const simulator = scriptedPanel(clock, 'simulator', begin === 'simulator');
  const parts = {
    hardware: asRigPanel(hardware.panel, 'hardware', begin === 'hardware'),
    simulator: asRigPanel(simulator.panel, 'simulator', begin === 'simulator'),
  };
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const hasOther = begin === 'simulator' || fallBack;
  const loop = createControlLoop({
    setting: plainSetting(clock, CHANNEL),
    panel: parts[begin],
    ...(hasOther ? { otherPanel: parts[begin === 'hardware' ? 'simulator' : 'hardware'] } : {}),
    fallBack,
    description: { name: 'test', models: [], sourceReason: begin === 'hardware' ? '' : 'no port' } as unknown as RigDescription,
    beamformer: fixedBeamformer('first'),
    openBeamformer: async (id) => fixedBeamformer(id),
    rateHz: 20,
    pipelined: false,
    safe: { state: 'mute' },
    random: createRandom(3),
    sink: { cycle: (record) => records.push(record), event: (event) => events.push(event) },
    ...overrides,
  });
  /** Records as a line of letters: H and S for cycles that counted, by source, h and s for void ones. */
  const story = (): string =>
    records.map(({ source, outcome }) => (outcome === 'ok' ? source[0].toUpperCase() : source[0])).join('');
  return { clock, loop, hardware, simulator, records, events, story, codes: () => events.map(({ code }) => code) };
}

/** Pulls the cable before beam `from` and puts it back after so many attempts to connect. */
function pull(panel: ReturnType<typeof scriptedPanel>, from: number, attempts: number): void {
  let away = false;
  let left = attempts;
  panel.script.apply = (beamId) => {
    if (beamId === from) away = true;
    return away ? PULLED : undefined;
  };
  panel.script.connect = () => {
    if (away && left-- > 0) return PULLED;
    away = false;
    return undefined;
  };
}

describe('hardware that is lost in the middle of a run', () => {
  it('is replaced by the simulator at the next cycle and taken up again when it is back, both marked and told once', async () => {
    const { loop, hardware, simulator, records, events, story, codes } = twoPanels('hardware', true, { cycles: 20 });
    pull(hardware, 4, 3);
    expect(await loop.start()).toMatchObject({ reason: 'done', voidCycles: 1 });
    expect(story()).toMatch(/^HHHhS{3,9}H+$/);
    expect(codes()).toEqual(['fallback', 'panels-back']);
    expect(events[0]).toMatchObject({ level: 'error', message: expect.stringContaining('cable pulled') as string });
    for (const { cycle, beamId, outcome } of records) expect(beamId).toBe(outcome === 'ok' ? cycle + 1 : 0);
    // The returning panel is made safe before it gets a beam; the simulator is muted when it is left.
    const afterReturn = hardware.log.slice(hardware.log.lastIndexOf('connect'));
    expect(afterReturn.slice(0, 3)).toEqual(['connect', 'armed: mute', 'safe: mute']);
    expect(simulator.log.slice(0, 3)).toEqual(['connect', 'armed: mute', 'beam 5']);
    expect(simulator.log.slice(-3)).toEqual(['safe: mute', 'safe: mute', 'closed']);
  });

  it('does not hold up the cycles while it is looked for', async () => {
    const { clock, loop, hardware, records } = twoPanels('hardware', true, { cycles: 40 });
    pull(hardware, 2, 1e9);
    const connect = hardware.panel.connect.bind(hardware.panel);
    hardware.panel.connect = async () => {
      await clock.sleep(1900); // a panel that says nothing until its deadline
      return connect();
    };
    await loop.start();
    const gapsMs = records.slice(1).map(({ timeNs }, i) => Number(timeNs - records[i].timeNs) / 1e6);
    expect(gapsMs.every((gapMs) => gapMs < 60)).toBe(true);
  });

  it('is described on the page as it is now, with reason and time', async () => {
    const { clock, loop, hardware } = twoPanels('hardware', true);
    pull(hardware, 3, 6);
    const done = loop.start();
    await cycles(loop, 1);
    expect(loop.describe()).toMatchObject({ source: 'hardware', sourceReason: '' });
    await cycles(loop, 4);
    const fallen = loop.describe();
    expect(fallen).toMatchObject({ source: 'simulator', sourceReason: expect.stringContaining('cable pulled') as string });
    expect(fallen.sourceSinceMs).toBeGreaterThan(Number(clock.epochNs() / 1_000_000n) - 500);
    await cycles(loop, 40);
    expect(loop.describe()).toMatchObject({ source: 'hardware', sourceReason: '' });
    await loop.stop();
    await done;
  });

  it('is described with the newest reason that the search has found', async () => {
    const { loop, hardware } = twoPanels('hardware', true);
    let attempts = 0;
    hardware.script.apply = (beamId) => (beamId === 2 ? PULLED : undefined);
    hardware.script.connect = () =>
      ++attempts < 3 ? PULLED : { panel: 'left', reason: 'not-authenticated', detail: 'the two keys differ' };
    const done = loop.start();
    await cycles(loop, 4);
    expect(loop.describe().sourceReason).toBe('the hardware was lost: the link is closed (cable pulled); nothing was sent');
    await cycles(loop, 40);
    expect(loop.describe().sourceReason).toBe(
      'the hardware was lost, and by now: panel left: the frames could not be authenticated (the two keys differ)',
    );
    await loop.stop();
    await done;
  });

  it('is blamed by the name of the part that failed, where only one of them did', async () => {
    const { loop, hardware, events } = twoPanels('hardware', false, { cycles: 12 });
    let attempts = 0;
    hardware.script.apply = (beamId) => (beamId === 2 ? { panel: 'right', ...PULLED } : undefined);
    hardware.script.connect = () =>
      ++attempts < 3 ? { panel: 'right', reason: 'not-authenticated', detail: 'the two keys differ' } : undefined;
    await loop.start();
    expect(events.map(({ message }) => message)).toEqual([
      'The panel right was lost: the link is closed (cable pulled); nothing was sent.',
      'The panel right is there and cannot be used: the frames could not be authenticated (the two keys differ).',
      expect.stringMatching(/^The panel right is back after \d/),
    ]);
  });

  it.each(['never', 'at-start'])('leaves cycles void until it is back where the policy is %s', async () => {
    const { loop, hardware, simulator, story, codes } = twoPanels('hardware', false, { cycles: 12 });
    pull(hardware, 4, 3);
    expect(await loop.start()).toMatchObject({ reason: 'done' });
    expect(story()).toMatch(/^HHHh{4,5}H+$/);
    expect(codes()).toEqual(['panel-lost', 'panel-back']);
    expect(simulator.log).toEqual([]);
  });

  it('counts as back once it has taken its safe state, and not when it went while it was told', async () => {
    const { loop, hardware, events } = twoPanels('hardware', false, { cycles: 6 });
    let away = false;
    let attempts = 0;
    hardware.script.apply = (beamId) => {
      if (beamId === 3) away = true;
      return away ? PULLED : undefined;
    };
    hardware.script.connect = () => {
      if (++attempts === 3) away = false;
      return undefined;
    };
    hardware.script.safe = () => (away ? PULLED : undefined);
    expect(await loop.start()).toMatchObject({ reason: 'done', voidCycles: 3 });
    expect(events.map(({ code }) => code)).toEqual(['panel-lost', 'panel-back']);
    expect(events[1].message).toMatch(/back after 0\.[1-9] s/);
  });

  it('is looked for with pauses although each handshake succeeds and the link goes right after it', async () => {
    const { loop, hardware, clock } = twoPanels('hardware', true, { cycles: 100 });
    let away = false;
    hardware.script.apply = (beamId) => {
      if (beamId === 3) away = true;
      return away ? PULLED : undefined;
    };
    hardware.script.safe = () => (away ? PULLED : undefined);
    await loop.start();
    const handshakes = hardware.log.filter((line) => line === 'connect').length;
    expect(handshakes).toBeGreaterThan(10);
    expect(clock.nowMs() / handshakes, 'ms between handshakes').toBeGreaterThan(200);
  });

  it('begins the order of its beams anew when it is back, after it had seen newer ones of another host', async () => {
    const { loop, hardware, records } = twoPanels('hardware', true, { cycles: 40 });
    let away = false;
    hardware.script.apply = (beamId) => {
      if (beamId === 2) return { reason: 'rejected', request: 'commit', code: 'stale-beam', detail: 500 };
      if (beamId === 504) away = true;
      return away ? PULLED : undefined;
    };
    hardware.script.connect = () => {
      away = false;
      return undefined;
    };
    await loop.start();
    expect(records.slice(0, 6).map(({ beamId }) => beamId)).toEqual([1, 0, 501, 502, 503, 0]);
    const again = records.slice(6).filter(({ source }) => source === 'hardware');
    expect(again.length).toBeGreaterThan(10);
    for (const { cycle, beamId } of again) expect(beamId).toBe(cycle + 1);
  });

  it('is told of once while it answers with another key for seconds', async () => {
    const { loop, hardware, codes, story } = twoPanels('hardware', false, { cycles: 60 });
    const refusal: PanelFailure = { reason: 'not-authenticated', detail: 'another key' };
    let refusals = 0;
    hardware.script.apply = (beamId) => (beamId >= 4 && refusals <= 20 ? PULLED : undefined);
    hardware.script.connect = () => (++refusals <= 20 ? refusal : undefined);
    await loop.start();
    expect(refusals).toBe(21);
    expect(story()).toMatch(/^HHHh{20,}H+$/);
    expect(codes()).toEqual(['panel-lost', 'not-authenticated', 'panel-back']);
  });

  it('is told of three times although it goes and comes a hundred times', async () => {
    const { loop, hardware, codes, story } = twoPanels('hardware', true, { cycles: 400 });
    let away = false;
    hardware.script.apply = (beamId) => {
      if (beamId % 3 === 0) away = true;
      return away ? PULLED : undefined;
    };
    hardware.script.connect = () => {
      away = false;
      return undefined;
    };
    await loop.start();
    expect(story().split('h').length - 1).toBeGreaterThanOrEqual(100);
    expect(codes()).toEqual(Array.from({ length: 3 }, () => ['fallback', 'panels-back']).flat());
  });

  it('is told as often without a simulator', async () => {
    const { loop, hardware, codes, story } = twoPanels('hardware', false, { cycles: 400 });
    hardware.script.apply = (beamId) => (beamId % 3 === 0 ? PULLED : undefined);
    await loop.start();
    expect(story().split('h').length - 1).toBeGreaterThanOrEqual(100);
    expect(codes()).toEqual(Array.from({ length: 3 }, () => ['panel-lost', 'panel-back']).flat());
  });

  it('stays away, told once, while another panel answers in its place', async () => {
    const { loop, hardware, story, codes, events } = twoPanels('hardware', true, { cycles: 40 });
    pull(hardware, 4, 0);
    hardware.script.connect = () => ({ reason: 'wrong-panel', field: 'panelSerial', expected: 'A', actual: 'B' });
    expect(await loop.start()).toMatchObject({ reason: 'done' });
    expect(story()).toMatch(/^HHHhS+$/);
    expect(codes()).toEqual(['fallback', 'panels-unusable', 'safe-state-unconfirmed']);
    expect(events[1].message).toContain('panelSerial is B, the rig wants A');
  });

  it('is commanded safe on stopping, together with the simulator, and it is told when it did not confirm', async () => {
    const { loop, hardware, simulator } = twoPanels('hardware', true);
    pull(hardware, 3, 1e9);
    const done = loop.start();
    await cycles(loop, 10);
    await loop.stop();
    await done;
    expect(simulator.log.slice(-2)).toEqual(['safe: mute', 'closed']);
    expect(hardware.log).toContain('safe: mute');
    expect(hardware.log.at(-1)).toBe('closed');
    expect(loop.unsafe).toContain('cable pulled');
  });

  it('gives no reading to a beam of the other panel', async () => {
    const { loop, hardware, simulator, records } = twoPanels('hardware', true, { cycles: 60 });
    pull(hardware, 10, 3);
    // Whatever is measured just after a move belongs to the beam before it.
    let fresh = true;
    simulator.script.measured = (beamId) => {
      const credited = fresh ? beamId - 1 : beamId;
      fresh = false;
      return credited;
    };
    await loop.start();
    const first = records.find(({ source }) => source === 'simulator');
    expect(first).toMatchObject({ outcome: 'void', beamId: 0 });
    expect([...(first?.measuredSnrDb ?? [])]).toEqual([NaN, NaN]);
    expect(records.filter(({ outcome }) => outcome === 'void')).toHaveLength(2);
  });
});

describe('hardware that is not there when the run starts', () => {
  it('is taken up by itself when it appears', async () => {
    const { loop, hardware, story, codes } = twoPanels('simulator', false, { cycles: 30 });
    let absent = 3;
    hardware.script.connect = () =>
      absent-- > 0 ? { reason: 'no-answer', request: 'hello', attempts: 6, waitedMs: 2000 } : undefined;
    expect(await loop.start()).toMatchObject({ reason: 'done', voidCycles: 0 });
    expect(story()).toMatch(/^S+H+$/);
    expect(codes()).toEqual(['panels-back']);
  });

  it('is not missed when the run ends without it', async () => {
    const { loop, hardware, clock } = twoPanels('simulator', true, { cycles: 10 });
    hardware.script.connect = () => NO_ANSWER;
    expect(await loop.start()).toMatchObject({ reason: 'done', voidCycles: 0 });
    expect(loop.unsafe).toBeUndefined();
    expect(hardware.log.at(-1)).toBe('closed');
    expect(clock.pendingTimers()).toBe(0);
  });

  it('is let go of when it is found while the run ends', async () => {
    const { loop, hardware, clock } = twoPanels('simulator', true, { cycles: 3 });
    const connect = hardware.panel.connect.bind(hardware.panel);
    hardware.panel.connect = async () => {
      while (!hardware.log.includes('closed')) await clock.sleep(1);
      return connect();
    };
    await loop.start();
    expect(hardware.log.lastIndexOf('closed')).toBeGreaterThan(hardware.log.lastIndexOf('connect'));
    expect(hardware.log).toContain('connect');
  });

  it.each([true, false])(
    'is looked for again when it goes before it was used, and not missed (any-time: %s)',
    async (anyTime) => {
      const { loop, hardware, story, clock, codes } = twoPanels('simulator', anyTime);
      const done = loop.start();
      await cycles(loop, 1);
      await loop.pause();
      await clock.sleep(5000);
      hardware.loseSession();
      let absent = 3;
      hardware.script.connect = () => (absent-- > 0 ? PULLED : undefined);
      await loop.run();
      await cycles(loop, 40);
      await loop.stop();
      await done;
      expect(story()).toMatch(/^S{5,}H+$/);
      expect(hardware.log.filter((line) => line === 'connect')).toHaveLength(5);
      expect(codes()).toEqual(['paused', 'resumed', 'panels-back']);
    },
  );
});

describe('the fixed beam of the safe state', () => {
  const words = new Uint16Array(ELEMENTS * CHAINS).fill(3);

  it('is stored in the panel before anything is radiated, and again after each handshake', async () => {
    const { loop, hardware } = twoPanels('hardware', false, {
      cycles: 8,
      safe: { state: 'codeword', beam: () => ({ phaseBits: 6, words, states: { bits: 6 } }) },
    });
    pull(hardware, 4, 1);
    await loop.start();
    expect(hardware.log.slice(0, 4)).toEqual([`stored ${SAFE_BEAM_ID} at 0`, 'connect', 'armed: codeword', 'beam 1']);
    const again = hardware.log.slice(hardware.log.lastIndexOf(`stored ${SAFE_BEAM_ID} at 0`) - 1);
    expect(again.slice(0, 4)).toEqual(['connect', `stored ${SAFE_BEAM_ID} at 0`, 'connect', 'armed: codeword']);
    expect(hardware.log.slice(-2)).toEqual(['safe: codeword', 'closed']);
  });

  it('is stored before the safe state is commanded when it could not be stored before', async () => {
    const { loop, hardware, codes } = twoPanels('hardware', false, {
      cycles: 2,
      safe: { state: 'codeword', beam: () => ({ phaseBits: 6, words, states: { bits: 6 } }) },
    });
    let refusals = 1;
    hardware.script.store = () =>
      refusals-- > 0 ? { reason: 'rejected', request: 'store-beam', code: 'busy', detail: 0 } : undefined;
    await loop.start();
    expect(codes()[0]).toBe('safe-state-unconfirmed');
    expect(hardware.log.filter((line) => line.startsWith('stored'))).toHaveLength(2);
    expect(hardware.log.slice(-2)).toEqual(['safe: codeword', 'closed']);
    expect(loop.unsafe).toBeUndefined();
  });

  it('leaves the array muted, and says so, when the panel does not keep it', async () => {
    const { loop, hardware } = twoPanels('hardware', false, {
      cycles: 2,
      safe: { state: 'codeword', beam: () => ({ phaseBits: 6, words, states: { bits: 6 } }) },
    });
    hardware.script.store = () => ({ reason: 'rejected', request: 'store-beam', code: 'wrong-dimensions', detail: 0 });
    await loop.start();
    // Whether or not it was kept, its chunks are in a slot of the panel; and until then the panel has no safe state at all.
    expect(hardware.log.slice(0, 4)).toEqual([`stored ${SAFE_BEAM_ID} at 0`, 'connect', 'armed: mute', 'beam 1']);
    expect(hardware.silences[0]).toBe(3000);
    expect(hardware.log.slice(-2)).toEqual(['safe: mute', 'closed']);
    expect(loop.unsafe).toMatch(/refused store-beam: wrong-dimensions.*; it was muted instead/);
  });
});
