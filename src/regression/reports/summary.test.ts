import { expect, it } from 'vitest';
import { caseOf, madeUpReport } from '../../../test/doubles/regression-report.ts';
import type { CaseResult } from '../results.ts';
import { summaryText } from './summary.ts';

const rerun = ({ file, case: id }: CaseResult, seeds: readonly number[]): string =>
  `beamrig regress ${file}${id === '' ? '' : ` --filter '${id}'`} --seeds ${seeds.join(',')}`;
const written = { HTML: 'regress/report.html', JUnit: 'regress/junit.xml' };
const said = (columns: number, report = madeUpReport()): string => summaryText(report, { columns, rerun, written });

it('says what failed and how to play just it, then what is left out and why, then the totals', () => {
  expect(said(140)).toBe(`FAILED  cable-pulled
  seed 2  sum-rate measured mean from 7 s: value 9.2 bit/s/Hz, bound ≥ 10 bit/s/Hz: 9.200 bit/s/Hz over 300 cycles
  seed 3  sum-rate measured mean from 7 s: value 9.9999999 bit/s/Hz, bound ≥ 10 bit/s/Hz: 10.000 bit/s/Hz over 300 cycles
  all seeds  sum-rate measured mean from 7 s mean over seeds: value 10.3 bit/s/Hz, between 9.1 and 11.5 bit/s/Hz, bound ≥ 10 bit/s/Hz: 10.3
             bit/s/Hz, with 95 % confidence within 0.8
  all seeds  sum-rate measured mean from 7 s, beside the baseline: 14 then, 11.07 bit/s/Hz now, worse by 2.93, margin 0.14: worse than the
             margin allows
  again: beamrig regress scenarios/cable-pulled.yaml --seeds 2,3

BROKEN  panel-hangs
  seed 1  limit: it took longer than 120 s and was killed. Raise limitS, or look why.
  again: beamrig regress scenarios/panel-hangs.yaml --seeds 1

FLAKY  users-walk
  seed 2  sum-rate measured mean from 7 s: value 9.5 bit/s/Hz, bound ≥ 10 bit/s/Hz: 9.500 bit/s/Hz over 300 cycles
  again: beamrig regress scenarios/users-walk.yaml --seeds 2

FAILED  quantisers, quantiser=rounded snrDb=0
  seed 1  sum-rate measured mean from 7 s: value 7 bit/s/Hz, bound ≥ 10 bit/s/Hz: 7.000 bit/s/Hz over 300 cycles
  seed 2  sum-rate measured mean from 7 s: value 7.5 bit/s/Hz, bound ≥ 10 bit/s/Hz: 7.500 bit/s/Hz over 300 cycles
  seed 3  sum-rate measured mean from 7 s: value 6.9 bit/s/Hz, bound ≥ 10 bit/s/Hz: 6.900 bit/s/Hz over 300 cycles
  again: beamrig regress scenarios/quantisers.yaml --filter 'quantiser=rounded snrDb=0' --seeds 1,2,3

quarantined:
  late-commit  until 2026-12-24: the firmware of board B answers late; a new one is ordered

skipped:
  real-firmware  arm-none-eabi-gcc is not installed

2 failed, 1 broken, 1 flaky, 1 quarantined, 1 skipped, 6 passed: 12 cases in 93.4 s
HTML   regress/report.html
JUnit  regress/junit.xml`);
});

it.each([60, 80, 120])('keeps within %d columns, but for the commands, which are copied', (columns) => {
  const lines = said(columns).split('\n');
  expect(lines.filter((line) => line.length > columns && !line.includes('again: '))).toEqual([]);
  // Nothing is lost by it.
  const words = (text: string): string => text.replace(/\s+/g, ' ');
  expect(words(said(columns))).toBe(words(said(1000)));
});

it('is short where all is well', () => {
  expect(said(80, madeUpReport([caseOf('noise')]))).toBe(
    '1 passed: 1 case in 93.4 s\nHTML   regress/report.html\nJUnit  regress/junit.xml',
  );
});

it('lets nobody write lines or colours into the terminal', () => {
  const wild = caseOf('wild', { verdict: 'skipped', why: '\u001b[31mred\nPASSED' });
  expect(said(80, madeUpReport([wild]))).toContain('  wild  \\x1b[31mred\\x0aPASSED');
});

it('counts what it leaves out', () => {
  const [failed] = madeUpReport().cases;
  const seeds = Array.from({ length: 10 }, (_, i) => ({ ...failed.seeds[1], seed: i }));
  expect(said(120, madeUpReport([{ ...failed, seeds }]))).toContain('\n  and 6 more\n  again:');
});
