/** Text files that are not UTF-8, as some editors and shells of Windows write them. */

/** By its mark, or by the zeros that ASCII letters have in it. */
export function wideEncoding(bytes: Uint8Array): string | undefined {
  const [a, b, c, d] = bytes;
  if (a === 0xff && b === 0xfe) return c === 0 && d === 0 ? 'UTF-32LE' : 'UTF-16LE';
  if (a === 0xfe && b === 0xff) return 'UTF-16BE';
  if (a === 0 && b === 0 && c === 0xfe && d === 0xff) return 'UTF-32BE';
  const start = bytes.subarray(0, 64);
  const zeros = (odd: number): number => start.filter((byte, index) => index % 2 === odd && byte === 0).length;
  const half = start.length / 2;
  if (half < 2) return undefined;
  if (zeros(1) > 0.8 * half && zeros(0) === 0) return 'UTF-16LE';
  if (zeros(0) > 0.8 * half && zeros(1) === 0) return 'UTF-16BE';
  return undefined;
}
