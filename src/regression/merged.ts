/** Keys of one block put over those of another. */
const isBlock = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Blocks key by key; all else as a whole. null takes a key away. */
export function merged(base: Record<string, unknown>, otherwise: Record<string, unknown>): Record<string, unknown> {
  const out: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(otherwise)) {
    if (value === null) delete out[key];
    else if (isBlock(value)) out[key] = merged(isBlock(out[key]) ? out[key] : {}, value);
    else out[key] = value;
  }
  return out;
}
