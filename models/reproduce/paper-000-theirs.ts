/**
 * What paper 000 and its authors' released program and data have, N = 64, M = K = 4, ω = 0.3, σ² = 1 and P = SNR. Its figures print no numbers:
 * these are of the curves that were released with the program, and of runs of the program on the test channels released with it, and cited.
 */

/** Of all figures over SNR, dB. */
export const SNRS_DB = [0, 2, 4, 6, 8, 10, 12];
/** Of Fig. 2 and Fig. 3(c). */
export const CURVE_SNR_DB = 12;
/** ω */
export const WEIGHT = 0.3;
export const LAYERS = 120;
/** Where Fig. 2 is read in the text, and the program was. */
export const MARKS = [25, 70, 120];

/** At each of the SNRs: sum rate in bit/s/Hz, τ, and the mean squared error of the beampattern at power 1. */
export interface PrintedCurve {
  title: string;
  rate: readonly number[];
  tau: readonly number[];
  patternMse: readonly number[];
}

/** Fig. 3(a) and 3(b). */
export const PRINTED: Readonly<Record<'sca-manopt' | 'zf', PrintedCurve>> = {
  'sca-manopt': {
    title: 'SCA-ManOpt, theirs',
    rate: [13.9, 16.2, 18.42, 20.17, 21.16, 19.77, 16.42],
    tau: [0.497, 1.231, 3.027, 7.108, 15.85, 31.03, 55.04],
    patternMse: [5.891, 5.694, 5.353, 4.781, 3.992, 2.636, 1.3],
  },
  zf: {
    title: 'digital ZF, theirs',
    rate: [14.9, 17.39, 19.94, 22.53, 25.14, 27.77, 30.41],
    tau: [0.542, 1.362, 3.426, 8.579, 21.62, 54.24, 136.4],
    patternMse: [6.389, 6.389, 6.389, 6.389, 6.389, 6.389, 6.389],
  },
};

/** R − ωτ of the program on its test channels at 12 dB, after `MARKS` layers. */
export const PROGRAM = {
  'pga-j10': [-17.2, -5.8, -1.4],
  'upganet-j20': [-0.9, 10.8, 13.5],
};
/** In the end. */
export const PROGRAM_J10 = 9.4;
