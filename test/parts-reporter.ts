/**
 * Says at the end, by name, which tests were not run for want of a system part, and closes with one line a machine can read:
 * `N passed, N failed, N skipped`. With BEAMRIG_REQUIRE_ALL_PARTS=1 (the project's own check) a test that was not run is a failure.
 */
import type { Reporter, TestModule } from 'vitest/node';

export default class PartsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    let passed = 0;
    let failed = unhandledErrors.length;
    const notRun: string[] = [];
    for (const module of modules) {
      const tests = [...module.children.allTests()];
      // A file that could not be loaded has no tests to count, yet nothing of it was shown to work.
      if (tests.length === 0 && module.state() === 'failed') failed += 1;
      for (const test of tests) {
        const { state } = test.result();
        if (state === 'passed') passed += 1;
        else if (state === 'failed') failed += 1;
        else notRun.push(`${module.relativeModuleId}: ${test.fullName}`);
      }
    }
    if (notRun.length > 0) {
      console.log(`\nNot run (${notRun.length}); what is missing stands in [brackets], README says how to install it:`);
      for (const name of notRun) console.log(`  - ${name}`);
    }
    console.log(`\n${passed} passed, ${failed} failed, ${notRun.length} skipped`);
    if (notRun.length > 0 && process.env['BEAMRIG_REQUIRE_ALL_PARTS'] === '1') {
      console.log('Every part is required here, so a test that was not run is a failure.');
      process.exitCode = 1;
    }
  }
}
