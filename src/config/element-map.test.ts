import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mapProblems, parseElements, rangesText } from './element-map.ts';

/** Elements of an array dealt out to links in any order, none left out. */
const partition = fc.integer({ min: 1, max: 64 }).chain((total) =>
  fc
    .record({
      order: fc.shuffledSubarray(
        Array.from({ length: total }, (_, n) => n),
        { minLength: total, maxLength: total },
      ),
      links: fc.integer({ min: 1, max: Math.min(total, 6) }),
      cuts: fc.array(fc.nat(), { minLength: 5, maxLength: 5 }),
    })
    .map(({ order, links, cuts }) => {
      const places = [...new Set(cuts.slice(0, links - 1).map((cut) => 1 + (cut % Math.max(total - 1, 1))))].filter(
        (at) => at < total,
      );
      const edges = [0, ...places.sort((a, b) => a - b), total];
      return { total, parts: edges.slice(1).map((end, i) => order.slice(edges[i], end)) };
    }),
);
const named = (parts: number[][]) => parts.map((elements, i) => ({ label: `links[${i}]`, elements }));

describe('the element map', () => {
  it('takes any way of dealing all elements out, each to one link', () => {
    fc.assert(
      fc.property(partition, ({ total, parts }) => {
        expect(mapProblems(named(parts), total)).toEqual([]);
      }),
    );
  });

  it('refuses any hole, naming the element', () => {
    fc.assert(
      fc.property(partition, fc.nat(), ({ total, parts }, pick) => {
        const lost = pick % total;
        const holed = parts.map((part) => part.filter((element) => element !== lost));
        expect(mapProblems(named(holed), total)).toEqual([expect.stringMatching(new RegExp(`^element ${lost} is on no link`))]);
      }),
    );
  });

  it('refuses any overlap, naming the element and both links', () => {
    fc.assert(
      fc.property(partition, fc.nat(), ({ total, parts }, pick) => {
        fc.pre(parts.length > 1);
        const [from, to] = [pick % parts.length, (pick + 1) % parts.length];
        const doubled = parts[from][0];
        const overlapping = parts.map((part, i) => (i === to ? [...part, doubled] : part));
        const [one, other] = [from, to].sort((a, b) => a - b);
        expect(mapProblems(named(overlapping), total)).toEqual([
          `element ${doubled} is on both links[${one}] and links[${other}]`,
        ]);
      }),
    );
  });

  it('reads what it writes, and ranges that count down', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1 }), (numbers) => {
        const ascending = numbers.sort((a, b) => a - b);
        expect(parseElements(rangesText(ascending))).toEqual({ ok: true, elements: ascending });
      }),
    );
    expect(parseElements(['3-0', 5], 8)).toEqual({ ok: true, elements: [3, 2, 1, 0, 5] });
  });

  it.each([
    ['0-8', 'element of this array; allowed: 0 to 7'],
    [['0-3', 2], 'element 2 is named twice'],
    ['0-', '"0-" is no element and no range'],
    [[-1], '"-1" is no element and no range'],
    ['', 'is no element and no range'],
    [[], 'names no element'],
  ])('refuses %j', (text, problem) => {
    expect(parseElements(text, 8)).toMatchObject({ ok: false, problem: expect.stringContaining(problem) as string });
  });
});
