/**
 * A beam by hand on the rig, shown while it is radiated: what it is like, how well it is received, and how it ended.
 */
import { counted } from '../../core/errors/counted.ts';
import { figuresOf, patternMetrics, type PatternFigures } from '../../core/signal/pattern-metrics.ts';
import { matmul } from '../../core/signal/complex-matrix.ts';
import type { Beam } from '../../core/signal/beam-contract.ts';
import type { Direction } from '../../core/signal/steering.ts';
import type { Beamformer } from '../beamforming/beamformer.ts';
import type { RigFile } from '../config/rig-file.ts';
import type { CycleView } from '../control/controller.ts';
import { sourceText, type CycleRecord } from '../telemetry/cycle-record.ts';
import { boundOutput, print, stdout } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { radiate, safeText, type Radiated } from './radiate.ts';

export interface BeamToShow {
  rig: RigFile;
  chosen: Beamformer;
  /** Where it is to point, where that is known. */
  direction?: Direction;
  /** Users whose streams it carries: the others are sent nothing. */
  users: readonly number[];
  seconds?: number;
  cycles?: number;
  /** Of a kept beam: tables that its words were chosen by. */
  madeBy?: string;
  /** Beams that are to be switched to in the panel's memory. */
  fromMemory?: readonly Beam[];
  json: boolean;
  /** Called once, with the first beam that is known to radiate. */
  onShown?: (view: CycleView, record: CycleRecord) => void;
}

const STATUS_MS = { terminal: 200, file: 1000 };

/** Exit code 1: nothing was radiated well, or the array is not certain to be safe. */
export async function showBeam(beam: BeamToShow): Promise<void> {
  const { rig, chosen, direction, users, seconds, cycles, json } = beam;
  boundOutput(json);
  const output = json ? jsonOutput() : textOutput(rig, chosen.title);
  let shown = false;
  let statusMs = -Infinity;
  const radiated = await radiate({
    rig,
    chosen,
    ...(seconds === undefined ? {} : { seconds }),
    ...(cycles === undefined ? {} : { cycles }),
    ...(beam.fromMemory === undefined ? {} : { fromMemory: beam.fromMemory }),
    onCycle: (record, view) => {
      if (record.outcome !== 'ok' || view === undefined) return undefined;
      if (!shown) {
        output.beam(record, figuresOfView(rig, view, direction), beam.madeBy);
        beam.onShown?.(view, record);
      }
      shown = true;
      if (performance.now() - statusMs < (stdout().isTerminal ? STATUS_MS.terminal : STATUS_MS.file)) return undefined;
      statusMs = performance.now();
      output.status(record, users);
      return undefined;
    },
  });
  output.end(radiated);
  if (radiated.ok === undefined || radiated.faulted || radiated.unsafe !== undefined) process.exitCode = 1;
}

/** Of the states that the elements show, and the very D. */
export function figuresOfView(
  rig: Pick<RigFile, 'array'>,
  { analog, digital }: Pick<CycleView, 'analog' | 'digital'>,
  direction: Direction | undefined,
): PatternFigures | undefined {
  const metrics = patternMetrics(rig.array.geometry, matmul(analog, digital), direction);
  return metrics && figuresOf(metrics);
}

interface BeamOutput {
  beam(record: CycleRecord, figures: PatternFigures | undefined, madeBy: string | undefined): void;
  status(record: CycleRecord, users: readonly number[]): void;
  end(radiated: Radiated): void;
}

function jsonOutput(): BeamOutput {
  const line = (value: object): void => print(JSON.stringify(value));
  return {
    beam: ({ source, channelSource, panels, phaseBits, calibration }, figures, madeBy) =>
      line({
        ...{ type: 'beam', source, channelSource, panels, phaseBits, calibration },
        ...(madeBy === undefined ? {} : { madeBy }),
        calculated: figures ?? null,
      }),
    status: ({ cycle, measuredSnrDb, predictedSnrDb }, users) => {
      const heard = users.map((user) => ({ user, measuredDb: measuredSnrDb[user], predictedDb: predictedSnrDb[user] }));
      line({ type: 'status', cycle, users: heard });
    },
    end: ({ ok, ...radiated }) => line({ type: 'end', ...radiated, ...(ok === undefined ? {} : { newest: ok.cycle }) }),
  };
}

function textOutput(rig: RigFile, title: string): BeamOutput {
  const out = stdout();
  let statusShown = false;
  const line = (text: string): void => {
    out.write(`${statusShown ? '\r\x1b[K' : ''}${text}\n`);
    statusShown = false;
  };
  return {
    beam: ({ source, channelSource, panels, phaseBits }, figures) => {
      line(printable(`${rig.name}: ${title}, Q = ${phaseBits}; ${sourceText(source, channelSource)}, ${panels}`));
      for (const text of figures === undefined ? ['It radiates nothing.'] : figuresText(figures)) line(text);
      line(`Ctrl-C ends it: the array goes to its safe state '${rig.safeState}'.`);
    },
    status: ({ measuredSnrDb, predictedSnrDb }, users) => {
      const each = users.map(
        (user) => `user ${user} ${measuredSnrDb[user].toFixed(1)} dB (expected ${predictedSnrDb[user].toFixed(1)})`,
      );
      const text = `SINR measured: ${each.join(', ')}`;
      if (!out.isTerminal) return out.passing(`${text}\n`);
      out.passing(`\r\x1b[K${text}`, false);
      statusShown = true;
    },
    end: ({ cycles, failure, unsafe, ...radiated }) => {
      const why = radiated.void > 0 && failure !== undefined ? `: ${failure}` : '';
      const memory = radiated.selected === undefined ? '' : `, ${radiated.selected} from the panel's memory`;
      line(printable(`${counted(cycles, 'cycle')}${memory}, ${radiated.void} void${why}.`));
      line(safeText(rig, unsafe));
    },
  };
}

/** For people, with what was calculated said to be. */
export function figuresText(figures: PatternFigures): string[] {
  const { peakAzimuthDeg, peakElevationDeg, pointingErrorDeg, beamwidthDeg, sidelobeDb, eirpOverElementDb } = figures;
  const isPlanar = beamwidthDeg.elevation !== undefined;
  const each = ({ azimuth, elevation }: PatternFigures['beamwidthDeg'], unit: string, none: string): string => {
    const one = (value: number | null): string => (value === null ? none : `${value.toFixed(1)}${unit}`);
    return elevation === undefined ? one(azimuth) : `${one(azimuth)} in azimuth, ${one(elevation)} in elevation`;
  };
  return [
    'Calculated, of the states that the elements show:',
    `  points to      ${peakAzimuthDeg.toFixed(2)}°${isPlanar ? `, elevation ${peakElevationDeg.toFixed(2)}°` : ''}${pointingErrorDeg === null ? '' : `; pointing error ${pointingErrorDeg.toFixed(2)}°`}`,
    `  beamwidth      ${each(beamwidthDeg, '°', 'beyond ±90°')} at −3 dB`,
    `  sidelobes      ${each(sidelobeDb, ' dB', 'none')}`,
    `  EIRP           ${eirpOverElementDb.toFixed(1)} dB above that of one element`,
  ];
}
