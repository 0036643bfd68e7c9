/** Where the figures of a page are from. */
import { availableParallelism, cpus } from 'node:os';
import type { ModelCard } from '../card.ts';

/** Of other trainers, what their card says. */
export const untrained = (training: string): string => (training === 'none' ? 'untrained' : training);

/** What a model is, and how it was made. */
export function provenance({ title, training }: ModelCard): string {
  if (typeof training === 'string') return `${title}; ${untrained(training)}`;
  return `${title}; best epoch ${training.bestEpoch} of ${training.epochs} (0 is the start); \`${training.command}\``;
}

export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? 'unknown processor';
  return `${availableParallelism()} cores of ${model}, Node ${process.version}`;
}
