import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Nothing is taken from, or left in, the cache of whoever runs the tests.
const cache = mkdtempSync(join(tmpdir(), 'beamrig-test-cache-'));
process.once('exit', () => rmSync(cache, { recursive: true, force: true }));

/**
 * Tests that start programs or threads, listen, or put something in the place of what Node has: each file gets a process of its own. All
 * others leave nothing behind in theirs, and run one file after the other in the same one, which has loaded their modules, and has the
 * machine code for them, from the first file on.
 */
const OWN_PROCESS = [
  '{src/{beamforming,cli,control,link,regression,rig,server},models,firmware-protocol,test,scripts}/**/*.test.ts',
];
const ALL = ['{core,firmware-protocol,models,calibration,sounding,hil-sim,src,test,scripts,bench,dashboard}/**/*.test.ts'];

/** The long ones first, and last those of which many are short: then neither worker waits for the other at the end. */
class OwnProcessFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isShared = ({ project }: TestSpecification): boolean => !project.config.isolate;
    return [...sorted.filter((file) => !isShared(file)), ...sorted.filter(isShared)];
  }
}

export default defineConfig({
  test: {
    // Two cores are the reference machine: more workers only add contention to tests that talk to real processes.
    maxWorkers: 2,
    testTimeout: 30_000,
    env: { XDG_CACHE_HOME: cache },
    reporters: ['default', './test/parts-reporter.ts'],
    sequence: { sequencer: OwnProcessFirst },
    projects: [
      { extends: true, test: { name: 'shared', include: ALL, exclude: OWN_PROCESS, isolate: false } },
      { extends: true, test: { name: 'own', include: OWN_PROCESS } },
    ],
    coverage: {
      provider: 'v8',
      include: ['{core,firmware-protocol,models,calibration,sounding,hil-sim,src}/**/*.ts'],
      exclude: ['**/*.test.ts'],
      reporter: ['text-summary', 'json-summary'],
    },
  },
});
