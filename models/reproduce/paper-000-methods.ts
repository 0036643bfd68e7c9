/** The methods of paper 000's figures over SNR: a line each. */
import type { Beam, HybridPrecoder, Problem } from '../../core/signal/beam-contract.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { frobeniusNorm, fromPhases, matmul, scale } from '../../core/signal/complex-matrix.ts';
import { rateSensingObjective } from '../../core/signal/objectives/rate-sensing.ts';
import { zeroForcing } from '../../core/signal/precoders.ts';
import { toDb } from '../../core/signal/rate.ts';
import { realiseExactly } from '../../core/signal/realise-beam.ts';
import { runBaseline, type BaselineName } from '../baselines/baselines.ts';
import { normaliseChannel } from '../baselines/normalise.ts';
import { fixedStepSensingPga, PAPER_SENSING_PGA, type SensingPgaSettings } from '../baselines/sensing-pga.ts';
import { openBeams } from '../compiled-beams.ts';
import type { Budgeted, Unfolded } from './paper-000-networks.ts';
import searched from './searched-sensing-steps.json' with { type: 'json' };
import { STOPPED, stoppedManopt } from './stopped-manopt.ts';

export interface Method {
  key: string;
  title: string;
  /** X = A·D, N×K, at full power. */
  precoder: (problem: Problem) => CMatrix;
}

/** D as the method gives it, or the better of that and of D solved again for R − ωτ, as a rig has it. */
type WhoseDigital = 'own' | 'objective';

/** @param networks opened, as `budgeted` are, when they are first asked */
export const methodsOf = (networks: readonly Unfolded[], budgeted: readonly Budgeted[]): Method[] => [
  ...networks.map((network) => networkMethod(network, 'own')),
  ...networks.filter(({ steps }) => steps.innerSteps === 20).map((network) => networkMethod(network, 'objective')),
  paperPga(1),
  paperPga(10),
  paperPga(20),
  hybrid('pga-searched', 'PGA, J and constant steps by search', searchedSensingPga),
  baseline('sca-manopt', 'SCA-ManOpt', 'own'),
  {
    key: 'sca-manopt-stopped',
    title: `SCA-ManOpt, stopped after ${STOPPED.steps} steps and ${STOPPED.turns} turns`,
    precoder: stoppedManopt,
  },
  ...budgeted.map((network) => networkMethod(network, 'own')),
  baseline('phase-extraction', 'phase extraction', 'objective'),
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

const paperPga = (innerSteps: number): Method =>
  hybrid(`pga-j${innerSteps}`, `PGA, μ = λ = 0.01, J = ${innerSteps}`, (problem) =>
    fixedStepSensingPga(problem, { ...PAPER_SENSING_PGA, innerSteps }),
  );

/** Constant steps and J that search found best for the SNR (search-sensing-steps.ts), from the start of (17). */
function searchedSensingPga(problem: Problem): HybridPrecoder {
  const snrDb = -toDb(normaliseChannel(problem.channel, problem.noise, problem.power).noise);
  const nearest = searched.results.reduce((best, entry) =>
    Math.abs(entry.snrDb - snrDb) < Math.abs(best.snrDb - snrDb) ||
    (entry.snrDb === best.snrDb && entry.objective > best.objective)
      ? entry
      : best,
  );
  return fixedStepSensingPga(problem, nearest as SensingPgaSettings);
}
