/** What a rig file or a command may ask of a beam, a line each, and what it means; in a file of its own because `--help` loads nothing else. */
export const OBJECTIVE_MEANINGS = {
  'sum-rate': 'the rates of all users together',
  'min-rate': 'the rate of the user who has the least',
  'rate-sensing': 'the sum rate, less ω times the distance from the covariance that `sensing` wishes for',
} as const;

export type ObjectiveName = keyof typeof OBJECTIVE_MEANINGS;

export const OBJECTIVE_NAMES = Object.keys(OBJECTIVE_MEANINGS) as [ObjectiveName, ...ObjectiveName[]];
