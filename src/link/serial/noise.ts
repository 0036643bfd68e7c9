/** Bytes from the other end of a line that are no frames: how many since the last good one, and how they begin. */

import type { Noise } from '../link.ts';

export interface NoiseWatch extends Noise {
  take(bytes: Uint8Array): void;
  clear(): void;
}

/** Enough to recognise a boot log, or a wrong baud rate. */
const KEPT_BYTES = 16;

export function watchNoise(): NoiseWatch {
  let count = 0;
  let beginning: Uint8Array = new Uint8Array(0);
  return {
    get bytes() {
      return count;
    },
    get beginning() {
      return beginning;
    },
    take: (bytes) => {
      count += bytes.length;
      const missing = KEPT_BYTES - beginning.length;
      if (missing > 0) beginning = Uint8Array.from([...beginning, ...bytes.subarray(0, missing)]);
    },
    clear: () => {
      count = 0;
      beginning = new Uint8Array(0);
    },
  };
}
