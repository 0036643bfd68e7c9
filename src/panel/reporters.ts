/**
 * Who reports which users of an array: boards with receivers only (role user) those whom they hear, a panel of the array the rest; and their reports
 * put together as one.
 *
 *   receivers of users 0 and 1 ─┐
 *   receivers of user 2 ────────┼─► one report on all users
 *   a panel of the array ───────┘
 */
import { counted } from '../../core/errors/counted.ts';
import { userIndex, type UserIndex, type UserRun } from '../../core/signal/indices.ts';
import type { BeamId, Feature } from '../../firmware-protocol/messages.ts';
import { unheardUsers } from './measurement.ts';
import type { ArrayMember, MeasuredSnr, PanelFailure, Result } from './panel.ts';

/** A board with receivers only, and whom it is to report. */
export interface Receivers {
  panel: ArrayMember;
  users: UserRun;
}

export interface Reporter {
  panel: ArrayMember;
  /** First user of its readings. */
  firstUser: number;
  /** Those of them that are taken. */
  users: readonly number[];
}

/** @param users of the array */
export function snrReporters(
  members: readonly ArrayMember[],
  receivers: readonly Receivers[],
  users: number,
): Result<readonly Reporter[]> {
  const reporters = receivers
    .filter(({ panel }) => has(panel, 'snr-report'))
    .map(({ panel, users: run }): Reporter => {
      const { firstUser, count } = run;
      return { panel, firstUser, users: Array.from({ length: count }, (_, i) => firstUser + i) };
    });
  const rest = Array.from({ length: users }, (_, user) => user).filter(
    (user) => !reporters.some((one) => one.users.includes(user)),
  );
  if (rest.length === 0 && reporters.length > 0) return { ok: true, value: reporters };
  const panel = members.find((one) => has(one, 'snr-report'));
  if (panel === undefined) return { ok: false, failure: nobody('measure-snr', 'snr-report', receivers.length > 0 ? rest : []) };
  return { ok: true, value: [...reporters, { panel, firstUser: 0, users: rest }] };
}

/** The one that is asked what a user hears of each chain. */
export function pilotReporters(
  members: readonly ArrayMember[],
  receivers: readonly Receivers[],
  user: UserIndex,
): Result<readonly Pick<Reporter, 'panel'>[]> {
  const hears = ({ users: { firstUser, count } }: Receivers): boolean => user >= firstUser && user < firstUser + count;
  const own = receivers.find((one) => hears(one) && has(one.panel, 'pilot-report'))?.panel;
  const panel = own ?? members.find((one) => has(one, 'pilot-report'));
  if (panel !== undefined) return { ok: true, value: [{ panel }] };
  return { ok: false, failure: nobody('measure-pilots', 'pilot-report', receivers.length > 0 ? [user] : []) };
}

/**
 * One report of all of theirs, on one beam.
 * @param reports in the order of the reporters
 */
export function mergedSnr(
  beamId: BeamId,
  reporters: readonly Reporter[],
  reports: readonly Result<MeasuredSnr>[],
): Result<MeasuredSnr> {
  const users = reporters.reduce((sum, reporter) => sum + reporter.users.length, 0);
  const snrDb = new Float64Array(users).fill(NaN);
  let missed: PanelFailure | undefined;
  for (const [i, report] of reports.entries()) {
    const { panel, firstUser, users: taken } = reporters[i];
    const readings = readingsOf(report);
    for (const user of taken) snrDb[user] = readings?.[user - firstUser] ?? NaN;
    const unheard = taken.filter((user) => Number.isNaN(snrDb[user]));
    if (unheard.length === 0) continue;
    missed ??= { panel: panel.name, ...(report.ok ? unheardUsers(unheard) : report.failure) };
  }
  if (missed !== undefined) {
    if (missed.reason === 'unusable-report') delete missed.partialSnrDb;
    const some = snrDb.some((reading) => !Number.isNaN(reading));
    return { ok: false, failure: some && missed.reason === 'unusable-report' ? { ...missed, partialSnrDb: snrDb } : missed };
  }
  const values = reports.flatMap((report) => (report.ok ? [report.value] : []));
  const panelTimeUs = values[0]?.panelTimeUs ?? 0n;
  const pilots = Math.min(...values.map((value) => value.pilots));
  return { ok: true, value: { beamId, panelTimeUs, pilots, firstUser: userIndex(0), snrDb } };
}

/** What there is of a report, from its first user on. */
function readingsOf(report: Result<MeasuredSnr>): Float64Array | undefined {
  if (report.ok) return report.value.snrDb;
  return report.failure.reason === 'unusable-report' ? report.failure.partialSnrDb : undefined;
}

const has = (panel: ArrayMember, feature: Feature): boolean => panel.capabilities?.features.includes(feature) === true;

const nobody = (request: string, feature: Feature, users: readonly number[]): PanelFailure => {
  const whom = users.length === 0 ? '' : ` for ${counted(users.length, 'user')} (${users.slice(0, USERS_NAMED).join(', ')})`;
  return { reason: 'not-sent', request, detail: `no panel of the array has the feature ${feature}${whom}` };
};

/** Users named in one sentence. */
const USERS_NAMED = 8;
