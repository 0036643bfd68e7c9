/** What `beamrig run` says while it runs: lines for a person, or one JSON object a line for a program. */
import type { Engine } from '../../models/engine/engines.ts';
import { counted } from '../../core/errors/counted.ts';
import { FIGURE_SOURCES, FIGURES } from '../telemetry/cycle-columns.ts';
import { sourceText, type ChannelOrigin, type RigEvent, type Source } from '../telemetry/cycle-record.ts';
import type { InfluxClosing } from '../telemetry/influx/influx-writer.ts';
import { isoTime, type RunPart, type RunSummary } from '../telemetry/run-summary.ts';
import type { Outlet } from './outlet.ts';
import { printable } from '../../core/errors/printable.ts';
import { statusText, type RigStatus } from './status-line.ts';

export interface RunStart {
  name: string;
  rigLine: string;
  /** What beams are to be good for. */
  objective: string;
  model: string;
  /** What computes it; null of a baseline, which is plain code. */
  engine: Engine | null;
  source: Source;
  channelSource: ChannelOrigin;
  /** Where channels come from, in words. */
  channels: string;
  sourceLine: string;
  lookedFor: string[];
  /** What phase states are known by. */
  calibration: string;
  fallback: string;
  links: { name: string; kind: string; source: string; panel: string; firmware: string; elements: string; users: string }[];
  url: string;
  runFolder: string;
}

export interface RunEnd {
  ended: string;
  message?: string;
  folder: string;
  summary: RunSummary;
  problem?: string;
  influx?: InfluxClosing & { replay?: string };
}

export interface RunOutput {
  start(start: RunStart): void;
  event(event: RigEvent): void;
  status(status: RigStatus): void;
  /** @param commanded whether a link took the command to be safe; undefined where no rig is there yet */
  stopping(commanded: boolean | undefined): void;
  /** It was stopped before the rig was there. */
  neverRan(): void;
  /** The records do not let themselves be closed. */
  unclosed(folder: string, afterMs: number): void;
  end(end: RunEnd): void;
  /** How often a status is wanted. */
  readonly statusEveryMs: number;
}

export function jsonOutput(out: Outlet): RunOutput {
  const line = (value: object, kind: 'line' | 'last' = 'line'): void => out.write(`${JSON.stringify(value)}\n`, kind);
  return {
    statusEveryMs: 1000,
    start: (start) => line({ type: 'start', ...start }),
    event: ({ timeNs, ...event }) => line({ type: 'event', time: isoTime(timeNs), ...event }),
    status: (status) => out.passing(`${JSON.stringify(status)}\n`),
    stopping: (safeStateCommanded = false) => line({ type: 'stopping', safeStateCommanded }, 'last'),
    neverRan: () => line({ type: 'end', ended: 'stopped', message: NEVER_RAN }, 'last'),
    unclosed: (folder, afterMs) =>
      line({ type: 'end', ended: 'unclosed', folder, message: unclosedMessage(folder, afterMs) }, 'last'),
    end: (end) => line({ type: 'end', ...end }, 'last'),
  };
}

export function textOutput(out: Outlet): RunOutput {
  const onTerminal = out.isTerminal;
  const colour = onTerminal && process.env.NO_COLOR === undefined;
  const paint = (code: number, text: string): string => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const level = { info: 0, warning: 33, error: 31 } as const;
  let statusShown = false;
  const line = (text: string, kind: 'line' | 'last' = 'line'): void => {
    out.write(`${statusShown ? '\r\x1b[K' : ''}${text}\n`, kind);
    statusShown = false;
  };
  return {
    statusEveryMs: onTerminal ? 500 : 5000,
    start: ({ name, rigLine, source, channelSource, channels, sourceLine, lookedFor, calibration, url, runFolder }) => {
      line(`${name}: ${rigLine}`);
      line('Looked for hardware:');
      for (const place of lookedFor) line(`  ${place}`);
      const colourOf = { simulator: 31, 'played-panel': 33, hardware: channelSource === 'simulation' ? 33 : 0 };
      line(paint(colourOf[source], sourceLine));
      if (channelSource === 'sounding') line(`Channels:    ${printable(channels)}`);
      line(`Calibration: ${printable(calibration)}`);
      line(`Page:        ${url}`);
      line(`Run folder:  ${runFolder}`);
      line('Ctrl-C stops the rig.');
    },
    event: ({ timeNs, level: of, code, message, action }) => {
      if (code === 'fallback' && of === 'warning') return; // the start has said it
      const time = isoTime(timeNs).slice(11, 19);
      const text = action === undefined ? message : `${message} ${action}`;
      line(paint(level[of], `${time} ${of === 'info' ? '' : `${of}: `}${printable(text)}`));
    },
    status: (status) => {
      const text = statusText(status);
      if (!onTerminal) return out.passing(`${text}\n`);
      out.passing(`\r\x1b[K${text.slice(0, out.columns - 1)}`, false);
      statusShown = true;
    },
    stopping: (commanded) => line(`${stoppingMessage(commanded)} Ctrl-C again forces the end.`, 'last'),
    neverRan: () => line(NEVER_RAN, 'last'),
    unclosed: (folder, afterMs) => line(paint(31, unclosedMessage(folder, afterMs)), 'last'),
    end: ({ ended, message, folder, summary, problem, influx }) => {
      const last = (text: string): void => line(text, 'last');
      const { cycles, cyclesPerSecond } = summary;
      last(`${SENTENCE[ended] ?? `Ended: ${ended}.`}${message === undefined ? '' : ` ${message}`}`);
      const inAll = `${counted(cycles, 'cycle')} (${summary.void} void), ${cyclesPerSecond.toFixed(1)} a second`;
      if (summary.sounding !== null) last(soundingText(summary.sounding));
      const [first, ...others] = summary.parts;
      const on = ({ objective, source, channelSource }: RunPart): string =>
        `objective ${objective}, ${sourceText(source, channelSource)}`;
      if (first === undefined) last(`${inAll}.`);
      else if (others.length === 0) {
        last(`${inAll}; ${on(first)}. Means:`);
        for (const figure of figuresText(first.means)) last(`  ${figure}`);
      } else {
        last(`${inAll}. Means for each model and Q:`);
        for (const part of summary.parts) {
          last(`  ${part.modelId}, Q = ${part.phaseBits}, ${on(part)}, ${counted(part.cycles, 'cycle')} (${part.void} void):`);
          for (const figure of figuresText(part.means)) last(`    ${figure}`);
        }
      }
      for (const [why, count] of Object.entries(summary.doubtful)) {
        last(
          paint(
            33,
            `${counted(count, 'cycle')} with readings that are not to be believed (${why}): kept, marked, and in no mean.`,
          ),
        );
      }
      if (influx) {
        last(`InfluxDB took ${counted(influx.taken, 'point')}${influx.refused > 0 ? ` and refused ${influx.refused}` : ''}.`);
        if (influx.replay !== undefined) {
          const { remaining } = influx;
          const which = remaining === null ? 'Points that nobody had the time to count' : counted(remaining, 'point');
          last(`${which} ${remaining === 1 ? 'is' : 'are'} not in InfluxDB yet. Send them with: ${influx.replay}`);
        }
      }
      if (problem !== undefined) last(paint(33, `The records are not complete: ${problem}.`));
      last(problem === undefined ? `Everything is in ${folder}` : `What there is, is in ${folder}`);
    },
  };
}

const soundingText = ({ slots, beams, share }: NonNullable<RunSummary['sounding']>): string =>
  `Sounding took ${counted(slots, 'slot')} for ${counted(beams, 'beam')} of the whole channel and those through words that stood: ${(100 * share).toFixed(1)} % of all.`;

/** `sum rate: measured 28.41, predicted 28.92, digital ZF 30.01 bit/s/Hz`: a line for each quantity. */
function figuresText(means: RunPart['means']): string[] {
  const shown = FIGURES.filter(({ name, figure }) => figure.seldom !== true || typeof means[name] === 'number');
  const quantities = [...new Set(shown.map(({ figure }) => figure.of))];
  return quantities.map((quantity) => {
    const columns = shown.filter(({ figure }) => figure.of === quantity);
    const from = FIGURE_SOURCES.flatMap((source) => columns.filter(({ figure }) => figure.from === source));
    const each = from.map(({ name, figure }) => `${figure.from} ${means[name]?.toFixed(2) ?? '–'}`);
    const unit = columns[0]?.unit;
    return `${quantity}: ${each.join(', ')}${unit === undefined ? '' : ` ${unit}`}`;
  });
}

const NEVER_RAN = 'Stopped before the rig was there: this run has radiated nothing.';
const unclosedMessage = (folder: string, afterMs: number): string =>
  `The records in ${folder} did not let themselves be closed within ${(afterMs / 1000).toFixed(1)} s; what is not on the disk is lost.`;

/** Only what was done. */
function stoppingMessage(commanded: boolean | undefined): string {
  if (commanded === undefined) return 'Stopping.';
  if (commanded) return 'Stopping: the array was commanded to its safe state.';
  return 'Stopping: no link takes the command to be safe now; it is tried again, and a panel that hears nothing goes there by itself.';
}

const SENTENCE: Record<string, string> = {
  done: 'All cycles are done.',
  stopped: 'Stopped.',
  faulted: 'The rig faulted.',
};
