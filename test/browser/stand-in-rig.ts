/**
 * A rig small enough for tests of the server and the page alone: four users walk, each RF chain points at one of them, and the numbers come
 * from the real array equations. No panel, no link, no model: those are tested with the real controller.
 */
import { chainRuns, connectionMask, steeringVector } from '../../core/signal/geometry.ts';
import { quantisePhases } from '../../core/signal/quantise.ts';
import { QUANTISER_MEANINGS } from '../../core/signal/quantiser-names.ts';
import { createRandom } from '../../core/signal/random.ts';
import type { BoardTable } from '../../src/control/array-calibration.ts';
import type { CalibrationNow, CalibrationWish } from '../../src/control/calibrating.ts';
import type {
  Calibrating,
  Controller,
  ControllerState,
  ControlResult,
  CycleView,
  HandWish,
  LinkDescription,
  QuantiserDescription,
  RigDescription,
  SafeDescription,
  ScanNow,
  SensingWish,
} from '../../src/control/controller.ts';
import type { ChannelOrigin, CycleRecord, RigEvent, Source } from '../../src/telemetry/cycle-record.ts';
import { standInCycle } from './stand-in-cycle.ts';
import { boardOf, loopbackOf } from './stand-in-links.ts';

export interface StandInOptions {
  elements?: number;
  rateHz?: number;
  users?: number;
  /** Said to stand in rows of eight; its beams are those of a line all the same. */
  planar?: boolean;
  /** Default 'full'. */
  connection?: 'full' | 'sub';
  /** Cycles for which this is true are void. */
  isVoid?: (cycle: number) => boolean;
}

export class StandInRig implements Controller {
  state: ControllerState = 'running';
  /** Set it while it is to say that it stands still. */
  stuck: string | undefined;
  /** As if the rig had a board on a link and ran on it: set `lost`, and its simulator stands in. */
  hasBoard = false;
  /** Whether the simulator stands in for a lost board; else cycles are void until it is back. */
  fallsBack = true;
  /** What its link is said to be while the board is lost. */
  lostState: LinkDescription['state'] = 'lost';
  /** Its board is a program at the far end of a link. */
  isPlayed = false;
  channelSource: ChannelOrigin = 'simulation';
  /** Its safe state, and whether the panel confirms it. */
  safe: Omit<SafeDescription, 'confirmed'> = { state: 'mute', azimuthDeg: null };
  safeConfirmed = true;
  /** What it is to sense; its beams know nothing of it. */
  wish: SensingWish | undefined;
  /** The budget of steps that its model is said to have. */
  steps: number | null = null;
  /** Its words are the nearest ones, whatever it says here; with a gain, its records tell of that. */
  quantiser: QuantiserDescription = { name: 'nearest', meaning: QUANTISER_MEANINGS.nearest, sweeps: null };
  wordsGain: number | undefined;
  /** The beam that it says it shows by hand. */
  hand: string | null = null;
  /** A cycle is under way that does not end. */
  hangs = false;
  #lost: string | undefined;
  #sourceSinceMs = Date.now();
  readonly #elements: number;
  readonly #rateHz: number;
  readonly #isVoid: (cycle: number) => boolean;
  readonly #random = createRandom(7);
  readonly #cycleListeners = new Set<(record: CycleRecord) => void>();
  readonly #eventListeners = new Set<(event: RigEvent) => void>();
  readonly #stateListeners = new Set<(state: ControllerState) => void>();
  readonly #users: number;
  readonly #planar: boolean;
  readonly #connection: 'full' | 'sub';
  readonly #mask: Uint8Array;
  readonly #walk: { azimuthRad: number; speed: number }[];
  #timer: NodeJS.Timeout | undefined;
  #cycle = 0;
  #latest: CycleView | undefined;
  #modelId = 'unfolded-pga-n64';
  #phaseBits = 6;

  constructor(options: StandInOptions = {}) {
    this.#elements = options.elements ?? 64;
    this.#users = options.users ?? 4;
    this.#planar = options.planar ?? false;
    this.#connection = options.connection ?? 'full';
    this.#mask = connectionMask(this.#connection, this.#elements, this.#users);
    this.#walk = Array.from({ length: this.#users }, (_, user) => {
      return { azimuthRad: (1.9 * (user + 0.5)) / this.#users - 0.95, speed: 0.05 };
    });
    this.#rateHz = options.rateHz ?? 20;
    this.#isVoid = options.isVoid ?? (() => false);
  }

  get trouble(): string | undefined {
    return this.state === 'faulted' ? 'the stand-in has faulted' : this.stuck;
  }

  /** Goes on by itself from here; without it, a test calls `cycleOnce`. */
  startTimer(): void {
    this.#timer = setInterval(() => {
      if (this.state === 'running' && !this.hangs) this.cycleOnce();
    }, 1000 / this.#rateHz);
  }

  describe(): RigDescription {
    return {
      name: 'stand-in',
      source: this.#source,
      channelSource: this.channelSource,
      channels: this.channelSource === 'sounding' ? 'sounded through the panels, 3 slots ago' : 'given',
      sourceReason: this.#source !== 'simulator' ? '' : (this.lost ?? 'no links are named in the rig file'),
      sourceSinceMs: this.#sourceSinceMs,
      elements: this.#elements,
      rfChains: this.#users,
      users: this.#users,
      phaseBits: this.#phaseBits,
      modelId: this.#modelId,
      engine: this.#modelId === 'unfolded-pga-n64' ? 'compiled' : null,
      steps: this.steps,
      quantiser: this.quantiser,
      objective: 'sum-rate',
      models: [
        { id: 'unfolded-pga-n64', title: 'Unfolded projected gradient ascent', kind: 'model' },
        { id: 'aligned', title: 'Phases aligned to the users', kind: 'baseline' },
      ],
      byHand: this.hand,
      byHandMadeBy: null,
      beams: this.beams,
      phaseBitsOptions: [1, 2, 3, 4, 5, 6],
      snrDb: 10,
      slow: null,
      loopRateHz: this.#rateHz,
      connection: this.#connection,
      chainRuns: chainRuns(this.#connection, this.#elements, this.#users),
      geometry: this.#planar
        ? { kind: 'upa', spacingWavelengths: 0.5, rows: this.#elements / 8, columns: 8 }
        : { kind: 'ula', spacingWavelengths: 0.5 },
      calibration: 'none: ideal states',
      calibrated: [
        {
          panel: 'SIM-0001',
          table: this.table,
          why: this.table ? null : 'there are no tables',
          temperatureC: 31,
          frequencyGhz: 28,
        },
      ],
      calibrationMethods: [
        { name: 'coded', about: 'all states at once', finds: 'states', why: null },
        { name: 'hadamard', about: 'offsets', finds: 'offsets', why: 'the panel cannot switch elements off' },
      ],
      flaws: [],
      tableOffDeg: null,
      links: [...(this.hasBoard ? [this.#board()] : []), loopbackOf(this.#elements)],
      runFolder: 'runs/stand-in',
      safe: { ...this.safe, confirmed: this.safeConfirmed && this.state !== 'running' },
    };
  }

  get lost(): string | undefined {
    return this.#lost;
  }

  set lost(why: string | undefined) {
    this.#lost = why;
    this.#sourceSinceMs = Date.now();
  }

  get #source(): Source {
    return this.hasBoard && (this.lost === undefined || !this.fallsBack) ? this.#board().source : 'simulator';
  }

  #board(): LinkDescription {
    return boardOf(this.#elements, this);
  }

  safeBeam(): ReturnType<Controller['safeBeam']> {
    const { azimuthDeg } = this.safe;
    if (azimuthDeg === null) return undefined;
    const steering = steeringVector(
      { kind: 'ula', elements: this.#elements, spacingWavelengths: 0.5 },
      (azimuthDeg * Math.PI) / 180,
    );
    const phases = Float64Array.from({ length: this.#elements * this.#users }, (_, i) => {
      const n = Math.floor(i / this.#users);
      return Math.atan2(steering.im[n], steering.re[n]);
    });
    return { phaseBits: 6, words: quantisePhases(phases, 6), states: { bits: 6 } };
  }

  sensing(): SensingWish | undefined {
    return this.wish;
  }

  latest(): CycleView | undefined {
    return this.#latest;
  }

  cyclesPerSecond(): number {
    return this.state === 'running' ? this.#rateHz : 0;
  }

  async run(): Promise<ControlResult> {
    return this.#setState('running');
  }

  async pause(): Promise<ControlResult> {
    return this.#setState('paused');
  }

  async mute(): Promise<ControlResult> {
    this.safe = { state: 'mute', azimuthDeg: null };
    return this.#setState('paused');
  }

  async switchModel(id: string): Promise<ControlResult> {
    if (!this.describe().models.some((model) => model.id === id)) return { ok: false, reason: `there is no model "${id}"` };
    this.#modelId = id;
    this.hand = null;
    this.emitEvent({ level: 'info', code: 'model-switched', message: `the model is ${id} now` });
    return { ok: true };
  }

  /** What was asked for by hand, in order. */
  readonly wishes: HandWish[] = [];
  /** What it says of its scan. */
  scanned: ScanNow | undefined;

  async byHand(wish: HandWish): Promise<ControlResult> {
    this.wishes.push(wish);
    this.hand = wish.do === 'steer' ? `steered to azimuth ${wish.azimuthDeg}°` : wish.do;
    return { ok: true };
  }

  scan(): ScanNow | undefined {
    return this.scanned;
  }

  /** Beams that it says are kept. */
  beams = ['east', 'west'];
  listBeams = (): ControlResult => ({ ok: true });

  /** The table that it says it goes by. */
  table: BoardTable | null = null;
  /** What it says of a measurement. */
  measured: CalibrationNow | undefined;
  /** What it was asked to measure, in order. */
  readonly measurements: CalibrationWish[] = [];

  readonly calibrating: Calibrating = this.#calibrating();

  #calibrating(): Calibrating {
    const now = (): CalibrationNow | undefined => this.measured;
    return {
      get now() {
        return now();
      },
      plan: async ({ method }) => {
        const probe = { azimuthDeg: 10, elevationDeg: 0, receiver: 4 };
        const expected = { phaseDeg: 0.58, gainDb: 0.09 };
        return { ok: true, plan: { method, readings: 4384, seconds: 71, readingSnrDb: 20, expected, probe, kept: null } };
      },
      begin: async (wish) => {
        this.measurements.push(wish);
        return this.#setState('measuring');
      },
      cancel: () => this.#setState('paused'),
      history: async () => [],
      array: () => undefined,
    };
  }

  async setPhaseBits(phaseBits: number): Promise<ControlResult> {
    if (phaseBits > 6) return { ok: false, reason: `the panel has 6 bits, not ${phaseBits}` };
    this.#phaseBits = phaseBits;
    return { ok: true };
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#setState('stopped');
  }

  onCycle(listener: (record: CycleRecord) => void): () => void {
    this.#cycleListeners.add(listener);
    return () => this.#cycleListeners.delete(listener);
  }

  onEvent(listener: (event: RigEvent) => void): () => void {
    this.#eventListeners.add(listener);
    return () => this.#eventListeners.delete(listener);
  }

  onState(listener: (state: ControllerState) => void): () => void {
    this.#stateListeners.add(listener);
    return () => this.#stateListeners.delete(listener);
  }

  emitEvent(event: Omit<RigEvent, 'timeNs'>): void {
    for (const listener of this.#eventListeners) listener({ timeNs: BigInt(Date.now()) * 1_000_000n, ...event });
  }

  cycleOnce(): void {
    const boardIsMissed = this.hasBoard && !this.fallsBack ? this.lost : undefined;
    this.#latest = standInCycle({
      ...{ cycle: this.#cycle, elements: this.#elements, mask: this.#mask, phaseBits: this.#phaseBits },
      ...{ azimuths: this.#moveUsers(), random: this.#random, wish: this.wish, wordsGain: this.wordsGain, boardIsMissed },
      isVoid: boardIsMissed !== undefined || this.#isVoid(this.#cycle),
      of: { source: this.#source, channelSource: this.channelSource, modelId: this.#modelId },
    });
    this.#cycle++;
    for (const listener of this.#cycleListeners) listener(this.#latest.record);
  }

  /** A cycle whose model failed: it is recorded void, and the newest beam stays that of the cycle before. */
  cycleWithoutBeam(): void {
    if (this.#latest === undefined) return;
    const unknown = new Float64Array(this.#users).fill(NaN);
    const record: CycleRecord = {
      ...this.#latest.record,
      cycle: this.#cycle++,
      beamId: 0,
      outcome: 'void',
      failure: 'model: the thread has ended',
      predictedSnrDb: unknown,
      measuredSnrDb: unknown,
      predictedSumRate: NaN,
      measuredSumRate: NaN,
    };
    for (const listener of this.#cycleListeners) listener(record);
  }

  /** The newest cycle again and again, as fast as the listeners take it. */
  repeatCycle(times: number): void {
    for (let i = 0; i < times && this.#latest; i++) {
      for (const listener of this.#cycleListeners) listener(this.#latest.record);
    }
  }

  #setState(state: ControllerState): ControlResult {
    this.state = state;
    for (const listener of this.#stateListeners) listener(state);
    return { ok: true };
  }

  #moveUsers(): Float64Array {
    for (const user of this.#walk) {
      user.azimuthRad += (user.speed + 0.1 * this.#random.normal()) / this.#rateHz;
      if (Math.abs(user.azimuthRad) > 1.1) user.speed = -user.speed;
    }
    return Float64Array.from(this.#walk, (user) => user.azimuthRad);
  }
}
