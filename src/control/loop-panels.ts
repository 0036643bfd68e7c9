/** The panels that a loop runs on and their safe state, with the limits that follow from its rate: of silence, of cycles that are not good, of standing still. */
import type { RigEvent } from '../telemetry/cycle-record.ts';
import type { ActivePanel } from './active-panel-options.ts';
import { createActivePanel } from './active-panel.ts';
import { createArraySafety, type ArraySafety } from './array-safety.ts';
import type { ControlLoopOptions } from './loop-options.ts';
import { goodCycleAt, silenceMsAt } from './silence-limit.ts';
import { watchdogMsAt } from './watchdog.ts';

const DEADLINE_MS = 2000;

export function createLoopPanels(
  options: ControlLoopOptions,
  loop: { waitsFor: () => string; isRunning: () => boolean; tell: (event: Omit<RigEvent, 'timeNs'>) => void },
): { panels: ActivePanel; safety: ArraySafety } {
  const { rateHz, deadlineMs = DEADLINE_MS, transferMs = 0 } = options;
  const { watchdogMs = watchdogMsAt(rateHz, deadlineMs, transferMs) } = options;
  const { clock } = options.setting;
  const silenceMs = silenceMsAt(rateHz, deadlineMs);
  const panels = createActivePanel({
    first: options.panel,
    ...(options.otherPanel === undefined ? {} : { other: options.otherPanel }),
    fallBack: options.fallBack ?? false,
    reason: options.description.sourceReason,
    clock,
    random: options.random,
    safe: options.safe,
    silenceMs,
    goodCycle: goodCycleAt(silenceMs, transferMs, rateHz),
    tell: loop.tell,
    onSafe: () => safety.confirmed(),
  });
  const safety: ArraySafety = createArraySafety({
    clock,
    panels,
    safeState: options.safe.state,
    silenceMs,
    watchdogMs,
    ...loop,
  });
  return { panels, safety };
}
