/** Whether a case can be played on virtual time: no process, no broker and no page takes part that has a time of its own. */
import type { Case, Scenario } from './scenario.ts';

export function timeOf({ text: { parts } }: Pick<Scenario, 'text'>, { carrier }: Pick<Case, 'carrier'>): 'virtual' | 'real' {
  return carrier === 'loopback' && !parts.database && parts.pages === 0 ? 'virtual' : 'real';
}
