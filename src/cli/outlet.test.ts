import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { LAST_OUTPUT, Outlet } from './outlet.ts';

/** A reader that takes nothing until it is told to. */
class SlowReader extends Writable {
  readonly lines: string[] = [];
  held = true;
  #waiting: (() => void)[] = [];

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    const take = (): void => {
      this.lines.push(String(chunk));
      done();
    };
    if (this.held) this.#waiting.push(take);
    else take();
  }

  read(): void {
    this.held = false;
    for (const take of this.#waiting.splice(0)) take();
  }
}

function held(most: number): { reader: SlowReader; outlet: Outlet } {
  const reader = new SlowReader();
  const outlet = new Outlet(reader, { isTerminal: false, columns: () => 80 });
  outlet.bound(most, (lines) => `left out ${lines}\n`);
  return { reader, outlet };
}

describe('an outlet whose reader does not read', () => {
  it('keeps what fits, leaves out the rest whole, and tells how much', async () => {
    const { reader, outlet } = held(30);
    for (let i = 0; i < 10; i++) outlet.write(`line ${i} 9\n`);
    reader.read();
    await outlet.drained();
    outlet.write('after\n');
    await outlet.drained();
    expect(reader.lines).toEqual(['line 0 9\n', 'line 1 9\n', 'line 2 9\n', 'left out 7\n', 'after\n']);
  });

  it('does not grow, whatever is printed', async () => {
    const { reader, outlet } = held(1000);
    for (let i = 0; i < 100_000; i++) {
      outlet.write(`event ${i}\n`);
      outlet.passing(`status ${i}\n`);
    }
    reader.read();
    await outlet.drained();
    expect(reader.lines.join('').length).toBeLessThanOrEqual(1000);
    expect(reader.lines.slice(0, 2)).toEqual(['event 0\n', 'event 1\n']);
  });

  it('leaves out states that the next one replaces as soon as anything waits', async () => {
    const { reader, outlet } = held(1000);
    outlet.passing('status 1\n'); // on its way
    outlet.passing('status 2\n');
    outlet.write('event\n');
    outlet.passing('status 3\n', false);
    reader.read();
    await outlet.drained();
    outlet.passing('status 4\n');
    await outlet.drained();
    expect(reader.lines).toEqual(['status 1\n', 'event\n', 'left out 1\n', 'status 4\n']);
  });

  it('keeps last words even where nothing else fits', async () => {
    const { reader, outlet } = held(10);
    outlet.write('0123456789');
    outlet.write('more\n');
    outlet.write('the end\n', 'last');
    reader.read();
    await outlet.drained();
    expect(reader.lines).toEqual(['0123456789', 'the end\n']);
  });

  it('is waited for no longer than was said', async () => {
    const { reader, outlet } = held(1000);
    outlet.write('nobody reads this\n');
    await outlet.drained({ ...LAST_OUTPUT, stalledMs: 50 });
    expect(reader.lines).toEqual([]);
    expect(outlet.failure).toBeUndefined();
  });
});

describe('an outlet that cannot be written', () => {
  const full = (): Writable =>
    new Writable({ write: (_chunk, _encoding, done) => done(Object.assign(new Error('no room'), { code: 'ENOSPC' })) });

  it('says so at once, once, and takes nothing more', async () => {
    const outlet = new Outlet(full(), { isTerminal: false, columns: () => 80 });
    const told: (string | undefined)[] = [];
    outlet.onFailure(({ code }) => told.push(code));
    outlet.write('one\n');
    expect(outlet.failure).toMatchObject({ code: 'ENOSPC' });
    expect(outlet.worked).toBe(false);
    outlet.write('two\n');
    await outlet.drained();
    expect(told).toEqual(['ENOSPC']);
  });

  it('is told to whoever is there for what nobody listens to', () => {
    const outlet = new Outlet(full(), { isTerminal: false, columns: () => 80 });
    const unheard: (string | undefined)[] = [];
    outlet.whenUnheard(({ code }) => unheard.push(code));
    outlet.write('one\n');
    expect(unheard).toEqual(['ENOSPC']);
  });
});
