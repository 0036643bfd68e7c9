import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cachedRates } from './cached-rates.ts';
import type { RateJob } from './methods.ts';
import type { ComputeRates } from './rates.ts';
import { openResultCache, type WhatDetermines } from './result-cache.ts';
import { sourceChecksum } from './source-checksum.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'beamrig-cache-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const numbers = z.array(z.number());
const what: WhatDetermines = { kind: 'test', program: 'a', snrDb: 10 };
const onlyFile = (): string => {
  const [name, ...others] = readdirSync(folder);
  expect(others).toEqual([]);
  return join(folder, name);
};

describe('the cache of results', () => {
  it('has what was kept of just this, and nothing of another option, program or kind', () => {
    const cache = openResultCache(folder);
    expect(cache.find(what, numbers)).toBeUndefined();
    cache.keep(what, [1, 2.5]);
    expect(openResultCache(folder).find(what, numbers)).toEqual([1, 2.5]);
    for (const other of [{ snrDb: 11 }, { program: 'b' }, { kind: 'other' }]) {
      expect(cache.find({ ...what, ...other }, numbers)).toBeUndefined();
    }
  });

  it.each([
    ['cut off', (text: string) => text.slice(0, -9)],
    ['of other numbers than it was sealed with', (text: string) => text.replace('[1,2.5]', '[1,3.5]')],
    ['empty', () => ''],
    ['of another form', () => 'null'],
  ])('takes an entry that is %s for none, and writes it anew', (_, damage) => {
    const cache = openResultCache(folder);
    cache.keep(what, [1, 2.5]);
    const text = readFileSync(onlyFile(), 'utf8');
    const damaged = damage(text);
    expect(damaged).not.toBe(text);
    writeFileSync(onlyFile(), damaged);
    expect(cache.find(what, numbers)).toBeUndefined();
    cache.keep(what, [1, 2.5]);
    expect(cache.find(what, numbers)).toEqual([1, 2.5]);
  });

  it('takes an entry that is no such result for none', () => {
    const cache = openResultCache(folder);
    cache.keep(what, 'in words');
    expect(cache.find(what, numbers)).toBeUndefined();
  });

  it('takes an entry that is filed under the name of another for none', () => {
    const cache = openResultCache(folder);
    cache.keep(what, [1, 2.5]);
    const own = onlyFile();
    cache.keep({ ...what, snrDb: 11 }, [7]);
    const [other] = readdirSync(folder).filter((name) => join(folder, name) !== own);
    copyFileSync(own, join(folder, other));
    expect(cache.find({ ...what, snrDb: 11 }, numbers)).toBeUndefined();
    expect(cache.find(what, numbers)).toEqual([1, 2.5]);
  });

  it.each([
    ['may not write', () => '/proc/nowhere'],
    ['is a file', () => onlyFile()],
    ['is below a file', () => join(onlyFile(), 'results')],
  ])('keeps nothing where it %s, goes on, and says so once', (_, where) => {
    writeFileSync(join(folder, 'a-file'), '');
    const place = where();
    const reasons: string[] = [];
    const cache = openResultCache(place, (why) => reasons.push(why));
    cache.keep(what, [1]);
    cache.keep(what, [2]);
    expect(cache.find(what, numbers)).toBeUndefined();
    const mine = cache.folderFor(what);
    expect(readdirSync(mine)).toEqual([]);
    rmSync(mine, { recursive: true });
    expect(reasons).toEqual([expect.stringContaining(place)]);
  });
});

describe('rates from the cache', () => {
  const set = { seed: 1, name: 'test', elements: 8, users: 2, paths: 3, scale: 'unit-element', snrDb: 10 } as const;
  const jobs: RateJob[] = ['zf', 'wmmse', 'rzf'].map((key) => ({ source: { kind: 'classic', key }, set }));
  const signal = new AbortController().signal;
  let computed: string[];
  const compute: ComputeRates = async (asked, count, onProgress) => {
    onProgress?.(0, asked.length * count);
    const rates = asked.map(({ source }) => {
      const key = source.kind === 'classic' ? source.key : '';
      computed.push(key);
      return Array.from({ length: count }, (_, i) => (key === 'rzf' ? NaN : key.length + i));
    });
    onProgress?.(asked.length * count, asked.length * count);
    return rates;
  };
  beforeEach(() => {
    computed = [];
  });

  it('are computed once, and told of as far as they are', async () => {
    const cache = openResultCache(folder);
    const seen: [number, number][] = [];
    const found: [number, number][] = [];
    const options = {
      ...{ cache, models: [], signal },
      onProgress: (done: number, total: number) => seen.push([done, total]),
      onFound: (some: number, all: number) => found.push([some, all]),
    };
    const first = await cachedRates(compute, options)(jobs.slice(0, 2), 3);
    const all = await cachedRates(compute, options)(jobs, 3);
    const again = await cachedRates(compute, options)(jobs, 3);
    expect(first).toEqual([
      [2, 3, 4],
      [5, 6, 7],
    ]);
    expect(all).toEqual([...first, [NaN, NaN, NaN]]);
    expect(again).toEqual(all);
    expect(computed).toEqual(['zf', 'wmmse', 'rzf']);
    expect(seen).toEqual([[0, 6], [3, 6], [3, 6], [6, 6], [0, 3], [3, 3]]); // prettier-ignore
    expect(found).toEqual([[0, 2], [2, 3], [3, 3]]); // prettier-ignore
    await cachedRates(compute, options)(jobs, 2);
    expect(computed).toHaveLength(6);
  });

  it('of jobs that were done are there when the work is stopped, and it goes on from these', async () => {
    const cache = openResultCache(folder);
    const stop = new AbortController();
    const stopsInTheSecond: ComputeRates = async (asked, count) => {
      if (computed.length === 1) {
        stop.abort();
        await new Promise(() => undefined);
      }
      return compute(asked, count);
    };
    await expect(cachedRates(stopsInTheSecond, { cache, models: [], signal: stop.signal })(jobs, 2)).rejects.toMatchObject({
      code: 'stopped',
    });
    expect(computed).toEqual(['zf']);
    await cachedRates(compute, { cache, models: [], signal })(jobs, 2);
    expect(computed).toEqual(['zf', 'wmmse', 'rzf']);
  });
});

describe('the checksum of a program', () => {
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return new URL(`file://${join(folder, name)}`).href;
  };

  it('is of all that is imported, however deep, and of nothing else', () => {
    const entry = write('entry.ts', "import { a } from './a.ts';\nexport const b = () => import('./b.ts');");
    write('a.ts', "import data from './data.json' with { type: 'json' };\nexport type { T } from './b.ts';");
    write('b.ts', "import './entry.ts';\nimport 'node:fs';");
    write('data.json', '1');
    write('other.ts', 'of nobody');
    const before = sourceChecksum([entry]);
    write('other.ts', 'changed');
    expect(sourceChecksum([entry])).toBe(before);
    for (const [name, text] of [
      ['data.json', '2'],
      ['b.ts', '// changed'],
    ]) {
      const last = sourceChecksum([entry]);
      write(name, text);
      expect(sourceChecksum([entry])).not.toBe(last);
    }
  });
});
