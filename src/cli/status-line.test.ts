import { expect, it } from 'vitest';
import { statusText, type RigStatus } from './status-line.ts';

const statusOf = (measuredSnrDb: (number | null)[], predictedSnrDb: (number | null)[]): string =>
  statusText({
    ...{ type: 'status', state: 'running', source: 'simulator', channelSource: 'simulation', cycle: 7, cyclesPerSecond: 20 },
    channelAgeSlots: null,
    ...{ slow: null, void: 0, measuredSumRate: 25.12, zfSumRate: 29.3, cycleMs: 1, model: 'aligned', phaseBits: 6 },
    ...{ measuredSnrDb, predictedSnrDb },
  } satisfies RigStatus);

it('the status line has a figure for each user, or of many the least, the median and the greatest', () => {
  expect(statusOf([12.1, 11.8], [12, null])).toBe(
    'SIMULATOR  cycle 7  20.0/s  void 0  SNR 12.1 11.8 dB (predicted 12.0 –)  25.1 bit/s/Hz (ZF 29.3)',
  );
  const many = Array.from({ length: 256 }, (_, user) => ((7 * user) % 256) - 60);
  const text = statusOf(
    many,
    many.map((db) => (db < 0 ? null : db)),
  );
  expect(text).toContain('SNR of 256 users -60.0 … 68.0 … 195.0 dB (predicted of 196 of 256 users 0.0 … 98.0 … 195.0)');
  expect(statusOf(many.map(() => null), many)).toContain('SNR of 0 of 256 users – … – … – dB'); // prettier-ignore
});
