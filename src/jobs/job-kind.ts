/** A kind of job, as a worker does it: scenarios that are played, channels that are evaluated, models that are trained. A file for each beside it. */
import type { HeldFile, SentFile } from './files.ts';

/** Of one submitter, that wait in a queue or are being done: workers may come at any time. */
export const JOBS_IN_QUEUE = 256;

export interface JobKind {
  /** 'aligned at 10 dB, channels 0 to 9': one line for whoever watches the worker. */
  nameOf(job: unknown): string;
  /** What does such jobs, one after the other, in a process that can be killed. */
  open(): JobDoer;
}

export interface JobDoer {
  /**
   * @returns plain data for the submitter, and how it went in a word
   * @throws {BeamrigError} which the submitter gets to see
   */
  work(job: unknown, place: JobPlace): Promise<{ answer: unknown; outcome: string }>;
  /** Kills what is being done. */
  close(): Promise<void>;
}

/** Where a worker does a job. */
export interface JobPlace {
  /** Its own, with the files that came along. */
  readonly folder: string;
  /** Name of the worker. */
  readonly worker: string;
  /** Its share of the machine's cores. */
  readonly threads: number;
  /** Where files stay that are too large to be sent. */
  readonly keptFolder: string;
  /** For answers that are files. */
  readonly send: (files: readonly HeldFile[]) => Promise<SentFile[]>;
}
