import { describe, expect, it } from 'vitest';
import { refusalOf } from './same-origin.ts';

const own = { host: '127.0.0.1', allowedHosts: ['lab.example', 'Rigs.Example:8443'] };

describe('who may talk to the server', () => {
  it.each([
    ['its address', '127.0.0.1:8080', undefined],
    ['its page', '127.0.0.1:8080', 'http://127.0.0.1:8080'],
    ['any of its addresses', '[::1]:8080', 'http://[::1]:8080'],
    ['an allowed name', 'lab.example', undefined],
    ['an allowed name on another port', 'lab.example:9000', 'http://lab.example:9000'],
    ['a proxy that keeps the name', 'lab.example', 'https://lab.example'],
    ['a proxy that keeps the name and port', 'lab.example:8443', 'https://lab.example:8443'],
    ['a proxy that does not keep the name', '127.0.0.1:8080', 'https://lab.example'],
    ['a proxy that does not keep the name, on a port', '127.0.0.1:8080', 'http://LAB.example:8000'],
    ['a name allowed with its port', 'rigs.example:8443', 'https://rigs.example:8443'],
    ['that, not kept by the proxy', '127.0.0.1:8080', 'https://rigs.example:8443'],
  ])('%s', (_who, host, origin) => {
    expect(refusalOf({ host, origin }, own)).toBeUndefined();
  });

  it.each([
    ['a name of a stranger', 'evil.example', undefined],
    ['a name that ends like an allowed one', 'evil-lab.example', undefined],
    ['a name below an allowed one', 'evil.lab.example', undefined],
    ['another port of a name allowed with one', 'rigs.example', 'http://rigs.example'],
    ['another scheme on its default port', '127.0.0.1:8080', 'https://rigs.example'],
    ['a page of a stranger', '127.0.0.1:8080', 'https://evil.example'],
    ['a page of a stranger at an allowed name', 'lab.example', 'https://evil.example'],
    ['a page of nobody', '127.0.0.1:8080', 'null'],
    ['a page of another port', '127.0.0.1:8080', 'http://127.0.0.1:9090'],
    ['a page of another scheme', '127.0.0.1:8080', 'https://127.0.0.1:8080'],
    ['an origin with a name in it', '127.0.0.1:8080', 'http://lab.example@evil.example'],
    ['an origin with a path', '127.0.0.1:8080', 'http://evil.example/lab.example'],
    ['nobody', undefined, undefined],
    ['an empty name', '', undefined],
  ])('not %s', (_who, host, origin) => {
    expect(refusalOf({ host, origin }, own)).toContain('dashboard.allowedHosts');
  });

  it('repeats no more of what a stranger sent than can be read', () => {
    expect(refusalOf({ host: 'x'.repeat(10_000) }, own)?.length).toBeLessThan(400);
  });

  it('believes no header that anybody can send', () => {
    expect(refusalOf({ host: 'evil.example', 'x-forwarded-host': 'lab.example' }, own)).toBeDefined();
  });
});
