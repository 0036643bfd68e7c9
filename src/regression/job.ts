/** One playing of a case with one seed, as plain data: it goes to another process, or to another machine, and an attempt comes back. */
import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { elementsOf, checkRig } from '../config/rig-file.ts';
import { readChannelFile } from '../config/channel-file.ts';
import { checkStory, type CheckSetting } from './checks/check-story.ts';
import { playOnce } from './play.ts';
import type { Attempt, CheckResult, StorySummary, Verdict } from './results.ts';
import type { Case, Scenario } from './scenario.ts';
import { timeOf } from './time-of.ts';
import { rulesOf } from './verdicts/across.ts';
import type { CycleSeen, Story } from './story.ts';

export interface Job {
  scenario: Scenario;
  one: Case;
  seed: number;
  /** Where the run writes its records: a folder of its own. */
  runFolder: string;
  golden?: CheckSetting['golden'];
  /** Words are wanted back, for a golden to be written. */
  wantsWords?: boolean;
  /** Rig file of attached hardware that it is played on. */
  hardware?: string;
}

/** What a job answers with: the attempt, and words where they were wanted. */
export type Played = Attempt & { words?: Uint16Array[] };

/** Never throws: what goes wrong is an attempt, too. */
export async function playJob(job: Job): Promise<Played> {
  const began = performance.now();
  const times = (): Attempt['times'] => ({ seconds: (performance.now() - began) / 1000 });
  try {
    const { scenario, one, seed, runFolder, golden, hardware } = job;
    const checks = scenario.text.expect;
    const wanted = Math.max(0, ...checks.map((check) => (check.check === 'words' ? check.cycles : 0)));
    const story = await playOnce(
      {
        ...{ scenario, one, seed, runFolder, realTime: timeOf(scenario, one) === 'real', ...channelsOf(job) },
        ...(hardware === undefined ? {} : { hardware }),
      },
      wanted,
    );
    const results = checkStory(checks, story, golden === undefined ? {} : { golden });
    return {
      ...{ verdict: verdictOf(results, scenario), checks: results, story: summaryOf(story), times: times() },
      digest: timeOf(scenario, one) === 'virtual' && hardware === undefined ? digestOf(story) : null,
      ...{ facts: story.facts, runFolder: story.runFolder },
      ...(job.wantsWords === true ? { words: story.words } : {}),
    };
  } catch (error) {
    return { ...failedAttempt(error), times: times() };
  }
}

/** Of one that did not come to its end, or could not be begun here. */
export function failedAttempt(error: unknown): Omit<Attempt, 'times'> {
  if (isBeamrigError(error) && error.code === 'bench-part') {
    return { verdict: 'skipped', checks: [], digest: null, facts: {}, skipped: `${error.message} ${error.wayOut ?? ''}`.trim() };
  }
  const { code, message, wayOut } = isBeamrigError(error)
    ? error
    : { code: 'internal', message: error instanceof Error ? (error.stack ?? error.message) : String(error), wayOut: undefined };
  return {
    ...{ verdict: 'error', checks: [], digest: null, facts: {} },
    error: { code, message, ...(wayOut === undefined ? {} : { wayOut }) },
  };
}

function channelsOf({ scenario, one }: Job): Pick<Parameters<typeof playOnce>[0], 'channels'> {
  const { channels } = scenario.text;
  if (channels === undefined) return {};
  const checked = checkRig(one.rig, scenario.rigFolder);
  const expected = 'rig' in checked ? { expected: { users: checked.rig.users.count, elements: elementsOf(checked.rig) } } : {};
  return { channels: readChannelFile(resolve(scenario.folder, channels.file), { ...channels, ...expected }).channels };
}

/**
 * Skipped where nothing but what must hold of every run could be looked at, though something was asked. What is judged across seeds says nothing of
 * one of them.
 */
function verdictOf(results: readonly CheckResult[], { text }: Scenario): Verdict {
  const each = new Set(rulesOf(text.expect).flatMap(({ name, across }) => (across === 'every' ? [name] : [])));
  if (results.some(({ name, verdict }) => verdict === 'failed' && each.has(name))) return 'failed';
  const [, ...asked] = results;
  return asked.length > 0 && asked.every(({ verdict }) => verdict === 'skipped') ? 'skipped' : 'passed';
}

/** Points that a series has at most: more, nobody sees. */
const MOST_POINTS = 240;
const MOST_EVENTS = 200;

function summaryOf(story: Story): StorySummary {
  const { cycles, events, actions, shown, end } = story;
  const stride = Math.max(1, Math.ceil(cycles.length / MOST_POINTS));
  const points = cycles.filter((_, i) => i % stride === 0);
  const figures = (of: (cycle: CycleSeen) => number): (number | null)[] => points.map((cycle) => rounded(of(cycle)));
  const rate = (kind: keyof CycleSeen['sumRate']) => figures(({ ok, sumRate }) => (ok ? sumRate[kind] : NaN));
  return {
    cycles: cycles.length,
    voidCycles: cycles.filter(({ ok }) => !ok).length,
    sumRate: {
      atS: points.map(({ atS }) => rounded(atS) ?? 0),
      ...{ measured: rate('measured'), predicted: rate('predicted'), true: rate('true') },
      worstDb: figures(({ ok, sinrDb }) => (ok ? Math.min(...sinrDb.measured) : NaN)),
    },
    events: events.slice(0, MOST_EVENTS).map(({ atS, level, code, message, action }) => ({
      ...{ atS: rounded(atS) ?? 0, level, code, message },
      ...(action === undefined ? {} : { action }),
    })),
    actions: actions.map(({ label, beganS, endedS, answer, skipped }) => ({
      ...{ label, beganS: rounded(beganS) ?? 0 },
      ...(endedS === undefined ? {} : { endedS: rounded(endedS) ?? 0 }),
      ...(answer === undefined ? {} : { answer: answer.ok ? 'done' : answer.reason }),
      ...(skipped === undefined ? {} : { skipped }),
    })),
    shown: shown.map(({ atS, panel, what }) => ({ atS: rounded(atS) ?? 0, panel, what })),
    end: {
      as: end.as,
      ...(end.code === undefined ? {} : { code: end.code }),
      ...(end.reason === undefined ? {} : { reason: end.reason }),
    },
  };
}

const rounded = (value: number): number | null => (Number.isFinite(value) ? Number(value.toPrecision(7)) : null);

/** Of everything that virtual time plays again the same, to the last bit. */
function digestOf({ cycles, events, actions, shown, words, end }: Story): string {
  const hash = createHash('sha256');
  for (const { cycle, atS, ok, beamId, failure = '', sinrDb, sumRate, zfSumRate } of cycles) {
    hash.update(JSON.stringify([cycle, atS, ok, beamId, failure, sumRate, zfSumRate]));
    for (const each of [sinrDb.measured, sinrDb.predicted, sinrDb.true])
      hash.update(Buffer.from(each.buffer, each.byteOffset, each.byteLength));
  }
  for (const each of words) hash.update(Buffer.from(each.buffer, each.byteOffset, each.byteLength));
  return hash.update(JSON.stringify([events, actions, shown, end])).digest('hex');
}
