/** The methods of paper 000's figures over SNR: a line each. */
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Beam, HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, fromPhases, matmul, scale, zeros } from '../../core/signal/complex-matrix.ts';
import { rateSensingObjective } from '../../core/signal/objectives/rate-sensing.ts';
import { zeroForcing } from '../../core/signal/precoders.ts';
import { toDb } from '../../core/signal/rate.ts';
import { realiseExactly } from '../../core/signal/realise-beam.ts';
import { runBaseline, type BaselineName } from '../baselines/baselines.ts';
import { digitalRateSensing } from '../baselines/digital-rate-sensing.ts';
import { longRun } from '../baselines/long-run.ts';
import { normaliseChannel } from '../baselines/normalise.ts';
import { openBeams } from '../compiled-beams.ts';
import type { Budgeted, ConstantPga, Unfolded } from './paper-000-networks.ts';
import { CURVE_SNR_DB } from './paper-000-theirs.ts';
import { STOPPED, stoppedManopt } from './stopped-manopt.ts';

export interface Method {
  key: string;
  title: string;
  /** Where it is measured, of `SNRS_DB`; default: everywhere. */
  snrsDb?: readonly number[];
  /** X = A·D, N×K, at full power. */
  precoder: (problem: Problem) => CMatrix;
}

export const LONG_RUN_STARTS = 8;

/** D as the method gives it, or the better of that and of D solved again for R − ωτ, as a rig has it. */
type WhoseDigital = 'own' | 'objective';

/** @param networks opened, as all others are, when they are first asked */
export const methodsOf = (
  networks: readonly Unfolded[],
  budgeted: readonly Budgeted[],
  pgas: readonly ConstantPga[],
): Method[] => [
  ...networks.map((network) => networkMethod(network, 'own')),
  ...networks.filter(({ steps }) => steps.innerSteps === 20).map((network) => networkMethod(network, 'objective')),
  ...[...new Set(pgas.map(({ key }) => key))].map((key) => pgaMethod(pgas.filter((pga) => pga.key === key))),
  baseline('sca-manopt', 'SCA-ManOpt', 'own'),
  {
    key: 'sca-manopt-stopped',
    title: `SCA-ManOpt, stopped after ${STOPPED.steps} steps and ${STOPPED.turns} turns`,
    precoder: stoppedManopt,
  },
  ...budgeted.map((network) => networkMethod(network, 'own')),
  baseline('phase-extraction', 'phase extraction', 'objective'),
  // Seconds a channel.
  {
    ...hybrid('long-run', `long run, ${LONG_RUN_STARTS} starts`, (problem) => longRun(problem, LONG_RUN_STARTS)),
    snrsDb: [CURVE_SNR_DB],
  },
  { key: 'digital', title: 'digital, R − ωτ by L-BFGS', precoder: digitalRateSensing },
  {
    key: 'zf',
    title: 'digital ZF, communications only',
    precoder: ({ channel, power }) => zeroForcing(channel, power),
  },
];

const suffixOf = (whose: WhoseDigital): string => (whose === 'own' ? '' : ', D by the objective');

function networkMethod({ key, title, ...model }: Unfolded | Budgeted, whose: WhoseDigital): Method {
  let beamAt: ((problem: Problem) => Beam) | undefined;
  return {
    key: whose === 'own' ? key : `${key}-resolved`,
    title: `${title}${suffixOf(whose)}`,
    precoder: (problem) => {
      beamAt ??= openBeams(model);
      return precoderOf(problem, beamAt(problem), whose);
    },
  };
}

const baseline = (name: BaselineName, title: string, whose: WhoseDigital): Method => ({
  key: name,
  title: `${title}${suffixOf(whose)}`,
  precoder: (problem) => precoderOf(problem, runBaseline(name, problem), whose),
});

function precoderOf(problem: Problem, beam: Beam, whose: WhoseDigital): CMatrix {
  if (whose === 'objective') {
    const { analog, digital } = realiseExactly(problem, beam, rateSensingObjective);
    return matmul(analog, digital);
  }
  const x = matmul(fromPhases(beam.analogPhase, problem.channel.cols, problem.rfChains), beam.digital);
  return scale(x, Math.sqrt(problem.power) / frobeniusNorm(x));
}

const hybrid = (key: string, title: string, run: (problem: Problem) => HybridPrecoder): Method => ({
  key,
  title,
  precoder: (problem) => {
    const { analog, digital } = run(problem);
    return matmul(analog, digital);
  },
});

/** @param pgas the same at several SNRs, of which a channel takes the nearest once its mean |h|² is 1; or one for all */
function pgaMethod(pgas: readonly ConstantPga[]): Method {
  const precoderBy = new Map<ConstantPga, (problem: Problem) => CMatrix>();
  const [{ key, title }] = pgas;
  return {
    key,
    title,
    precoder: (problem) => {
      const snrDb = -toDb(normaliseChannel(problem.channel, problem.noise, problem.power).noise);
      const awayDb = (pga: ConstantPga): number => Math.abs((pga.snrDb ?? snrDb) - snrDb);
      const nearest = pgas.reduce((a, b) => (awayDb(b) < awayDb(a) ? b : a));
      const precoder = precoderBy.get(nearest) ?? openPga(nearest);
      precoderBy.set(nearest, precoder);
      return precoder(problem);
    },
  };
}

/** Steps that run away end in no number, and so do the figures of the beam. */
function openPga(pga: ConstantPga): (problem: Problem) => CMatrix {
  const beamAt = openBeams(pga);
  return (problem) => {
    try {
      return precoderOf(problem, beamAt(problem), 'own');
    } catch (error) {
      if (!isBeamrigError(error) || error.code !== 'model-damaged') throw error;
      const nothing = zeros(problem.channel.cols, problem.channel.rows);
      return { ...nothing, re: nothing.re.fill(NaN), im: nothing.im.fill(NaN) };
    }
  };
}
