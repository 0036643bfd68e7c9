/**
 * Who sees everything: what the controller commanded and recorded, what the host sent and when its link was lost, what each panel took in, said
 * and radiated. At the end of a scenario `broken` says in words which invariants did not hold; an empty list is the only good one.
 *
 *   1  all words and weights that an array was driven with are, whole, those that the controller commanded under that beam id; two panels do
 *      not go on with different beams, nor one alone, for longer than it takes to notice
 *   2  every SNR in the records is what the panel reported for that very beam, which it had latched
 *   3  no frame from before the link was lost reaches a panel after it is back; a panel never goes back to an older beam
 *   4  requests under way are bounded, and nothing is left of the rig when it is closed
 *   5  events are told once per cause (each scenario names its own)
 *   6  every cycle has exactly one record, ok or void with a reason
 */
import { readdirSync } from 'node:fs';
import { openFrame } from '../../firmware-protocol/authentication.ts';
import { decodeFrame } from '../../firmware-protocol/codec.ts';
import type { BeamId, Message } from '../../firmware-protocol/messages.ts';
import type { CycleRecord, RigEvent } from '../../src/telemetry/cycle-record.ts';
import type { Link } from '../../src/link/link.ts';
import { SAFE_BEAM_ID } from '../../src/control/beam-ids.ts';

export interface Witness {
  readonly records: readonly CycleRecord[];
  readonly events: readonly RigEvent[];
  /** Beams that a panel latched, oldest first. */
  latches(panel: string): readonly BeamId[];
  /** Messages of this type that the panel took in. */
  received(panel: string, type: Message['type']): number;
  /** And that it sent. */
  said(panel: string, type: Message['type']): number;

  // What the parts of a fault rig tell it.
  knows(panel: string, elements: readonly number[], panelKey: Uint8Array | undefined): void;
  /** The same link, with what the host sends over it noted. */
  watch(panel: string, link: Link): Link;
  recorded(record: CycleRecord, commanded: Whole | undefined): void;
  told(event: RigEvent): void;
  takenIn(panel: string, frame: Uint8Array): void;
  givenOut(panel: string, frame: Uint8Array): void;
  latched(panel: string, beamId: BeamId): void;
  radiates(panel: string, beam: Driven | undefined): void;

  /** The longest that panels showed different beams, and that one was dark beside another that was not, ms. */
  readonly apart: Readonly<Apart>;
  /** Invariants 1 to 4 and 6 that did not hold, in words. */
  broken(): string[];
}

/** A beam of the whole array, as it goes over the wire: words by elements and chains, and D. */
interface Whole {
  words: Uint16Array;
  weights: Float32Array;
}

interface Driven {
  beamId: BeamId;
  words: Uint16Array;
  weights?: Float32Array | undefined;
}

interface Apart {
  differentMs: number;
  aloneMs: number;
}

interface Seen {
  elements: readonly number[];
  key: Uint8Array | undefined;
  latches: BeamId[];
  driven: Driven[];
  /** What it shows now; 0 = nothing, or a fixed beam. */
  shown: BeamId;
  reports: Map<BeamId, number[][]>;
  received: Map<Message['type'], number>;
  said: Map<Message['type'], number>;
  /** How often the host's link was opened, and whether it is open. */
  openings: number;
  open: boolean;
  /** In which opening each frame was sent last. */
  sentIn: Map<string, number>;
  /** Requests without a reply, by sequence number: when they were sent last. */
  waiting: Map<number, number>;
  mostWaiting: number;
}

/** A request is given up after 2 s; what was sent before that is not under way any more. */
const GIVEN_UP_MS = 2500;
/** To ask who switched, call it off or command darkness, with answers lost on the way and a machine that is busy. */
const SPLIT_HANDLED_MS = 2500;
/** And the silence limit of a panel that nobody can reach. */
const ALONE_MS = SPLIT_HANDLED_MS + 3000;
/** More than the driver ever has under way. */
const MOST_UNDER_WAY = 64;

/** @param options.safeWords whether beam 0 may be radiated: the fixed codeword of the safe state */
export function createWitness(options: { rfChains: number; safeWords: boolean; nowMs: () => number }): Witness {
  const { rfChains, safeWords, nowMs } = options;
  const records: CycleRecord[] = [];
  const events: RigEvent[] = [];
  const commanded = new Map<BeamId, Whole>();
  const panels = new Map<string, Seen>();
  const oddities: string[] = [];

  const seen = (panel: string): Seen => {
    let known = panels.get(panel);
    if (known === undefined) {
      known = {
        elements: [],
        key: undefined,
        latches: [],
        driven: [],
        shown: 0,
        reports: new Map(),
        received: new Map(),
        said: new Map(),
        openings: 0,
        open: false,
        sentIn: new Map(),
        waiting: new Map(),
        mostWaiting: 0,
      };
      panels.set(panel, known);
    }
    return known;
  };

  const messageOf = ({ key }: Seen, bytes: Uint8Array): { seq: number; message: Message } | undefined => {
    let bare = bytes;
    if (key !== undefined && (bytes[0] & 1) === 1) {
      const opened = openFrame(bytes, key);
      if (!opened.ok) return undefined;
      bare = opened.frame;
    }
    const decoded = decodeFrame(bare);
    return decoded.ok ? decoded.frame : undefined;
  };

  const underWay = (at: Seen, bytes: Uint8Array): void => {
    const limit = nowMs() - GIVEN_UP_MS;
    for (const [seq, sentMs] of at.waiting) if (sentMs < limit) at.waiting.delete(seq);
    at.waiting.set(bytes[2] | (bytes[3] << 8), nowMs());
    at.mostWaiting = Math.max(at.mostWaiting, at.waiting.size);
  };

  const apart: Apart = { differentMs: 0, aloneMs: 0 };
  const since: Record<keyof Apart, number | undefined> = { differentMs: undefined, aloneMs: undefined };
  /** Looks at all panels after each change. */
  const compare = (): void => {
    const shown = new Set([...panels.values()].map((at) => at.shown));
    const lit = [...shown].filter((beamId) => beamId !== 0).length;
    const now: Record<keyof Apart, boolean> = { differentMs: lit > 1, aloneMs: lit > 0 && shown.has(0) };
    for (const kind of ['differentMs', 'aloneMs'] as const) {
      const { [kind]: fromMs } = since;
      if (fromMs !== undefined) apart[kind] = Math.max(apart[kind], nowMs() - fromMs);
      since[kind] = now[kind] ? (fromMs ?? nowMs()) : undefined;
    }
  };

  return {
    records,
    events,
    apart,
    latches: (panel) => seen(panel).latches,
    received: (panel, type) => seen(panel).received.get(type) ?? 0,
    said: (panel, type) => seen(panel).said.get(type) ?? 0,
    knows(panel, elements, key) {
      Object.assign(seen(panel), { elements, key });
    },
    watch(panel, link) {
      const at = seen(panel);
      return {
        kind: link.kind,
        name: link.name,
        source: link.source,
        get state() {
          return link.state;
        },
        counters: link.counters,
        open: () => link.open(),
        close: () => link.close(),
        send(frame) {
          const sent = link.send(frame);
          if (sent) {
            at.sentIn.set(keyOf(frame), at.openings);
            underWay(at, frame);
          }
          return sent;
        },
        onFrame: (listener) =>
          link.onFrame((frame) => {
            at.waiting.delete(frame[2] | (frame[3] << 8));
            listener(frame);
          }),
        onState: (listener) =>
          link.onState((state) => {
            at.open = state.state === 'open';
            if (at.open) at.openings++;
            at.waiting.clear();
            listener(state);
          }),
      };
    },
    recorded(record, whole) {
      records.push(record);
      if (whole !== undefined) commanded.set(record.outcome === 'ok' ? record.beamId : record.cycle + 1, whole);
    },
    told: (event) => void events.push(event),
    takenIn(panel, frame) {
      const at = seen(panel);
      const sentIn = at.sentIn.get(keyOf(frame));
      const type = messageOf(at, frame)?.message.type;
      if (type !== undefined) count(at.received, type);
      if (at.open && sentIn !== undefined && sentIn !== at.openings) {
        oddities.push(`3: ${panel} took in a ${type ?? 'frame'} that was sent before the link was lost`);
      }
    },
    givenOut(panel, frame) {
      const at = seen(panel);
      const message = messageOf(at, frame)?.message;
      if (message !== undefined) count(at.said, message.type);
      if (message?.type !== 'snr-report') return;
      const reports = at.reports.get(message.beamId) ?? [];
      reports.push(Array.from(message.snrCentiDb, (centiDb) => centiDb / 100));
      at.reports.set(message.beamId, reports);
    },
    latched(panel, beamId) {
      const { latches } = seen(panel);
      const before = latches.at(-1) ?? 0;
      if (beamId <= before) oddities.push(`3: ${panel} went from beam ${before} back to ${beamId}`);
      latches.push(beamId);
    },
    radiates(panel, beam) {
      const at = seen(panel);
      at.shown = beam?.beamId ?? 0;
      if (beam !== undefined) at.driven.push({ beamId: beam.beamId, words: beam.words.slice(), weights: beam.weights?.slice() });
      compare();
    },
    broken() {
      compare();
      const found = [...oddities];
      if (apart.differentMs > SPLIT_HANDLED_MS)
        found.push(`1: panels showed different beams for ${Math.round(apart.differentMs)} ms`);
      if (apart.aloneMs > ALONE_MS) found.push(`1: a panel went on alone for ${Math.round(apart.aloneMs)} ms`);
      for (const [name, at] of panels) {
        for (const { beamId, words, weights } of at.driven) {
          if (beamId === 0 || beamId === SAFE_BEAM_ID) {
            if (!safeWords) found.push(`1: ${name} radiated beam ${beamId}, which no cycle has`);
            continue;
          }
          const whole = commanded.get(beamId);
          if (whole === undefined) found.push(`1: ${name} radiated beam ${beamId}, which was not commanded`);
          else if (!isPartOf(words, whole.words, at.elements, rfChains)) {
            found.push(`1: ${name} radiated words under beam ${beamId} that are not the ones commanded`);
          } else if (weights === undefined || !weights.every((weight, i) => weight === whole.weights[i])) {
            found.push(`1: ${name} radiated beam ${beamId} with other weights than the ones commanded`);
          }
        }
        if (at.mostWaiting > MOST_UNDER_WAY) found.push(`4: ${at.mostWaiting} requests to ${name} were under way at once`);
      }
      records.forEach((record, index) => found.push(...brokenRecord(record, index, panels)));
      return found;
    },
  };
}

function brokenRecord(record: CycleRecord, index: number, panels: ReadonlyMap<string, Seen>): string[] {
  const { cycle, outcome, beamId, failure, measuredSnrDb } = record;
  const found: string[] = [];
  if (cycle !== index) found.push(`6: record ${index} is of cycle ${cycle}`);
  if (outcome === 'void') {
    if (failure === undefined || failure === '') found.push(`6: cycle ${cycle} is void without a reason`);
    if (beamId !== 0) found.push(`2: cycle ${cycle} is void and credited to beam ${beamId}`);
    return found;
  }
  if (failure !== undefined) found.push(`6: cycle ${cycle} is ok with a failure: ${failure}`);
  if (record.source === 'simulator') return found;
  const reports = [...panels.values()].flatMap((at) => at.reports.get(beamId) ?? []);
  const said = reports.some(
    (report) => report.length === measuredSnrDb.length && report.every((db, i) => db === measuredSnrDb[i]),
  );
  if (!said) found.push(`2: the SNR of cycle ${cycle} is not what a panel reported for beam ${beamId}`);
  for (const [name, { latches }] of panels) {
    if (!latches.includes(beamId)) found.push(`2: cycle ${cycle} is ok and ${name} never latched beam ${beamId}`);
  }
  return found;
}

function isPartOf(words: Uint16Array, whole: Uint16Array, elements: readonly number[], rfChains: number): boolean {
  if (words.length !== elements.length * rfChains) return false;
  return elements.every((element, own) => {
    for (let m = 0; m < rfChains; m++) if (words[own * rfChains + m] !== whole[element * rfChains + m]) return false;
    return true;
  });
}

const count = <Key>(counts: Map<Key, number>, key: Key): void => void counts.set(key, (counts.get(key) ?? 0) + 1);

const keyOf = (frame: Uint8Array): string => Buffer.from(frame).toString('latin1');

/** Files, sockets and ports that this process has open: the same before a rig is opened and after it is closed. */
export const openFiles = (): number => readdirSync('/proc/self/fd').length;
