/** The objectives that a rig file or a command may name. A new one is a file beside this one, and a line here. */
import type { Objective } from '../beam-contract.ts';
import { minRateObjective } from './min-rate.ts';
import { sumRateObjective } from './sum-rate.ts';

export const OBJECTIVES = { 'sum-rate': sumRateObjective, 'min-rate': minRateObjective } as const satisfies Record<
  string,
  Objective
>;

export type ObjectiveName = keyof typeof OBJECTIVES;

export const OBJECTIVE_NAMES = Object.keys(OBJECTIVES) as [ObjectiveName, ...ObjectiveName[]];
