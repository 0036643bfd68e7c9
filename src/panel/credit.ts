/**
 * A measurement is credited to a beam, or to none. Who measures may not know what is radiated: a panel drives a part of the array, and receivers
 * drive nothing. So all panels must be known to radiate the beam before anybody is asked, and say so once more after the last report has come.
 *
 *   all confirmed beam b ─► asked for reports on b ─► … reports … ─► each panel asked again: still b, same session, same clock? ─► credited
 *
 * An id is latched once in a session and is stale ever after: between the two looks the array has radiated nothing else.
 */
import type { BeamId } from '../../firmware-protocol/messages.ts';
import { otherBeam } from './measurement.ts';
import type { ArrayMember, PanelFailure, Result } from './panel.ts';

export interface CreditOptions {
  /** The panels that drive the array. */
  members: readonly ArrayMember[];
  /** Why there is no session, where there is none. */
  absence: () => PanelFailure | undefined;
  /** The beam that all panels are known to radiate; 0 = none. */
  agreed: () => BeamId;
  /** They are not known to radiate it any more. */
  doubt: () => void;
  /** Of panels that were switched by their clocks: what these look like afterwards. */
  clockVerdicts: () => Promise<PanelFailure | undefined>[];
}

/**
 * Asks those who report, and gives their reports if they are of this beam; a failure that has some readings is among them.
 * @param whom chosen once it is known that the array radiates the beam
 */
export type Credit = <T, R extends { panel: ArrayMember }>(
  request: string,
  beamId: BeamId,
  whom: () => Result<readonly R[]>,
  ask: (reporter: R) => Promise<Result<T>>,
) => Promise<Result<{ reporters: readonly R[]; reports: readonly Result<T>[] }>>;

export function createCredit({ members, absence, agreed, doubt, clockVerdicts }: CreditOptions): Credit {
  return async (request, beamId, whom, ask) => {
    const gone = absence();
    if (gone !== undefined) return refused(gone);
    if (agreed() !== beamId) {
      const what = agreed() === 0 ? 'no beam' : `beam ${agreed()}`;
      return refused({ reason: 'not-sent', request, detail: `the panels agree on ${what}, not on beam ${beamId}` });
    }
    const asked = whom();
    if (!asked.ok) return asked;
    const reporters = asked.value;
    const reports = await Promise.all(
      reporters.map(async (reporter) => {
        const report = await ask(reporter);
        return report.ok ? report : refused({ panel: reporter.panel.name, ...report.failure });
      }),
    );
    const some = reports.some((report) => report.ok || hasReadings(report.failure));
    const failed = reports.find((report) => !report.ok && !(some && report.failure.reason === 'unusable-report'));
    if (failed?.ok === false) return failed;
    const clocks = clockVerdicts();
    // A panel of the array that measured has named its beam. The others may have been restarted, or gone to their safe state, and told nobody.
    const looks = await Promise.all(
      members.map(async (other): Promise<PanelFailure | undefined> => {
        if (reporters.some(({ panel }) => panel === other)) return undefined;
        const look = await other.status();
        if (!look.ok) return { panel: other.name, ...look.failure };
        return look.value.beamId === beamId ? undefined : { panel: other.name, ...otherBeam(request, beamId, look.value.beamId) };
      }),
    );
    const failure = [...looks, ...(await Promise.all(clocks))].find((why) => why !== undefined);
    if (failure !== undefined) {
      // Where they have gone on to the next beam meanwhile, this says nothing of that one.
      if (agreed() === beamId || failure.reason !== 'other-beam') doubt();
      return refused(failure);
    }
    const goneMeanwhile = absence();
    if (goneMeanwhile !== undefined) return refused(goneMeanwhile);
    return agreed() === beamId ? { ok: true, value: { reporters, reports } } : refused(otherBeam(request, beamId, agreed()));
  };
}

const hasReadings = (failure: PanelFailure): boolean =>
  failure.reason === 'unusable-report' && failure.partialSnrDb !== undefined;

const refused = (failure: PanelFailure): { ok: false; failure: PanelFailure } => ({ ok: false, failure });
