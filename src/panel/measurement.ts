/** What a report is worth: a measurement is credited to the beam that was asked about, or to none. */
import type { BeamId } from '../../firmware-protocol/messages.ts';
import type { UserIndex } from '../../signal/indices.ts';
import type { MeasuredPilots, MeasuredSnr, PanelFailure, Result } from './panel.ts';
import type { ReplyTo } from './replies.ts';

/** @param users how many the panel said that it reports */
export function snrOf(report: ReplyTo<'measure-snr'>, beamId: BeamId, users: number): Result<MeasuredSnr> {
  const { timeUs, firstUser, snrCentiDb, pilots } = report;
  if (report.beamId !== beamId) return { ok: false, failure: otherBeam('measure-snr', report.beamId) };
  if (snrCentiDb.length !== users) {
    const actual = String(snrCentiDb.length);
    return { ok: false, failure: { reason: 'wrong-panel', field: 'users', expected: String(users), actual } };
  }
  const snrDb = Float64Array.from(snrCentiDb, (centiDb) => centiDb / 100);
  return { ok: true, value: { beamId, panelTimeUs: timeUs, pilots, firstUser, snrDb } };
}

export function pilotsOf(report: ReplyTo<'measure-pilots'>, beamId: BeamId, user: UserIndex): Result<MeasuredPilots> {
  const { timeUs, values, pilots } = report;
  if (report.beamId !== beamId || report.user !== user) {
    return { ok: false, failure: otherBeam('measure-pilots', report.beamId) };
  }
  return { ok: true, value: { beamId, panelTimeUs: timeUs, pilots, user, values } };
}

export const otherBeam = (request: string, beamId: BeamId): PanelFailure => ({
  reason: 'rejected',
  request,
  code: 'beam-mismatch',
  detail: beamId,
});
