/** A scan as it comes: a line a point, with a bar for what was measured and a mark where it was calculated to be. */
import { counted } from '../../core/errors/counted.ts';
import type { ScanPoint } from '../beamforming/scan-beams.ts';
import { sourceText, type ChannelOrigin, type Source } from '../telemetry/cycle-record.ts';
import { COMPARED_DB, type Agreement, type CutFigures } from './scan-figures.ts';
import { print, stdout } from './output.ts';
import { printable } from '../../core/errors/printable.ts';

export interface ScanBegin {
  rig: string;
  /** What stands still and what moves, in a sentence. */
  kind: 'beams' | 'receiver';
  about: string;
  points: number;
  user: number;
  pilots: number;
  /** Highest that a point can be, dB. */
  topDb: number;
}

export interface ScanEnd {
  source: Source;
  channelSource: ChannelOrigin;
  panels: string;
  complete: boolean;
  agreement: Agreement;
  /** What the calculated curve was moved by; undefined where its level was known. */
  levelDb?: number;
  /** Of one beam, over the angles of its receiver. */
  cut?: CutFigures;
  /** Beams that were switched to in the panel's memory, where some were to be. */
  selected?: number;
  strongest: string | null;
  written: string[];
  safe: string;
  unsafe: string | undefined;
  failure: string | undefined;
}

export interface ScanOutput {
  begin(begin: ScanBegin): void;
  point(point: ScanPoint): void;
  end(end: ScanEnd): void;
}

const SPAN_DB = 45;
const WIDTH = 45;

export function scanText(): ScanOutput {
  let topDb = 0;
  return {
    begin(begin) {
      topDb = begin.topDb;
      print(printable(`${begin.rig}: ${begin.about}`));
      // 10·log₁₀ of a power that is averaged over P pilots has about this standard deviation; where the signal is weak it has more.
      const spread = (10 / Math.LN10 / Math.sqrt(begin.pilots)).toFixed(2);
      print(`SINR of user ${begin.user}, ${begin.pilots} pilots a reading (±${spread} dB). ████ measured, │ calculated.`);
    },
    point: ({ name, measuredDb, calculatedDb }) => print(lineOf(name, measuredDb, calculatedDb, topDb)),
    end({ source, channelSource, panels, complete, agreement, levelDb, selected, cut, strongest, written, safe, failure }) {
      print(
        printable(
          `${complete ? 'Done' : `Not complete${failure === undefined ? '' : ` (${failure})`}`}: ${sourceText(source, channelSource)}, ${panels}.`,
        ),
      );
      if (strongest !== null) print(`Strongest: ${strongest}.`);
      const { points, mostDb, rmsDb } = agreement;
      const level = levelDb === undefined ? '' : `, once the calculated pattern was moved by ${levelDb.toFixed(1)} dB`;
      print(
        mostDb === null || rmsDb === null
          ? 'Nothing to compare: no point was measured and calculated.'
          : `Measured and calculated are ${mostDb.toFixed(2)} dB apart at most, ${rmsDb.toFixed(2)} dB in the root mean square, at the ${points} points above −${COMPARED_DB} dB of the highest${level}.`,
      );
      if (cut !== undefined) for (const line of cutText(cut)) print(line);
      if (selected !== undefined) print(`From the panel's memory: ${counted(selected, 'beam')}.`);
      for (const path of written) print(`Written: ${path}`);
      print(safe);
    },
  };
}

function cutText({ axis, peakDeg, beamwidthDeg, sidelobeDb }: CutFigures): string[] {
  const beside = ({ measured, calculated }: CutFigures['peakDeg'], unit: string): string => {
    const one = (value: number | null): string => (value === null ? 'not known' : `${value.toFixed(1)}${unit}`);
    return `${one(measured)} (calculated ${one(calculated)})`;
  };
  return [
    `Over ${axis}: peak at ${beside(peakDeg, '°')}, beamwidth ${beside(beamwidthDeg, '°')} at −3 dB, sidelobes ${beside(sidelobeDb, ' dB')}.`,
  ];
}

function lineOf(name: string, measuredDb: number, calculatedDb: number, topDb: number): string {
  const place = (db: number): number => Math.round(((db - (topDb - SPAN_DB)) / SPAN_DB) * WIDTH);
  const bar: string[] = Array.from({ length: WIDTH }, (_, i) => (i < place(measuredDb) ? '█' : ' '));
  const mark = place(calculatedDb);
  if (mark >= 1 && mark <= WIDTH) bar[mark - 1] = '│';
  const cell = (db: number): string => (Number.isFinite(db) ? db.toFixed(2) : '–').padStart(8);
  return `${name.padStart(10)} ${cell(measuredDb)} ${cell(calculatedDb)}  ${bar.join('').trimEnd()}`.trimEnd();
}

export function scanJson(): ScanOutput {
  const line = (value: object): void =>
    stdout().write(
      `${JSON.stringify(value, (_, each: unknown) => (typeof each === 'number' && !Number.isFinite(each) ? null : each))}\n`,
    );
  return {
    begin: (begin) => line({ type: 'begin', ...begin }),
    point: (point) => line({ type: 'point', ...point }),
    end: ({ safe: _, ...end }) => line({ type: 'end', ...end }),
  };
}
