/** What D alone tells of chains: one stream drives some of them and nothing else is sent, so that the SNR which its user reports is a power. */
import type { MeasuredSnr, Result } from '../panel/panel.ts';

/** The one column of D that is not 0. */
export interface DrivenChains {
  /** Whose reading it is. */
  readonly chain: number;
  readonly weights: readonly { readonly chain: number; readonly re: number; readonly im: number }[];
}

/** D, M×K: what drives the receiver's stream, and nothing else is sent. */
export function columnOf(
  { weights }: Pick<DrivenChains, 'weights'>,
  rfChains: number,
  users: number,
  receiver: number,
): Float32Array {
  const digital = new Float32Array(2 * rfChains * users);
  for (const { chain, re, im } of weights) {
    const at = 2 * (chain * users + receiver);
    digital[at] += re;
    digital[at + 1] += im;
  }
  return digital;
}

/** What says that a value is out of range: PROTOCOL.md, snr-report. */
const OUT_OF_RANGE_DB = 327.67;
const toPower = (snrDb: number): number => (snrDb >= OUT_OF_RANGE_DB ? NaN : 10 ** (snrDb / 10));

/** In powers of the receiver's noise, NaN where out of range; a report that lacks others has what is wanted of it. */
export function powerOf(report: Result<MeasuredSnr>, receiver: number): Result<number> {
  if (report.ok) return { ok: true, value: toPower(report.value.snrDb[receiver]) };
  const { failure } = report;
  const own = failure.reason === 'unusable-report' ? failure.partialSnrDb?.[receiver] : undefined;
  return own === undefined || Number.isNaN(own) ? report : { ok: true, value: toPower(own) };
}
