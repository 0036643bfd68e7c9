/** What a measurement of an array found, as a report: figures in a table, offsets, errors of the states, what is left over, and a beam before and after. */
import type { ElementFlaw } from '../../calibration/element-health.ts';
import { tableId } from '../../calibration/tables/state-table.ts';
import type { CalibrationTable } from '../../calibration/tables/table-schema.ts';
import { azimuthCut } from '../../core/signal/beampattern.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import { elementCount, steeringVector } from '../../core/signal/geometry.ts';
import { quantisePhases, quantiseToStates } from '../../core/signal/quantise.ts';
import type { HeatMap, Plot, Report, ReportSection } from '../../models/report/report.ts';
import type { RigFile } from '../config/rig-file.ts';
import { flawsText, type MeasuredChainStates } from './calibrate-rig.ts';
import type { ToReport } from './figures.ts';
import { isOnRealLink, type Source } from '../telemetry/cycle-record.ts';

const DEG = 180 / Math.PI;
/** Chains whose figures are drawn one by one; of more, the first ones. */
const MOST_CHAINS = 4;
/** Points of the plot of what is left over. */
const RESIDUAL_POINTS = 200;
const FLOOR_DB = -40;

export function calibrationReport({ rig, method, result, source }: ToReport): Report {
  const { tables, chains, readings, commits, spentMs, readingSnrDb } = result;
  const [{ measuredAt, temperatureC, accuracy, gainsBeside }] = tables;
  const shown = chains.slice(0, MOST_CHAINS);
  const after = chains.length > MOST_CHAINS ? ` Of ${chains.length} chains the first ${MOST_CHAINS} are drawn.` : '';
  return {
    title: `Calibration of ${rig.name}`,
    about: [
      `Measured ${measuredAt.replace('T', ' ').replace(/\.\d+Z$/, ' UTC')} by the method ${method.name} (${method.about}; ${method.source}), on ${isOnRealLink(source) ? 'a real link' : 'the simulator'}.`,
      ...(source === 'hardware'
        ? []
        : [
            `SIMULATED: ${source === 'simulator' ? 'the simulator' : 'a panel that a program played'} was measured; nothing here is of any hardware.`,
          ]),
      `Gains are drawn beside the median element${gainsBeside === 'nominal' ? ', and are beside a nominal one in the table' : ', and are beside their mean in the table'}; the path to the probe is taken out.${after}`,
    ],
    claims: [],
    sections: [
      {
        title: 'In figures',
        tables: [
          {
            head: ['', ''],
            rows: [
              ['panels', tables.map(({ panel }) => panel).join(', ')],
              ['tables', tables.map(tableId).join(', ')],
              ['frequency', `${rig.array.carrierGhz} GHz`],
              ['temperature of the board', temperatureC === null ? 'not known' : `${temperatureC} °C`],
              ['readings', `${readings} of ${result.reading}, ${result.pilots} pilots each`],
              ['commits', String(commits)],
              ['time', `${(spentMs / 1000).toFixed(1)} s`],
              ['SNR of one element alone in a reading', `${readingSnrDb.toFixed(1)} dB`],
              ['expected error of a state', `${accuracy.phaseDeg}°, ${accuracy.gainDb} dB RMS`],
              ['flaws', tables.map(flawsText).join('; ')],
            ],
          },
        ],
      },
      elementsSection(shown),
      ...(method.finds === 'states' ? [statesSection(shown, source)] : []),
      residualSection(shown),
      patternSection(rig, tables, shown),
    ],
  };
}

function elementsSection(chains: readonly MeasuredChainStates[]): ReportSection {
  // Where nothing is heard there is no phase, and its gain would set the scale of all the others.
  const offsets = chains.map(({ states, flaws }) =>
    Array.from({ length: states.rows }, (_, n) => (isHeard(flaws.get(n)) ? polar(states, n, 0) : NOTHING)),
  );
  const middle = percentile(
    offsets.flat().flatMap(({ power }) => (Number.isNaN(power) ? [] : [power])),
    0.5,
  );
  const silent = chains.map(({ elements, flaws }) => elements.filter((_, n) => !isHeard(flaws.get(n))));
  const of = (title: string, y: string, value: (offset: Polar) => number): Plot => {
    const lines = chains.map(({ elements }, m) => ({ label: `chain ${m}`, x: elements, y: offsets[m].map(value) }));
    const least = Math.min(...lines.flatMap((line) => line.y.filter(Number.isFinite)));
    const marked = [...new Set(silent.flat())].sort((a, b) => a - b);
    const marks = { label: 'nothing heard', x: marked, y: marked.map(() => (Number.isFinite(least) ? least : 0)) };
    return { ...{ title, x: { label: 'element' }, y: { label: y } }, lines: marked.length === 0 ? lines : [...lines, marks] };
  };
  return {
    title: 'Elements in state 0',
    text: [
      'Before calibration all of them were taken for 0° and one gain.',
      ...silent.flatMap((elements, m) =>
        elements.length === 0
          ? []
          : [`Chain ${m}: left out, for nothing is heard of ${elements.length === 1 ? 'it' : 'them'}: ${nameOf(elements)}.`],
      ),
    ],
    plots: [
      of('Phase of each element', 'degrees', ({ phaseDeg }) => phaseDeg),
      of('Gain of each element', 'dB', ({ power }) => 10 * Math.log10(power / middle)),
    ],
  };
}

const isHeard = (flaw: ElementFlaw | undefined): boolean => flaw !== 'dead' && flaw !== 'dead-or-stuck';
const NOTHING: Polar = { power: NaN, phaseDeg: NaN };
const nameOf = (elements: readonly number[]): string =>
  `${elements.length === 1 ? 'element' : 'elements'} ${elements.join(', ')}`;

interface Polar {
  power: number;
  phaseDeg: number;
}

function polar({ cols, re, im }: CMatrix, row: number, state: number): Polar {
  const at = row * cols + state;
  return { power: re[at] ** 2 + im[at] ** 2, phaseDeg: DEG * Math.atan2(im[at], re[at]) };
}

function statesSection(chains: readonly MeasuredChainStates[], source: Source): ReportSection {
  const maps = chains.flatMap(({ states, flaws }, m): HeatMap[] => {
    const errors = Array.from({ length: states.rows }, (_, n) => {
      if (!isHeard(flaws.get(n))) return Array.from({ length: states.cols }, () => NaN);
      const first = Array.from({ length: states.cols }, (_, s) => polar(states, n, s).phaseDeg - (360 * s) / states.cols);
      const [re, im] = [mean(first.map((deg) => Math.cos(deg / DEG))), mean(first.map((deg) => Math.sin(deg / DEG)))];
      const middle = DEG * Math.atan2(im, re);
      return first.map((deg) => turned(deg - middle));
    });
    // Of what obeys: a stuck element's are far from all words but one.
    const healthy = errors.filter((_, n) => !flaws.has(n)).flat();
    const limit = Math.max(1, Math.ceil(percentile(healthy.map(Math.abs), 0.98)));
    return [
      {
        title: `Chain ${m}: how far each state is from where it should be`,
        x: 'phase word',
        y: 'element',
        values: errors,
        unit: '°',
        limit,
      },
    ];
  });
  const hasSilent = chains.some(({ flaws }) => [...flaws.values()].some((flaw) => !isHeard(flaw)));
  return {
    title: `Errors of the states${source === 'hardware' ? '' : ', simulated'}`,
    ...(hasSilent ? { text: ['A row without colours is an element of which nothing is heard.'] } : {}),
    heatMaps: maps,
  };
}

function residualSection(chains: readonly MeasuredChainStates[]): ReportSection {
  return {
    title: 'What is left over',
    text: [
      'Readings less what the states say, in powers of the noise of a reading: 1 where all is explained; less where states follow the readings’ noise.',
    ],
    plots: [
      {
        ...{ title: 'Left over along the measurement', x: { label: 'reading' }, y: { label: 'of the noise' } },
        lines: chains.map(({ estimate: { residual, noise } }, m) => {
          const per = Math.max(1, Math.ceil(residual.rows / RESIDUAL_POINTS));
          const bins = Array.from({ length: Math.ceil(residual.rows / per) }, (_, i) => {
            const end = Math.min((i + 1) * per, residual.rows);
            let sum = 0;
            for (let at = i * per; at < end; at++) sum += residual.re[at] ** 2 + residual.im[at] ** 2;
            return sum / (end - i * per) / noise;
          });
          return { label: `chain ${m}`, x: bins.map((_, i) => i * per), y: bins };
        }),
      },
    ],
  };
}

/** A beam straight ahead as the array shows it: with words for ideal states, and with words for what was measured. */
function patternSection(
  rig: RigFile,
  tables: readonly CalibrationTable[],
  chains: readonly MeasuredChainStates[],
): ReportSection {
  const { geometry, phaseBits } = rig.array;
  const towards = steeringVector(geometry, 0);
  const wanted = Float64Array.from(towards.re, (re, n) => Math.atan2(towards.im[n], re));
  const [{ elements, states }] = chains;
  const alphabet = elements.map((_, row) => {
    const own = {
      re: states.re.subarray(row * states.cols, (row + 1) * states.cols),
      im: states.im.subarray(row * states.cols, (row + 1) * states.cols),
    };
    return own;
  });
  const phases = Float64Array.from(elements, (n) => wanted[n]);
  const shownBy = (words: Uint16Array): CMatrix => {
    const out = zeros(elementCount(geometry), 1);
    elements.forEach((n, row) => {
      out.re[n] = alphabet[row].re[words[row]];
      out.im[n] = alphabet[row].im[words[row]];
    });
    return out;
  };
  const cuts = [quantisePhases(phases, phaseBits), quantiseToStates(phases, (row) => alphabet[row])].map((words) =>
    azimuthCut(geometry, shownBy(words), [0]),
  );
  const peak = Math.max(...cuts.flatMap(({ power }) => Array.from(power)));
  const labels = ['before: words for ideal states', 'after: words for the measured states'];
  return {
    title: 'A beam straight ahead',
    text: [
      `Chain 0, worked out from the measured states, in the horizontal plane. Tables: ${tables.length}.`.replace(
        / Tables: 1\.$/,
        '',
      ),
    ],
    plots: [
      {
        ...{ title: 'Before and after', x: { label: 'azimuth, degrees' }, y: { label: 'dB below the peak' } },
        lines: cuts.map(({ anglesRad, power }, i) => ({
          ...{ label: labels[i], dashed: i === 0 },
          x: Array.from(anglesRad, (angle) => angle * DEG),
          y: Array.from(power, (value) => Math.max(10 * Math.log10(value / peak), FLOOR_DB)),
        })),
      },
    ],
  };
}

const turned = (deg: number): number => deg - 360 * Math.round(deg / 360);
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(values.length, 1);
const percentile = (values: readonly number[], share: number): number =>
  values.slice().sort((a, b) => a - b)[Math.floor(share * (values.length - 1))] ?? 0;
