import { expect, it } from 'vitest';
import { table } from './table.ts';

it('keeps text of strangers in its place', () => {
  expect(table(['port', 'panel'], [['beamrig/panels/\u001b[31mFAKE\n', 'x']]).split('\n')).toEqual([
    'port                             panel',
    'beamrig/panels/\\x1b[31mFAKE\\x0a  x',
  ]);
});
