/** What a report is worth: a measurement is credited to the beam that was asked about, or to none. */
import { counted } from '../../core/errors/counted.ts';
import { NO_READING } from '../../firmware-protocol/limits.ts';
import type { BeamId } from '../../firmware-protocol/messages.ts';
import { userIndex, type UserIndex, type UserRun } from '../../core/signal/indices.ts';
import type { MeasuredPilots, MeasuredSnr, PanelFailure, Result } from './panel.ts';
import type { ReplyTo } from './replies.ts';

/** Users named in one sentence. */
const USERS_NAMED = 8;

/**
 * A report that leaves somebody out, or names somebody who is not there, makes the cycle void and says nothing of the panel. What it has of the
 * others comes with the failure.
 * @param users how many the panel said that there are
 * @param hears those whom it is there to report
 */
export function snrOf(
  report: ReplyTo<'measure-snr'>,
  beamId: BeamId,
  users: number,
  { firstUser, count }: UserRun = { firstUser: userIndex(0), count: users },
): Result<MeasuredSnr> {
  const { timeUs, snrCentiDb, pilots } = report;
  if (report.beamId !== beamId) return { ok: false, failure: otherBeam('measure-snr', beamId, report.beamId) };
  const beyond = report.firstUser + snrCentiDb.length;
  if (beyond > users) {
    const detail = `it names users ${report.firstUser} to ${beyond - 1}, and there are ${users}, counted from 0`;
    return { ok: false, failure: unusable('measure-snr', detail) };
  }
  const reading = (user: number): number => snrCentiDb[user - report.firstUser] ?? NO_READING;
  const wanted = Array.from({ length: count }, (_, i) => firstUser + i);
  const unheard = wanted.filter((user) => reading(user) === NO_READING);
  if (unheard.length > 0) {
    const failure = unheardUsers(unheard);
    if (unheard.length === count) return { ok: false, failure };
    const partialSnrDb = Float64Array.from(wanted, (user) => (reading(user) === NO_READING ? NaN : reading(user) / 100));
    return { ok: false, failure: { ...failure, partialSnrDb } };
  }
  const snrDb = Float64Array.from(wanted, (user) => reading(user) / 100);
  return { ok: true, value: { beamId, panelTimeUs: timeUs, pilots, firstUser, snrDb } };
}

export const unheardUsers = (users: readonly number[]): PanelFailure & { reason: 'unusable-report' } =>
  unusable('measure-snr', `no reading of ${usersText(users)}`);

function usersText(users: readonly number[]): string {
  const named = users.slice(0, USERS_NAMED).join(', ');
  const more = users.length > USERS_NAMED ? ` and ${users.length - USERS_NAMED} more` : '';
  return `user${users.length === 1 ? '' : 's'} ${named}${more}`;
}

/** @param chains how many the panel has: a report holds one value for each */
export function pilotsOf(
  report: ReplyTo<'measure-pilots'>,
  beamId: BeamId,
  user: UserIndex,
  chains: number,
): Result<MeasuredPilots> {
  const { timeUs, values, pilots } = report;
  if (report.beamId !== beamId) return { ok: false, failure: otherBeam('measure-pilots', beamId, report.beamId) };
  if (report.user !== user) {
    return { ok: false, failure: unusable('measure-pilots', `it is of user ${report.user}, and user ${user} was asked for`) };
  }
  if (values.length !== 2 * chains) {
    const detail = `${counted(values.length / 2, 'value')}, and there are ${counted(chains, 'RF chain')}`;
    return { ok: false, failure: unusable('measure-pilots', detail) };
  }
  return { ok: true, value: { beamId, panelTimeUs: timeUs, pilots, user, values } };
}

const unusable = (request: string, detail: string): PanelFailure & { reason: 'unusable-report' } => ({
  reason: 'unusable-report',
  request,
  detail,
});

export const otherBeam = (request: string, asked: BeamId, told: BeamId): PanelFailure => ({
  reason: 'other-beam',
  request,
  asked,
  told,
});
