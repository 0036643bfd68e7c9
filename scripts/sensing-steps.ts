/**
 * How far phase-net gets with sensing, by budget of steps and SNR, beside the long run and what a digital array could:
 *
 *   npx tsx scripts/sensing-steps.ts [--channels FILE.npy --conjugate --covariance FILE.npy] [--count 100] [--seed 1]
 *     [--snrs 0,2,4,6,8,10,12] [--at 12] [--steps 10,30,60,120,200,400] [--omega 0.3] [--directions=-60,0,60 --half-width 5]
 *     [--elements 64 --rf-chains 4 --users 4 --sub] [--long-run STARTS] [--numbers FILE.json]
 *
 * on the channels and covariances of files, as the authors' of paper 000 (whose rows are h_k: conjugate them), or on draws of the stream `test` that
 * nothing was learned from. A file of several covariances has one an SNR of --snrs; --at takes some of them. σ² = 1 and P = SNR; R − ω·τ in the mean
 * over the channels, ± its standard error, of A and D as the network gives them.
 */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Problem } from '../core/signal/beam-contract.ts';
import type { CMatrix } from '../core/signal/complex-matrix.ts';
import { fromPhases, matmul, zeros } from '../core/signal/complex-matrix.ts';
import { connectionMask } from '../core/signal/geometry.ts';
import { fromDb, sumRate } from '../core/signal/rate.ts';
import { covarianceError, type Sensing } from '../core/signal/sensing.ts';
import { wantedCovarianceFactor } from '../core/signal/wanted-pattern.ts';
import { digitalRateSensing } from '../models/baselines/digital-rate-sensing.ts';
import { longRun } from '../models/baselines/long-run.ts';
import { openCompiled } from '../models/engine/compiled-session.ts';
import { meanAndError } from '../models/evaluation/statistics.ts';
import { readNumbers } from '../models/numbers-file.ts';
import { encodeSensingModel } from '../models/phase-net/sensing-graphs.ts';
import { SENSING_PARAMETERS } from '../models/phase-net/sensing-schedule.ts';
import { machine } from '../models/reproduce/provenance.ts';
import { drawChannelSet, packChannels } from '../models/training/channel-set.ts';
import { readChannelFile } from '../src/config/channel-file.ts';
import { readCovarianceFile } from '../src/config/covariance-file.ts';

const { values: options } = parseArgs({
  options: {
    channels: { type: 'string' },
    conjugate: { type: 'boolean', default: false },
    covariance: { type: 'string' },
    count: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    snrs: { type: 'string', default: '0,2,4,6,8,10,12' },
    at: { type: 'string' },
    steps: { type: 'string', default: '10,30,60,120,200,400' },
    omega: { type: 'string', default: '0.3' },
    directions: { type: 'string', default: '-60,0,60' },
    'half-width': { type: 'string', default: '5' },
    elements: { type: 'string', default: '64' },
    'rf-chains': { type: 'string', default: '4' },
    users: { type: 'string', default: '4' },
    sub: { type: 'boolean', default: false },
    'long-run': { type: 'string', default: '0' },
    numbers: { type: 'string', default: 'models/zoo/phase-net.numbers.json' },
  },
});
const list = (text: string): number[] => text.split(',').map(Number);
const [snrsDb, budgets] = [list(options.snrs), list(options.steps)];
const [count, weight, starts] = [options.count, options.omega, options['long-run']].map(Number);
const [elements, rfChains, users] = [options.elements, options['rf-chains'], options.users].map(Number);
const connection = options.sub ? connectionMask('sub', elements, rfChains) : undefined;
const mask = connection === undefined ? {} : { connection };
const { sensing: numbers } = readNumbers(readFileSync(options.numbers), options.numbers);
if (numbers === undefined) throw new Error(`${options.numbers} holds no numbers for sensing`);
const learned = SENSING_PARAMETERS.map(({ name }) => Float64Array.from(numbers.numbers[name]));

const DEGREE = Math.PI / 180;
const halfWidthRad = Number(options['half-width']) * DEGREE;
const channels =
  options.channels === undefined
    ? drawChannelSet({ seed: Number(options.seed), name: 'test', count, elements, users, paths: 10, scale: 'unit-element' })
        .channels
    : readChannelFile(options.channels, { conjugate: options.conjugate }).channels.slice(0, count);
const factors =
  options.covariance === undefined
    ? [
        wantedCovarianceFactor(
          { kind: 'ula', elements, spacingWavelengths: 0.5 },
          { directionsRad: list(options.directions).map((direction) => direction * DEGREE), halfWidthRad, streams: users },
        ),
      ]
    : readCovarianceFile(options.covariance, elements, [1, snrsDb.length]).factors;

/** R and τ of a precoder of each channel. */
type Method = (problem: Problem & { sensing: Sensing }) => CMatrix;

function network(steps: number, columns: number): Method {
  const session = openCompiled(encodeSensingModel({ elements, rfChains, users, steps, columns, ...mask }, learned));
  return ({ channel, power, noise, sensing }) => {
    session.inputs['channel'].set(packChannels([channel]).packed);
    session.inputs['sensing_factor'].set(packChannels([sensing.factor]).packed);
    session.inputs['power'][0] = power;
    session.inputs['noise'][0] = noise;
    session.inputs['sensing_weight'][0] = sensing.weight;
    session.run();
    const digital = zeros(rfChains, users);
    digital.re.forEach((_, i) => {
      digital.re[i] = session.outputs['digital'][2 * i];
      digital.im[i] = session.outputs['digital'][2 * i + 1];
    });
    return matmul(fromPhases(Float64Array.from(session.outputs['analog_phase']), elements, rfChains, connection), digital);
  };
}

function line(snrDb: number, title: string, method: Method): void {
  const factor = factors[factors.length === 1 ? 0 : snrsDb.indexOf(snrDb)];
  const figures = channels.map((channel) => {
    const problem = { channel, rfChains, power: fromDb(snrDb), noise: 1, sensing: { factor, weight }, ...mask };
    const precoder = method(problem);
    const rate = sumRate(channel, precoder, 1);
    const tau = covarianceError(problem.sensing, precoder, problem.power);
    return { rate, tau, value: rate - weight * tau };
  });
  const [value, rate, tau] = (['value', 'rate', 'tau'] as const).map((name) => meanAndError(figures.map((each) => each[name])));
  console.log(
    `| ${snrDb} | ${title} | ${value.mean.toFixed(2)} ± ${value.stderr.toFixed(2)} | ${rate.mean.toFixed(2)} | ${tau.mean.toFixed(2)} |`,
  );
}

const array = `N = ${elements}, M = ${rfChains}, K = ${users}${options.sub ? ', sub-connected' : ''}, ω = ${weight}`;
console.log(`${array}, ${channels.length} channels, on ${machine()}\n`);
console.log('| SNR, dB | | R − ωτ | R | τ |\n|---|---|---|---|---|');
for (const snrDb of options.at === undefined ? snrsDb : list(options.at)) {
  const { cols: columns } = factors[factors.length === 1 ? 0 : snrsDb.indexOf(snrDb)];
  for (const steps of budgets) line(snrDb, `phase-net, ${steps} steps`, network(steps, columns));
  if (starts === 0) continue;
  line(snrDb, `long run, ${starts} starts`, (problem) => {
    const { analog, digital } = longRun(problem, starts);
    return matmul(analog, digital);
  });
  line(snrDb, 'digital', digitalRateSensing);
}
