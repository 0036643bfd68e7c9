/** Tables of a folder as what a rig's boards are known to show. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drawnArray } from '../../calibration/drawn-array.ts';
import type { ElementFlaw } from '../../calibration/element-health.ts';
import { alphabetsOf, tableOf, tableOfPanel, tableText, tableFileName, tableId } from '../../calibration/tables/state-table.ts';
import type { CalibrationTable } from '../../calibration/tables/table-schema.ts';
import { idealOf } from '../../core/signal/quantise.ts';
import { nearestInPhase, steeringPhases } from '../../core/signal/steering.ts';
import { createRandom } from '../../core/signal/random.ts';
import { parseRigFile } from '../config/rig-file.ts';
import type { CyclePanel } from '../control/control-cycle.ts';
import type { BoardUsed } from '../telemetry/cycle-record.ts';
import { calibrationEvents, openCalibrations } from './calibration.ts';
import { safeChoice } from './simulated-panel.ts';

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'beamrig-tables-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const rig = (links: string, extra = '') =>
  parseRigFile(
    `name: r
array: { geometry: { kind: ula, elements: 4 }, rfChains: 2, phaseBits: 3 }
users: { count: 2 }
beamformer: { model: aligned }
links: [${links}]
calibration: { folder: ${JSON.stringify(folder)}${extra} }`,
    join(folder, 'r.yaml'),
  );
const TWO_PANELS =
  "{ name: left, tcp: { host: 127.0.0.1, port: 4001 }, elements: '0, 2' }, { name: right, tcp: { host: 127.0.0.1, port: 4002 }, elements: '1, 3' }";
const board = (link: string, panel: string): BoardUsed => ({ link, kind: 'tcp', source: 'hardware', panel, firmware: '1' });

/** Of the whole array, as it is cut up for its panels. */
function measuredTogether(measurement: string, flaws = new Map<number, ElementFlaw>()): CalibrationTable {
  const chains = [1, 2].map((seed) => ({
    elements: [0, 1, 2, 3],
    states: drawnArray({ elements: 4, phaseBits: 3, random: createRandom(seed), phaseStateErrorDeg: 3, gainStateErrorDb: 0.3 }),
    flaws,
  }));
  const facts = {
    ...{
      panel: 'whole',
      measurement,
      simulatedArray: null,
      frequencyGhz: 28,
      temperatureC: null,
      measuredAt: '2026-01-02T03:04:05.000Z',
    },
    ...{ method: 'coded', readings: 100, elements: 4, rfChains: 2, phaseBits: 3, accuracy: { phaseDeg: 0.5, gainDb: 0.05 } },
  };
  return tableOf(facts, chains);
}
const keep = (table: CalibrationTable): void => writeFileSync(join(folder, tableFileName(table)), tableText(table));

describe('two panels that were measured together', () => {
  const whole = measuredTogether('lab 1');
  const parts = [tableOfPanel(whole, 'L', [0, 2]), tableOfPanel(whole, 'R', [1, 3])];
  const on = { boards: () => [board('left', 'L'), board('right', 'R')] };

  it('show what each element of the array was measured to show', () => {
    for (const part of parts) keep(part);
    const calibration = openCalibrations(rig(TWO_PANELS)).for(on);
    expect(calibration.id).toBe(parts.map(tableId).join(' + '));
    expect(calibration.tables.map(({ text }) => JSON.parse(text) as unknown)).toEqual(parts);
    const { of } = calibration.states(3);
    expect(Array.from({ length: 8 }, (_, place) => of?.(place))).toEqual(alphabetsOf(whole));
  });

  it('have every second state of theirs with words of a bit less', () => {
    for (const part of parts) keep(part);
    const { bits, of } = openCalibrations(rig(TWO_PANELS)).for(on).states(2);
    expect(bits).toBe(2);
    const states = alphabetsOf(whole)[5];
    expect(of?.(5)).toEqual({ re: states?.re.filter((_, s) => s % 2 === 0), im: states?.im.filter((_, s) => s % 2 === 0) });
  });

  it('are one array only by tables of one measurement', () => {
    keep(parts[0]);
    keep(tableOfPanel(measuredTogether('lab 2'), 'R', [1, 3]));
    const calibration = openCalibrations(rig(TWO_PANELS)).for(on);
    expect({ id: calibration.id, about: calibration.about }).toEqual({
      id: 'none',
      about: 'none: ideal phase states (the panels were measured apart, so that their phases do not compare)',
    });
    expect(calibration.states(3)).toEqual({ bits: 3 });
  });

  it('have none where one of them has none, and say which', () => {
    keep(parts[0]);
    const calibrations = openCalibrations(rig(TWO_PANELS));
    expect(calibrations.for(on).about).toBe('none: ideal phase states (R: the tables are of L)');
    const swapped = { boards: () => [board('left', 'L'), board('right', '')] };
    expect(calibrations.for(swapped).about).toBe('none: ideal phase states (right: it has not answered yet)');
  });
});

it('of no folder there are no tables', () => {
  rmSync(folder, { recursive: true });
  const calibrations = openCalibrations(rig(''));
  expect(calibrations.some).toBe(false);
  mkdirSync(folder);
});

it('refuses a folder with a file that is no whole table, naming it', () => {
  writeFileSync(join(folder, 'half.json'), tableText(measuredTogether('lab')).slice(0, 300));
  expect(() => openCalibrations(rig(''))).toThrow(/half\.json: not JSON, or cut off/);
});

it('takes places that nobody measured for ideal', () => {
  const whole = measuredTogether('lab');
  const gainDb = whole.gainDb.map((row, place) => (place === 3 ? null : row));
  const phaseDeg = whole.phaseDeg.map((row, place) => (place === 3 ? null : row));
  const part = tableOfPanel({ ...whole, gainDb, phaseDeg }, 'L', [0, 1, 2, 3]);
  keep(part);
  const one = "{ name: left, tcp: { host: 127.0.0.1, port: 4001 }, elements: '0-3' }";
  const { of } = openCalibrations(rig(one))
    .for({ boards: () => [board('left', 'L')] })
    .states(3);
  expect(of?.(3)).toBe(idealOf(3));
});

describe('a damaged table in the folder', () => {
  const whole = tableOfPanel(measuredTogether('lab'), 'L', [0, 1, 2, 3]);
  const one = "{ name: left, tcp: { host: 127.0.0.1, port: 4001 }, elements: '0-3' }";
  const on = { boards: () => [board('left', 'L')] };
  const damage = (table: CalibrationTable): string => {
    const name = tableFileName(table);
    writeFileSync(join(folder, name), tableText(table).replace('"readings": 100', '"readings": 101'));
    return name;
  };

  it('of another panel is left out aloud', () => {
    keep(whole);
    const name = damage({ ...whole, panel: 'OTHER-9' });
    const calibrations = openCalibrations(rig(one));
    expect(calibrations.for(on).id).toBe(tableId(whole));
    expect(calibrations.leftOut(on)).toMatchObject([
      { level: 'warning', code: 'table-damaged', message: expect.stringContaining(name) as string },
    ]);
  });

  it('of this panel, which a newer whole one is there for, is left out aloud', () => {
    damage({ ...whole, measuredAt: '2025-01-02T03:04:05.000Z' });
    keep(whole);
    const calibrations = openCalibrations(rig(one));
    expect(calibrations.leftOut(on)).toHaveLength(1);
    expect(calibrations.for(on).id).toBe(tableId(whole));
  });

  it('that the panel would go by is refused, and never passed over for an older one', () => {
    keep(whole);
    const name = damage({ ...whole, measuredAt: '2027-01-02T03:04:05.000Z' });
    const calibrations = openCalibrations(rig(one));
    expect(() => calibrations.leftOut(on)).toThrow(`${name}: its checksum is that of another content`);
    // Where such a panel comes only later, it is not calibrated.
    expect(calibrations.for(on)).toMatchObject({
      id: 'none',
      about: `none: ideal phase states (L: its table ${name} is damaged)`,
    });
    const other = damage({ ...whole, frequencyGhz: 27, measuredAt: '2025-01-02T03:04:05.000Z' });
    rmSync(join(folder, name));
    expect(() => openCalibrations(rig(one)).leftOut(on), 'it may be one end of a line').toThrow(other);
  });
});

describe('a table that was measured on a program', () => {
  const one = "{ name: left, tcp: { host: 127.0.0.1, port: 4001 }, elements: '0-3' }";
  const on = (source: BoardUsed['source']) => ({ boards: () => [{ ...board('left', 'L'), source }] });

  it('is said to be simulated on a played panel, and is of no hardware', () => {
    const { sha256: _, ...facts } = tableOfPanel(measuredTogether('lab'), 'L', [0, 1, 2, 3]);
    keep(tableOfPanel({ ...facts, sha256: '', measuredOn: 'played-panel' }, 'L', [0, 1, 2, 3]));
    const calibrations = openCalibrations(rig(one));
    expect(calibrations.for(on('played-panel')).about).toContain('(simulated: on a played panel)');
    expect(calibrations.for(on('hardware'))).toMatchObject({
      id: 'none',
      about: expect.stringContaining('measured on a panel that a program played, and this is hardware') as string,
    });
  });
});

it('takes boards with receivers only for no part of the array', () => {
  const whole = tableOfPanel(measuredTogether('lab'), 'L', [0, 1, 2, 3]);
  keep(whole);
  const links =
    '{ name: left, tcp: { host: 127.0.0.1, port: 4001 } }, { name: ears, role: user, tcp: { host: 127.0.0.1, port: 4002 } }';
  const on = { boards: () => [board('left', 'L'), board('ears', 'E')] };
  expect(openCalibrations(rig(links)).for(on).id).toBe(tableId(whole));
});

it('chooses the safe state’s fixed beam by the table of the panel', () => {
  const whole = tableOfPanel(measuredTogether('lab'), 'L', [0, 1, 2, 3]);
  keep(whole);
  const one = "{ name: left, tcp: { host: 127.0.0.1, port: 4001 }, elements: '0-3' }";
  const file = rig(one);
  Object.assign(file, { safeState: 'codeword', safeCodeword: { azimuthDeg: 20 } });
  const calibrations = openCalibrations(file);
  const cyclePanel = { boards: () => [board('left', 'L')] } as unknown as CyclePanel;
  const beam = safeChoice(file, (on) => calibrations.for(on)).beam?.(cyclePanel);
  const phases = steeringPhases(file.array.geometry, { azimuthRad: Math.PI / 9, elevationRad: 0 }, 2);
  expect(beam?.words).toEqual(nearestInPhase(phases, calibrations.for(cyclePanel).states(3)));
  expect(beam?.words).not.toEqual(safeChoice(file).beam?.(cyclePanel).words);
});

describe('elements that a table knows to be flawed', () => {
  const eventsOf = (flaws: Map<number, ElementFlaw>) => {
    keep(tableOfPanel(measuredTogether('lab 3', flaws), 'W', [0, 1, 2, 3]));
    const on = { boards: () => [board('all', 'W')] } as unknown as CyclePanel;
    const tables = openCalibrations(rig("{ name: all, tcp: { host: 127.0.0.1, port: 4001 }, elements: '0-3' }"));
    return calibrationEvents('hardware', tables.for(on));
  };

  it('are told of when the rig starts, once', () => {
    expect(
      eventsOf(
        new Map([
          [1, 'dead'],
          [3, 'stuck'],
        ]),
      ),
    ).toMatchObject([
      {
        level: 'warning',
        code: 'table-flaws',
        message: 'Calibration: the tables say of this array: element 1 dead, element 3 stuck.',
      },
    ]);
  });

  it('are none where all do what they are told', () => {
    expect(eventsOf(new Map())).toEqual([]);
  });
});
