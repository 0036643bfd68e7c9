/**
 * What the array is known to show, for whoever looks at it: asked for by request, for it is large, changes seldom, and costs nothing while nobody does.
 *
 *   GET /api/calibration?chain=0   errors of the states of one RF chain, from the tables in use
 *   GET /api/calibration/tables    what lies in the folder of tables
 *   GET /calibration/report        the HTML report of the newest measurement of this run
 */
import { createReadStream } from 'node:fs';
import type { Express, Response } from 'express';
import type { Controller } from '../control/controller.ts';
import type { StateErrorMap } from './socket-contract.ts';

const DEG = 180 / Math.PI;
/** Weaker than this a state has no phase to speak of, dB. */
const LEAST_DB = -60;

export function serveCalibration(app: Express, controller: Controller): void {
  app.get('/api/calibration', (request, response) => {
    const { rfChains } = controller.describe();
    const { chain: asked = '0' } = request.query;
    const chain = typeof asked === 'string' ? Number(asked) : NaN;
    if (!Number.isInteger(chain) || chain < 0 || chain >= rfChains) {
      refuse(response, 400, `chain: ${typeof asked === 'string' ? asked : 'this'} is none; allowed: 0 to ${rfChains - 1}`);
      return;
    }
    fresh(response).json(stateErrors(controller, chain));
  });
  app.get('/api/calibration/tables', (_request, response) => {
    controller.calibrating.history().then(
      (tables) => fresh(response).json({ tables }),
      (error: unknown) => refuse(response, 500, String(error)),
    );
  });
  app.get('/calibration/report', (_request, response) => {
    const report = controller.calibrating.now?.result?.report;
    if (report === undefined)
      return refuse(response, 404, 'this run has measured nothing; reports of before lie beside their tables');
    // It brings its own styles and pictures, and nothing that runs.
    response.set('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox");
    fresh(response).type('html');
    createReadStream(report)
      .on('error', (error) =>
        response.headersSent ? response.destroy(error) : refuse(response, 404, `${report} is not there any more`),
      )
      .pipe(response);
  });
}

const fresh = (response: Response): Response => response.set('Cache-Control', 'no-store');

function refuse(response: Response, status: number, why: string): void {
  response.status(status).type('text').send(`${why}.`);
}

/** Beside the nominal grid; nulls where there is no table, or the chain does not reach. */
function stateErrors(controller: Controller, chain: number): StateErrorMap {
  const { elements, rfChains, chainRuns, phaseBits: bits, calibrated, phaseBitsOptions } = controller.describe();
  const phaseBits = Math.max(bits, ...phaseBitsOptions);
  const array = controller.calibrating.array();
  const of = array?.states(phaseBits).of;
  const id = array?.id ?? 'none';
  const flaws = calibrated.flatMap(({ table }) => table?.flaws ?? []).filter(({ rfChain }) => rfChain === chain);
  const tables = calibrated.map(({ table }) => table?.id ?? null);
  const map = { id, tables, chain, phaseBits, flaws: flaws.map(({ element, flaw }) => ({ element, flaw })) };
  if (of === undefined) return { ...map, phaseDeg: null, gainDb: null };
  const run = chainRuns?.[chain] ?? { first: 0, count: elements };
  const states = 2 ** phaseBits;
  const phaseDeg: (number | null)[] = [];
  const gainDb: (number | null)[] = [];
  for (let n = 0; n < elements; n++) {
    const isReached = n >= run.first && n < run.first + run.count;
    const { re, im } = of(n * rfChains + chain);
    for (let s = 0; s < states; s++) {
      const db = 10 * Math.log10(re[s] ** 2 + im[s] ** 2);
      const isKnown = isReached && db > LEAST_DB;
      const deg = DEG * Math.atan2(im[s], re[s]) - (360 * s) / states;
      phaseDeg.push(isKnown ? Math.round(100 * (deg - 360 * Math.round(deg / 360))) / 100 : null);
      gainDb.push(isReached ? Math.round(1000 * Math.max(db, LEAST_DB)) / 1000 : null);
    }
  }
  return { ...map, phaseDeg, gainDb };
}
