import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { hexagonCentres, insideHexagon } from './hexagons.ts';
import type { MultiCellDraw } from './multi-cell-channel.ts';
import { drawMultiCellChannel, MULTI_CELL_SETTINGS, pathLossDb } from './multi-cell-channel.ts';

const draw = (seed: number, more: Partial<MultiCellDraw> = {}) =>
  drawMultiCellChannel({
    ...{
      random: createRandom(seed),
      setting: MULTI_CELL_SETTINGS.text,
      cells: 7,
      usersPerCell: 6,
      receiveAntennas: 4,
      elements: 8,
    },
    ...more,
  });

describe('a hexagonal network', () => {
  it.each([
    [1, 0],
    [7, 6],
    [19, 12],
  ])('of %i cells has %i around its inner ones, D apart', (cells, outermost) => {
    const centres = hexagonCentres(cells, 800);
    expect(centres).toHaveLength(cells);
    expect(centres[0]).toEqual({ xM: 0, yM: 0 });
    for (const a of centres) {
      const apart = centres.filter((b) => b !== a).map((b) => Math.hypot(a.xM - b.xM, a.yM - b.yM));
      if (cells > 1) expect(Math.min(...apart)).toBeCloseTo(800, 9);
    }
    const far = Math.max(...centres.map(({ xM, yM }) => Math.hypot(xM, yM)));
    expect(centres.filter(({ xM, yM }) => Math.hypot(xM, yM) > far / 2 && cells > 1)).toHaveLength(
      outermost === 12 ? 12 : outermost,
    );
  });

  it('has every user in its own cell, which is the nearest, and no nearer than is allowed', () => {
    const { users, baseStations } = draw(3, { usersPerCell: 50, receiveAntennas: 1, elements: 1 });
    users.forEach((user, u) => {
      const distances = baseStations.map(({ xM, yM }) => Math.hypot(user.xM - xM, user.yM - yM));
      const own = Math.floor(u / 50);
      expect(distances[own]).toBe(Math.min(...distances));
      expect(distances[own]).toBeGreaterThanOrEqual(35);
      expect(distances[own]).toBeLessThanOrEqual(800 / Math.sqrt(3));
      expect(insideHexagon({ xM: user.xM - baseStations[own].xM, yM: user.yM - baseStations[own].yM }, 800)).toBe(true);
    });
  });

  it('has users evenly over the cell: the mean of the squared distance is that of a hexagon', () => {
    const setting = { ...MULTI_CELL_SETTINGS.text, minimumDistanceM: 1e-3 };
    const { users } = draw(1, { setting, cells: 1, usersPerCell: 20000, receiveAntennas: 1, elements: 1 });
    const mean = users.reduce((sum, { xM, yM }) => sum + xM ** 2 + yM ** 2, 0) / users.length;
    // 5/12 of the squared circumradius
    expect(mean / ((5 / 12) * (800 / Math.sqrt(3)) ** 2)).toBeCloseTo(1, 1);
  });

  it('gives each link its path loss, and shadowing around it', () => {
    const setting = { ...MULTI_CELL_SETTINGS.tables, shadowingDb: 0 };
    const { channels, users, baseStations } = draw(5, { setting });
    channels.forEach((channel, cell) =>
      users.forEach((user, u) => {
        const distanceM = Math.hypot(user.xM - baseStations[cell].xM, user.yM - baseStations[cell].yM);
        const at = u * 4 * 8;
        const gainDb = 20 * Math.log10(Math.hypot(channel.re[at], channel.im[at]));
        expect(gainDb).toBeCloseTo(96.5 - pathLossDb(distanceM), 9);
      }),
    );
    expect(pathLossDb(1000)).toBe(128.1);
  });

  it('is the same for a seed, and keeps its users where antennas change', () => {
    expect(draw(9)).toEqual(draw(9));
    expect(draw(9).users).not.toEqual(draw(10).users);
    expect(draw(9, { elements: 16 }).users).toEqual(draw(9).users);
  });

  it.each([
    [{ cells: 3 }, 'cells is 3'],
    [{ usersPerCell: 0 }, 'usersPerCell is 0'],
    [{ elements: 1.5 }, 'elements is 1.5'],
    [{ setting: { ...MULTI_CELL_SETTINGS.text, minimumDistanceM: 400 } }, 'minimumDistanceM is 400'],
    [{ setting: { ...MULTI_CELL_SETTINGS.text, powerToNoiseDb: NaN } }, 'powerToNoiseDb is NaN'],
    [{ setting: { ...MULTI_CELL_SETTINGS.text, shadowingDb: -1 } }, 'shadowingDb is -1'],
  ])('refuses %o', (more, words) => {
    expect(() => draw(1, more)).toThrow(words);
  });
});
