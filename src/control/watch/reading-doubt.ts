/**
 * Readings that cannot be what they say. They are kept as they came and marked, the cycle stays what it was, and no mean counts them.
 *
 * Above: user k hears at most what a beam for it alone would give, P·‖h_k‖²/σ². An array in the air may be nearer, or louder, than the channel that
 * was given: a thousand times more is allowed, and what is beyond that is a receiver that overflowed, or a sign that slipped. Where there is next to
 * no signal an average over n pilots finds 1/n of its noise, now and then some times that, and counts as what can be heard. Below: it finds no
 * signal that is much weaker, and n is at most 65535, which is 48 dB: −100 dB was not measured.
 */
import { counted } from '../../../core/errors/counted.ts';
import type { CMatrix } from '../../../core/signal/complex-matrix.ts';
import { toDb } from '../../../core/signal/rate.ts';
import type { MeasuredSnr } from '../../panel/panel.ts';
import type { DoubtCause } from '../../telemetry/cycle-record.ts';

export interface ReadingDoubt {
  /** What makes it the same as that of another cycle. */
  cause: Exclude<DoubtCause, 'incomplete'>;
  message: string;
}

/** Above the loudest that a user can hear, dB. */
const MARGIN_DB = 30;
const LEAST_DB = -100;
const USERS_NAMED = 4;

/**
 * @param asked what was asked for: pilots, and the channel, P and σ² that the beam was computed with
 * @returns undefined where there is nothing to doubt
 */
export function doubtOf(
  reading: Pick<MeasuredSnr, 'snrDb' | 'pilots'>,
  asked: { pilots: number; channel: CMatrix; power: number; noise: number },
): ReadingDoubt | undefined {
  const wrong: string[] = [];
  for (let user = 0; user < reading.snrDb.length; user++) {
    const snrDb = reading.snrDb[user];
    const most = loudest(asked.channel, user, asked.power / asked.noise) + 1 / Math.min(reading.pilots, asked.pilots);
    const mostDb = toDb(most) + MARGIN_DB;
    // What is no number at all is no reading either.
    if (snrDb >= LEAST_DB && snrDb <= mostDb) continue;
    wrong.push(`user ${user}: ${snrDb.toFixed(2)} dB, ${LEAST_DB} to ${mostDb.toFixed(0)} can be`);
  }
  if (wrong.length > 0) {
    const more = wrong.length > USERS_NAMED ? ` and ${wrong.length - USERS_NAMED} more` : '';
    return { cause: 'out-of-reason', message: `outside reason: ${wrong.slice(0, USERS_NAMED).join('; ')}${more}` };
  }
  if (reading.pilots < asked.pilots) {
    return {
      cause: 'few-pilots',
      message: `averaged over ${counted(reading.pilots, 'pilot')} where ${asked.pilots} were asked for`,
    };
  }
  return undefined;
}

/** P·‖h_k‖²/σ², linear. */
function loudest({ re, im, cols }: CMatrix, user: number, snr: number): number {
  let gain = 0;
  for (let i = user * cols; i < (user + 1) * cols; i++) gain += re[i] * re[i] + im[i] * im[i];
  return snr * gain;
}
