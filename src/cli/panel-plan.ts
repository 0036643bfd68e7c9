/**
 * What `beamrig panel` is asked to play: the flags, beside the rig file or in place of it, read into one plan before any wire is touched.
 * Whatever does not fit is refused here, by the name of its flag.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { expandHome } from '../../core/files/home-path.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { brokerLogin } from '../config/broker-login.ts';
import { readChannelFile } from '../config/channel-file.ts';
import { readRigKey } from '../config/key-file.ts';
import { rigDoubts } from '../config/rig-doubts.ts';
import { elementsOf, parseRigFile, readRigFile } from '../config/rig-file.ts';
import type { RigFile, RigLink } from '../config/rig-file.ts';
import { nearest } from '../config/rig-problems.ts';
import type { MqttOptions } from '../link/mqtt/mqtt.ts';
import { shownUrl } from '../link/mqtt/mqtt-settings.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { behaviourFlag } from './behaviour-flag.ts';

/** As commander hands them over; the lists are flags that may be repeated. */
export interface PanelOptions {
  link?: string[];
  serial?: string[];
  mqtt?: string[];
  behaviour?: string[];
  rigBehaviours?: boolean;
  seed?: string;
  channels?: string;
  conjugate?: boolean;
  state?: string;
  log?: string;
  json?: boolean;
  elements?: string;
  rfChains?: string;
  phaseBits?: string;
  users?: string;
  panel?: string;
}

/** Where a panel is attached: its own end of the wire. */
export type Wire = { kind: 'serial'; path: string; baudRate: number } | { kind: 'mqtt'; mqtt: MqttOptions };

export interface PlannedPanel {
  /** Of its link. */
  name: string;
  panelSerial: string;
  /** Global elements, in the panel's own order. */
  elements: readonly number[];
  wire: Wire;
  behaviours: readonly Behaviour[];
}

export interface PanelPlan {
  rig: RigFile;
  seed: number;
  recorded?: CMatrix[];
  /** What rig file and channels say that is allowed and most probably meant otherwise. */
  doubts: readonly string[];
  panels: PlannedPanel[];
  rigKey?: Uint8Array;
  stateFolder?: string;
  log: 'events' | 'beams';
}

const DEFAULT_BAUD_RATE = 921_600;
const DEFAULT_TOPIC_PREFIX = 'beamrig';

/** @throws {BeamrigError} 'argument' naming the flag; 'rig-file', 'channel-file', 'key' for files */
export function readPanelPlan(rigPath: string | undefined, options: PanelOptions): PanelPlan {
  const rig = rigPath === undefined ? rigOfFlags(options) : rigOfFile(rigPath, options);
  const seed = options.seed === undefined ? rig.seed : wholeNumber('--seed', options.seed, { min: 0, max: 2 ** 32 - 1 });
  const log = options.log === undefined ? 'events' : oneOf('--log', options.log, ['events', 'beams'] as const);
  const panels = plannedPanels(rig, options, rigPath === undefined);
  const rigKey = readRigKey(rig);
  if (options.conjugate && options.channels === undefined) {
    throw new BeamrigError('argument', '--conjugate without --channels: there is nothing to conjugate', {
      wayOut: 'Give --channels FILE, too.',
    });
  }
  const expected = { users: rig.users.count, elements: elementsOf(rig) };
  const recorded =
    options.channels === undefined
      ? undefined
      : readChannelFile(options.channels, { conjugate: options.conjugate ?? false, expected });
  return {
    rig,
    seed,
    panels,
    log,
    doubts: [...rigDoubts(rig), ...(recorded?.doubts ?? [])],
    ...(recorded === undefined ? {} : { recorded: recorded.channels }),
    ...(rigKey === undefined ? {} : { rigKey }),
    ...(options.state === undefined ? {} : { stateFolder: options.state }),
  };
}

const DIMENSIONS = { elements: '--elements', rfChains: '--rf-chains', phaseBits: '--phase-bits', users: '--users' } as const;

function rigOfFile(path: string, options: PanelOptions): RigFile {
  for (const [key, flag] of Object.entries({ ...DIMENSIONS, panel: '--panel' }) as [keyof PanelOptions, string][]) {
    if (options[key] === undefined) continue;
    throw new BeamrigError('argument', `${flag} ${String(options[key])}: ${path} says that already`, {
      wayOut: `Leave ${flag} out, or the rig file.`,
    });
  }
  return readRigFile(path);
}

/** A rig that is its flags and nothing else: one panel with all elements. */
function rigOfFlags(options: PanelOptions): RigFile {
  const missing = (Object.keys(DIMENSIONS) as (keyof typeof DIMENSIONS)[]).filter((key) => options[key] === undefined);
  if (missing.length > 0) {
    throw new BeamrigError('argument', `no rig file, and no ${missing.map((key) => DIMENSIONS[key]).join(', no ')}`, {
      wayOut: 'Give a rig file, or: --elements 64 --rf-chains 4 --phase-bits 6 --users 4 --panel SIM-0001 --serial PATH',
    });
  }
  const whole = (key: keyof typeof DIMENSIONS, max: number): number =>
    wholeNumber(DIMENSIONS[key], options[key] ?? '', { min: 1, max });
  const elements = whole('elements', 4096);
  const rfChains = whole('rfChains', Math.min(elements, 256));
  const rig = {
    name: 'panel',
    array: { geometry: { kind: 'ula', elements }, rfChains, phaseBits: whole('phaseBits', 16) },
    users: { count: whole('users', rfChains) },
    beamformer: { model: 'aligned' },
  };
  return parseRigFile(JSON.stringify(rig), 'the rig of these flags');
}

function plannedPanels(rig: RigFile, options: PanelOptions, flagsOnly: boolean): PlannedPanel[] {
  const known = rig.links.length > 0 ? rig.links : [onlyLink(rig, options.panel ?? 'SIM-0001')];
  const names = known.map(({ name }) => name);
  const chosen = chosenLinks(known, options.link, names);
  const serial = ends('--serial', options.serial, chosen);
  const mqtt = ends('--mqtt', options.mqtt, chosen);
  const behaviours = (options.behaviour ?? []).map((text) => {
    const { name, rest } = namedBy(text, names);
    const [, stranger] = /^([^=:{]+)=/.exec(rest) ?? [];
    if (name === undefined && stranger !== undefined) throw noSuchLink('--behaviour', stranger, names);
    if (name !== undefined && !chosen.some((link) => link.name === name)) {
      throw new BeamrigError('argument', `--behaviour ${text}: ${name} is not among the links played`, {
        wayOut: `Give --link ${name}, too.`,
      });
    }
    return { name, behaviour: behaviourFlag(rest) };
  });
  return chosen.map((link) => {
    if (serial.has(link.name) && mqtt.has(link.name)) {
      throw new BeamrigError('argument', `${link.name} is on --serial and on --mqtt`, {
        wayOut: 'A panel has one wire: leave one out.',
      });
    }
    const of = behaviours.filter(({ name }) => name === undefined || name === link.name).map(({ behaviour }) => behaviour);
    return {
      name: link.name,
      panelSerial: link.panel ?? panelSerialOf(link.name),
      elements: link.elements,
      wire: wireOf(link, serial.get(link.name), mqtt.get(link.name), flagsOnly || rig.links.length === 0),
      behaviours: options.rigBehaviours ? [...rig.simulator.behaviours, ...of] : of,
    };
  });
}

/** A rig file without links has one panel with all elements; where it is attached, the flags say. */
const onlyLink = (rig: RigFile, panel: string): RigLink => ({
  name: 'panel',
  panel,
  elements: Array.from({ length: elementsOf(rig) }, (_, element) => element),
  kind: 'serial',
  serial: { path: '', baudRate: DEFAULT_BAUD_RATE },
});

/** Serial numbers are of 32 bytes at most, in printable ASCII. */
const panelSerialOf = (name: string): string =>
  `SIM-${name.replace(/^\/dev\//, '').replace(/[^A-Za-z0-9._-]+/g, '-')}`.slice(0, 32);

function chosenLinks(known: readonly RigLink[], asked: readonly string[] | undefined, names: readonly string[]): RigLink[] {
  if (asked === undefined || asked.length === 0) return [...known];
  for (const name of asked) {
    if (!names.includes(name)) throw noSuchLink('--link', name, names);
  }
  return known.filter(({ name }) => asked.includes(name));
}

/** `[NAME=]WHERE`, by link; without a name it is the only one's. */
function ends(flag: string, given: readonly string[] | undefined, chosen: readonly RigLink[]): Map<string, string> {
  const names = chosen.map(({ name }) => name);
  const found = new Map<string, string>();
  // The address of a broker may hold a password where it should not.
  const shown = (place: string): string => (flag === '--mqtt' ? place.replace(/(?<==|^)[a-z]+:.*$/is, shownUrl) : place);
  for (const written of given ?? []) {
    const { name, rest } = namedBy(written, names);
    const text = shown(written);
    const [only, ...others] = names;
    // A path or an address may hold a = further back.
    const [, stranger] = /^([^=/:]+)=/.exec(written) ?? /^([^=?]+)=(?=\/|mqtts?:)/.exec(written) ?? [];
    if (name === undefined && stranger !== undefined) throw noSuchLink(flag, stranger, names);
    if (name === undefined && others.length > 0) {
      throw new BeamrigError('argument', `${flag} ${text}: of which link? There are ${names.join(', ')}`, {
        wayOut: `Write ${flag} ${only}=${text}.`,
      });
    }
    const link = name ?? only;
    if (rest === '')
      throw new BeamrigError('argument', `${flag} ${text}: says no place`, { wayOut: `Write ${flag} ${link}=PLACE.` });
    if (found.has(link)) {
      throw new BeamrigError('argument', `${flag} ${text}: ${link} is on ${shown(found.get(link) ?? '')} already`, {
        wayOut: `Give ${flag} once for each link.`,
      });
    }
    found.set(link, rest);
  }
  return found;
}

/** What stands behind `NAME=`; names may hold any of the characters that follow, so only known ones count. */
function namedBy(text: string, names: readonly string[]): { name: string | undefined; rest: string } {
  const name = names.find((candidate) => text.startsWith(`${candidate}=`));
  return { name, rest: name === undefined ? text : text.slice(name.length + 1) };
}

function noSuchLink(flag: string, name: string, names: readonly string[]): BeamrigError {
  const near = nearest(name, names);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return new BeamrigError('argument', `${flag} ${name}: there is no such link; allowed: ${names.join(', ')}${hint}`);
}

function wireOf(link: RigLink, serial: string | undefined, mqtt: string | undefined, nowhere: boolean): Wire {
  if (serial !== undefined) {
    const [, path = serial, baud] = /^(.*)@([^@/]*)$/.exec(serial) ?? [];
    const baudRate = link.kind === 'serial' ? link.serial.baudRate : DEFAULT_BAUD_RATE;
    return {
      kind: 'serial',
      path: expandHome(path),
      baudRate: baud === undefined ? baudRate : wholeNumber('--serial … @BAUD', baud, { min: 1, max: 20_000_000 }),
    };
  }
  if (mqtt !== undefined) {
    const { topicPrefix = DEFAULT_TOPIC_PREFIX, ...more } = link.kind === 'mqtt' ? brokerLogin(link) : {};
    return { kind: 'mqtt', mqtt: { ...more, url: mqtt, topicPrefix, flag: '--mqtt' } };
  }
  if (link.kind === 'mqtt') return { kind: 'mqtt', mqtt: brokerLogin(link) };
  if (nowhere) {
    throw new BeamrigError('argument', 'neither --serial nor --mqtt: where is the panel attached?', {
      wayOut: 'Give --serial PATH for its end of a serial line, or --mqtt mqtt://host:port.',
    });
  }
  throw new BeamrigError(
    'argument',
    `${link.name}: ${link.serial.path} is the host’s end of the line, and the panel needs the other`,
    {
      wayOut: `Give --serial ${link.name}=PATH. For a line without hardware: socat pty,raw,echo=0,link=A pty,raw,echo=0,link=B`,
    },
  );
}
