import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { CliFolder } from '../../test/cli.ts';

const folder = new CliFolder();
afterAll(() => folder.remove());
writeFileSync(join(folder.path, 'a-file'), 'mine');
writeFileSync(
  join(folder.path, 'short.yaml'),
  `name: short
about: A test.
rig:
  name: small
  array: { geometry: { kind: ula, elements: 16 }, rfChains: 2, phaseBits: 6 }
  users: { count: 2 }
  beamformer: { model: aligned }
seconds: 1
`,
);

it.each([
  ['--output', 'a-file'],
  ['--output', 'a-file/below'],
  ['--keep', 'a-file'],
])('says before anything is played that nothing can be written at %s %s', async (option, path) => {
  const { code, stdout, stderr } = await folder.beamrig('regress', 'short.yaml', option, path);
  expect(code).toBe(2);
  expect(stderr).toContain(`${option} ${path}: nothing can be written there`);
  expect(stdout + stderr).not.toContain('passed');
});
