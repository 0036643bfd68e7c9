/**
 * Shares: what a method has of another's rate, on the same channels. A share is a ratio of means, with a standard error from channel to channel
 * that counts how the two go together:
 *
 *   r = x̄∕ȳ,  error of r = s(x − r·y)∕(√n·ȳ)
 *
 * and where shares at several SNRs are averaged, a channel's deviations at all of them are added up before they are squared, for they are not
 * independent. Source: Cochran, Sampling Techniques, 3rd edition, 1977, section 2.11 (ratio estimates).
 */
import { meanAndError, type MeanAndError } from '../evaluation/statistics.ts';

/** Rates of two methods at one SNR, channel by channel. */
export interface Paired {
  readonly ours: readonly number[];
  readonly theirs: readonly number[];
}

/** Mean of the shares at several SNRs; one or more, the same channels at each. */
export function meanShare(points: readonly Paired[]): MeanAndError {
  const deviations = points.map(deviationsOf);
  const mean = points.reduce((sum, point) => sum + shareOf(point), 0) / points.length;
  const perChannel = deviations[0].map((_, i) => deviations.reduce((sum, each) => sum + each[i], 0) / points.length);
  return { mean, stderr: meanAndError(perChannel).stderr };
}

const shareOf = ({ ours, theirs }: Paired): number => meanAndError(ours).mean / meanAndError(theirs).mean;

/** What each channel adds to the error of a share: their mean is 0. */
function deviationsOf(point: Paired): number[] {
  const share = shareOf(point);
  const { mean } = meanAndError(point.theirs);
  return point.ours.map((ours, i) => (ours - share * point.theirs[i]) / mean);
}
