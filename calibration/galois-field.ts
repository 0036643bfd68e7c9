/**
 * Arithmetic in GF(2^Q), on which orthogonal arrays stand: elements are words of Q bits, their sum is XOR, and they are multiplied as
 * polynomials over GF(2) modulo a primitive one.
 *
 * Source of the polynomials: Lin and Costello, Error Control Coding, 2nd ed., table 2.7.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';

/** Without the term of degree Q; index = Q. */
const PRIMITIVE = [0, 1, 3, 3, 3, 5, 3, 9, 0x1d, 0x11, 9, 5, 0x53, 0x1b, 0x443, 3, 0x100b];

/**
 * The product in GF(2^Q) of two words.
 * @param bits Q, 1 … 16
 * @throws {BeamrigError} 'argument' when Q is out of range
 */
export function galoisProduct(bits: number): (a: number, b: number) => number {
  if (!Number.isInteger(bits) || bits < 1 || bits > 16) {
    throw new BeamrigError('argument', `no field of 2^${bits} words here`, { wayOut: 'choose 1 to 16 bits' });
  }
  const size = 2 ** bits;
  const powers = new Uint16Array(2 * size); // of the primitive element, twice round
  const logs = new Uint16Array(size);
  for (let power = 0, value = 1; power < size - 1; power++) {
    powers[power] = powers[power + size - 1] = value;
    logs[value] = power;
    value <<= 1;
    if (value >= size) value = (value ^ PRIMITIVE[bits]) & (size - 1);
  }
  return (a, b) => (a === 0 || b === 0 ? 0 : powers[logs[a] + logs[b]]);
}
