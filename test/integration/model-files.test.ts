/** The rig's own model file while the rig runs: another takes its place and it comes back, and somebody writes over it meanwhile. */
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { io, type Socket } from 'socket.io-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { cardText } from '../../models/card.ts';
import { findModel, readCard } from '../../models/zoo.ts';
import { assembleRig } from '../../src/rig/assemble.ts';
import { startServer } from '../../src/server/server.ts';
import type { PageToServer, ServerToPage } from '../../src/server/socket-contract.ts';
import type { ControlResult } from '../../src/control/controller.ts';
import type { CycleRecord, CycleSink, ModelUsed, RigEvent } from '../../src/telemetry/cycle-record.ts';
import { assembleSpine, demoWith } from './spine.ts';
import { tinyNetwork } from './tiny-network.ts';
import { writeModelFile, writeTroubledModel } from './troubled-networks.ts';

const SIZE = { elements: 64, users: 4 };

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-own-model-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A small network for the demo rig, with a card that calls it by this id. */
const writeOwn = (id: string): string => writeModelFile(folder, 'own', SIZE, tinyNetwork(SIZE), { id, title: 'my own' });

/** A model of the zoo in its place. */
function writeOther(id: string): void {
  const other = findModel('unfolded-phase-extraction-n64');
  writeFileSync(join(folder, 'own.onnx'), readFileSync(other));
  writeFileSync(join(folder, 'own.json'), cardText({ ...readCard(other), id }));
}

const sha256Of = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

interface Story {
  records: CycleRecord[];
  events: RigEvent[];
  /** For the manifest. */
  models: ModelUsed[];
}

function story(): Story & { recorder: CycleSink } {
  const kept: Story = { records: [], events: [], models: [] };
  const recorder: CycleSink = {
    cycle: (record) => kept.records.push(record),
    event: (event) => kept.events.push(event),
    changed: (_, what) => 'model' in what && kept.models.push(what.model),
  };
  return { ...kept, recorder };
}

/** A rig on virtual time whose own model lies there. */
async function running(path: string) {
  const { records, events, models, recorder } = story();
  const rig = demoWith((file) => Object.assign(file.beamformer, { model: path, engine: 'compiled' }));
  const { rig: assembled, clock } = await assembleSpine({ rig, recorder });
  const { controller } = assembled;
  const done = assembled.run();
  await clock.sleep(500);
  return {
    ...{ controller, clock, records, events, models },
    /** Choices of a page, each followed by half a second of cycles. */
    choose: async (...ids: string[]): Promise<ControlResult[]> => {
      const answers: ControlResult[] = [];
      for (const id of ids) {
        answers.push(await controller.switchModel(id));
        await clock.sleep(500);
      }
      return answers;
    },
    end: async () => {
      await controller.stop();
      return done;
    },
  };
}

describe("a rig's own model, once another was chosen", () => {
  it('is chosen again by the id of its card, though the zoo does not have it', async () => {
    const path = writeOwn('mine');
    const { choose, end, controller, records, models } = await running(path);
    expect(controller.describe().models.map(({ id }) => id)).toContain('mine');
    expect(await choose('aligned', 'mine')).toEqual([{ ok: true }, { ok: true }]);
    await end();
    expect(models.map(({ id, sha256 }) => [id, sha256])).toEqual([
      ['mine', sha256Of(path)],
      ['aligned', undefined],
      ['mine', sha256Of(path)],
    ]);
    expect(records.at(-1)).toMatchObject({ modelId: 'mine', outcome: 'ok' });
  });

  it.each(['unfolded-pga-n64', 'aligned'])(
    'is its own file still where its card calls it %s, as another is called',
    async (id) => {
      const path = writeOwn(id);
      const { choose, end, controller, models } = await running(path);
      const listed = controller.describe().models.filter((model) => model.id === id);
      expect(listed).toEqual([{ id, title: 'my own', kind: 'model' }]);
      expect(await choose('pga', id)).toEqual([{ ok: true }, { ok: true }]);
      await end();
      expect(models.map(({ sha256 }) => sha256)).toEqual([sha256Of(path), undefined, sha256Of(path)]);
    },
  );
});

describe("a rig's own model file that is written over while it runs", () => {
  const damages: [what: string, write: (path: string) => void, refusal: RegExp][] = [
    ['is gone', (path) => rmSync(path), /own\.onnx: there is no such file|own\.onnx is not there/],
    ['is cut', (path) => truncateSync(path, 100), /has sha256 .*, its card says/],
    ['holds something else', (path) => writeFileSync(path, Buffer.alloc(50_000, 7)), /has sha256 .*, its card says/],
    ['lacks its card', (path) => rmSync(path.replace('.onnx', '.json')), /card .*own\.json cannot be read/],
    [
      'has a card that calls it otherwise',
      () => writeOther('yours'),
      /The card of .*own\.onnx calls it 'yours' by now, and no longer 'mine'/,
    ],
  ];

  it.each(damages)('goes on as it was read, and is refused when it is to be read again: it %s', async (_, write, refusal) => {
    const path = writeOwn('mine');
    const sha256 = sha256Of(path);
    const { clock, choose, end, records, models, events } = await running(path);
    write(path);
    await clock.sleep(500);
    const answers = await choose('aligned', 'mine');
    expect(answers).toEqual([{ ok: true }, { ok: false, reason: expect.stringMatching(refusal) as string }]);
    expect(await end()).toMatchObject({ reason: 'stopped', voidCycles: 0 });
    expect(models.map(({ id, sha256: named }) => [id, named])).toEqual([
      ['mine', sha256],
      ['aligned', undefined],
    ]);
    expect(records.at(-1)?.modelId).toBe('aligned');
    const codes = events.map(({ code }) => code).filter((code) => code !== 'model-power');
    expect(codes).toEqual(['fallback', 'model-switched', 'model-refused']);
  });

  it('is told of where it is another model by then, and the manifest names both', async () => {
    const path = writeOwn('mine');
    const first = sha256Of(path);
    const { choose, end, events, models, records } = await running(path);
    writeOther('mine');
    const second = sha256Of(path);
    await choose('aligned', 'mine');
    await end();
    expect(models.map(({ sha256 }) => sha256)).toEqual([first, undefined, second]);
    const from = records.findLast(({ modelId }) => modelId === 'aligned')!.cycle + 1;
    expect(events.find(({ code }) => code === 'other-model')).toMatchObject({
      level: 'warning',
      message: `'mine' is another file than before: sha256 ${second.slice(0, 12)}…, before ${first.slice(0, 12)}….`,
      action: `Its beams are those of the new file from cycle ${from} on; the manifest names both.`,
    });
  });
});

describe('a model whose weights are no numbers, and whose card fits it', () => {
  it('is named by its checksum, gives no beam, and ends in a fault that says why', async () => {
    const path = writeOwn('mine');
    const { controller, choose, end, events, models, records } = await running(path);
    await choose('aligned');
    writeModelFile(folder, 'own', SIZE, tinyNetwork({ ...SIZE, gain: NaN }), { id: 'mine' });
    expect(await choose('mine')).toEqual([{ ok: true }]);
    expect(controller.state).toBe('faulted');
    expect(await end()).toMatchObject({ reason: 'faulted', voidCycles: 5 });
    expect(models.at(-1)).toMatchObject({ id: 'mine', sha256: sha256Of(path) });
    expect(records.at(-1)).toMatchObject({ modelId: 'mine', outcome: 'void', beamId: 0 });
    expect(events.map(({ code }) => code).slice(-4)).toEqual(['model-switched', 'other-model', 'cycle-void', 'model-failed']);
    expect(events.at(-1)?.message).toMatch(
      /^The model 'mine' failed 5 times in a row: the model mine gave NaN as digital weight 0/,
    );
  });
});

describe('a model chosen over the socket while the rig runs', () => {
  it('takes its engine along: page, manifest and records say the same', async () => {
    const { records, models, recorder } = story();
    const loops = writeTroubledModel(folder, 'loops', SIZE);
    const rig = demoWith((file) => {
      file.beamformer.model = loops;
      file.loop.rateHz = 100;
    });
    const { controller, run } = await assembleRig({ rig, clock: createRealClock(), recorder, hardware: false });
    const server = await startServer({ controller, host: '127.0.0.1', port: 0, pageFolder: folder });
    const page: Socket<ServerToPage<Uint8Array>, PageToServer> = io(server.url, { transports: ['websocket'] });
    const shown: { model?: string; engine?: string | null; newest?: string } = {};
    page.on('frame', ({ rig: description, latest }, drawn) => {
      if (description !== undefined) Object.assign(shown, { model: description.modelId, engine: description.engine });
      if (latest !== null) shown.newest = latest.modelId;
      drawn();
    });
    const done = run();
    const SOON = { timeout: 15_000 };
    const choose = (id: string): Promise<ControlResult> => new Promise((resolve) => page.emit('switchModel', id, resolve));
    try {
      await expect.poll(() => shown, SOON).toEqual({ model: 'loops', engine: 'onnxruntime', newest: 'loops' });
      for (const [id, engine] of [
        ['unfolded-pga-n64', 'compiled'],
        ['aligned', null],
        ['loops', 'onnxruntime'],
      ] as const) {
        expect(await choose(id)).toEqual({ ok: true });
        await expect.poll(() => shown, SOON).toEqual({ model: id, engine, newest: id });
      }
    } finally {
      page.disconnect();
      await controller.stop();
      await done;
      await server.close();
    }
    expect(models.map(({ id, engine }) => [id, engine])).toEqual([
      ['loops', 'onnxruntime'],
      ['unfolded-pga-n64', 'compiled'],
      ['aligned', undefined],
      ['loops', 'onnxruntime'],
    ]);
    const turns = records.map(({ modelId }) => modelId).filter((id, i, all) => id !== all[i - 1]);
    expect(turns).toEqual(['loops', 'unfolded-pga-n64', 'aligned', 'loops']);
    expect(records.filter(({ outcome }) => outcome === 'void')).toEqual([]);
  });
});
