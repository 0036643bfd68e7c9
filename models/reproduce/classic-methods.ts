/** The methods of the tables that are plain programs of one channel. */
import { matmul, fromParts, type CMatrix } from '../../core/signal/complex-matrix.ts';
import type { ChannelScale } from '../../core/signal/channel.ts';
import type { HybridPrecoder } from '../../core/signal/beam-contract.ts';
import { digitalForAnalog, regularisedZeroForcing, wmmse, zeroForcing } from '../../core/signal/precoders.ts';
import { fromDb } from '../../core/signal/rate.ts';
import { alignedAnalog, nearestToZeroForcing } from '../baselines/aligned.ts';
import { fixedStepPga } from '../baselines/fixed-step-pga.ts';
import { constantSteps, pgaUnfold } from '../baselines/pga.ts';
import { successiveConvexApproximation } from '../baselines/sca.ts';
import searched from './searched-steps.json' with { type: 'json' };

export interface ClassicMethod {
  key: string;
  title: string;
  /** For the tables of differences. */
  short: string;
  /** N×K at power 1, for σ² = 10^(−SNR/10) on the channel as drawn; none where it has no setting for the SNR. */
  precoderFor: (channel: CMatrix, at: { scale: ChannelScale; snrDb: number }) => CMatrix | undefined;
}

export const DIGITAL: readonly ClassicMethod[] = [
  { key: 'zf', title: 'digital ZF', short: 'ZF', precoderFor: (channel) => zeroForcing(channel, 1) },
  {
    key: 'wmmse',
    title: 'digital WMMSE',
    short: 'WMMSE',
    precoderFor: (channel, { snrDb }) => wmmse(channel, 1, fromDb(-snrDb)),
  },
];

/** Others that are fully digital. */
export const YARDSTICKS: readonly ClassicMethod[] = [
  {
    key: 'rzf',
    title: 'digital regularised ZF',
    short: 'RZF',
    precoderFor: (channel, { snrDb }) => regularisedZeroForcing(channel, 1, fromDb(-snrDb)),
  },
  {
    key: 'sca',
    title: 'digital SCA',
    short: 'SCA',
    precoderFor: (channel, { snrDb }) => successiveConvexApproximation(channel, fromDb(-snrDb)),
  },
];

export const HYBRID: readonly ClassicMethod[] = [
  {
    key: 'aligned',
    title: 'initial phases, D₀',
    short: 'initial phases, D₀',
    precoderFor: (channel) => {
      const analog = alignedAnalog(channel, channel.rows);
      return matmul(analog, nearestToZeroForcing(channel, analog, 1));
    },
  },
  {
    key: 'aligned-wmmse',
    title: 'initial phases, D by WMMSE',
    short: 'initial phases, D by WMMSE',
    precoderFor: (channel, { snrDb }) => {
      const analog = alignedAnalog(channel, channel.rows);
      return matmul(analog, digitalForAnalog(channel, analog, 1, fromDb(-snrDb)));
    },
  },
  paperPga(10, 10),
  paperPga(30, 1),
  paperPga(30, 10),
  searchedPga(10),
  searchedPga(30),
];

/** The published constant steps in the published convention: σ² = 1 and P = SNR on the channel as drawn. */
function paperPga(iterations: number, innerSteps: number): ClassicMethod {
  const settings = `I = ${iterations}, J = ${innerSteps}, the paper's`;
  return {
    key: `pga-${iterations}-j${innerSteps}`,
    title: `PGA, ${settings} steps`,
    short: `PGA ${settings}`,
    precoderFor: (channel, { snrDb }) => {
      const power = fromDb(snrDb);
      const { layers } = pgaUnfold({ channel, power, noise: 1, ...constantSteps(iterations, innerSteps, 0.01, 1e-4) });
      return precoder(layers[iterations - 1], 1 / Math.sqrt(power));
    },
  };
}

/** Constant steps searched for just this scale, SNR and number of iterations. */
function searchedPga(layers: number): ClassicMethod {
  return {
    key: `pga-${layers}-searched`,
    title: `PGA, I = ${layers}, J = 10, searched steps`,
    short: `PGA I = ${layers}, searched`,
    precoderFor: (channel, { scale, snrDb }) => {
      const settings = searched.results.find(
        (entry) => entry.elements === channel.cols && entry.scale === scale && entry.snrDb === snrDb && entry.layers === layers,
      );
      if (settings === undefined) return undefined;
      return precoder(fixedStepPga({ channel, power: 1, noise: fromDb(-snrDb), rfChains: channel.rows }, settings), 1);
    },
  };
}

function precoder({ analog, digital }: HybridPrecoder, factor: number): CMatrix {
  const x = matmul(analog, digital);
  return fromParts(
    x.rows,
    x.cols,
    x.re.map((value) => value * factor),
    x.im.map((value) => value * factor),
  );
}
