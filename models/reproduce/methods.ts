/**
 * The methods that the tables compare. Where the rates of a method come from is plain data, as threads are told of it
 * (`rates-worker.ts`); rates are of one channel each, so that any two methods can be compared channel by channel.
 */
import { basename } from 'node:path';
import type { BaselineName } from '../baselines/baselines.ts';
import type { PgaSettings } from '../baselines/fixed-step-pga.ts';
import type { ModelCard } from '../card.ts';
import type { PhaseBits } from '../evaluation/channel-figures.ts';
import type { ChannelSetOptions } from '../training/channel-set.ts';
import { DIGITAL, HYBRID, YARDSTICKS, type ClassicMethod } from './classic-methods.ts';
import { untrained } from './provenance.ts';
import type { SizedModelFile } from './sized-models.ts';

/** Rates are at P = 1 and σ² = 10^(−SNR/10) on the channel as drawn. */
export type RateSource =
  | { kind: 'classic'; key: string }
  | { kind: 'baseline'; name: BaselineName; bits: BeamBits }
  /** From aligned phases, by a budget. */
  | { kind: 'extraction'; steps: number; bits: BeamBits }
  | { kind: 'network'; id: string; bits: BeamBits }
  | { kind: 'pga'; settings: PgaSettings };

/**
 * Phases of so many bits with the digital weights solved again, as a rig has it; `sweeps`: words chosen with the array in mind, by such a budget;
 * `own`: beam and weights as given.
 */
export type BeamBits = PhaseBits | 'own' | { bits: number; sweeps: number };

export interface Method {
  key: string;
  title: string;
  /** For the tables of differences. */
  short: string;
  source: RateSource;
}

/** Which channels, without their number, the SNR, and the array. */
export interface TestSet extends Omit<ChannelSetOptions, 'count'> {
  snrDb: number;
  /** M; default: as many RF chains as users. */
  rfChains?: number;
  /** Default 'full'. */
  connection?: 'full' | 'sub';
  /** What an estimate of the channel is off by, over E|hₙ|², dB; absent: the channel is known. */
  estimateErrorDb?: number;
}

/** A method on the channels of a set. */
export interface RateJob {
  source: RateSource;
  set: TestSet;
}

const methodOf = ({ key, title, short }: ClassicMethod): Method => ({ key, title, short, source: { kind: 'classic', key } });

export const digitalMethods: readonly Method[] = DIGITAL.map(methodOf);
export const yardstickMethods: readonly Method[] = YARDSTICKS.map(methodOf);

export const classicMethods: readonly Method[] = [
  ...HYBRID.map(methodOf),
  baselineMethod('sca-rmm', 'SCA, then factored (SCA-RMM)', 'SCA-RMM'),
  baselineMethod('phase-extraction', 'phase extraction, 10 steps', 'phase extraction'),
  baselineMethod('long-run', 'long run, 16 starts', 'long run'),
];

/** With its own D. */
function baselineMethod(name: BaselineName, title: string, short: string): Method {
  return { key: name, title, short, source: { kind: 'baseline', name, bits: 'own' } };
}

/** The network of a model file. */
export function networkMethod({ id, path, card }: SizedModelFile): Method {
  return {
    key: basename(path, '.onnx'),
    title: networkTitle(card),
    short: `network I = ${card.layers ?? '?'}${isLiteral(card) ? ", the paper's recipe" : ''}`,
    source: { kind: 'network', id, bits: 'own' },
  };
}

/** The same network with its digital weights replaced by WMMSE for its phases, as the control loop does after quantising. */
export function networkWithDigitalSolved(model: SizedModelFile): Method {
  const { key, title, short } = networkMethod(model);
  return {
    key: `${key}-wmmse`,
    title: `${title}, D by WMMSE`,
    short: `${short}, D by WMMSE`,
    source: { kind: 'network', id: model.id, bits: 'inf' },
  };
}

const isLiteral = ({ training }: ModelCard): boolean => typeof training !== 'string' && training.recipe === 'paper';

function networkTitle(card: ModelCard): string {
  const { layers, innerSteps, training } = card;
  return `network, I = ${layers ?? '?'}, J = ${innerSteps ?? '?'}, ${typeof training === 'string' ? untrained(training) : trainingTitle(training)}`;
}

/** Where no epoch was better than the start, the network *is* its start, and the row says so. */
function trainingTitle({ recipe, bestEpoch }: Exclude<ModelCard['training'], string>): string {
  const how = recipe === 'paper' ? "trained by the paper's recipe" : 'trained';
  return bestEpoch === 0 ? `${how} (no epoch beat the start)` : how;
}
