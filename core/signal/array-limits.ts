/** The largest rigs that there can be, for whoever reads sizes that people write. */

/** N: a panel's elements are numbered with 16 bits, and so is how many it has (PROTOCOL.md, `capabilities`). */
export const MOST_ELEMENTS = 65_535;
/** M, and therefore K, which needs a chain for each user. */
export const MOST_RF_CHAINS = 256;
