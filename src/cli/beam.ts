/**
 * `beamrig beam`: a beam that a run kept, shown, held against its record to the last digit, and sent again where somebody asks for that.
 *
 *   beams.bin ─► words, D, channel ─┬─► SINR worked out anew ─► equal to records.lp?
 *   records.lp ─► its cycle ────────┘
 *                                   └─► --send: a rig of one or some cycles ─► SNR read back ─► safe state
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { counted } from '../../core/errors/counted.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { auditBeam, findCycle, type BeamAudit, type Compared, type StoredCycle } from '../telemetry/beam-audit.ts';
import { findKept, KEPT_FILE, type KeptBeam } from '../telemetry/kept-beams.ts';
import { NO_TABLE } from '../telemetry/cycle-record.ts';
import { statesOfRun } from '../rig/tables-of-run.ts';
import { openRun, type StoredRun } from '../telemetry/run-folder.ts';
import { wholeNumber } from './arguments.ts';
import { print, printError } from './output.ts';
import { sendBeam, sentText, type SentBeam } from './send-beam.ts';

export interface BeamOptions {
  cycle: string;
  send?: string;
  cycles: string;
  json?: boolean;
}

/** Exit code 1: the beam is not the one of its record, or was not read back well. */
export async function beam(folder: string, options: BeamOptions): Promise<void> {
  const cycle = wholeNumber('--cycle', options.cycle, { min: 0, max: Number.MAX_SAFE_INTEGER });
  const cycles = wholeNumber('--cycles', options.cycles, { min: 1, max: 1e9 });
  const run = openRun(folder);
  const kept = await keptOf(run, cycle);
  const stored = await findCycle(run, cycle);
  const audit = auditOf(run, kept, stored);
  if (!options.json) for (const line of inWords(run, kept, stored, audit)) print(line);
  if (audit.verdict === 'differs') process.exitCode = 1;
  let sent: SentBeam | undefined;
  if (options.send !== undefined) {
    sent = await sendBeam({ run, kept, rigPath: options.send, cycles });
    if (!options.json) for (const line of sentText(sent)) print(line);
    if (!sent.worked) process.exitCode = 1;
  }
  if (options.json) print(JSON.stringify(asJson(run, kept, stored, audit, sent)));
}

/** By the tables of the run, where its states were known by some. */
function auditOf(run: StoredRun, kept: KeptBeam, stored: StoredCycle | undefined): BeamAudit {
  const id = stored?.cycle.fields.calibration;
  if (typeof id !== 'string' || id === NO_TABLE) return auditBeam(run.manifest, kept, stored);
  const states = statesOfRun(run, id, kept.phaseBits);
  return states === undefined
    ? { verdict: 'not-possible', lacking: `table ${id} in the folder calibration/ of the run` }
    : auditBeam(run.manifest, kept, stored, states);
}

/** @throws BeamrigError 'run-folder' with what there is instead */
async function keptOf(run: StoredRun, cycle: number): Promise<KeptBeam> {
  const refuse = (why: string, wayOut: string): never => {
    throw new BeamrigError('run-folder', `${run.folder}: ${why}`, { wayOut });
  };
  const path = join(run.folder, KEPT_FILE);
  // A pipe that nobody fills, or a device without an end, would be read for ever.
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === false) {
    return refuse(`its ${KEPT_FILE} is no file`, 'Put back the file that the run wrote.');
  }
  const search = await findKept(path, cycle).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT')
      return refuse('no beams were kept', 'Set telemetry.keep: all in the rig file; runs from then on keep theirs.');
    return refuse(`${KEPT_FILE} cannot be read: ${error.message}`, 'Look at the file and its rights.');
  });
  const { found, damaged, first, last } = search;
  if (damaged > 0) printError(`Stepped over in ${KEPT_FILE}, half or damaged: ${damaged}.`);
  if (found !== undefined) return found;
  if (first === undefined) {
    const nothing = damaged === 0 ? 'No cycle of it got as far as phase words.' : `Put back the ${KEPT_FILE} that the run wrote.`;
    return refuse('no beam was kept that can be read', nothing);
  }
  return refuse(
    `cycle ${cycle} is not among the beams that were kept, of cycles ${first} to ${last}`,
    'Give a cycle that is; those that failed before there were words have none.',
  );
}

function inWords(run: StoredRun, kept: KeptBeam, stored: StoredCycle | undefined, audit: BeamAudit): string[] {
  const { elements, rfChains, users, phaseBits, beam: words, channel } = kept;
  const said = stored?.cycle;
  const about = said === undefined ? [] : [said.tags.source, said.tags.model, said.tags.outcome, said.fields.failure];
  const lines = [
    `Cycle ${kept.cycle} of ${run.manifest.run}${about.length === 0 ? '' : ` (${about.filter(Boolean).join(', ')})`}`,
    `${counted(elements, 'element')}, ${counted(rfChains, 'RF chain')}, ${counted(users, 'user')}, Q = ${phaseBits}`,
  ];
  if (words !== undefined) {
    for (let chain = 0; chain < rfChains; chain++) {
      lines.push(`Phase words of chain ${chain}, elements 0 to ${elements - 1}:`);
      const column = Array.from({ length: elements }, (_, element) => String(words.words[element * rfChains + chain]));
      for (let at = 0; at < elements; at += WORDS_A_LINE) {
        lines.push(
          `  ${column
            .slice(at, at + WORDS_A_LINE)
            .map((word) => word.padStart(5))
            .join(' ')}`,
        );
      }
    }
    lines.push('Digital weights D (rows: chains, columns: users):', ...rowsText(words.digital));
  }
  if (channel !== undefined) {
    lines.push(`Channel H: ${users} × ${elements}, kept (--json has it); ‖h‖² of each user: ${gainsOf(channel).join(' ')} dB`);
  }
  return [...lines, auditText(audit)];
}

const WORDS_A_LINE = 16;

const rowsText = ({ rows, cols, re, im }: CMatrix): string[] =>
  Array.from({ length: rows }, (_, row) => {
    const cells = Array.from({ length: cols }, (_, col) => {
      const [real, imaginary] = [re[row * cols + col], im[row * cols + col]];
      return `${real.toFixed(4)}${imaginary < 0 ? '-' : '+'}${Math.abs(imaginary).toFixed(4)}j`.padStart(17);
    });
    return `  ${cells.join(' ')}`;
  });

const gainsOf = ({ rows, cols, re, im }: CMatrix): string[] =>
  Array.from({ length: rows }, (_, row) => {
    let sum = 0;
    for (let i = row * cols; i < (row + 1) * cols; i++) sum += re[i] ** 2 + im[i] ** 2;
    return (10 * Math.log10(sum)).toFixed(1);
  });

function auditText(audit: BeamAudit): string {
  if (audit.verdict === 'not-possible') return `Not checked: ${audit.lacking} is not there.`;
  const { sumRate, snrDb } = audit;
  if (audit.verdict === 'same') {
    return `Checked: channel, words and digital weights give ${sumRate.computed} bit/s/Hz and the SINR of each user, as recorded to the last digit.`;
  }
  return `NOT THE SAME: channel, words and digital weights give ${sumRate.computed} bit/s/Hz, and ${sumRate.recorded ?? 'nothing'} was recorded; ${differenceText(snrDb)}.`;
}

/** The largest difference there is, and users of whom there is none: not recorded, or served in one of the two only. */
function differenceText(snrDb: readonly Compared[]): string {
  const differing = snrDb.map((each, user) => ({ ...each, user })).filter(({ recorded, computed }) => recorded !== computed);
  if (differing.length === 0) return 'SINR is the same';
  const byDb = differing.map(({ recorded, computed }) => Math.abs((recorded ?? NaN) - computed)).filter(Number.isFinite);
  const others = differing
    .filter(({ recorded, computed }) => !Number.isFinite((recorded ?? NaN) - computed))
    .map(
      ({ user, recorded, computed }) =>
        `user ${user} has ${sinrText(computed)}, recorded: ${recorded === null ? 'nothing' : sinrText(recorded)}`,
    );
  const more = others.length > MOST_NAMED ? [`and ${counted(others.length - MOST_NAMED, 'more user')} likewise`] : [];
  const worst = byDb.length === 0 ? [] : [`SINR differs by up to ${Math.max(...byDb)} dB`];
  return [...worst, ...others.slice(0, MOST_NAMED), ...more].join('; ');
}

const MOST_NAMED = 3;
const sinrText = (db: number): string => (db === -Infinity ? 'no signal' : `${db} dB`);

function asJson(
  run: StoredRun,
  kept: KeptBeam,
  stored: StoredCycle | undefined,
  audit: BeamAudit,
  sent: SentBeam | undefined,
): object {
  const matrix = ({ rows, cols, re, im }: CMatrix): object => ({ rows, cols, re: Array.from(re), im: Array.from(im) });
  const { beam: words, channel, ...size } = kept;
  const { tags = {}, fields = {}, timeNs } = stored?.cycle ?? {};
  const recorded = Object.entries({ ...tags, ...fields }).map(([name, value]) => [
    name,
    typeof value === 'bigint' ? Number(value) : value,
  ]);
  return {
    run: run.manifest.run,
    ...size,
    ...(words === undefined ? {} : { words: Array.from(words.words), digital: matrix(words.digital) }),
    ...(channel === undefined ? {} : { channel: matrix(channel) }),
    ...(timeNs === undefined ? {} : { record: { timeNs: String(timeNs), ...(Object.fromEntries(recorded) as object) } }),
    audit,
    ...(sent === undefined ? {} : { sent }),
  };
}
