/** What a lab would hand to `--channels`. */
import { writeFileSync } from 'node:fs';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { channelFileBytes } from '../../src/config/npy-writer.ts';

/** Of shape [n, K, N]. */
export function writeChannelFile(
  path: string,
  channels: readonly CMatrix[],
  dtype: 'complex64' | 'complex128' = 'complex128',
): void {
  writeFileSync(path, channelFileBytes(channels, dtype));
}
