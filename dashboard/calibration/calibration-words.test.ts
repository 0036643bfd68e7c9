import { describe, expect, it } from 'vitest';
import type { BoardCalibration, BoardTable, RigDescription } from '../../src/server/socket-contract.ts';
import { boardLines, daysText, doubtsOf, glanceOf, originText, sinceLines } from './calibration-words.ts';

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse('2026-11-30T12:00:00Z');
const table: BoardTable = {
  ...{ id: 'B-1/28GHz/25C/0a1b2c3d', measuredAtMs: NOW_MS - 5 * DAY_MS, method: 'coded', readings: 4384 },
  ...{ frequencyGhz: 28, temperatureC: 25, phaseDeg: 0.419, gainDb: 0.0636 },
  flaws: [
    { element: 3, rfChain: 0, flaw: 'dead' },
    { element: 3, rfChain: 1, flaw: 'dead' },
    { element: 7, rfChain: 1, flaw: 'dead-or-stuck' },
  ],
};
const board = (change: Partial<BoardCalibration> = {}): BoardCalibration => ({
  ...{ panel: 'B-1', table, why: null, temperatureC: 27, frequencyGhz: 28 },
  ...change,
});
const none = board({ panel: 'B-2', table: null, why: 'there are no tables' });
const rig = (calibrated: BoardCalibration[], change: Partial<RigDescription> = {}): RigDescription =>
  ({ calibrated, flaws: [], tableOffDeg: null, byHand: null, channelSource: 'file', ...change }) as RigDescription;

describe('what an array is known by', () => {
  it('is told with its age and accuracy, the oldest and worst of the boards', () => {
    const older = board({ table: { ...table, id: 'B-2', measuredAtMs: NOW_MS - 9 * DAY_MS, phaseDeg: 1.26 } });
    expect(glanceOf(rig([board(), older]), NOW_MS)).toEqual({
      text: 'Calibrated 9 days ago',
      more: ' to 1.3°, 0.064 dB',
      title: 'B-1/28GHz/25C/0a1b2c3d + B-2',
      level: 'good',
    });
    expect([daysText(59_000), daysText(3 * 3_600_000), daysText(DAY_MS)]).toEqual(['0 min', '3 h', '1 day']);
  });

  it('is nothing as soon as one board has no table', () => {
    expect(glanceOf(rig([board(), none]), NOW_MS)).toEqual({
      text: 'NOT CALIBRATED',
      more: ': ideal states',
      title: 'B-2: there are no tables',
      level: 'none',
    });
    expect(boardLines(none, NOW_MS)).toContainEqual(['table', 'none: ideal states (there are no tables)']);
  });

  it('is doubted when it is old, warm or cold, or of another frequency', () => {
    expect(doubtsOf(board(), NOW_MS)).toEqual([]);
    expect(doubtsOf(board(), NOW_MS + 26 * DAY_MS)).toEqual(['more than 30 days old']);
    expect(doubtsOf(board({ temperatureC: 41 }), NOW_MS)).toEqual(['measured at 25 °C, and the board is at 41 °C']);
    expect(doubtsOf(board({ temperatureC: null }), NOW_MS)).toEqual([]);
    expect(doubtsOf(board({ frequencyGhz: 28.5 }), NOW_MS)).toEqual(['measured at 28 GHz, and the rig is at 28.5 GHz']);
    expect(glanceOf(rig([board({ temperatureC: 10 })]), NOW_MS).level).toBe('doubt');
  });

  it('is doubted, in words, as soon as elements are found not to do what it says', () => {
    const dead = { element: 11, chain: null, flaw: 'dead', offDeg: null, by: 'probe' } as const;
    const suspect = { element: 14, chain: null, flaw: 'suspect', offDeg: null, by: 'watch' } as const;
    // The table knows of 3 and 7: they are no news.
    const old = [
      { element: 3, chain: 0, flaw: 'dead', offDeg: null, by: 'table' },
      { element: 7, chain: null, flaw: 'dead-or-stuck', offDeg: null, by: 'watch' },
    ] as const;
    expect(glanceOf(rig([board()], { flaws: [...old] }), NOW_MS)).toMatchObject({ text: 'Calibrated 5 days ago', level: 'good' });
    const worse = rig([board()], { flaws: [...old, dead, suspect], tableOffDeg: 9.24 });
    expect(glanceOf(worse, NOW_MS)).toEqual({
      text: 'Calibrated 5 days ago, OUTDATED, 2 flaws since',
      more: '',
      title:
        'B-1/28GHz/25C/0a1b2c3d; elements are off by 9.2° RMS beside their table; measured again: ✕ dead: 11; by what users measure: ? suspected: 14',
      level: 'doubt',
    });
    expect(sinceLines(worse)).toHaveLength(3);
    expect(glanceOf(rig([board()], { flaws: [dead] }), NOW_MS).text).toBe('Calibrated 5 days ago, 1 flaw since');
  });

  it('names what does not do as it is told, with its chains', () => {
    expect(boardLines(board(), NOW_MS)).toContainEqual([
      'flaws',
      'element 3 dead (chains 0, 1); element 7 dead or stuck (chain 1)',
    ]);
  });
});

it('says which channel beams are for, and how old one is that was sounded', () => {
  const of = (change: Partial<RigDescription>, ago: number | null = null): string => originText(rig([], change), ago);
  expect(of({ channelSource: 'simulation' })).toBe('Channels: simulated scene');
  expect(of({ channelSource: 'file' })).toBe('Channels: from a file');
  expect(of({ channelSource: 'sounding' })).toBe('Channels: sounded');
  expect(of({ channelSource: 'sounding' }, 1)).toBe('Channels: sounded 1 slot ago');
  expect(of({ channelSource: 'sounding', byHand: 'steered to azimuth 20°' }, 1)).toBe('Beams: by hand, for no channel');
});
