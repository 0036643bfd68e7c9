import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodePoint, parseLine, type Point } from './line-protocol.ts';

describe('a line', () => {
  it('is written as InfluxDB documents it', () => {
    expect(
      encodePoint({
        measurement: 'weather report',
        tags: { location: 'us, mid=west' },
        fields: { temperature: 82, count: 3n, ok: true, note: 'too "hot" \\ today\nsaid she' },
        timeNs: 1465839830100400200n,
      }),
    ).toBe(
      'weather\\ report,location=us\\,\\ mid\\=west temperature=82,count=3i,ok=true,note="too \\"hot\\" \\\\ today said she" 1465839830100400200',
    );
  });

  it('leaves out what InfluxDB refuses: NaN, infinities and empty tags; without a field there is no line', () => {
    expect(encodePoint({ measurement: 'm', tags: { a: '' }, fields: { x: NaN, y: -Infinity, z: 1e-9 }, timeNs: 5n })).toBe(
      'm z=1e-9 5',
    );
    expect(encodePoint({ measurement: 'm', tags: {}, fields: { x: NaN, s: undefined }, timeNs: 5n })).toBeUndefined();
  });

  it.each([
    '',
    'm',
    'm x=1',
    'm x=1 now',
    'm x=1 5 6',
    'm x= 5',
    'm =1 5',
    'm x=1.5i 5',
    'm,a x=1 5',
    ',a=b x=1 5',
    'm x="un 5',
    'm x=nan 5',
  ])('%j is no point', (line) => expect(parseLine(line)).toBeUndefined());

  it('comes back as it was written, whatever the texts and numbers', () => {
    // What names cannot carry is replaced when written, so it is not asked back.
    const name = fc.string({ minLength: 1, maxLength: 12, unit: 'grapheme' }).filter((text) => !/[\\"\r\n\0]/.test(text));
    const text = fc.string({ maxLength: 20 }).filter((value) => !/[\r\n\0]/.test(value));
    const value = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
      fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }),
      fc.boolean(),
      text,
    );
    const point: fc.Arbitrary<Point> = fc.record({
      measurement: name,
      tags: fc.dictionary(name, name, { maxKeys: 3, noNullPrototype: true }),
      fields: fc.dictionary(name, value, { minKeys: 1, maxKeys: 4, noNullPrototype: true }),
      timeNs: fc.bigInt({ min: 0n, max: 2n ** 62n }),
    });
    fc.assert(
      fc.property(point, (written) => {
        const line = encodePoint(written);
        expect(line).not.toContain('\n');
        expect(parseLine(line ?? '')).toEqual(written);
      }),
    );
  });

  it('of any garbage ends in a point or in nothing', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 80, unit: fc.constantFrom(...'ab=,"\\ 1i.-\t') }), (line) => {
        const point = parseLine(line);
        if (point) expect(encodePoint(point)).toBeDefined();
      }),
      { numRuns: 2000 },
    );
  });
});
