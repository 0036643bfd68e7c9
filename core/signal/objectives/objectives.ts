/** The objectives by name: a file beside this one each, a line here and one in objective-names.ts. docs/recipes.md says how one is added. */
import type { Objective } from '../beam-contract.ts';
import { minRateObjective } from './min-rate.ts';
import type { ObjectiveName } from './objective-names.ts';
import { rateSensingObjective } from './rate-sensing.ts';
import { sumRateObjective } from './sum-rate.ts';

export const OBJECTIVES: Readonly<Record<ObjectiveName, Objective>> = {
  'sum-rate': sumRateObjective,
  'min-rate': minRateObjective,
  'rate-sensing': rateSensingObjective,
};
