import { expect, it } from 'vitest';
import { pageFlags } from './page.ts';

const usual = { channels: 200, output: 'page.md' };

it('takes the usual channels, those that are asked for, or twenty for a look', () => {
  expect(pageFlags(usual, [])).toEqual({ channels: 200, seed: 1, output: 'page.md' });
  expect(pageFlags(usual, ['--channels', '7', '--seed', '0', '--output', 'other.md'])).toEqual({
    ...{ channels: 7, seed: 0, output: 'other.md' },
  });
  expect(pageFlags(usual, ['--quick']).channels).toBe(20);
});

it('refuses what no mean and no draw can be made of, by flag and value', () => {
  for (const text of ['1', '-5', '2.5', 'many', ''])
    expect(() => pageFlags(usual, [`--channels=${text}`])).toThrow(`--channels ${text}: not a whole number from 2 on`);
  expect(() => pageFlags(usual, ['--seed=x'])).toThrow('--seed x: not a whole number from 0 on');
});
