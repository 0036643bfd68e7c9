import { describe, expect, it } from 'vitest';
import { fromParts } from '../../core/signal/complex-matrix.ts';
import { parseRigFile } from '../config/rig-file.ts';
import { requireNoMorePower } from './kept-beam.ts';

const rig = parseRigFile(
  `name: bench
array: { geometry: { kind: ula, elements: 2 }, rfChains: 1, phaseBits: 4 }
users: { count: 1 }
beamformer: { model: aligned }
snrDb: 10
`,
  'rig.yaml',
);
const kept = { cycle: 3, elements: 2, rfChains: 1, users: 1, phaseBits: 4 };

/** ‖A·D‖² = 2·|d|² on two elements. */
const send = (d: number): void =>
  requireNoMorePower(kept, { words: Uint16Array.of(0, 5), digital: fromParts(1, 1, [d], [0]) }, rig);

describe('a kept beam on its way to an array', () => {
  it.each([Math.sqrt(5), 1, 0])('goes with the power that the rig may radiate, and with less: D = %f', (d) => {
    expect(() => send(d)).not.toThrow();
  });

  it.each([
    [Math.sqrt(5.01), 'the beam has more power than', 'Set snrDb'],
    [Infinity, 'no number', 'Send another cycle'],
    [NaN, 'no number', 'Send another cycle'],
  ])('is refused with more, and with weights that are none: D = %f', (d, message, wayOut) => {
    expect(() => send(d)).toThrow(
      expect.objectContaining({
        code: 'rig-file',
        message: expect.stringContaining(message) as string,
        wayOut: expect.stringContaining(wayOut) as string,
      }),
    );
  });
});
