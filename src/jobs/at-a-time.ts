/** Many things to be done, a few at a time. */

/**
 * Begins them in their order. Once one has failed nothing new is begun; what is begun is waited for.
 * @returns results in the order of the items
 * @throws that of the first item that failed
 */
export async function atATime<Item, Result>(
  parallel: number,
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const failures: { index: number; error: unknown }[] = [];
  let next = 0;
  const goOn = async (): Promise<void> => {
    while (next < items.length && failures.length === 0) {
      const index = next++;
      try {
        results[index] = await work(items[index], index);
      } catch (error) {
        failures.push({ index, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(parallel, items.length) }, goOn));
  if (failures.length > 0) throw failures.reduce((first, each) => (each.index < first.index ? each : first)).error;
  return results;
}
