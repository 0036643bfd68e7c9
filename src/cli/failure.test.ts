/** How a command's failure reaches the terminal. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { failWith } from './failure.ts';

describe('a failure on the terminal', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    process.exitCode = 0;
  });

  it('keeps its own lines, and shows what a device put into them as what it is', () => {
    const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    failWith(
      new BeamrigError('link', 'two problems:\n  left: the panel is \u001b[2Jnobody', { wayOut: 'Attach \u0007 another.' }),
      false,
    );
    const said = write.mock.calls.map(([text]) => String(text)).join('');
    expect(said).toBe('beamrig: two problems:\n  left: the panel is \\x1b[2Jnobody\nWhat to do: Attach \\x07 another.\n');
    expect(process.exitCode).toBe(1);
  });
});
