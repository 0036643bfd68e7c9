import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fromPhases, matmul, zeros } from '../core/signal/complex-matrix.ts';
import { rateSensingObjective } from '../core/signal/objectives/rate-sensing.ts';
import { fromDb, sumRate } from '../core/signal/rate.ts';
import { asComputed } from '../core/signal/realise-beam.ts';
import type { ModelCard, SizedCard } from './card.ts';
import { cardText, modelCardSchema } from './card.ts';
import { openBeams } from './compiled-beams.ts';
import { compileImage } from './engine/compiled-session.ts';
import { meanAndError } from './evaluation/statistics.ts';
import { FAMILY_IDS, findFamily } from './families.ts';
import { openSession } from './graph/session.ts';
import { drawChannelSet } from './training/channel-set.ts';
import { optionsOfCommand } from './training/recorded-options.ts';
import { fitModel } from './fitted-model.ts';
import { cardPathOf } from './model-path.ts';
import { contractTensors, findModel, listModels, lookAtModel, readCard, verifyModel, zooFolder } from './zoo.ts';
import { listSizedModels } from './reproduce/sized-models.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-zoo-'));
afterAll(() => rmSync(folder, { recursive: true }));

const zoo = listModels();
const [sized] = listSizedModels();

/** A copy of the first zoo model that is for one array, with its card changed. */
function copyWith(name: string, change: (card: SizedCard) => ModelCard): string {
  const path = join(folder, `${name}.onnx`);
  copyFileSync(sized.path, path);
  writeFileSync(path.replace('.onnx', '.json'), cardText(change(sized.card)));
  return path;
}

describe('the models that come with beamrig', () => {
  it('have those of the demo rig and of the paper, at ten and at three layers', () => {
    expect(zoo.map(({ id }) => id)).toEqual(
      expect.arrayContaining(['phase-net', 'unfolded-pga-n32', 'unfolded-pga-n32-3', 'unfolded-pga-n64']),
    );
  });

  it('are of families that there are, called after them', () => {
    for (const { id, card } of zoo) {
      expect(FAMILY_IDS).toContain(card.algorithm);
      expect(id.startsWith(card.algorithm)).toBe(true);
    }
  });

  for (const { id, path } of zoo) {
    it(`${id} is the file its card describes, and follows the contract`, () => {
      expect(verifyModel(path).id).toBe(id);
      expect(cardText(readCard(path))).toBe(readFileSync(cardPathOf(path), 'utf8'));
    });

    it(`${id} was trained, and its card says how and what it reached in both channel scales`, () => {
      const { training, metrics } = readCard(path);
      expect(training).not.toBe('none');
      const snrsDb = readCard(path).sensing !== 'input' ? [0, 5, 10, 15, 20] : [0, 2, 4, 6, 8, 10, 12];
      for (const scale of ['unit-element', 'paper-001']) {
        expect(metrics.filter((metric) => metric.scale === scale).map(({ snrDb }) => snrDb)).toEqual(snrsDb);
      }
    });
  }

  it('reach on the validation channels what their cards say, when the rate is worked out in float64', async () => {
    for (const { path, card } of zoo.filter(({ card: { sensing } }) => sensing !== 'input')) {
      const { training } = card;
      if (typeof training === 'string') throw new Error(`${card.id} is untrained`);
      // What serves every array has figures of the one that it was trained on, at the budget that it was trained for.
      const { elements, rfChains, users } = card.dimensions === 'any' ? { elements: 64, rfChains: 4, users: 4 } : card.dimensions;
      const { onnx } = await fitModel(verifyModel(path), { elements, rfChains, users, steps: card.layers });
      const [metric] = card.metrics.filter(({ scale, snrDb }) => scale === 'paper-001' && snrDb === 10);
      const count = metric.channels;
      const options = {
        seed: training.seed,
        name: 'validation',
        count,
        elements,
        users,
        paths: training.paths,
        scale: 'paper-001' as const,
      } as const;
      const { channels, packed } = drawChannelSet(options);
      const session = await openSession(onnx);
      const { analog_phase: phases, digital } = await session.run({
        channel: { values: packed, shape: [count, users, elements, 2] },
        power: { values: new Float32Array(count).fill(1), shape: [count] },
        noise: { values: new Float32Array(count).fill(0.1), shape: [count] },
      });
      await session.close();
      const rates = channels.map((channel, b) => {
        const size = elements * rfChains;
        const analog = fromPhases(Float64Array.from(phases.values.subarray(b * size, (b + 1) * size)), elements, rfChains);
        const weights = zeros(rfChains, users);
        for (let i = 0; i < rfChains * users; i++) {
          weights.re[i] = digital.values[(b * rfChains * users + i) * 2];
          weights.im[i] = digital.values[(b * rfChains * users + i) * 2 + 1];
        }
        return sumRate(channel, matmul(analog, weights), 0.1);
      });
      const mean = rates.reduce((sum, rate) => sum + rate, 0) / count;
      expect(mean).toBeCloseTo(metric.sumRate.mean, 2);
    }
  });

  const sensing = listSizedModels().filter(({ card }) => card.sensing === 'input');
  it.each(sensing)('reach it in sensing, too: $id', async ({ path, card }) => {
    if (typeof card.training === 'string') throw new Error(`${card.id} is untrained`);
    const family = await findFamily(card.algorithm);
    const options = optionsOfCommand(family, card.training.command);
    const learned = family.network(options).sensing;
    const metric = card.metrics.find(({ scale, snrDb }) => scale === 'unit-element' && snrDb === 12);
    if (learned === undefined || metric?.objective === undefined) throw new Error(`${card.id} does not say what it reaches`);
    const { channels } = family.drawChannels(options, { name: 'validation', count: metric.channels, scale: 'unit-element' });
    const beamAt = openBeams({ card, image: compileImage(readFileSync(path)) });
    const values = channels.map((channel) => {
      const sensed = { factor: learned.factor(), weight: learned.weight };
      const problem = { channel, rfChains: card.dimensions.rfChains, power: fromDb(12), noise: 1, sensing: sensed };
      return asComputed(problem, beamAt(problem), rateSensingObjective).score.value;
    });
    // Thousands of steps in float32: a channel may end elsewhere, the mean does not.
    const { mean, stderr } = metric.objective;
    expect(Math.abs(meanAndError(values).mean - mean)).toBeLessThan((stderr ?? 0) / 2);
  });

  it('have a card as the page on models shows one', () => {
    const page = readFileSync(join(zooFolder(), '..', 'README.md'), 'utf8');
    const [, example = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
    const card = modelCardSchema.parse(JSON.parse(example));
    expect({ inputs: card.inputs, outputs: card.outputs }).toEqual(contractTensors(card));
    for (const field of Object.keys(modelCardSchema.shape)) expect(page).toContain(`\`${field}\``);
  });

  it('are found by id and by path', () => {
    expect(findModel('unfolded-pga-n64')).toBe(join(zooFolder(), 'unfolded-pga-n64.onnx'));
    expect(findModel('phase-net')).toBe(join(zooFolder(), 'phase-net.numbers.json'));
    expect(findModel(sized.path)).toBe(sized.path);
  });
});

describe('a model is refused, with a way out,', () => {
  const refused = (code: string, message: RegExp): unknown =>
    expect.objectContaining({ code, message: expect.stringMatching(message) as string, wayOut: expect.any(String) as string });

  it('when it is not there, naming what there is', () => {
    expect(() => findModel('unfolded-pga-n63')).toThrow(refused('model-missing', /unfolded-pga-n63 is not there/));
    expect(() => findModel('phasenet')).toThrow(refused('model-missing', /phasenet is not there .*; did you mean phase-net\?$/));
    // Baselines are only for those who take them.
    expect(() => findModel('alined')).toThrow(
      expect.objectContaining({ wayOut: expect.not.stringContaining('aligned') as string }),
    );
    expect(() => findModel('alined', ['aligned', 'omp'])).toThrow(
      expect.objectContaining({
        message: expect.stringMatching(/; did you mean aligned\?$/) as string,
        wayOut: expect.stringMatching(
          /^use one of phase-net, .*; a baseline of aligned, omp; or the path of an \.onnx file$/,
        ) as string,
      }),
    );
    expect(() => findModel('x')).toThrow(
      expect.objectContaining({ wayOut: expect.stringContaining('unfolded-pga-n64') as string }),
    );
    expect(() => verifyModel(join(folder, 'none.onnx'))).toThrow(refused('model-missing', /none\.onnx cannot be read/));
    expect(() => verifyModel('/dev/zero')).toThrow(
      refused('model-missing', /model \/dev\/zero cannot be read: this is a device/),
    );
    const path = copyWith('piped', (card) => card);
    rmSync(path.replace('.onnx', '.json'));
    execFileSync('mkfifo', [path.replace('.onnx', '.json')]);
    expect(() => verifyModel(path)).toThrow(refused('model-missing', /card .*piped\.json cannot be read: this is a pipe/));
    expect(() => listModels(join(folder, 'nowhere'))).toThrow(refused('model-missing', /nowhere is not there/));
  });

  it('when its path leads to something else, and never for the zoo not having it', () => {
    for (const [path, what] of [
      ['/dev/zero', 'this is a device, and no file'],
      [folder, 'this is a folder, and no file'],
      [sized.path.replace('.onnx', '.json'), 'this is no .onnx file by its name'],
    ]) {
      expect(() => findModel(path)).toThrow(
        expect.objectContaining({ code: 'model-missing', message: `model ${path}: ${what}` }),
      );
    }
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    expect(() => findModel(pipe)).toThrow(refused('model-missing', /pipe: this is a pipe/));
    expect(() => findModel('./unfolded-pga-n64')).toThrow(
      refused('model-missing', /is not there \(looked for \.\/unfolded-pga-n64\)/),
    );
  });

  it('when its card says of sensing what its numbers do not', () => {
    const known = verifyModel(findModel('phase-net'));
    const path = join(folder, 'silent.numbers.json');
    copyFileSync(known.path, path);
    const { sensing: _, ...silent } = known.card;
    writeFileSync(cardPathOf(path), cardText({ ...silent, id: 'silent' }));
    expect(() => verifyModel(path)).toThrow(refused('model-mismatch', /holds numbers for sensing, and its card says otherwise/));
    writeFileSync(cardPathOf(path), cardText({ ...silent, id: 'silent', sensing: 'input' }));
    expect(() => verifyModel(path)).toThrow(refused('model-mismatch', /sensing are "any" of files that end in/));
  });

  it('when one byte of it has changed', () => {
    const path = copyWith('changed', (card) => card);
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(path, bytes);
    expect(() => verifyModel(path)).toThrow(refused('model-damaged', /sha256/));
  });

  it('when it is no ONNX file, though its checksum is right', async () => {
    const { createHash } = await import('node:crypto');
    const text = 'not a model at all';
    const path = copyWith('text', (card) => ({ ...card, sha256: createHash('sha256').update(text).digest('hex') }));
    writeFileSync(path, text);
    expect(() => verifyModel(path)).toThrow(refused('model-damaged', /not an ONNX file/));
  });

  it('when its card has other inputs than the file', () => {
    const path = copyWith('inputs', (card) => ({ ...card, inputs: card.inputs.slice(1) }));
    expect(() => verifyModel(path)).toThrow(refused('model-mismatch', /the card has no input channel \[B, \d+, \d+, 2\]/));
  });

  it('when its card claims an array of another size', () => {
    const path = copyWith('size', (card) => ({ ...card, dimensions: { ...card.dimensions, elements: 31 } }));
    expect(() => verifyModel(path)).toThrow(
      refused(
        'model-mismatch',
        /input channel \[.*\] of the file should be channel \[B, 4, 31, 2\]; 3 more things of it do not fit/,
      ),
    );
  });

  it('when its card is UTF-16, and not for a byte order mark', () => {
    const path = copyWith('marked', (card) => card);
    const text = `\ufeff${cardText(sized.card)}`;
    writeFileSync(path.replace('.onnx', '.json'), text);
    expect(verifyModel(path).id).toBe(sized.id);
    writeFileSync(path.replace('.onnx', '.json'), text, 'utf16le');
    expect(() => readCard(path)).toThrow(refused('model-damaged', /marked\.json is UTF-16LE and not UTF-8/));
    rmSync(path);
  });

  it('when its card has wrong values, of which each is named with what is allowed, and what was probably meant', () => {
    const path = copyWith('flaws', (card) => card);
    const { title: _, ...others } = sized.card;
    const wrong = { ...others, titel: 'x', connection: 'ful', sha256: 'abc', dimensions: { elements: 0, rfChains: 4, users: 4 } };
    writeFileSync(cardPathOf(path), JSON.stringify(wrong));
    expect(lookAtModel(path).flaws.map(({ message }) => message.replace(/^card \S+: /, ''))).toEqual([
      'dimensions.elements: 0 is not allowed; allowed: a whole number above 0, up to ∞',
      'connection: "ful" is not allowed; allowed: full | input | any; did you mean full?',
      'sha256: "abc" is not allowed; allowed: 64 lower-case hex digits',
      'titel: unknown key; did you mean title?',
    ]);
  });

  it.each<[string, string | Buffer, RegExp]>([
    [
      'in Latin-1',
      Buffer.from('{\n "title": "Läufe"\n}', 'latin1'),
      /is no text in UTF-8: line 2: the byte 0xE4 .*; in Latin-1 the line is: "title": "Läufe"/,
    ],
    ['of a letter that was lost', '{ "title": "L\ufffdufe" }', /line 1: U\+FFFD, which stands where a letter was lost/],
    [
      'with a comma too many',
      '{\n  "contract": 1,\n}',
      /is not JSON: line 3:1: there is "}" where a name in double quotes should be/,
    ],
    ['that nests without end', '['.repeat(800_000), /is not JSON: line 1:33: nested more than 32 deep/],
    ['that is a list', '[]', /card \S+ holds no named fields/],
    ['that is nothing', 'null', /card \S+ holds no named fields/],
    ['that is a number', '3', /card \S+ holds no named fields/],
  ])('when its card is one %s, with what to do that can be done', (_, card, message) => {
    const path = copyWith('misread', (good) => good);
    writeFileSync(cardPathOf(path), card);
    const [flaw, ...others] = lookAtModel(path).flaws;
    expect(others).toEqual([]);
    expect(flaw.message).toMatch(message);
    expect(flaw.wayOut).toContain('`beamrig models card` begins');
    rmSync(path);
  });

  it('when its card holds what nobody can read in a list, or what terminals obey', () => {
    const path = copyWith('long', (card) => card);
    const unknown = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`unknown-${i}`, 1])) as Record<string, number>;
    const card = { ...sized.card, title: 'x'.repeat(900_000), paper: 'a\u001b[2J', ...unknown };
    writeFileSync(cardPathOf(path), JSON.stringify(card));
    const { flaws } = lookAtModel(path);
    expect(flaws).toHaveLength(302);
    const told = flaws.map(({ message }) => message.replace(/^card \S+: /, ''));
    expect(told[0]).toMatch(/^title: "x{50,60}… is not allowed; allowed: a text of up to 300 letters$/);
    expect(told[301]).toBe('paper: holds the control character U+001B; write the line again');
    rmSync(path);
  });

  it('when there is no card, and is told how one begins', () => {
    const path = copyWith('alone', (card) => card);
    rmSync(cardPathOf(path));
    const [flaw] = lookAtModel(path).flaws;
    expect(flaw).toMatchObject({ code: 'model-missing', wayOut: `of an ONNX file, begin one: beamrig models card ${path}` });
  });

  it('when its card is no JSON, or breaks the schema', () => {
    const path = copyWith('card', (card) => card);
    writeFileSync(path.replace('.onnx', '.json'), '{');
    expect(() => readCard(path)).toThrow(refused('model-damaged', /is not JSON/));
    writeFileSync(path.replace('.onnx', '.json'), JSON.stringify({ ...sized.card, contract: 2 }));
    expect(() => readCard(path)).toThrow(refused('model-mismatch', /contract/));
    rmSync(path.replace('.onnx', '.json'));
    expect(() => verifyModel(path)).toThrow(refused('model-missing', /card\.json/));
    rmSync(path);
  });
});
