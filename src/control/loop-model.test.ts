/** The model in a loop that runs: another takes its place between two cycles, Q changes, or it fails. */
import { describe, expect, it } from 'vitest';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import type { HandWish } from './controller.ts';
import { fixedBeamformer } from '../../test/doubles/scripted-panel.ts';
import { cycles, rig } from '../../test/doubles/scripted-rig.ts';

/** A model with networks of their own for one and two bits, and which of them each beam was of. */
function wordNetworks() {
  const beamsOf: string[] = [];
  const of = (bits: number) => {
    const network = bits > 2 ? 'any' : `Q = ${bits}`;
    const fixed = fixedBeamformer('words');
    const compute: Beamformer['compute'] = (problem) => {
      beamsOf.push(network);
      return fixed.compute(problem);
    };
    return Object.assign(
      fixedBeamformer('words'),
      { title: network, mostPhaseBits: 2, compute },
      bits > 2 ? {} : { phaseBits: bits },
    );
  };
  return { of, beamsOf };
}

describe('the control loop', () => {
  it('switches the model between two cycles and closes the old one', async () => {
    const first = fixedBeamformer('first');
    const { loop, records, codes } = rig({ beamformer: first, cycles: 6, pipelined: true });
    const done = loop.start();
    await cycles(loop, 2);
    expect(await loop.switchModel('second')).toEqual({ ok: true });
    expect(loop.describe().modelId).toBe('second');
    await done;
    expect(first.closed).toBe(true);
    expect(records[0].modelId).toBe('first');
    expect(records[5].modelId).toBe('second');
    expect(records.every(({ outcome }) => outcome === 'ok')).toBe(true);
    expect(codes()).toEqual(['model-switched']);
  });

  it('keeps the old model when the new one cannot be opened', async () => {
    const openBeamformer = async (): Promise<Beamformer> => {
      throw new BeamrigError('model-missing', "there is no model 'nobody'", { wayOut: 'Train it.' });
    };
    const { loop, codes } = rig({ openBeamformer });
    const done = loop.start();
    await cycles(loop, 1);
    expect(await loop.switchModel('nobody')).toEqual({ ok: false, reason: "there is no model 'nobody' Train it." });
    await cycles(loop, 1);
    expect(loop.describe().modelId).toBe('first');
    expect(codes()).toEqual(['model-refused']);
    await loop.stop();
    await done;
  });

  it('withdraws a model that is still being opened when the rig stops, and leaves none open', async () => {
    const late = fixedBeamformer('late');
    let opened: (beamformer: Beamformer) => void = () => undefined;
    const { loop } = rig({ openBeamformer: () => new Promise((resolve) => (opened = resolve)) });
    const done = loop.start();
    await cycles(loop, 1);
    const switching = loop.switchModel('late');
    expect(await loop.switchModel('another')).toMatchObject({ ok: false, reason: "'late' is being loaded; wait for it" });
    const stopping = loop.stop();
    opened(late);
    await stopping;
    expect(await switching).toMatchObject({ ok: false, reason: expect.stringMatching(/^the rig is stop/) as string });
    expect(late.closed).toBe(true);
    await done;
  });

  it('shows the newest of beams by hand that are asked for before the next cycle, and closes what had no turn', async () => {
    const made: ReturnType<typeof fixedBeamformer>[] = [];
    const byHand = (wish: HandWish): Beamformer => {
      made.push(fixedBeamformer(wish.do === 'beam' ? wish.name : wish.do));
      return made[made.length - 1];
    };
    const { loop, records, codes } = rig({ byHand });
    const done = loop.start();
    await cycles(loop, 2);
    const superseded = { ok: false, reason: 'something else was chosen before the next cycle' };
    const asked = ['east', 'west', 'north'].map((name) => loop.byHand({ do: 'beam', name }));
    expect(await loop.setPhaseBits(3)).toEqual({ ok: false, reason: "'north' is about to choose the beams; wait for it" });
    expect(await Promise.all(asked)).toEqual([superseded, superseded, { ok: true }]);
    await cycles(loop, 1);
    expect(records.map(({ modelId }) => modelId)).toEqual(['first', 'first', 'north']);
    expect(made.map(({ closed }) => closed)).toEqual([true, true, false]);
    expect(codes()).toEqual(['model-switched']);

    // A model that is asked for counts as well, the one that chooses already among them.
    const back = [loop.byHand({ do: 'beam', name: 'south' }), loop.switchModel('second')];
    expect(await Promise.all(back)).toEqual([superseded, { ok: true }]);
    const stays = [loop.byHand({ do: 'beam', name: 'south' }), loop.switchModel('second')];
    expect(await Promise.all(stays)).toEqual([superseded, { ok: true }]);
    await cycles(loop, 1);
    expect(records.at(-1)?.modelId).toBe('second');
    expect(made.map(({ closed }) => closed)).toEqual([true, true, true, true, true]);
    await loop.stop();
    await done;
  });

  it('switches the model while paused, at once', async () => {
    const { loop } = rig();
    const done = loop.start();
    await cycles(loop, 1);
    await loop.pause();
    expect(await loop.switchModel('second')).toEqual({ ok: true });
    expect(loop.describe().modelId).toBe('second');
    await loop.stop();
    await done;
  });

  it('lets the model finish its cycle before another takes its place, when paused meanwhile', async () => {
    const first = fixedBeamformer('first');
    let answer: () => void = () => undefined;
    let closedWhileComputing = false;
    let computing = false;
    const slow: Beamformer = {
      ...first,
      compute: async (request) => {
        computing = true;
        await new Promise<void>((resolve) => (answer = resolve));
        computing = false;
        return first.compute(request);
      },
      close: async () => {
        closedWhileComputing = computing;
      },
    };
    const { loop, records, blind } = rig({ beamformer: slow });
    const done = loop.start();
    await expect.poll(() => computing).toBe(true);
    const pausing = loop.pause();
    const switching = loop.switchModel('second');
    await new Promise((resolve) => setImmediate(resolve));
    expect(computing).toBe(true);
    expect(blind, 'the safe state waits for no model').toEqual(['mute']);
    answer();
    expect(await Promise.all([pausing, switching])).toEqual([{ ok: true }, { ok: true }]);
    expect(closedWhileComputing).toBe(false);
    expect(records, 'its beam was never radiated').toEqual([]);
    expect(loop.describe().modelId).toBe('second');
    await loop.stop();
    await done;
  });

  it('shows coarser phases on the same panel when Q is lowered, and refuses more than it has', async () => {
    const { loop, words, bits, records } = rig({ cycles: 4 });
    const done = loop.start();
    await cycles(loop, 2);
    expect(await loop.setPhaseBits(2)).toEqual({ ok: true });
    expect(await loop.setPhaseBits(7)).toMatchObject({ ok: false });
    expect(loop.describe().phaseBits).toBe(2);
    await done;
    expect(bits).toEqual([6, 6, 6, 6]);
    expect(records.map(({ phaseBits }) => phaseBits)).toEqual([6, 6, 2, 2]);
    expect([...words[0]]).toEqual([0, 8, 16, 24, 32, 40, 48, 56]);
    expect([...words[3]].every((word) => word % 16 === 0)).toBe(true);
    expect([...(loop.latest()?.words ?? [])]).toEqual([...words[3]].map((word) => word / 16));
  });

  it.each([true, false])('opens the network for another Q, and both change at once, pipelined: %s', async (pipelined) => {
    const { of, beamsOf } = wordNetworks();
    const first = of(6);
    const changes: unknown[] = [];
    const { loop, records, events } = rig({
      beamformer: first,
      openBeamformer: async (id, bits) => ({ ...of(bits), id }),
      pipelined,
      sink: { cycle: () => undefined, event: () => undefined, changed: (cycle, what) => changes.push([cycle, what]) },
    });
    loop.onCycle((record) => records.push(record));
    loop.onEvent((event) => events.push(event));
    const done = loop.start();
    for (const bits of [3, 1, 2, 6]) {
      await cycles(loop, 4);
      expect(await loop.setPhaseBits(bits)).toEqual({ ok: true });
      expect(loop.describe()).toMatchObject({
        phaseBits: bits,
        models: [{ id: 'words', title: bits > 2 ? 'any' : `Q = ${bits}` }],
      });
    }
    await cycles(loop, 4);
    await loop.stop();
    await done;
    expect(records.map(({ phaseBits }) => phaseBits).filter((bits, i, all) => bits !== all[i - 1])).toEqual([6, 3, 1, 2, 6]);
    records.forEach(({ phaseBits, outcome }, cycle) => {
      expect([outcome, beamsOf[cycle]]).toEqual(['ok', phaseBits > 2 ? 'any' : `Q = ${phaseBits}`]);
    });
    expect(first.closed).toBe(true);
    const from = (bits: number): number => records.findIndex(({ phaseBits }) => phaseBits === bits);
    const model = { id: 'words', kind: 'baseline' };
    expect(changes.filter((change) => JSON.stringify(change).includes('model'))).toEqual([
      [0, { model }],
      [from(1), { model: { ...model, phaseBits: 1 } }],
      [from(2), { model: { ...model, phaseBits: 2 } }],
      [records.findLastIndex(({ phaseBits }) => phaseBits === 2) + 1, { model }],
    ]);
    expect(events.map(({ code, action }) => [code, action])).toEqual([
      ['phase-bits', undefined],
      ['phase-bits', "Another network of 'words' chooses among those words."],
      ['phase-bits', "Another network of 'words' chooses among those words."],
      ['phase-bits', "Another network of 'words' computes phases as if any could be shown."],
    ]);
  });

  it('keeps Q where there is no network for another, and says so; a model that comes later is for the Q there is', async () => {
    const { of } = wordNetworks();
    const opened: [string, number][] = [];
    const { loop, events } = rig({
      beamformer: of(6),
      openBeamformer: async (id, bits) => {
        opened.push([id, bits]);
        if (bits === 1) throw new BeamrigError('model-missing', "there is no model 'words'", { wayOut: 'Train it.' });
        return fixedBeamformer(id);
      },
    });
    const done = loop.start();
    await cycles(loop, 1);
    const lowering = loop.setPhaseBits(1);
    expect(await loop.setPhaseBits(6)).toEqual({ ok: false, reason: "'words' is being loaded; wait for it" });
    expect(await lowering).toEqual({ ok: false, reason: "there is no model 'words' Train it." });
    expect(loop.describe().phaseBits).toBe(6);
    expect(events).toMatchObject([
      {
        code: 'model-refused',
        message: "Phases cannot have 1 bit: there is no model 'words' Train it.",
        action: "'words' goes on with 6 bits.",
      },
    ]);
    expect(await loop.setPhaseBits(4)).toEqual({ ok: true });
    expect(await loop.switchModel('second')).toEqual({ ok: true });
    expect(opened).toEqual([
      ['words', 1],
      ['second', 4],
    ]);
    await loop.stop();
    await done;
  });

  it('faults when the model keeps failing, after cycles recorded void at the model', async () => {
    const beamformer = fixedBeamformer('first', { fails: (call) => call > 2 });
    const { loop, records, codes } = rig({ beamformer });
    expect(await loop.start()).toMatchObject({ reason: 'faulted', cycles: 7, voidCycles: 5 });
    expect(records[2].failure).toBe('model: the thread has ended');
    expect(codes()).toEqual(['cycle-void', 'model-failed']);
    expect(loop.latest()?.record.cycle, 'the newest beam stays to be looked at').toBe(1);
    await loop.stop();
  });

  it('makes the array safe when no beam comes for half of the silence that the panel bears, and says why, once', async () => {
    const beamformer = fixedBeamformer('first', { fails: (call) => call > 2 && call < 6 });
    const { clock, loop, log, events, codes } = rig({ beamformer, rateHz: 1, cycles: 7 });
    let safeAtMs = NaN;
    loop.onEvent(({ code }) => {
      if (code === 'no-beam') safeAtMs = clock.nowMs();
    });
    expect(await loop.start()).toMatchObject({ reason: 'done', cycles: 7, voidCycles: 3 });
    expect(codes()).toEqual(['cycle-void', 'no-beam']);
    expect(events[1]).toMatchObject({
      message: expect.stringMatching(
        /^No beam came for \d\.\d s \(the thread has ended\): the array was put into its safe state/,
      ) as string,
    });
    // The second beam came after 1 s, and the panel bears 5 s.
    expect(safeAtMs).toBeGreaterThan(3500);
    expect(safeAtMs).toBeLessThan(6000);
    expect(log).toEqual(['armed: mute', 'beam 1', 'beam 2', 'safe: mute', 'beam 6', 'beam 7', 'safe: mute', 'closed']);
  });
});
