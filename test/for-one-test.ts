/** A folder and whatever else a test opens: gone when it ends, the last thing first. Called once in a file, outside of tests. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';

export interface ForOneTest {
  /** Only inside of tests. */
  readonly folder: string;
  /** @returns the thing, which is closed when the test ends */
  readonly later: <Thing>(thing: Thing, close: (thing: Thing) => unknown) => Thing;
}

export function forOneTest(name: string): ForOneTest {
  let folder = '';
  const atEnd: (() => unknown)[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), `beamrig-${name}-`));
  });
  afterEach(async () => {
    for (const close of atEnd.splice(0).reverse()) await close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    get folder() {
      return folder;
    },
    later(thing, close) {
      atEnd.push(() => close(thing));
      return thing;
    },
  };
}
