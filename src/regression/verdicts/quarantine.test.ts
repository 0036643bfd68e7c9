import { describe, expect, it } from 'vitest';
import { parseQuarantine, quarantineOf } from './quarantine.ts';

const page = (...entries: string[]) => parseQuarantine(`entries:\n${entries.map((one) => `  - ${one}\n`).join('')}`, 'q.yaml');
const known = [
  { scenario: 'cable-pulled', case: '' },
  { scenario: 'two-panels', case: 'panels=1' },
  { scenario: 'two-panels', case: 'panels=2' },
];
const on = (day: string): Date => new Date(`${day}T23:59:59.999Z`);

describe('a quarantine', () => {
  const one = page('{ scenario: two-panels, case: panels=2, reason: a bad cable, until: 2026-12-31 }');

  it('holds for its case to the end of its last day, UTC, and not longer', () => {
    const [, first, second] = known;
    expect(quarantineOf(one, known, on('2026-12-31')).of(second)).toEqual({ reason: 'a bad cable', until: '2026-12-31' });
    expect(quarantineOf(one, known, on('2026-12-31')).of(first)).toBeUndefined();
    const after = quarantineOf(one, known, new Date('2027-01-01T00:00:00Z'));
    expect(after.of(second)).toBeUndefined();
    expect(after.told).toEqual([
      'q.yaml, line 2: two-panels panels=2 counts again since 2026-12-31 has passed; take the entry out',
    ]);
  });

  it('goes by the day of UTC wherever the machine is', () => {
    expect(quarantineOf(one, known, new Date('2027-01-01T01:00:00+02:00')).of(known[2])).toBeDefined();
  });

  it('without a case is of all of its scenario; one for the very case goes first', () => {
    const both = page(
      '{ scenario: two-panels, reason: all, until: 2026-12-31 }',
      '{ scenario: two-panels, case: panels=2, reason: this, until: 2026-12-31 }',
    );
    const { of, told } = quarantineOf(both, known, on('2026-12-01'));
    expect(known.map((each) => of(each)?.reason)).toEqual([undefined, 'all', 'this']);
    expect(told).toEqual([]);
  });

  it('tells entries that name nothing, and what may have been meant', () => {
    const lost = page(
      '{ scenario: two-panel, reason: r, until: 2026-12-31 }',
      '{ scenario: two-panels, case: panels=3, reason: r, until: 2026-12-31 }',
    );
    expect(quarantineOf(lost, known, on('2026-12-01')).told).toEqual([
      'q.yaml, line 2: two-panel names nothing; did you mean two-panels?',
      'q.yaml, line 3: two-panels panels=3 names nothing; did you mean panels=1?',
    ]);
  });
});

describe('a quarantine file is refused', () => {
  it.each([
    [
      '{ scenario: a, reason: r, until: 2026-02-30 }',
      /line 2: entries\[0\]\.until: "2026-02-30" is not allowed; allowed: a date/,
    ],
    ['{ scenario: a, until: 2026-12-31 }', /line 2: entries\[0\]\.reason: missing/],
    ['{ scenario: a, reason: "", until: 2026-12-31 }', /entries\[0\]\.reason: is empty/],
    ['{ scenario: a, resaon: r, until: 2026-12-31 }', /entries\[0\]\.resaon: .*did you mean (entries\[0\]\.)?reason/],
  ])('%s', (entry, said) => {
    expect(() => page(entry)).toThrow(said);
  });

  it('where two entries name the same', () => {
    const entry = '{ scenario: a, reason: r, until: 2026-12-31 }';
    expect(() => page(entry, entry)).toThrow(/line 3: entries\[1\]: names what entries\[0\] names/);
  });
});
