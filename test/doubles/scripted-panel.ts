/** Stand-ins for the tests of the control loop: a panel that follows a script, and a beamformer that answers at once. */
import type { VirtualClock } from '../../core/clock/virtual-clock.ts';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Capabilities, SafeState } from '../../firmware-protocol/messages.ts';
import { zeros, type CMatrix } from '../../core/signal/complex-matrix.ts';
import { sumRateObjective } from '../../core/signal/objectives/sum-rate.ts';
import { nearestStates } from '../../core/signal/realise-beam.ts';
import type { Beamformer } from '../../src/beamforming/beamformer.ts';
import type { Panel, PanelFailure, Result } from '../../src/panel/panel.ts';
import type { Source } from '../../src/telemetry/cycle-record.ts';
import type { ControlLoopOptions } from '../../src/control/loop-options.ts';
import type { ChannelSource } from '../../src/control/channel-source.ts';
import type { RigPanel } from '../../src/control/rig-panel.ts';

export const ELEMENTS = 4;
export const CHAINS = 2;

type LoopSetting = ControlLoopOptions['setting'];

/** The same channel for every cycle. */
export const sameChannel = (channel: CMatrix): ChannelSource => ({
  origin: 'file',
  take: () => ({ channel, userAzimuthRad: new Float64Array() }),
});

/** What the loop is told of a rig with two users and two chains. */
export const plainSetting = (clock: VirtualClock, channel: CMatrix): LoopSetting => ({
  clock,
  channels: sameChannel(channel),
  rfChains: CHAINS,
  connection: undefined,
  panelPhaseBits: 6,
  power: 10,
  noise: 1,
  objective: sumRateObjective,
  quantise: nearestStates,
  pilots: 8,
});

export const NO_ANSWER: PanelFailure = { reason: 'no-answer', request: 'commit', attempts: 4, waitedMs: 200 };

/** A panel that does as it is told, unless the script for a beam says otherwise, and writes down what it was told. */
export function scriptedPanel(clock: VirtualClock, name = 'scripted', session = true) {
  const log: string[] = [];
  const script = {
    apply: (_beamId: number): PanelFailure | undefined => undefined,
    connect: (_attempt: number): PanelFailure | undefined => undefined,
    safe: (): PanelFailure | undefined => undefined,
    store: (): PanelFailure | undefined => undefined,
    /** The beam that a report names. */
    measured: (beamId: number): number => beamId,
  };
  let attempts = 0;
  const words: Uint16Array[] = [];
  const bits: number[] = [];
  const silences: number[] = [];
  const blind: string[] = [];
  let safeAs: SafeState | undefined;
  const answer = async <T>(failure: PanelFailure | undefined, value: T): Promise<Result<T>> => {
    await clock.sleep(1);
    return failure === undefined ? { ok: true, value } : { ok: false, failure };
  };
  const unused = (): never => {
    throw new Error('not part of this story');
  };
  const panel: Panel = {
    name,
    get capabilities() {
      return session ? ({ features: [] as string[] } as unknown as Capabilities) : undefined;
    },
    counters: { requests: 0, retries: 0, timeouts: 0, nacks: 0, strayReplies: 0, badFrames: 0, roundTripMs: 1 },
    get safeAs() {
      return safeAs;
    },
    onSafe: () => undefined,
    connect: () => {
      log.push('connect');
      const failure = script.connect(++attempts);
      session = failure === undefined;
      return answer(failure, {} as Capabilities);
    },
    apply: (beam) => {
      log.push(`beam ${beam.beamId}`);
      safeAs = undefined;
      words.push(beam.words);
      bits.push(beam.phaseBits);
      const failure = script.apply(beam.beamId);
      if (failure?.reason === 'link-closed') session = false;
      return answer(failure, { beamId: beam.beamId, panelTimeUs: 0n, pushMs: 1, commitMs: 0 });
    },
    measureSnr: (beamId, pilots) =>
      answer(undefined, {
        beamId: script.measured(beamId),
        panelTimeUs: 0n,
        pilots,
        firstUser: 0,
        snrDb: Float64Array.of(10, 20),
      }),
    measurePilots: unused,
    readBack: unused,
    ping: unused,
    status: unused,
    foundStored: unused,
    storeBeam: ({ beamId }, position) => {
      log.push(`stored ${beamId} at ${position}`);
      return answer(script.store(), undefined);
    },
    setSafeState: (state, { enter = false, silenceMs = 0 } = {}) => {
      log.push(enter ? `safe: ${state}` : `armed: ${state}`);
      silences.push(silenceMs);
      const failure: PanelFailure | undefined = session
        ? script.safe()
        : { reason: 'link-closed', cause: 'unplugged', detail: 'cable pulled' };
      if (enter && failure === undefined) safeAs = state;
      return answer(failure, undefined);
    },
    commandSafe: (state) => blind.push(state) > 0,
    close: async () => {
      log.push('closed');
    },
  };
  const loseSession = (): void => void (session = false);
  return { panel, log, script, words, bits, silences, blind, loseSession };
}

/** Points every chain at everything; a different phase each, so that words differ. */
export function fixedBeamformer(
  id: string,
  script: { fails?: (call: number) => boolean } = {},
): Beamformer & { closed: boolean } {
  let calls = 0;
  return {
    id,
    kind: 'baseline',
    title: id,
    dimensions: { elements: ELEMENTS, rfChains: CHAINS, users: 2 },
    closed: false,
    async compute() {
      if (script.fails?.(++calls) === true) throw new BeamrigError('internal', 'the thread has ended');
      const analogPhase = Float64Array.from({ length: ELEMENTS * CHAINS }, (_, i) => (i * Math.PI) / 4);
      return { analogPhase, digital: zeros(CHAINS, 2) };
    },
    async close() {
      this.closed = true;
    },
  };
}

/** The panel as the loop is given it. */
export const asRigPanel = (panel: Panel, source: Source, connected = true): RigPanel => ({
  panel,
  source,
  connected,
  connect: () => panel.connect(),
  linkDiscarded: () => 0,
  boards: () => [{ link: 'scripted', kind: 'loopback', source, panel: 'SCRIPT-1', firmware: '1.0' }],
  links: () => [],
});
