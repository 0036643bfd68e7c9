/** What `beamrig run` says while it runs: lines for a person, or one JSON object a line for a program. */
import type { ChannelOrigin, RigEvent, Source } from '../telemetry/cycle-record.ts';
import type { InfluxClosing } from '../telemetry/influx-writer.ts';
import { isoTime, type RunSummary } from '../telemetry/run-summary.ts';
import { printable } from './printable.ts';
import { statusText, type RigStatus } from './status-line.ts';

export interface RunStart {
  name: string;
  rigLine: string;
  source: Source;
  channelSource: ChannelOrigin;
  sourceLine: string;
  lookedFor: string[];
  fallback: string;
  links: { name: string; kind: string; source: string; panel: string; firmware: string; elements: string }[];
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
  stopping(): void;
  end(end: RunEnd): void;
  /** How often a status is wanted. */
  readonly statusEveryMs: number;
}

export function jsonOutput(out: NodeJS.WriteStream): RunOutput {
  const line = (value: object): void => void out.write(`${JSON.stringify(value)}\n`);
  return {
    statusEveryMs: 1000,
    start: (start) => line({ type: 'start', ...start }),
    event: ({ timeNs, ...event }) => line({ type: 'event', time: isoTime(timeNs), ...event }),
    status: line,
    stopping: () => line({ type: 'stopping' }),
    end: (end) => line({ type: 'end', ...end }),
  };
}

export function textOutput(out: NodeJS.WriteStream): RunOutput {
  const onTerminal = out.isTTY;
  const colour = onTerminal && process.env.NO_COLOR === undefined;
  const paint = (code: number, text: string): string => (colour ? `\x1b[${code}m${text}\x1b[0m` : text);
  const level = { info: 0, warning: 33, error: 31 } as const;
  let statusShown = false;
  const line = (text: string): void => {
    if (statusShown) out.write('\r\x1b[K');
    statusShown = false;
    out.write(`${text}\n`);
  };
  return {
    statusEveryMs: onTerminal ? 500 : 5000,
    start: ({ name, rigLine, source, channelSource, sourceLine, lookedFor, url, runFolder }) => {
      line(`${name}: ${rigLine}`);
      line('Looked for hardware:');
      for (const place of lookedFor) line(`  ${place}`);
      const colourOf = { simulator: 31, 'played-panel': 33, hardware: channelSource === 'simulation' ? 33 : 0 };
      line(paint(colourOf[source], sourceLine));
      line(`Page:        ${url}`);
      line(`Run folder:  ${runFolder}`);
      line('Ctrl-C stops the rig.');
    },
    event: ({ timeNs, level: of, code, message, action }) => {
      if (code === 'fallback' && of === 'warning') return; // the start has said it
      const time = isoTime(timeNs).slice(11, 19);
      const told = action === undefined ? message : `${message} ${action}`;
      line(paint(level[of], `${time} ${of === 'info' ? '' : `${of}: `}${printable(told)}`));
    },
    status: (status) => {
      const text = statusText(status);
      if (!onTerminal) return line(text);
      out.write(`\r\x1b[K${text.slice(0, (out.columns || 120) - 1)}`);
      statusShown = true;
    },
    stopping: () => line('Stopping: the array goes to its safe state. Ctrl-C again forces the end.'),
    end: ({ ended, message, folder, summary, problem, influx }) => {
      const { cycles, cyclesPerSecond, meanSumRate } = summary;
      const rate = (value: number | null): string => (value === null ? '–' : value.toFixed(2));
      line(`${sentence[ended] ?? `Ended: ${ended}.`}${message === undefined ? '' : ` ${message}`}`);
      line(
        `${cycles} cycles (${summary.void} void), ${cyclesPerSecond.toFixed(1)} a second; ` +
          `measured ${rate(meanSumRate.measured)}, predicted ${rate(meanSumRate.predicted)}, ZF ${rate(meanSumRate.zf)} bit/s/Hz.`,
      );
      if (influx) {
        line(`InfluxDB took ${influx.taken} points${influx.refused > 0 ? ` and refused ${influx.refused}` : ''}.`);
        if (influx.replay !== undefined)
          line(`${influx.remaining} points are not in InfluxDB yet. Send them with: ${influx.replay}`);
      }
      if (problem !== undefined) line(paint(33, `The records are not complete: ${problem}.`));
      line(`Everything is in ${folder}`);
    },
  };
}

const sentence: Record<string, string> = {
  done: 'All cycles are done.',
  stopped: 'Stopped.',
  faulted: 'The rig faulted.',
};
