/** JUnit XML as another program reads it: xmllint, by the rules of the strictest reader there is, and by XPath. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../../core/files/package-root.ts';
import { caseOf, madeUpReport } from '../../../test/doubles/regression-report.ts';
import { hasPart, partPath } from '../../../test/parts.ts';
import { junitXml } from './junit.ts';

const SCHEMA = join(packageRoot(), 'test', 'junit.xsd');
const xmllint = (xml: string, ...words: string[]): string =>
  execFileSync(partPath('xmllint') ?? 'xmllint', ['--nonet', ...words, '-'], { input: xml, encoding: 'utf8', stdio: 'pipe' });

describe.skipIf(!hasPart('xmllint'))('JUnit XML [needs xmllint]', () => {
  const xml = junitXml(madeUpReport());
  const at = (path: string, of = xml): string => xmllint(of, '--xpath', `string(${path})`).replace(/\n$/, '');
  const test = (name: string): string => `//testcase[@name='${name}']`;

  it('keeps to the rules of the strictest reader', () => {
    expect(xmllint(xml, '--noout', '--schema', SCHEMA)).toBe('');
    expect(xmllint(junitXml(madeUpReport([])), '--noout', '--schema', SCHEMA)).toBe('');
  });

  it('has a suite for each scenario and a test for each case', () => {
    expect(at('count(//testsuite)')).toBe('7');
    expect(at('count(//testcase)')).toBe('12');
    expect(at("count(//testsuite[@name='quantisers']/testcase[@classname='quantisers'])")).toBe('6');
    expect(at(`${test('quantiser=rounded snrDb=0')}/failure/@message`)).toContain('sum-rate measured mean from 7 s');
    expect(at("//testsuite[@name='noise']/@timestamp")).toBe('2026-11-30T18:00:00');
    expect(at(`${test('noise')}/@time`)).toBe('3.750');
  });

  it('has totals that are those of its elements', () => {
    for (const [attribute, element] of [
      ['tests', 'testcase'],
      ['failures', 'failure'],
      ['errors', 'error'],
    ]) {
      const counted = at(`count(//${element})`);
      expect(at(`sum(//testsuite/@${attribute})`)).toBe(counted);
      expect(at(`/testsuites/@${attribute}`)).toBe(counted);
    }
    expect(at('sum(//testsuite/@skipped)')).toBe(at('count(//skipped)'));
    expect([at('count(//failure)'), at('count(//error)'), at('count(//skipped)')]).toEqual(['3', '1', '2']);
  });

  it('says which check of which seed failed, with value and bound', () => {
    const text = at(`${test('cable-pulled')}/failure`);
    expect(text).toContain(
      'seed 2: sum-rate measured mean from 7 s: value 9.2 bit/s/Hz, bound ≥ 10 bit/s/Hz: 9.200 bit/s/Hz over 300 cycles',
    );
    // Rounded to the digits of others this value would be its bound.
    expect(text).toContain('seed 3: sum-rate measured mean from 7 s: value 9.9999999 bit/s/Hz, bound ≥ 10 bit/s/Hz');
    expect(text).toContain(
      'all seeds: sum-rate measured mean from 7 s mean over seeds: value 10.3 bit/s/Hz, between 9.1 and 11.5',
    );
    expect(text).toContain('beside the baseline: 14 then, 11.07 bit/s/Hz now, worse by 2.93, margin 0.14');
    expect(text).not.toContain('seed 1');
    expect(at(`${test('panel-hangs')}/error`)).toContain('seed 1: limit: it took longer than 120 s and was killed. Raise limitS');
  });

  it('fails no build for what is quarantined, and says why', () => {
    expect(at(`count(${test('late-commit')}/failure)`)).toBe('0');
    const message = at(`${test('late-commit')}/skipped/@message`);
    expect(message).toContain('quarantined until 2026-12-24: the firmware of board B answers late; a new one is ordered; failed');
    expect(at(`${test('real-firmware')}/skipped/@message`)).toBe('arm-none-eabi-gcc is not installed');
  });

  it('labels what failed once and did not the next time', () => {
    expect(at(`${test('users-walk')}/failure/@type`)).toBe('flaky');
    expect(at(`${test('users-walk')}/failure/@message`)).toContain('did not when it was played again');
    expect(at(`${test('cable-pulled')}/failure/@type`)).toBe('failed');
    // A seed that failed for good beside a flaky one is no matter of luck.
    const [flaky] = madeUpReport().cases.filter(({ flaky: is }) => is);
    const [failed] = madeUpReport().cases;
    const both = junitXml(madeUpReport([{ ...flaky, seeds: [...flaky.seeds, failed.seeds[1]] }]));
    expect(at('//failure/@type', both)).toBe('failed');
  });

  it('has what was under test among the properties of the suite, and the events in the output', () => {
    const property = (name: string): string => at(`//testsuite[@name='cable-pulled']//property[@name='${name}']/@value`);
    expect(property('seeds')).toBe('1 2 3');
    expect(property('tags')).toBe('faults link');
    expect(property('fact firmware')).toBe('reference 1.4');
    expect(property('digest of seed 2')).toMatch(/^[\da-z]{64}$/);
    expect(at("//property[@name='quantiser=array snrDb=10: seeds']/@value")).toBe('1 2 3');
    expect(at(`${test('users-walk')}/system-out`)).toContain(
      '3.020 s error panel-lost: panel 0 does not answer the link is opened again',
    );
  });

  it('holds every character that people and devices may have written', () => {
    const wild = 'a <b> & "c" \'d\' ]]> \u0000\u001b[31m\ud800 \ufffe tab\tline\nend\r 😀 é';
    const report = madeUpReport([
      caseOf('wild', { about: wild, verdict: 'failed', why: wild, tags: [wild], quarantined: undefined }),
    ]);
    const written = junitXml(report);
    expect(xmllint(written, '--noout', '--schema', SCHEMA)).toBe('');
    const read = 'a <b> & "c" \'d\' ]]> \\u{0}\\u{1b}[31m\\u{d800} \\u{fffe} tab\tline\nend\r 😀 é';
    expect(at('//failure/@message', written)).toBe(read);
    expect(at('//system-out', written)).toContain(read);
  });
});
