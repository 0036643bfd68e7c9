import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HERE, PagePlaces, partyOf } from './page-places.ts';

describe('whose page it is', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1', undefined, HERE],
    ['::ffff:127.0.0.1', '::ffff:127.0.0.1', undefined, HERE],
    ['::1', '::1', undefined, HERE],
    ['10.0.0.5', '10.0.0.5', undefined, HERE], // by the machine's own name
    ['10.0.0.9', '10.0.0.5', undefined, '10.0.0.9'],
    ['::ffff:10.0.0.9', '::ffff:10.0.0.5', undefined, '10.0.0.9'],
    ['127.0.0.1', '127.0.0.1', '10.0.0.9', '10.0.0.9'],
    ['127.0.0.1', '127.0.0.1', '1.1.1.1, 10.0.0.9', '10.0.0.9'],
    ['127.0.0.1', '127.0.0.1', 'the director', HERE],
    ['10.0.0.9', '10.0.0.5', '127.0.0.1', '10.0.0.9'], // whoever comes from elsewhere may claim what he likes
    ['2001:db8:1:2:3:4:5:6', '2001:db8::1', undefined, '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8::1', undefined, '2001:db8:0:0::/64'],
    ['fe80::1:2%eth0', 'fe80::3', undefined, 'fe80:0:0:0::/64'],
  ])('%s to %s, forwarded for %s: %s', (remoteAddress, localAddress, forwardedFor, party) => {
    const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor };
    expect(partyOf({ remoteAddress, localAddress }, headers)).toBe(party);
  });
});

describe('places for pages', () => {
  it('may all be of one address, until another one asks', () => {
    const places = new PagePlaces<string>(4);
    for (const page of ['a1', 'a2', 'a3', 'a4']) expect(places.take(page, 'a')).toEqual({ taken: true });
    expect(places.take('a5', 'a')).toEqual({ taken: false });
    expect(places.take('b1', 'b'), 'the newest goes').toEqual({ taken: true, from: 'a4' });
    expect(places.take('b2', 'b')).toEqual({ taken: true, from: 'a3' });
    expect(places.take('b3', 'b'), 'as many as the other').toEqual({ taken: false });
    expect(places.take('a3', 'a'), 'and not back').toEqual({ taken: false });
  });

  it('change hands a few times only, whoever asks again and again, and this machine gets its own', () => {
    const asked = fc.array(fc.constantFrom('a', 'b', 'c', HERE), { maxLength: 60 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), asked, (most, parties) => {
        const places = new PagePlaces<number>(most);
        const held = new Map<number, string>();
        let page = 0;
        const ask = (party: string): boolean => {
          const { taken, from } = places.take(++page, party);
          if (from !== undefined) held.delete(from);
          if (taken) held.set(page, party);
          return from !== undefined;
        };
        for (const party of parties) ask(party);
        expect(held.size).toBeLessThanOrEqual(most);
        let handed = 0;
        for (let round = 0; round < 3 * most; round++) for (const party of ['a', 'b', 'c', HERE]) handed += Number(ask(party));
        expect(handed).toBeLessThanOrEqual(2 * most);
        expect([...held.values()].filter((party) => party === HERE).length).toBeGreaterThanOrEqual(Math.ceil(most / 8));
      }),
    );
  });
});
