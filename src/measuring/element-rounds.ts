/**
 * A few elements measured again between two cycles, on a beam that looks at the probe: as told, then one element at a time turned by half a turn and, where the
 * panel can, switched off. All elements add up there, so that what a few of them do wrong hardly turns the sum that phases are told beside. The probe hears all
 * chains apart, by pilots. Suspects come first, then one element after the other; those that the table knows to be dead or stuck are left out.
 *
 * What differs from what is known is read again the next time, and told when it is so twice. Nothing is written into a table: where elements are off
 * beside it, that is told, and `beamrig calibrate` makes another.
 */
import { checkElement, flawOf, type ElementCheck } from '../../calibration/element-check.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { zeros } from '../../core/signal/complex-matrix.ts';
import type { UserIndex } from '../../core/signal/indices.ts';
import { idealOf } from '../../core/signal/quantise.ts';
import type { ArrayCalibration } from '../control/array-calibration.ts';
import { flawInWords, type ArrayHealth, type MeasuredFlaw } from '../control/array-health.ts';
import type { Bench, BetweenCycles, WorkFailure } from '../control/between-cycles.ts';
import type { CyclePanel } from '../control/control-cycle.ts';
import { panelFailureMessage } from '../control/watch/failure-messages.ts';
import type { PanelFailure, Result } from '../panel/panel.ts';
import { NO_TABLE, type RigEvent } from '../telemetry/cycle-record.ts';
import { complexOf } from './array-reader.ts';

export interface ElementRoundsOptions {
  elements: number;
  rfChains: number;
  /** N·M of 0/1; absent: every chain reaches every element. */
  connection: Uint8Array | undefined;
  /** Q of the panels. */
  phaseBits: number;
  /** Cycles between two turns, and elements in each. */
  everyCycles: number;
  elementsATurn: number;
  receiver: UserIndex;
  pilots: number;
  /** h_pᴴ, 1×N: what the probe hears of each element alone that shows 1. */
  path: CMatrix;
  calibration: (on: CyclePanel) => ArrayCalibration;
  health: ArrayHealth;
}

type RigNews = Omit<RigEvent, 'timeNs'>;

/** What a turn shows beside the beam of the cycles. */
interface Shown {
  words: Uint16Array;
  enabled?: Uint8Array;
}

/** Turns in a row that the panel refuses: it may be in fault for a while. */
const MOST_REFUSED = 3;
/** Elements that were read before what is usual among them is known. */
const FEWEST_READ = 8;
/** An element is off when it is by so much beside its table; of all together it is told, RMS. */
const OFF_DEG = 15;
const OUTDATED_DEG = 8;
const DEG = Math.PI / 180;
/** What the table says of elements that show nothing by their phase. */
const GIVEN: ReadonlySet<string> = new Set(['dead', 'stuck', 'dead-or-stuck']);

export function createElementRounds(options: ElementRoundsOptions): BetweenCycles {
  const { elements, rfChains, connection, phaseBits, everyCycles, elementsATurn, receiver, pilots, health } = options;
  let cyclesLeft = everyCycles;
  let nextInRound = 0;
  let [beams, refusals] = [0, 0];
  /** Of each element the power that was read last, and by how much it was off beside its table, rad. */
  const powers = new Map<number, number>();
  const offRad = new Map<number, number>();
  const known = new Map<number, string>();
  /** Read once and not as before: to be read again. */
  const doubted = new Map<number, string>();
  let isOutdated = false;
  /** By the tables that are in use. */
  let expected: { of: string; is: ReturnType<typeof expectedOf> } | undefined;

  const show = async (bench: Bench, shown: Shown): Promise<Result<CMatrix>> => {
    const beamId = await bench.beamId();
    beams++;
    const applied = await bench.on.panel.apply({ beamId, phaseBits, ...shown });
    if (!applied.ok) return applied;
    const heard = await bench.on.panel.measurePilots(beamId, receiver, pilots);
    if (!heard.ok) return heard;
    bench.heard();
    return { ok: true, value: complexOf(heard.value.values) };
  };

  const chosen = (bench: Bench, given: ReadonlySet<number>): number[] => {
    const watched = elements - given.size;
    const first = [...new Set([...doubted.keys(), ...health.suspects])].filter((n) => !given.has(n)).slice(0, elementsATurn);
    while (first.length < Math.min(elementsATurn, watched)) {
      if (!first.includes(nextInRound) && !given.has(nextInRound)) first.push(nextInRound);
      nextInRound = (nextInRound + 1) % elements;
      if (nextInRound === 0) roundEnded(bench, watched);
    }
    return first;
  };

  const roundEnded = ({ tell, slot }: Bench, watched: number): void => {
    const share = (100 * beams) / Math.max(1, slot);
    const rmsDeg = Math.sqrt([...offRad.values()].reduce((sum, rad) => sum + rad * rad, 0) / offRad.size) / DEG;
    const beside = offRad.size === watched ? `, and are off by ${rmsDeg.toFixed(1)}° RMS beside their table` : '';
    tell({
      level: 'info',
      code: 'elements-measured',
      message: `${watched === elements ? `All ${elements}` : `${watched} of ${elements}`} elements were measured again between cycles${beside}: ${beams} beams so far, ${share.toFixed(1)} % of all.`,
    });
    if (offRad.size < watched) return;
    health.besideTable(rmsDeg < OUTDATED_DEG ? null : Math.round(10 * rmsDeg) / 10);
    if (rmsDeg < OUTDATED_DEG || isOutdated) return;
    isOutdated = true;
    tell({
      level: 'warning',
      code: 'table-outdated',
      message: `Elements are off by ${rmsDeg.toFixed(1)}° RMS beside the table that beams are chosen by.`,
      action: 'The table stays as it is until the array is measured anew.',
    });
  };

  /** The beam that looks at the probe, and what is expected of the whole array on it, and of one element. */
  const expectedOf = (calibration: ArrayCalibration) => {
    const states = calibration.states(phaseBits);
    const { path } = options;
    const heard = (n: number, place: number, word: number): { re: number; im: number } => {
      const { re, im } = states.of?.(place) ?? idealOf(phaseBits);
      return {
        re: path.re[n] * re[word] - path.im[n] * im[word],
        im: path.re[n] * im[word] + path.im[n] * re[word],
      };
    };
    const of = (n: number, at: Uint16Array): CMatrix => {
      const out = zeros(rfChains, 1);
      for (let m = 0; m < rfChains; m++) {
        const place = n * rfChains + m;
        if (connection?.[place] === 0) continue;
        const { re, im } = heard(n, place, at[place]);
        out.re[m] = re;
        out.im[m] = im;
      }
      return out;
    };
    const shown = new Uint16Array(elements * rfChains);
    for (let place = 0; place < shown.length; place++) {
      const n = Math.floor(place / rfChains);
      for (let word = 1; word < 2 ** phaseBits; word++) {
        if (heard(n, place, word).re > heard(n, place, shown[place]).re) shown[place] = word;
      }
    }
    const whole = zeros(rfChains, 1);
    for (let n = 0; n < elements; n++) {
      const one = of(n, shown);
      for (let m = 0; m < rfChains; m++) {
        whole.re[m] += one.re[m];
        whole.im[m] += one.im[m];
      }
    }
    return { shown, of, whole };
  };

  const judge = (n: number, check: ElementCheck, turnedRad: number, isMeasured: boolean): RigNews | undefined => {
    powers.set(n, check.turnPower);
    if (powers.size < Math.min(FEWEST_READ, elements)) return undefined;
    const usual = medianOf([...powers.values()]);
    const flaw = flawOf(check, usual);
    let found: MeasuredFlaw = flaw === undefined ? undefined : { flaw, offDeg: null };
    if (isMeasured && (flaw === undefined || flaw === 'weak')) {
      const rad = wrapped(Math.atan2(check.turnIm, check.turnRe) - turnedRad);
      offRad.set(n, rad);
      if (flaw === undefined && Math.abs(rad) > OFF_DEG * DEG) found = { flaw: 'off', offDeg: rad / DEG };
    }
    const now = found?.flaw ?? '';
    const isSuspect = health.suspects.includes(n);
    const isNews = now !== (known.get(n) ?? '') || isSuspect;
    if (isNews && doubted.get(n) !== now) {
      doubted.set(n, now);
      return undefined;
    }
    doubted.delete(n);
    if (!isNews) return undefined;
    known.set(n, now);
    health.measured(n, found);
    return found === undefined ? isWell(n) : isFlawed(n, found);
  };

  return {
    name: 'element-check',
    due({ on }) {
      if (refusals >= MOST_REFUSED || cyclesLeft > 0) return false;
      return on.panel.capabilities?.features.includes('pilot-report') === true;
    },
    async work(bench): Promise<WorkFailure | undefined> {
      cyclesLeft = everyCycles;
      const calibration = options.calibration(bench.on);
      if (expected?.of !== calibration.id) {
        expected = { of: calibration.id, is: expectedOf(calibration) };
        // What was off was so beside another table.
        offRad.clear();
        known.clear();
        isOutdated = false;
      }
      const { shown: base, whole, of } = expected.is;
      const canSwitchOff = bench.on.panel.capabilities?.features.includes('element-enable') === true;
      const asTold = await show(bench, { words: base });
      if (!asTold.ok) return failureOf(asTold.failure);
      const turnedRad = phaseBetween(asTold.value, whole);
      const given = new Set(calibration.flaws.filter(({ flaw }) => GIVEN.has(flaw)).map(({ element }) => element));
      for (const n of chosen(bench, given)) {
        const turnedWords = turnedBase(base, n, rfChains, phaseBits);
        const turned = await show(bench, { words: turnedWords });
        if (!turned.ok) return failureOf(turned.failure);
        const off = canSwitchOff ? await show(bench, { words: base, enabled: allBut(n, elements, rfChains) }) : undefined;
        if (off?.ok === false) return failureOf(off.failure);
        const readings = { asTold: asTold.value, turned: turned.value, off: off?.value };
        const check = checkElement(readings, { asTold: of(n, base), turned: of(n, turnedWords) });
        const news = judge(n, check, turnedRad, calibration.id !== NO_TABLE);
        if (news !== undefined) bench.tell(news);
      }
      refusals = 0;
      return undefined;
    },
    after() {
      cyclesLeft--;
    },
  };

  function failureOf(panel: PanelFailure): WorkFailure {
    const isRefused = panel.reason === 'rejected' || panel.reason === 'not-sent';
    refusals = isRefused ? refusals + 1 : 0;
    const isGivenUp = refusals >= MOST_REFUSED;
    return {
      message: `Elements could not be measured between cycles: ${panelFailureMessage(panel)}.`,
      cause: isGivenUp ? 'given up' : panel.reason,
      panel,
      action: isGivenUp
        ? 'They are not measured any more in this run; see calibration.probe and calibration.watch in the rig file.'
        : 'It is tried again when they are due.',
    };
  }
}

const isWell = (n: number): RigNews => ({
  level: 'info',
  code: 'element-well',
  message: `Element ${n} was measured again, twice: it does what it is told.`,
});

const isFlawed = (n: number, found: NonNullable<MeasuredFlaw>): RigNews => ({
  level: 'warning',
  code: 'element-flawed',
  message: `Element ${n} was measured again, twice: it is ${flawInWords(found)}.`,
  action: 'Beams are chosen by its table as before, until a new one knows of it.',
});

function turnedBase(words: Uint16Array, n: number, rfChains: number, phaseBits: number): Uint16Array {
  const turned = words.slice();
  for (let place = n * rfChains; place < (n + 1) * rfChains; place++) turned[place] ^= 1 << (phaseBits - 1);
  return turned;
}

const allBut = (n: number, elements: number, rfChains: number): Uint8Array =>
  new Uint8Array(elements * rfChains).fill(1).fill(0, n * rfChains, (n + 1) * rfChains);

/** Of what is heard beside what is expected. */
function phaseBetween(heard: CMatrix, expected: CMatrix): number {
  let re = 0;
  let im = 0;
  for (let m = 0; m < heard.rows; m++) {
    re += heard.re[m] * expected.re[m] + heard.im[m] * expected.im[m];
    im += heard.im[m] * expected.re[m] - heard.re[m] * expected.im[m];
  }
  return Math.atan2(im, re);
}

const wrapped = (rad: number): number => rad - 2 * Math.PI * Math.round(rad / (2 * Math.PI));

const medianOf = (values: number[]): number => values.sort((a, b) => a - b)[values.length >> 1];
