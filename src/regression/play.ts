/**
 * Plays a case of a scenario once: opens its bench, assembles the real rig in front of it, lets happen what the timeline says, and keeps what
 * the checks look at.
 *
 *   case, seed ─► bench ─► rig ─► timeline ║ cycles, events, what panels show ─► story
 */
import { sep } from 'node:path';
import type { Clock } from '../../core/clock/clock.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { pathFrom } from '../../core/files/home-path.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import { createRandom } from '../../core/signal/random.ts';
import { toDb } from '../../core/signal/rate.ts';
import { isModelPath } from '../../models/model-path.ts';
import type { ControlResult, Controller } from '../control/controller.ts';
import { assembleRig, type Rig } from '../rig/assemble.ts';
import { createRunRecorder } from '../telemetry/run-folder.ts';
import type { CycleRecord, RigEvent } from '../telemetry/cycle-record.ts';
import { calibrationErrorDeg } from './calibration-truth.ts';
import { OPERATOR, type Bench } from './bench.ts';
import { openBench } from './open-bench.ts';
import type { BenchOptions } from './bench-rig.ts';
import { openParts, takesPart, type Parts } from './parts.ts';
import { createSoundness, isFixed } from './soundness.ts';
import type { ActionSeen, Story } from './story.ts';
import { labelOf, type Action } from './timeline-schema.ts';

const LOOK_EVERY_MS = 100;
/** Beyond what a measurement says that reading takes. */
const SOLVING_S = 30;

/** @param words how many good cycles' words to keep */
export async function playOnce(options: BenchOptions, words: number): Promise<Story> {
  const wanted = options.scenario.text.parts;
  const parts = await openParts(wanted);
  try {
    const bench = await openBench(takesPart(wanted) ? { ...options, realTime: true } : options);
    try {
      return await playOn(bench, parts, options, words);
    } finally {
      await bench.close();
    }
  } finally {
    await parts.close();
  }
}

async function playOn(bench: Bench, parts: Parts, options: BenchOptions, wordsWanted: number): Promise<Story> {
  const { clock, rig: rigFile } = bench;
  const { timeline, seconds } = options.scenario.text;
  let beganMs = clock.nowMs();
  const nowS = (): number => (clock.nowMs() - beganMs) / 1000;
  const recorder = createRunRecorder({
    ...{ rig: rigFile, rigText: JSON.stringify(options.one.rig), rigPath: options.scenario.file },
    ...{ seed: options.seed, clock, time: bench.time, startedAt: new Date(0) },
    onOwnEvent: (event) => tellOf(event),
  });
  const soundness = createSoundness(bench.panelElements, rigFile.array.rfChains, rigFile.array.phaseBits);
  const story: Story = {
    ...{ cycles: [], events: [], actions: [], shown: [], words: [], unsound: [] },
    panels: bench.panelElements.length,
    seen: { shown: bench.panelElements.length > 0, truth: bench.truth() !== undefined },
    end: { as: 'stopped', atS: 0 },
    facts: { ...bench.facts },
    runFolder: recorder.folder,
  };
  // The folders of a bench have other names each time, those of a program on each machine, and the same story is told in the same words.
  const folders = [
    [rigFile.calibration.folder, 'tables'],
    [recorder.folder, 'run'],
    [`${packageRoot()}${sep}`, ''],
    [`${options.scenario.folder}${sep}`, ''],
  ] as const;
  const told = (text: string): string =>
    options.hardware === undefined ? folders.reduce((all, [path, name]) => all.replaceAll(path, name), text) : text;
  const tellOf = ({ level, code, message, action }: RigEvent): void => {
    const more = action === undefined ? {} : { action: told(action) };
    story.events.push({ atS: nowS(), level, code, message: told(message), ...more });
  };
  bench.onShown((shown) => {
    const { panel, beam } = shown;
    soundness.shown(shown, nowS());
    const what = beam === undefined ? 'dark' : isFixed(beam.beamId) ? 'codeword' : 'beam';
    const before = story.shown.findLast((each) => each.panel === panel);
    if (before?.what === what) before.beamId = beam?.beamId ?? 0;
    else story.shown.push({ atS: nowS(), panel, what, beamId: beam?.beamId ?? 0 });
  });
  const see = (record: CycleRecord): void => {
    const view = assembled?.controller.latest();
    const commanded = view?.record === record ? view.words : undefined;
    soundness.recorded(record, commanded);
    const ok = record.outcome === 'ok';
    if (ok && commanded !== undefined && story.words.length < wordsWanted) story.words.push(commanded.slice());
    const truth = ok ? bench.truth()?.sinr : undefined;
    story.cycles.push({
      ...{ cycle: record.cycle, atS: nowS(), ok, beamId: record.beamId },
      ...(record.failure === undefined ? {} : { failure: record.failure }),
      sinrDb: {
        measured: record.measuredSnrDb.slice(),
        predicted: record.predictedSnrDb.slice(),
        true: truth?.map(toDb) ?? new Float64Array(rigFile.users.count).fill(NaN),
      },
      sumRate: {
        measured: record.measuredSumRate,
        predicted: record.predictedSumRate,
        true: truth === undefined ? NaN : truth.reduce((sum, each) => sum + Math.log2(1 + each), 0),
      },
      zfSumRate: record.zfSumRate,
    });
  };
  let assembled: Rig | undefined;
  try {
    assembled = await assembleRig({
      ...{ rig: rigFile, seed: options.seed, clock, runFolder: recorder.folder, ...bench.assembling },
      patient: bench.time === 'virtual',
      pipelined: false,
      recorder: {
        cycle: (record, beam) => {
          recorder.cycle(record, beam);
          see(record);
        },
        event: (event) => {
          recorder.event(event);
          tellOf(event);
        },
        changed: (cycle, what) => recorder.changed?.(cycle, what),
      },
    });
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    story.end = { as: 'refused', code: error.code, reason: told(`${error.message} ${error.wayOut ?? ''}`.trim()), atS: 0 };
    await recorder.close('refused');
    return story;
  }
  recorder.identify(assembled.identity);
  story.facts.model = [assembled.identity.model.id, assembled.identity.model.sha256?.slice(0, 16)].filter(Boolean).join(' ');
  story.facts.calibration = assembled.identity.calibration;
  const { controller } = assembled;
  try {
    await parts.begin({ rig: rigFile, controller, recorder, random: createRandom(options.seed).stream('parts') });
  } catch (error) {
    await controller.stop();
    throw error;
  }
  beganMs = clock.nowMs();
  bench.begin();
  const over = new AbortController();
  const running = assembled.run().finally(() => over.abort());
  const playing = playTimeline(timeline, {
    ...{ bench, parts, controller, folder: options.scenario.folder },
    ...{ nowS, over: over.signal, seen: story.actions, told },
  });
  // Where the rig gave up or was stopped, what is left of the timeline still passes: an array that is safe has to stay so.
  await clock.sleep(seconds * 1000 - (clock.nowMs() - beganMs));
  await untilMeasured(controller, clock, over.signal);
  const endS = nowS();
  const believed = controller.calibrating.array();
  const states = options.scenario.text.expect.some(({ check }) => check === 'calibration-error') ? bench.states() : undefined;
  if (states !== undefined && believed !== undefined) {
    const { phaseBits, rfChains } = rigFile.array;
    story.calibrationErrorDeg = calibrationErrorDeg(states, believed, phaseBits, rfChains);
  }
  await controller.stop();
  const outcome = await running;
  await playing;
  story.end = {
    as: outcome.reason === 'faulted' ? 'faulted' : 'stopped',
    ...(outcome.message === undefined ? {} : { reason: outcome.message }),
    atS: endS,
    ...(controller.unsafe === undefined ? {} : { unsafe: controller.unsafe }),
  };
  await recorder.close(outcome.reason);
  // A panel whose cable is out hears of no end: what it has by itself is its limit of silence.
  for (let waitedS = 0; waitedS < LONGEST_SILENCE_S && soundness.broken(rigFile.safeState).length > 0; waitedS++)
    await clock.sleep(1000);
  const missing = await parts.recordsMissing();
  if (missing !== undefined) story.recordsMissing = missing;
  Object.assign(story.facts, parts.facts());
  story.unsound = [
    ...soundness.broken(rigFile.safeState),
    // What panels show is known better where it is seen.
    ...(controller.unsafe === undefined || story.seen.shown ? [] : [`at the end the array was ${controller.unsafe}`]),
  ];
  return story;
}

/** After which a panel that hears nothing is in its safe state, with what the loop may add to it. */
const LONGEST_SILENCE_S = 8;

const isUnderWay = ({ calibrating: { now } }: Controller): boolean => now?.phase === 'measuring' || now?.phase === 'solving';

/** A measurement under way may end, no later than it says that it will; what solving takes is the machine's time. */
async function untilMeasured(controller: Controller, clock: Clock, over: AbortSignal): Promise<void> {
  if (!isUnderWay(controller)) return;
  const { now } = controller.calibrating;
  const endMs = clock.nowMs() + 1000 * ((now?.secondsLeft ?? 0) + SOLVING_S);
  while (isUnderWay(controller) && !over.aborted && clock.nowMs() < endMs) await clock.sleep(LOOK_EVERY_MS);
}

interface Stage {
  bench: Bench;
  parts: Parts;
  controller: Controller;
  /** Of the scenario, which its paths are relative to. */
  folder: string;
  nowS: () => number;
  /** Without names of folders. */
  told: (text: string) => string;
  over: AbortSignal;
  seen: ActionSeen[];
}

async function playTimeline(timeline: readonly Action[], stage: Stage): Promise<void> {
  const { bench, parts, nowS, seen } = stage;
  const entries = [...timeline].sort((a, b) => a.atS - b.atS);
  const ends: Promise<void>[] = [];
  for (const action of entries) {
    await bench.clock.sleep(action.atS * 1000 - nowS() * 1000);
    const one: ActionSeen = { action, label: labelOf(action), beganS: nowS() };
    seen.push(one);
    if (OPERATOR.has(action.do)) ends.push(operateFor(action, one, stage));
    else if (bench.plays.has(action.do)) ends.push(playFor(action, one, bench, stage));
    else if (parts.plays.has(action.do)) ends.push(playFor(action, one, parts, stage));
    else one.skipped = true;
  }
  await Promise.all(ends);
}

async function playFor(action: Action, one: ActionSeen, by: Pick<Bench | Parts, 'play'>, { bench, nowS }: Stage): Promise<void> {
  const end = await by.play(action);
  const { forS } = action as { forS?: number };
  if (forS === undefined) return;
  await bench.clock.sleep((action.atS + forS - nowS()) * 1000);
  one.endedS = nowS();
  await end?.();
}

async function operateFor(
  action: Action,
  one: ActionSeen,
  { bench: { clock }, controller, folder, nowS, told, over }: Stage,
): Promise<void> {
  const answer = await operate(action, controller, folder);
  one.answer = answer.ok ? answer : { ...answer, reason: told(answer.reason) };
  if (action.do !== 'calibrate' || !one.answer.ok) return;
  while (isUnderWay(controller) && !over.aborted) await clock.sleep(LOOK_EVERY_MS);
  one.endedS = nowS();
}

async function operate(action: Action, controller: Controller, folder: string): Promise<ControlResult> {
  switch (action.do) {
    case 'pause':
      return controller.pause();
    case 'run':
      return controller.run();
    case 'mute':
      return controller.mute();
    case 'stop':
      await controller.stop();
      return { ok: true };
    case 'switch-model':
      return controller.switchModel(isModelPath(action.model) ? pathFrom(folder, action.model) : action.model);
    case 'set-phase-bits':
      return controller.setPhaseBits(action.phaseBits);
    case 'steer': {
      const { azimuthDeg, elevationDeg, user } = action;
      return controller.byHand({ do: 'steer', azimuthDeg, elevationDeg, user });
    }
    case 'calibrate':
      return controller.calibrating.begin({
        method: action.method,
        readings: action.readings ?? null,
        pilots: null,
        resume: false,
      });
    default:
      return { ok: false, reason: `${action.do} is not the operator's to do` };
  }
}
