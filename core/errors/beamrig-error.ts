/**
 * The one error class of the project. Every cause has a code that a caller (or a script reading `--json`) can tell apart, a message that
 * names the field and the value, and a way out. Failures that a caller must branch on as data (a commit that was rejected, say) are
 * unions of named reasons in their own rooms, not errors.
 */
export type ErrorCode =
  | 'shape' // matrices or tensors whose dimensions do not fit
  | 'argument' // a value outside its range
  | 'rig-file' // the rig file is missing, unreadable or wrong
  | 'channel-file' // channels missing, damaged, of the wrong shape, or not finite
  | 'covariance-file' // the covariance that sensing wishes for: missing, damaged, of another array, or none
  | 'calibration' // readings that no array explains
  | 'calibration-file' // a calibration table: missing, damaged, or of another panel
  | 'beam-file' // a beam, or a table of beams: missing, damaged, or of another array
  | 'model-missing'
  | 'model-damaged' // checksum or ONNX parse
  | 'model-engine' // it is to be compiled, and has something that is not
  | 'model-mismatch' // card and file, or card and rig, disagree
  | 'model-slow' // it did not open, or answer, within its deadline
  | 'no-figure' // a beamformer, or a digital yardstick, has no beam for a channel that is evaluated
  | 'port-in-use'
  | 'run-folder' // cannot be created, written or read
  | 'influx' // InfluxDB refused what it was sent
  | 'panel' // the panel driver gave up; details in the failure it carries
  | 'protocol-version'
  | 'key' // the key that authenticates frames is missing, unreadable, open to others, or the wrong one
  | 'link'
  | 'no-hardware'
  | 'stopped' // asked to stop while waiting
  | 'scenario-file' // a scenario is missing, unreadable or wrong
  | 'report-file' // a report of a regression, or a file beside it: missing, damaged, or of another format
  | 'bench-busy' // somebody else has the bench
  | 'queue' // the Redis that carries jobs cannot be reached, or something cannot be sent through it
  | 'bench-part' // something that a bench is made of is not here, or is another one: what it was wanted for is skipped
  | 'output' // what a command prints cannot be written
  | 'internal';

export class BeamrigError extends Error {
  override readonly name = 'BeamrigError';
  readonly code: ErrorCode;
  /** What the reader can do about it: one sentence. */
  readonly wayOut: string | undefined;

  constructor(code: ErrorCode, message: string, options: { wayOut?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.wayOut = options.wayOut;
  }
}

export const isBeamrigError = (error: unknown): error is BeamrigError => error instanceof BeamrigError;
