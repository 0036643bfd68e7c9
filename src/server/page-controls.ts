/**
 * What pages may do to the rig. What arrives over the socket is whatever somebody sent: every argument is checked before it is used, so many
 * actions a second are carried out and no more, and each is told as an event that names the page. Stopping is never refused because of what
 * other pages do.
 */
import type { DefaultEventsMap, Socket } from 'socket.io';
import * as z from 'zod';
import type { Controller, ControlResult } from '../control/controller.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import {
  ALL_CONTROLS_A_SECOND,
  ALL_CONTROLS_AT_ONCE,
  Allowance,
  CONTROLS_A_SECOND,
  CONTROLS_AT_ONCE,
  REFUSALS_A_SECOND,
  REFUSALS_AT_ONCE,
} from './page-limits.ts';
import type { PageToServer, ServerToPage } from './socket-contract.ts';

export type PageSocket = Socket<PageToServer, ServerToPage<ArrayBufferView>, DefaultEventsMap, unknown>;

export interface PageControlsOptions {
  controller: Controller;
  /** Where events go. */
  tell: (event: Omit<RigEvent, 'timeNs'>) => void;
  /** Something about the rig may have changed. */
  changed: () => void;
}

const modelSchema = z.string().min(1).max(1000);
const angleSchema = z.number().min(-90).max(90);
const userSchema = z.int().min(0).max(65_535);
const handSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('steer'), azimuthDeg: angleSchema, elevationDeg: angleSchema, user: userSchema }),
  z.strictObject({
    do: z.literal('scan'),
    fromDeg: angleSchema,
    toDeg: angleSchema,
    stepDeg: z.number().min(0.1).max(180),
    elevationDeg: angleSchema,
    user: userSchema,
  }),
  z.strictObject({ do: z.literal('beam'), name: z.string().min(1).max(64) }),
]);
const calibrationSchema = z.strictObject({
  method: z.string().min(1).max(32),
  readings: z
    .int()
    .min(1)
    .max(2 ** 24)
    .nullable(),
  pilots: z.int().min(1).max(65_535).nullable(),
  resume: z.boolean(),
});
const CALIBRATION_NONSENSE =
  'A measurement is asked for by its method, a number of readings (or null), 1 to 65535 pilots a reading (or null), and whether it is to go on with readings that were kept.';
const phaseBitsSchema = z.int().min(1).max(16);
/** Pages that are refused again and again are told of so often. */
const REFUSALS_TOLD_A_SECOND = 0.2;
const REFUSALS_TOLD_AT_ONCE = 5;

/** What a page wants, checked: what it is called, and what does it, or why it makes no sense. */
type Action = { what: string; stops?: boolean } & ({ act: () => Promise<ControlResult> } | { nonsense: string });

export class PageControls {
  readonly #options: PageControlsOptions;
  readonly #all = new Allowance(ALL_CONTROLS_A_SECOND, ALL_CONTROLS_AT_ONCE);
  readonly #refusalsTold = new Allowance(REFUSALS_TOLD_A_SECOND, REFUSALS_TOLD_AT_ONCE);

  constructor(options: PageControlsOptions) {
    this.#options = options;
  }

  /**
   * Takes the controls of one page from now on.
   * @param who the page, as events name it: 'Page 3 (192.168.1.7)'
   * @param flooded called when it asks for more than is even refused
   */
  serve(socket: PageSocket, who: string, flooded: () => void): void {
    const { controller } = this.#options;
    const own = new Allowance(CONTROLS_A_SECOND, CONTROLS_AT_ONCE);
    const ownStops = new Allowance(CONTROLS_A_SECOND, CONTROLS_AT_ONCE);
    const plans = new Allowance(CONTROLS_A_SECOND, CONTROLS_AT_ONCE);
    const refusals = new Allowance(REFUSALS_A_SECOND, REFUSALS_AT_ONCE);

    const tooMany = ({ stops = false }: Action): string | undefined => {
      const nowMs = performance.now();
      if (!(stops ? ownStops : own).take(nowMs)) return 'this page asks for too much at once; nothing was changed, wait a second';
      if (stops || this.#all.take(nowMs)) return undefined;
      return 'the pages together ask for too much at once; nothing was changed, wait a second (Stop works at all times)';
    };
    const carryOut = async (action: Action, answer: unknown): Promise<void> => {
      const refusal = tooMany(action) ?? ('nonsense' in action ? action.nonsense : undefined);
      if (refusal !== undefined && !refusals.take(performance.now())) return flooded();
      const result: ControlResult =
        refusal === undefined && 'act' in action
          ? await this.#carryOut(who, action)
          : this.#refuse(who, action.what, refusal ?? 'it makes no sense');
      if (typeof answer === 'function') (answer as (result: ControlResult) => void)(result);
    };

    socket.on('start', (answer: unknown) => void carryOut({ what: 'start the rig', act: () => controller.run() }, answer));
    socket.on('pause', (answer: unknown) => {
      void carryOut({ what: 'stop the rig', stops: true, act: () => controller.pause() }, answer);
    });
    socket.on('mute', (answer: unknown) => {
      void carryOut({ what: 'mute the array', stops: true, act: () => controller.mute() }, answer);
    });
    socket.on('planCalibration', (wish: unknown, answer: unknown) => {
      const refusal = plans.take(performance.now()) ? undefined : 'this page asks for too many plans; wait a second';
      if (refusal !== undefined && !refusals.take(performance.now())) return flooded();
      const parsed = calibrationSchema.safeParse(wish);
      const reason = refusal ?? (parsed.success ? undefined : CALIBRATION_NONSENSE);
      if (typeof answer !== 'function') return;
      const tell = answer as (result: unknown) => void;
      if (reason === undefined && parsed.success) void controller.calibrating.plan(parsed.data).then(tell);
      else tell({ ok: false, reason });
    });
    socket.on('calibrate', (wish: unknown, answer: unknown) => {
      const parsed = calibrationSchema.safeParse(wish);
      const what = parsed.success ? `measure the array by ${parsed.data.method}` : 'measure the array';
      void carryOut(
        parsed.success
          ? { what, act: () => controller.calibrating.begin(parsed.data) }
          : { what, nonsense: CALIBRATION_NONSENSE },
        answer,
      );
    });
    socket.on('cancelCalibration', (answer: unknown) => {
      const act = (): Promise<ControlResult> => Promise.resolve(controller.calibrating.cancel());
      void carryOut({ what: 'cancel the measurement', act }, answer);
    });
    socket.on('listBeams', (answer: unknown) => {
      if (!plans.take(performance.now())) return;
      const result = controller.listBeams();
      this.#options.changed();
      if (typeof answer === 'function') (answer as (result: ControlResult) => void)(result);
    });
    socket.on('byHand', (wish: unknown, answer: unknown) => void carryOut(this.#handAction(wish), answer));
    socket.on('switchModel', (id: unknown, answer: unknown) => void carryOut(this.#modelAction(id), answer));
    socket.on('setPhaseBits', (phaseBits: unknown, answer: unknown) => {
      const parsed = phaseBitsSchema.safeParse(phaseBits);
      void carryOut(
        parsed.success
          ? { what: `change Q to ${parsed.data}`, act: () => controller.setPhaseBits(parsed.data) }
          : { what: 'change Q', nonsense: 'Q is a whole number of bits from 1 to 16.' },
        answer,
      );
    });
  }

  #handAction(wish: unknown): Action {
    const { controller } = this.#options;
    const parsed = handSchema.safeParse(wish);
    if (!parsed.success) {
      return {
        what: 'steer by hand',
        nonsense: 'Steering takes angles from −90 to 90 degrees and a user, a scan a step above 0, a kept beam its name.',
      };
    }
    const asked = parsed.data;
    const what = {
      steer: () => (asked.do === 'steer' ? `steer to ${asked.azimuthDeg}°` : ''),
      scan: () => (asked.do === 'scan' ? `scan from ${asked.fromDeg}° to ${asked.toDeg}°` : ''),
      beam: () => (asked.do === 'beam' ? `send the beam ${asked.name}` : ''),
    }[asked.do]();
    // The folder may hold more by now; what a page may name are those that it was told of.
    if (asked.do === 'beam' && !controller.describe().beams.includes(asked.name)) {
      return { what, nonsense: `'${asked.name}' is none of the beams that this rig keeps.` };
    }
    return { what, act: () => controller.byHand(asked) };
  }

  #modelAction(id: unknown): Action {
    const { controller } = this.#options;
    const parsed = modelSchema.safeParse(id);
    if (!parsed.success) return { what: 'switch the model', nonsense: 'A model is named by its id.' };
    // The controller would open any model file by its path; a page has no business naming files of this machine.
    const known = controller.describe().models.some(({ id: fitting }) => fitting === parsed.data);
    if (!known) return { what: 'switch the model', nonsense: `'${parsed.data}' is none of the models that fit this rig.` };
    return { what: `switch the model to ${parsed.data}`, act: () => controller.switchModel(parsed.data) };
  }

  async #carryOut(who: string, { what, stops, act }: Extract<Action, { act: unknown }>): Promise<ControlResult> {
    const { controller, tell, changed } = this.#options;
    // Before what comes of it, so that it reads from top to bottom. A rig that has stopped is stopped again without a word.
    if (!stops || controller.state === 'running' || controller.state === 'measuring')
      tell({ level: 'info', code: 'page-control', message: `${who}: ${what}.` });
    let result: ControlResult;
    try {
      result = await act();
    } catch (error) {
      result = { ok: false, reason: error instanceof Error ? error.message : String(error) };
    }
    changed();
    // It was done, and only its confirmation is missing: that is an event of its own.
    const done = stops && (controller.state === 'paused' || controller.state === 'stopped');
    return result.ok || done ? result : this.#refuse(who, what, result.reason);
  }

  #refuse(who: string, what: string, reason: string): ControlResult {
    if (this.#refusalsTold.take(performance.now())) {
      this.#options.tell({
        level: 'warning',
        code: 'page-refused',
        message: `${who} was refused to ${what}.`,
        action: `${plain(reason).replace(/[.]$/, '')}.`,
      });
    }
    return { ok: false, reason };
  }
}

/** What a stranger sent may be in it: nothing that a terminal would obey, and no more than can be read. */
const plain = (text: string): string => text.replaceAll(/\p{C}/gu, '\uFFFD').slice(0, 300);
