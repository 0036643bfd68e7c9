/**
 * `beamrig reproduce PAPER`: a paper's figures, tables and claims again, beside what it prints, as one HTML report, or a page of Markdown. What was computed is kept in
 * the cache, so that Ctrl-C loses a few seconds, and the next start goes on from there.
 */
import { counted } from '../../core/errors/counted.ts';
import { BeamrigError, isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { ReproductionWork } from '../../models/reproduce/paper-001-figures.ts';
import { paper000Report, type Paper000Options } from '../../models/reproduce/paper-000-report.ts';
import { paper000Data } from './paper-000-data.ts';
import { paper001Report } from '../../models/reproduce/paper-001-report.ts';
import { startPace } from '../../models/reproduce/pace.ts';
import { once, openResultCache } from '../../models/reproduce/result-cache.ts';
import { checksumOfModules } from '../../models/reproduce/source-checksum.ts';
import { unlessStopped } from '../../models/reproduce/stoppable.ts';
import { reportHtml } from '../../models/report/html.ts';
import { reportMarkdown } from '../../models/report/markdown.ts';
import type { Report } from '../../models/report/report.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { tellScripts } from './failure.ts';
import { claimOutput, requireWritable, writeOutput } from './output-file.ts';
import { barStream, print, printError, stderr } from './output.ts';
import { onStopSignal } from './stop-signal.ts';

export interface ReproduceOptions {
  quick?: boolean;
  count?: string;
  seed: string;
  output?: string;
  force?: boolean;
  json?: boolean;
  channels?: string;
  conjugate?: boolean;
  covariance?: string;
}

/** A page of Markdown, or one HTML file. */
const ENDINGS = ['.html', '.md'];
const PAPERS = ['000', '001'] as const;
const QUICK_CHANNELS = 10;
const CHANNELS = { '000': 100, '001': 200 };
/** As a shell tells of a process that Ctrl-C ended. */
const STOPPED = 130;

export async function reproduce(paper: string, options: ReproduceOptions): Promise<void> {
  const { quick = false, force = false, json = false } = options;
  const which = oneOf('PAPER', paper, PAPERS);
  refuseFilesOf(which, options);
  const usual = quick ? QUICK_CHANNELS : CHANNELS[which];
  const count = options.count === undefined ? usual : wholeNumber('--count', options.count, { min: 2, max: 1_000_000 });
  const seed = wholeNumber('--seed', options.seed, { min: 0, max: 1e9 });
  // With --json the report goes to standard output, and into a file where one is named.
  const output = options.output ?? (json ? undefined : `paper-${paper}.html`);
  if (output !== undefined) {
    requireWritable(output, force);
    if (!ENDINGS.some((ending) => output.endsWith(ending))) {
      throw new BeamrigError('argument', `--output ${output}: a report's name ends in ${ENDINGS.join(' or ')}`, {
        wayOut: `Write for example --output paper-${paper}.html.`,
      });
    }
  }
  const giveBack = output === undefined ? () => undefined : claimOutput(output);
  try {
    await reproduceInto(output, { which, count, seed, quick, force, json, options });
  } finally {
    giveBack();
  }
}

interface Asked {
  which: (typeof PAPERS)[number];
  count: number;
  seed: number;
  quick: boolean;
  force: boolean;
  json: boolean;
  options: ReproduceOptions;
}

async function reproduceInto(output: string | undefined, asked: Asked): Promise<void> {
  const { which, count, seed, quick, force, json, options } = asked;
  const stop = new AbortController();
  const release = onStopSignal(() => stop.abort());
  const pace = startPace({ say: printError, ...(stderr().isTerminal ? { stream: barStream() } : {}) });
  let kept = true;
  const cache = openResultCache(undefined, (why) => {
    kept = false;
    printError(`beamrig: the cache cannot be written, and nothing that is computed is kept: ${why}`);
  });
  const work: ReproductionWork = { cache, signal: stop.signal, pace, say: printError };
  const command = `beamrig reproduce ${which}${quick ? ' --quick' : ''} --count ${count} --seed ${seed}`;
  let report: Report;
  try {
    report =
      which === '000'
        ? await paper000(paper000Data({ ...options, count, seed, command }), work).finally(() =>
            pace.end('counted once for each method and SNR'),
          )
        : await paper001Report({ channels: count, seed, literalRecipe: !quick, command }, work);
  } catch (error) {
    if (!isBeamrigError(error) || error.code !== 'stopped') throw error;
    return tellStopped(json, kept);
  } finally {
    release();
  }
  if (output !== undefined) writeOutput(output, (output.endsWith('.md') ? reportMarkdown : reportHtml)(report), force);
  if (json) return print(JSON.stringify(report));
  const hold = report.claims.filter(({ holds }) => holds).length;
  for (const { claim, holds } of report.claims)
    print(`${holds ? '✓ holds        ' : '✗ does not hold'}  ${claim.replaceAll('`', '')}`);
  print(`${hold} of ${counted(report.claims.length, 'claim')} ${hold === 1 ? 'holds' : 'hold'}. Report: ${output ?? ''}`);
}

/** Only paper 000's authors have published theirs. */
function refuseFilesOf(paper: (typeof PAPERS)[number], { channels, covariance, conjugate = false }: ReproduceOptions): void {
  const given = channels !== undefined || covariance !== undefined || conjugate;
  if (paper !== '000' && given) {
    throw new BeamrigError('argument', `--channels, --conjugate and --covariance have no meaning for paper ${paper}`, {
      wayOut: 'Leave them out: channels of a seed are drawn.',
    });
  }
  if ((channels === undefined) !== (covariance === undefined) || (conjugate && channels === undefined)) {
    throw new BeamrigError('argument', '--channels and --covariance belong together', {
      wayOut: 'Give both, with --conjugate where rows are h_k, or none: then channels of a seed are drawn.',
    });
  }
}

/** A unit of work is a method at an SNR, or a climb. */
async function paper000(options: Paper000Options, { cache, signal, pace }: ReproductionWork): Promise<Report> {
  const program = checksumOfModules('paper-000', 'paper-000-worker');
  return paper000Report(options, {
    once: (unit, schema, compute) => once(cache, { ...unit, program }, schema, () => unlessStopped(compute(), signal)),
    onProgress: (_, done, total) => pace?.onProgress(done, total),
  });
}

function tellStopped(json: boolean, kept: boolean): void {
  const message = kept ? 'stopped; what was computed is kept' : 'stopped; what was computed is lost';
  const wayOut = kept
    ? 'The same command goes on from there.'
    : 'Give a folder that can be written, XDG_CACHE_HOME=FOLDER, and begin again.';
  printError(`beamrig: ${message}`);
  printError(`What to do: ${wayOut}`);
  if (json) tellScripts({ code: 'stopped', message, wayOut });
  process.exitCode = STOPPED;
}
