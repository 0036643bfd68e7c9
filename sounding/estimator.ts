/**
 * What an estimator of channels is: a file of its own in estimators/ that exports one of these.
 *
 *   beams F, directions ─► prepare ─► (readings Y, σ²) ─► Ĥ, and for each user how far it may be off
 *
 * The signal: Y = H·F + noise, Y of K×B, F of N×B as the array shows it (sounding-beams.ts), noise CN(0, σ²) in every reading. Rows of H are
 * h_kᴴ, as in core/signal/beam-contract.ts; the error of a row has the covariance Σ_k = E[(h_k − ĥ_k)(h_k − ĥ_k)ᴴ], N×N, which is never formed.
 */
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { zeros } from '../core/signal/complex-matrix.ts';
import type { SeenDirections, SoundedWith } from './seen-directions.ts';

export interface Estimator {
  /** One line for lists: what it does. */
  readonly title: string;
  /** Whose it is: authors, where and when, and the part that is meant. */
  readonly source: string;
  /** What does not depend on readings is worked out once for a set of beams. */
  readonly prepare: (sounded: SeenDirections) => PreparedEstimator;
}

/**
 * @param values Y, K×B
 * @param noise σ² of a reading, linear, > 0
 * @param known spectra of these users, from an earlier estimate or learned over several (learned-covariance.ts)
 * @throws {BeamrigError} 'shape' where values, beams and spectra do not fit, 'argument' where a value is not finite or the noise not above 0
 */
export type PreparedEstimator = (values: CMatrix, noise: number, known?: Spectra) => ChannelEstimate;

/** By user: power from each direction of the dictionary, G of them. */
export type Spectra = readonly Float64Array[];

export interface ChannelEstimate {
  /** Ĥ, K×N, rows ĥ_kᴴ. */
  readonly channel: CMatrix;
  readonly users: readonly UserEstimate[];
  /** Of estimators that work with directions. */
  readonly spectra?: Spectra;
}

/** How sure the row of one user is. */
export interface UserEstimate {
  /** Σ_k·A, N×M, for any A of N×M: what the error is through beams, and which elements it hangs together with. */
  readonly errorTowards: (analog: CMatrix) => CMatrix;
}

/** An estimate of all users from that of each. @param estimate of one reading, 1×B: ĥᴴ, 1×N, and its error */
export function userByUser(
  values: CMatrix,
  elements: number,
  estimate: (reading: CMatrix, user: number) => { row: CMatrix } & UserEstimate,
): Pick<ChannelEstimate, 'channel' | 'users'> {
  const channel = zeros(values.rows, elements);
  const users = Array.from({ length: values.rows }, (_, user) => {
    const { row, errorTowards } = estimate(rowOf(values, user), user);
    channel.re.set(row.re, user * elements);
    channel.im.set(row.im, user * elements);
    return { errorTowards };
  });
  return { channel, users };
}

/** Bad input, told apart from a bad estimate. */
export function requireReadings(
  { beams, seen }: SoundedWith & Partial<SeenDirections>,
  values: CMatrix,
  noise: number,
  known?: Spectra,
): void {
  if (values.cols !== beams.cols || values.rows === 0) {
    throw new BeamrigError('shape', `readings of ${values.rows}×${values.cols} do not fit ${beams.cols} beams`, {
      wayOut: 'give a row for each user and a column for each beam',
    });
  }
  for (let i = 0; i < values.re.length; i++) {
    if (Number.isFinite(values.re[i]) && Number.isFinite(values.im[i])) continue;
    throw new BeamrigError(
      'argument',
      `reading ${i % values.cols} of user ${Math.floor(i / values.cols)} is ${values.re[i]}, ${values.im[i]}`,
      { wayOut: 'leave out readings that are not numbers, and their beams' },
    );
  }
  requireNoise(noise);
  if (known === undefined || seen === undefined) return;
  if (known.length === values.rows && known.every(({ length }) => length === seen.rows)) return;
  throw new BeamrigError(
    'shape',
    `spectra of ${known.length} users do not fit readings of ${values.rows} × ${seen.rows} directions`,
    {
      wayOut: 'give those of the same users and the same dictionary, or none',
    },
  );
}

/** @throws {BeamrigError} 'argument' where σ² is no variance */
export function requireNoise(noise: number): void {
  if (noise > 0 && Number.isFinite(noise)) return;
  throw new BeamrigError('argument', `the noise of a reading is ${noise}`, {
    wayOut: 'give a variance above 0, or have it learned of slots that are sounded twice',
  });
}

/** Row k as a matrix of its own. */
export function rowOf({ cols, re, im }: CMatrix, row: number): CMatrix {
  return { rows: 1, cols, re: re.slice(row * cols, (row + 1) * cols), im: im.slice(row * cols, (row + 1) * cols) };
}
