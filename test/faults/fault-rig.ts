/**
 * A whole rig for breaking: rig file, links, drivers, loop and records are the real ones, on real time; the panels are played in this process
 * at the far ends of real wires, so that the truth inside them is seen. Small, so that a cycle is cheap: 16 elements, 2 chains, 2 users, Q = 6.
 *
 *   control loop ─► driver ─► link (watched) ══ wire: a line of ptys, or a broker ══ end ─► far panel ─► air
 *                        witness sees what is commanded, sent, taken in, said, radiated and recorded
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { createAir } from '../../hil-sim/air.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import type { VirtualPanelOptions } from '../../hil-sim/virtual-panel.ts';
import { createRandom } from '../../core/signal/random.ts';
import { parseRigFile } from '../../src/config/rig-file.ts';
import type { PanelEnd } from '../../src/link/panel-end.ts';
import { assembleRig, type Rig } from '../../src/rig/assemble.ts';
import { createWire } from '../../src/rig/hardware.ts';
import { createRigArray } from '../../src/rig/simulator.ts';
import { createWorld } from '../../src/rig/world.ts';
import { interleaved } from '../../src/control/beam-on-wire.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';
import { createFarPanel, type AttachedPanel } from './far-panel.ts';
import { openMqttWire } from './mqtt-wire.ts';
import { openSerialWire } from './serial-wire.ts';
import { createWitness, openFiles, type Witness } from './witness.ts';

export type Carrier = 'serial' | 'aedes' | 'mosquitto';

/** What host and panel are joined by. */
export interface FaultWire {
  /** As the link's entry in the rig file: 'serial: { … }'. */
  readonly link: string;
  /** @param panelKey where frames are sealed: what is said about who is there is sealed with it too */
  end(panelSerial: string, panelKey?: Uint8Array): PanelEnd;
  /** The host's side is unplugged: its link is gone at once. */
  pull(): Promise<void>;
  putBack(): Promise<void>;
  close(): Promise<void>;
}

export interface FaultRigOptions {
  carrier: Carrier;
  /** Instead of the carrier's own, one for each panel. */
  openWire?: (panel: number) => Promise<FaultWire>;
  /** Default 1; with 2 each has half of the elements, on a wire of its own. */
  panels?: 1 | 2;
  /** Frames are sealed. */
  authenticated?: boolean;
  /** What the first panel does of itself, counted from its first frame. */
  behaviours?: readonly Behaviour[];
  capabilities?: VirtualPanelOptions['capabilities'];
  /** Serial numbers that the panels say, where they are not those of the rig file. */
  serials?: readonly string[];
  /** What the first panel says, changed on its way out. */
  says?: (frame: Uint8Array) => Uint8Array;
  /** How long what is broken stays so where a scenario waits for it (`away`), ms. Default 150. */
  outageMs?: number;
  /** Of the array. Default 16. */
  elements?: number;
  /** Lines of the rig file instead of the usual ones, by their key. */
  rig?: Record<string, string>;
  seed?: number;
}

export interface FaultRig {
  readonly carrier: Carrier;
  readonly rig: Rig;
  readonly witness: Witness;
  readonly wires: readonly FaultWire[];
  readonly panels: readonly AttachedPanel[];
  /** Codes of the events so far. */
  codes(): string[];
  /** Resolves with the first record from now on for which this holds. */
  until(holds: (record: CycleRecord) => boolean): Promise<CycleRecord>;
  untilVoid(): Promise<CycleRecord>;
  /** So many cycles more. */
  cycles(count: number): Promise<void>;
  /** Resolves with the event of this code, when it was told or when it is. */
  untilTold(code: string): Promise<RigEvent>;
  /** Leaves things broken for a while. */
  away(): Promise<void>;
  /** Resolves when this panel radiates nothing. Nobody told it to where its wire is out: its own silence limit did. */
  untilDark(panel: number): Promise<void>;
  /** Link and panel are usable again from now on: waits for the first good cycle. May be called for each of several faults. */
  back(): Promise<CycleRecord>;
  /** For each `back`: until its first good cycle was recorded, ms. */
  readonly recoveriesMs: readonly number[];
  /** Cycles that are void, in words. */
  lost(): string;
  /** Ends the run, lets go of everything. What did not hold is in `broken` of the witness, and here what is left of the rig. */
  close(): Promise<string[]>;
}

const RIG_KEY = 'a1b2'.repeat(16);
const RIG_KEY_BYTES = Uint8Array.from(Buffer.from(RIG_KEY, 'hex'));
/** Well over the 3 s after which a panel that hears nothing goes to its safe state. */
const LONGEST_SILENCE_MS = 6000;
/** The default rig file, by key. */
const RIG_LINES: Record<string, string> = {
  name: 'faults',
  users: '{ count: 2 }',
  beamformer: '{ model: aligned }',
  loop: '{ rateHz: 50, pilots: 64 }',
  fallback: 'never',
};

const openWireOf = (carrier: Carrier, seed: number): Promise<FaultWire> =>
  carrier === 'serial' ? openSerialWire(seed) : openMqttWire(carrier);

/**
 * Opens wires and panels, assembles the rig and starts its run; the first good cycle is done when this resolves.
 * @throws {BeamrigError} what the rig says where it is refused; nothing is left open then
 */
export async function openFaultRig(options: FaultRigOptions): Promise<FaultRig> {
  const {
    carrier,
    panels: panelCount = 1,
    authenticated = false,
    behaviours = [],
    capabilities,
    elements = 16,
    seed = 1,
  } = options;
  const openWire = options.openWire ?? ((panel: number) => openWireOf(carrier, seed + panel));
  const filesBefore = openFiles();
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-faults-'));
  const clock = createRealClock();
  const closers: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })];
  const closeAll = async (): Promise<void> => {
    for (const close of closers.splice(0).reverse()) await close();
  };
  try {
    const wires: FaultWire[] = [];
    for (let panel = 0; panel < panelCount; panel++) {
      const wire = await openWire(panel);
      wires.push(wire);
      closers.push(() => wire.close());
    }
    const rigKey = authenticated ? RIG_KEY_BYTES : undefined;
    const keyFile = join(folder, 'rig.key');
    if (authenticated) writeFileSync(keyFile, RIG_KEY, { mode: 0o600 });
    const lines: Record<string, string> = {
      ...RIG_LINES,
      array: `{ geometry: { kind: ula, elements: ${elements} }, rfChains: 2, phaseBits: 6 }`,
      seed: String(seed),
      ...(authenticated ? { authentication: `{ keyFile: ${keyFile} }` } : {}),
      links: `[ ${wires.map((wire, index) => linkEntry(wire, index, elements / panelCount)).join(', ')} ]`,
      ...options.rig,
    };
    const text = Object.entries(lines)
      .map(([key, value]) => `${key}: ${value}`)
      .join('\n');
    const rigFile = parseRigFile(text, join(folder, 'rig.yaml'));

    const witness = createWitness({
      rfChains: rigFile.array.rfChains,
      safeWords: rigFile.safeState === 'codeword',
      nowMs: () => clock.nowMs(),
    });
    const random = createRandom(rigFile.seed).stream('simulator');
    const world = createWorld({ rig: rigFile, random, repeat: true });
    const air = createAir({
      array: createRigArray(rigFile, random),
      scene: world.scene,
      noise: 1,
      random: random.stream('panel'),
      clock,
    });
    const panels: AttachedPanel[] = [];
    for (const [index, spec] of rigFile.links.entries()) {
      const far = createFarPanel({
        name: spec.name,
        panelSerial: options.serials?.[index] ?? spec.panel ?? '',
        elements: spec.elements,
        air,
        world,
        random: random.stream(`panel ${index}`),
        clock,
        witness,
        behaviours: index === 0 ? behaviours : [],
        ...(capabilities === undefined ? {} : { capabilities }),
        ...(rigKey === undefined ? {} : { rigKey }),
      });
      if (index === 0 && options.says !== undefined) far.rewrite(options.says);
      const end = wires[index].end(far.panelSerial, far.panelKey);
      closers.push(async () => {
        far.close();
        await end.close();
      });
      await end.open(far);
      panels.push({ ...far, end });
    }

    const listeners = new Set<() => void>();
    const notice = (): void => {
      for (const listener of [...listeners]) listener();
    };
    const rig = await assembleRig({
      rig: rigFile,
      clock,
      recorder: {
        cycle: (record) => {
          const view = rig.controller.latest();
          witness.recorded(
            record,
            view?.record === record ? { words: view.words, weights: interleaved(view.digital) } : undefined,
          );
          notice();
        },
        event: (event) => {
          witness.told(event);
          notice();
        },
      },
      createLink: async (spec) =>
        witness.watch(spec.name, await createWire(spec, clock, random.stream(`wire ${spec.name}`), rigKey)),
    });
    closers.push(() => rig.controller.stop());
    const ended = rig.run();

    const recoveriesMs: number[] = [];
    /** Looks now and at every record and event, until it finds something. Fails when the run ends before. */
    const find = async <Found>(what: string, look: () => Found | undefined): Promise<Found> => {
      const found = new Promise<Found>((resolve) => {
        const listener = (): void => {
          const value = look();
          if (value === undefined) return;
          listeners.delete(listener);
          resolve(value);
        };
        listeners.add(listener);
        listener();
      });
      const over = ended.then((outcome) => {
        throw new Error(`the run ended (${outcome.reason}: ${outcome.message ?? ''}) before ${what}`);
      });
      return Promise.race([found, over]);
    };
    const until = (holds: (record: CycleRecord) => boolean, what = 'the cycle that was waited for'): Promise<CycleRecord> => {
      const from = witness.records.length;
      return find(what, () => witness.records.slice(from).find(holds));
    };
    const fault: FaultRig = {
      carrier,
      rig,
      witness,
      wires,
      panels,
      // A loaded machine may not keep the rate, which is told and has nothing to do with the fault.
      codes: () => witness.events.map(({ code }) => code).filter((code) => code !== 'too-slow'),
      until,
      untilVoid: () => until(({ outcome }) => outcome === 'void', 'a void cycle'),
      async cycles(count) {
        const last = witness.records.length + count;
        await find(`${count} cycles`, () => (witness.records.length >= last ? true : undefined));
      },
      untilTold: (code) => find(`the event ${code}`, () => witness.events.find((event) => event.code === code)),
      away: () => clock.sleep(options.outageMs ?? 150),
      async untilDark(panel) {
        const lastMs = clock.nowMs() + LONGEST_SILENCE_MS;
        while (panels[panel].panel.radiated().beamId !== 0) {
          if (clock.nowMs() > lastMs)
            throw new Error(`${panels[panel].name} still radiates after ${LONGEST_SILENCE_MS} ms of silence`);
          await clock.sleep(20);
        }
      },
      async back() {
        const fromMs = clock.nowMs();
        const record = await until(({ outcome, source }) => outcome === 'ok' && source !== 'simulator', 'a good cycle');
        recoveriesMs.push(clock.nowMs() - fromMs);
        return record;
      },
      recoveriesMs,
      lost: () => lostText(witness.records),
      async close() {
        await closeAll();
        await ended;
        const left = openFiles() - filesBefore;
        return left > 0 ? [`4: ${left} files or sockets are still open`] : [];
      },
    };
    // A run that nobody waits for may fault: its scenario looks at it.
    ended.catch(() => undefined);
    await fault.back();
    recoveriesMs.length = 0;
    return fault;
  } catch (error) {
    await closeAll();
    throw error;
  }
}

function linkEntry(wire: FaultWire, index: number, each: number): string {
  return `{ name: link-${index}, panel: BOARD-${index}, elements: '${index * each}-${(index + 1) * each - 1}', ${wire.link} }`;
}

/** '3 void cycles: the link is closed', by what gave up; 'nothing' when every cycle is ok. */
function lostText(records: readonly CycleRecord[]): string {
  const reasons = new Map<string, number>();
  for (const { outcome, failure = '' } of records) {
    if (failure.includes(CUT_SHORT)) continue; // by the end of the run, and not lost
    if (outcome === 'void') reasons.set(reasonOf(failure), (reasons.get(reasonOf(failure)) ?? 0) + 1);
  }
  if (reasons.size === 0) return 'nothing';
  return [...reasons].map(([reason, count]) => `${count} void ${count === 1 ? 'cycle' : 'cycles'} (${reason})`).join(', ');
}

const CUT_SHORT = 'the safe state was commanded meanwhile';

/** The failure of a record without what is this cycle's alone. */
const reasonOf = (failure: string): string =>
  failure
    .replace(/^\w+: (panel \S+: )?/, '')
    .replace(/ \(.*$/, '')
    .replace(/ after \d+ attempts.*$/, '')
    .replace(/ as .*$/, '')
    .replace(/;.*$/, '')
    .replace(/\bbeam \d+\b/, 'the beam');
