import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

// Nothing is taken from, or left in, the cache of whoever runs the tests.
const cache = mkdtempSync(join(tmpdir(), 'beamrig-test-cache-'));
process.once('exit', () => rmSync(cache, { recursive: true, force: true }));

export default defineConfig({
  test: {
    include: ['{core,firmware-protocol,models,calibration,sounding,hil-sim,src,test,scripts,bench,dashboard}/**/*.test.ts'],
    // Two cores are the reference machine: more workers only add contention to tests that talk to real processes.
    maxWorkers: 2,
    testTimeout: 30_000,
    env: { XDG_CACHE_HOME: cache },
    reporters: ['default', './test/parts-reporter.ts'],
    coverage: {
      provider: 'v8',
      include: ['{core,firmware-protocol,models,calibration,sounding,hil-sim,src}/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary', 'json-summary'],
    },
  },
});
