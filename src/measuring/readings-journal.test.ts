/** Readings that were kept of an interrupted measurement: whole, cut off, or damaged. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fromParts, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { openJournal, readingsKept, type JournalFacts } from './readings-journal.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'beamrig-journal-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const FACTS: JournalFacts = {
  ...{ format: 'beamrig-readings-2', method: 'coded', reading: 'pilots', readings: 20, elements: 4, rfChains: 2, phaseBits: 3 },
  ...{ elementEnable: true, receiver: 0, pilots: 1, seed: 1, probe: '{}', frequencyGhz: 28, panels: ['A'] },
};
const reading = (i: number): CMatrix => fromParts(2, 1, [i + 0.25, -i - 1], [i / 3, 1e-9 * i]);
const readings = Array.from({ length: 10 }, (_, i) => reading(i));

/** Ten readings, the first five of them before an interruption. */
function written(): { path: string; text: string } {
  const path = join(folder, 'r.unfinished');
  for (const [from, resume] of [
    [0, false],
    [5, true],
  ] as const) {
    const journal = openJournal(path, FACTS, resume);
    expect(journal.kept).toEqual(readings.slice(0, from));
    for (const each of readings.slice(from, from + 5)) journal.add(each);
    journal.close();
  }
  return { path, text: readFileSync(path, 'utf8') };
}
const resumed = (path: string): { kept: readonly CMatrix[]; damage: string | undefined } => {
  const journal = openJournal(path, FACTS, true);
  journal.close();
  return { kept: journal.kept, damage: journal.damage };
};

describe('readings that were kept', () => {
  it('are gone on with to the last digit, and a line that was cut off is as if it had not been read', () => {
    const { path, text } = written();
    expect(resumed(path)).toEqual({ kept: readings, damage: undefined });
    writeFileSync(path, text.slice(0, -7));
    expect(resumed(path)).toEqual({ kept: readings.slice(0, 9), damage: undefined });
  });

  it('are gone on with where one was at the full scale of the receiver', () => {
    const path = join(folder, 'r.unfinished');
    const all = [reading(0), fromParts(2, 1, [NaN, 0], [0, 0]), reading(2)];
    const journal = openJournal(path, FACTS, false);
    for (const each of all) journal.add(each);
    journal.close();
    expect(resumed(path)).toEqual({ kept: all, damage: undefined });
  });

  it.each([
    ['a digit of a reading is another', (lines: string[]) => (lines[4] = lines[4].replace('3.25', '3.75'))],
    ['a reading is gone', (lines: string[]) => lines.splice(4, 1)],
    ['two have changed places', (lines: string[]) => lines.splice(4, 2, lines[5], lines[4])],
    ['a line is rubbish', (lines: string[]) => (lines[4] = '\u0000\u0000')],
    ['there is one twice', (lines: string[]) => lines.splice(4, 0, lines[3])],
  ])('are kept up to where %s, and that is told', (_what, damage) => {
    const { path, text } = written();
    const lines = text.split('\n');
    damage(lines);
    writeFileSync(path, lines.join('\n'));
    const { kept, damage: told } = resumed(path);
    expect(kept).toEqual(readings.slice(0, 3));
    expect(told).toMatch(/r\.unfinished: line 5 is not as it was written: .* 3 readings before it are kept/);
    // What was left out is gone from the file, too.
    expect(resumed(path)).toEqual({ kept, damage: undefined });
  });

  it('are not begun where something else stands in their place, which is told', () => {
    const path = join(folder, 'r.unfinished');
    mkdirSync(path);
    for (const resume of [true, false])
      expect(() => openJournal(path, FACTS, resume)).toThrow(/r\.unfinished: it is no file, and/);
    expect(readingsKept(path, FACTS)).toBeNull();
    writeFileSync(join(folder, 'file'), '');
    expect(() => openJournal(join(folder, 'file', 'r.unfinished'), FACTS, false)).toThrow(/readings cannot be kept there: /);
    expect(() => openJournal(join(folder, 'none', 'r.unfinished'), FACTS, false)).toThrow(
      /readings cannot be kept there: ENOENT/,
    );
  });

  it('are not used where what they are of is damaged, or is of another measurement', () => {
    const { path, text } = written();
    writeFileSync(path, text.replace('"pilots":1', '"pilots":2'));
    expect(() => resumed(path)).toThrow('what it says of itself is damaged');
    writeFileSync(path, text);
    expect(() => openJournal(path, { ...FACTS, pilots: 2 }, true)).toThrow('it was begun with pilots 1, and now it is 2');
    const moved = { ...FACTS, probe: '{"azimuthDeg":20}' };
    expect(() => openJournal(path, moved, true)).toThrow('it was begun with probe {}, and now it is {"azimuthDeg":20}');
  });
});
