import { describe, expect, it } from 'vitest';
import { shownVariable } from './variable-name.ts';

describe('the name of a variable in a message', () => {
  it.each(['RIG_KEY', '_K', 'BENCH_PASSWORD_2', 'ABCDEF'])('is shown where it can only be a name: %s', (name) => {
    expect(shownVariable(name)).toBe(name);
  });

  it.each(['hunter2secret', 'A3F9'.repeat(16), 'a3f9'.repeat(8), 'correct horse', 'Tr0ub4dor', 'X'.repeat(65), ''])(
    'is not shown where it may be the secret: %s',
    (name) => {
      expect(shownVariable(name)).toBe('(not shown: it may be the secret itself)');
    },
  );
});
