import { STAGES, STAGES_BEFORE_PANELS, type Stage } from '../src/telemetry/cycle-record.ts';

/** What the panels and the way to them took of a cycle, ms. */
export const panelsMs = (stageMs: Readonly<Record<Stage, number>>): number =>
  STAGES.reduce((sum, stage) => (STAGES_BEFORE_PANELS.has(stage) ? sum : sum + stageMs[stage]), 0);
