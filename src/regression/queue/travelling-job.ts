/**
 * A job as it travels to another machine: plain JSON, and the files it names by path. On the worker they lie in a folder of the job; paths that
 * lead out of the scenario's folder or the rig's are written anew, all others stay as they are.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, posix } from 'node:path';
import { pathFrom } from '../../../core/files/home-path.ts';
import { cardPathOf, isModelPath } from '../../../models/model-path.ts';
import { CODEBOOK_NAMES } from '../../config/rig-fields.ts';
import type { Job } from '../job.ts';
import { readFileFor, readFolderFor, type HeldFile } from '../../jobs/files.ts';

/** What the files of one job hold together at most. */
const MOST_BYTES = 64 * 2 ** 20;

/** A job for JSON. */
export type PackedJob = Record<string, unknown>;

/** @throws {BeamrigError} 'queue' where a file cannot be sent */
export function packJob(job: Job): { job: PackedJob; files: HeldFile[] } {
  const budget = { bytes: MOST_BYTES, of: MOST_BYTES };
  const files: HeldFile[] = [];
  const { scenario, one, golden } = job;
  const text = structuredClone(scenario.text);
  const rig = structuredClone(one.rig);
  const send = (folder: string, path: string, under: string): string => {
    const sent = inside(path) ? path : outsidePath(path);
    const from = pathFrom(folder, path);
    files.push(readFileFor(from, posix.join(under, sent), budget));
    return sent;
  };
  const sendModel = (folder: string, path: string, under: string): string => {
    const sent = send(folder, path, under);
    const card = cardPathOf(pathFrom(folder, path));
    if (existsSync(card) && card !== pathFrom(folder, path))
      files.push(readFileFor(card, posix.join(under, cardPathOf(sent)), budget));
    return sent;
  };
  const sendFolder = (path: string): string => {
    const sent = inside(path) ? path : outsidePath(path);
    files.push(...readFolderFor(pathFrom(scenario.rigFolder, path), posix.join(RIG, sent), budget));
    return sent;
  };
  if (text.channels !== undefined) text.channels.file = send(scenario.folder, text.channels.file, SCENARIO);
  for (const action of text.timeline) {
    if (action.do === 'switch-model' && isModelPath(action.model))
      action.model = sendModel(scenario.folder, action.model, SCENARIO);
  }
  const { beamformer, sensing, calibration, beamFolder } = rig as RigPaths;
  if (beamformer?.model !== undefined && isModelPath(beamformer.model)) {
    beamformer.model = dotted(sendModel(scenario.rigFolder, beamformer.model, RIG));
  }
  const { codebook } = beamformer ?? {};
  if (beamformer !== undefined && codebook !== undefined && !CODEBOOK_NAMES.some((name) => name === codebook)) {
    beamformer.codebook = send(scenario.rigFolder, codebook, RIG);
  }
  if (sensing?.covariance !== undefined) sensing.covariance = send(scenario.rigFolder, sensing.covariance, RIG);
  const tables = sendFolder(calibration?.folder ?? 'calibration');
  if (calibration?.folder !== undefined) calibration.folder = tables;
  const beams = sendFolder(beamFolder ?? 'beams');
  if (beamFolder !== undefined) (rig as RigPaths).beamFolder = beams;
  return {
    job: {
      scenario: { ...scenario, text, rig: {}, folder: SCENARIO, rigFolder: RIG, cases: undefined },
      one: { ...one, rig },
      ...{ seed: job.seed, runFolder: RUN },
      ...(job.wantsWords === true ? { wantsWords: true } : {}),
      ...(golden === undefined
        ? {}
        : { golden: hasWords(golden) ? { ...golden, words: golden.words.map(textOfWords) } : golden }),
    },
    files,
  };
}

/** @param folder of the job on this machine, into which its files were put */
export function unpackJob(job: PackedJob, folder: string): Job {
  const { golden, ...read } = job as unknown as Omit<Job, 'golden'> & {
    golden?: string | { words: string[]; from: string } | { onlySeed: number };
  };
  return {
    ...read,
    scenario: {
      ...read.scenario,
      ...{ folder: join(folder, SCENARIO), rigFolder: join(folder, RIG) },
    },
    runFolder: join(folder, RUN),
    ...(golden === undefined ? {} : { golden: hasWords(golden) ? { ...golden, words: golden.words.map(wordsOfText) } : golden }),
  };
}

const SCENARIO = 'scenario';
const RIG = 'rig';
const RUN = 'run';

/** Keys of a rig that are paths, as written. */
interface RigPaths {
  beamformer?: { model?: string; codebook?: string };
  sensing?: { covariance?: string };
  calibration?: { folder?: string };
  beamFolder?: string;
}

const inside = (path: string): boolean => !isAbsolute(path) && !path.startsWith('~') && !posix.normalize(path).startsWith('..');
const outsidePath = (path: string): string =>
  `outside/${createHash('sha256').update(dirname(path)).digest('hex').slice(0, 12)}/${basename(path)}`;
/** Without a dot or a slash it would be an id of the zoo. */
const dotted = (path: string): string => (isModelPath(path) ? path : `./${path}`);

const hasWords = <With extends object>(golden: With | { onlySeed: number } | string): golden is With =>
  typeof golden !== 'string' && 'words' in golden;
export const textOfWords = (words: Uint16Array): string =>
  Buffer.from(words.buffer, words.byteOffset, words.byteLength).toString('base64');
export function wordsOfText(text: string): Uint16Array {
  const bytes = Buffer.from(text, 'base64');
  return new Uint16Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
}
