/** What became of the rig and its array after something happened. */
import type { Check } from '../check-schema.ts';
import type { ActionSeen, ShownSeen, Story } from '../story.ts';
import { contains, type Found } from './found.ts';

type SafetyCheck = Extract<Check, { check: 'recovery' | 'safe-state' | 'ends' | 'answered' }>;

export function safetyChecks(check: SafetyCheck, story: Story): Found {
  if (check.check === 'ends') return ends(check, story);
  const action = story.actions.find(({ label }) => label === check.after);
  if (action === undefined)
    return { value: null, unit: 's', holds: false, says: `${check.after} never happened: the rig ended before` };
  if (check.check === 'answered') return answered(check, action);
  const fromS = action.endedS ?? action.beganS;
  return check.check === 'recovery' ? recovery(fromS, check.withinS, story) : safeState(check, action, story);
}

function recovery(fromS: number, withinS: number, { cycles }: Story): Found {
  const good = cycles.find(({ ok, atS }) => ok && atS >= fromS);
  if (good === undefined) return { value: null, unit: 's', holds: false, says: 'no good cycle came any more' };
  const value = good.atS - fromS;
  return { value, unit: 's', holds: value <= withinS, says: `good again after ${value.toFixed(3)} s, with cycle ${good.cycle}` };
}

/** Counted from where the entry began: what it brings about need not wait for its end. */
function safeState(
  { state, withinS, panel }: Extract<Check, { check: 'safe-state' }>,
  { beganS }: ActionSeen,
  story: Story,
): Found {
  if (!story.seen.shown) return { value: null, unit: 's', holds: undefined, says: 'nobody sees what panels show on this bench' };
  const panels = panel === undefined ? Array.from({ length: story.panels }, (_, i) => i) : [panel];
  const times = panels.map((each) =>
    reachedS(
      state,
      beganS,
      story.shown.filter((shown) => shown.panel === each),
    ),
  );
  const never = times.findIndex((time) => time === undefined);
  if (never >= 0) return { value: null, unit: 's', holds: false, says: `panel ${panels[never]} was never ${state} after it` };
  const value = Math.max(...times.map((time) => time ?? 0));
  return { value, unit: 's', holds: value <= withinS, says: `${state} after ${value.toFixed(3)} s` };
}

/** @returns how long after `fromS` the panel was in the state */
function reachedS(state: 'dark' | 'codeword' | 'held', fromS: number, shown: readonly ShownSeen[]): number | undefined {
  const what = state === 'held' ? 'beam' : state;
  const before = shown.findLast(({ atS }) => atS <= fromS);
  if ((before?.what ?? 'dark') === what) return 0;
  const next = shown.find((each) => each.atS > fromS && each.what === what);
  return next && next.atS - fromS;
}

function ends({ as, code, says }: Extract<Check, { check: 'ends' }>, { end }: Story): Found {
  const told = [end.as, end.code, end.reason].filter((part) => part !== undefined && part !== '').join(': ');
  const holds = end.as === as && (code === undefined || end.code === code) && contains(end.reason ?? '', says);
  return { value: null, unit: '', holds, says: `it ended ${told}` };
}

function answered({ as, says }: Extract<Check, { check: 'answered' }>, { answer }: ActionSeen): Found {
  if (answer === undefined) return { value: null, unit: '', holds: false, says: 'it was not answered' };
  const reason = answer.ok ? '' : answer.reason;
  const holds = answer.ok === (as === 'done') && contains(reason, says);
  return { value: null, unit: '', holds, says: answer.ok ? 'it was done' : `it was refused: ${reason}` };
}
