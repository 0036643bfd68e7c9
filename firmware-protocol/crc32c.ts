/**
 * CRC-32C (Castagnoli): reflected polynomial 0x82f63b78, initial value and final XOR 0xffffffff; the check value of "123456789" is
 * 0xe3069283. It closes every frame, and over a beam's words it is how a whole beam is read back in four bytes.
 *
 * Eight bytes a step with eight tables ("slicing-by-8", Kounavis and Berry, ISCC 2005): one table lookup a byte without the chain of
 * dependent shifts that a single table has.
 */
const POLYNOMIAL = 0x82f63b78;

const TABLES = buildTables();
const T0 = TABLES[0];
const T1 = TABLES[1];
const T2 = TABLES[2];
const T3 = TABLES[3];
const T4 = TABLES[4];
const T5 = TABLES[5];
const T6 = TABLES[6];
const T7 = TABLES[7];

/**
 * CRC-32C of `bytes[start, end)`.
 * @returns unsigned 32 bits
 */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  let crc = -1;
  let i = start;
  for (; i + 8 <= end; i += 8) {
    const low = crc ^ (bytes[i] | (bytes[i + 1] << 8) | (bytes[i + 2] << 16) | (bytes[i + 3] << 24));
    crc =
      T7[low & 0xff] ^
      T6[(low >>> 8) & 0xff] ^
      T5[(low >>> 16) & 0xff] ^
      T4[low >>> 24] ^
      T3[bytes[i + 4]] ^
      T2[bytes[i + 5]] ^
      T1[bytes[i + 6]] ^
      T0[bytes[i + 7]];
  }
  for (; i < end; i += 1) crc = T0[(crc ^ bytes[i]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

/** Signed 32-bit entries: the engine keeps them in registers, where unsigned ones would become doubles. */
function buildTables(): Int32Array[] {
  const tables = Array.from({ length: 8 }, () => new Int32Array(256));
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[0][byte] = crc;
  }
  for (let slice = 1; slice < 8; slice += 1) {
    for (let byte = 0; byte < 256; byte += 1) {
      const previous = tables[slice - 1][byte];
      tables[slice][byte] = tables[0][previous & 0xff] ^ (previous >>> 8);
    }
  }
  return tables;
}
