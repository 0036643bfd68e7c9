/** Which networks a model builds for the bits that it is evaluated at, and one result of what each of them gave. */
import type { ModelCard } from '../../models/card.ts';
import type { PhaseBits } from '../../models/evaluation/channel-figures.ts';
import type { EvaluationResult, EvaluationRow } from '../../models/evaluation/evaluate.ts';

/** A network, and the bits that it is evaluated at. */
export interface NetworkAtBits {
  /** Q of the words that it chooses among; absent: it gives phases as if any could be shown. */
  readonly phaseBits?: number;
  readonly bits: readonly PhaseBits[];
  /** Where each of them stands in the list of all. */
  readonly places: readonly number[];
}

/** A row of a model that builds several networks says which it is of. */
export type NetworkRow = EvaluationRow & { phaseBits?: number };
export type NetworksResult = Omit<EvaluationResult, 'results'> & { results: readonly NetworkRow[] };

/** @param card of a model; a baseline has none */
export function networksAt(bits: readonly PhaseBits[], card: ModelCard | undefined, senses: boolean): NetworkAtBits[] {
  const most = senses ? 0 : (card?.mostPhaseBits ?? 0);
  const placed = bits.map((q, place) => ({ q, place }));
  const networkOf = (chosen: typeof placed): NetworkAtBits => ({
    bits: chosen.map(({ q }) => q),
    places: chosen.map(({ place }) => place),
  });
  const others = placed.filter(({ q }) => q === 'inf' || q > most);
  const words = placed.flatMap((one) => (one.q === 'inf' || one.q > most ? [] : [{ ...networkOf([one]), phaseBits: one.q }]));
  return [...(others.length === 0 ? [] : [networkOf(others)]), ...words];
}

/** Rows by SNR, then by bits in the order asked for. */
export function together(parts: readonly { network: NetworkAtBits; result: EvaluationResult }[]): NetworksResult {
  const placed = parts.flatMap(({ network: { phaseBits, places }, result: { results } }) =>
    results.map((row, i) => ({
      snr: Math.floor(i / places.length),
      place: places[i % places.length],
      row: { ...row, ...(phaseBits === undefined ? {} : { phaseBits }) },
    })),
  );
  placed.sort((a, b) => a.snr - b.snr || a.place - b.place);
  const powers = parts.map(({ result }) => result.power);
  return {
    ...parts[0].result,
    power: {
      leastRatio: Math.min(...powers.map(({ leastRatio }) => leastRatio)),
      mostRatio: Math.max(...powers.map(({ mostRatio }) => mostRatio)),
      scaled: powers.reduce((sum, { scaled }) => sum + scaled, 0),
    },
    results: placed.map(({ row }) => row),
  };
}
