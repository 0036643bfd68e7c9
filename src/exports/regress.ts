/**
 * `import { regress } from 'beamrig'`: scenarios played on rigs and judged, from a program of one's own (docs/regression.md, "From code").
 *
 * What stands here is what others may rely on; all else of the package may change with any version.
 */
export { BeamrigError, isBeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';
export type { RigInput } from '../config/rig-file.ts';
export { regress, type RegressNotice, type RegressOptions, type RegressProgress } from '../regression/from-code.ts';
export { hasFailures } from '../regression/reports/outcome.ts';
export { readReport } from '../regression/reports/report-json.ts';
export type {
  AcrossResult,
  Attempt,
  CaseResult,
  CheckResult,
  Comparison,
  Report,
  SeedResult,
  StorySummary,
  Totals,
  Verdict,
} from '../regression/results.ts';
export type { ScenarioInput as Scenario } from '../regression/scenario-schema.ts';
