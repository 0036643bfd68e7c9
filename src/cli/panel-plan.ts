/**
 * What `beamrig panel` is asked to play: the flags, beside the rig file or in place of it, read into one plan before any wire is touched.
 * Whatever does not fit is refused here, by the name of its flag.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { nearest } from '../../core/errors/nearest.ts';
import { MOST_RF_CHAINS } from '../../core/signal/array-limits.ts';
import type { Behaviour } from '../../hil-sim/behaviours.ts';
import { userIndex, type UserRun } from '../../core/signal/indices.ts';
import type { CMatrix } from '../../core/signal/complex-matrix.ts';
import { readChannelFile } from '../config/channel-file.ts';
import { readRigKey } from '../config/key-file.ts';
import { rigDoubts } from '../config/rig-doubts.ts';
import { elementsOf, parseRigFile, readRigFile } from '../config/rig-file.ts';
import type { RigFile, RigLink } from '../config/rig-file.ts';
import { LINK_FLAGS } from '../link/link-flags.ts';
import { LINK_KIND_NAMES, linkKind, ofKind, type LinkKindName, type Wire } from '../link/link-kinds.ts';
import { oneOf, wholeNumber } from './arguments.ts';
import { behaviourFlag } from './behaviour-flag.ts';

/** As commander hands them over; the lists are flags that may be repeated, one for each kind of link among them. */
export interface PanelOptions extends Partial<Record<LinkKindName, string[]>> {
  link?: string[];
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
  role?: string;
}

export interface PlannedPanel {
  /** Of its link. */
  name: string;
  panelSerial: string;
  /** Global elements, in the panel's own order. */
  elements: readonly number[];
  /** Whom it hears, of a board with receivers only. */
  users?: UserRun;
  /** Where it is attached: its own end of the wire. */
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

/** @throws {BeamrigError} 'argument' naming the flag; 'rig-file', 'channel-file', 'key' for files */
export function readPanelPlan(rigPath: string | undefined, options: PanelOptions): PanelPlan {
  const rig = rigPath === undefined ? rigOfFlags(options) : rigOfFile(rigPath, options);
  const seed = options.seed === undefined ? rig.seed : wholeNumber('--seed', options.seed, { min: 0, max: 2 ** 32 - 1 });
  const log = options.log === undefined ? 'events' : oneOf('--log', options.log, ['events', 'beams'] as const);
  const panels = plannedPanels(rig, options);
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
  for (const [key, flag] of Object.entries({ ...DIMENSIONS, panel: '--panel', role: '--role' }) as [
    keyof PanelOptions,
    string,
  ][]) {
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
  const rfChains = whole('rfChains', Math.min(elements, MOST_RF_CHAINS));
  const rig = {
    name: 'panel',
    array: { geometry: { kind: 'ula', elements }, rfChains, phaseBits: whole('phaseBits', 16) },
    users: { count: whole('users', rfChains) },
    beamformer: { model: 'aligned' },
  };
  return parseRigFile(JSON.stringify(rig), 'the rig of these flags');
}

function plannedPanels(rig: RigFile, options: PanelOptions): PlannedPanel[] {
  const role = options.role === undefined ? 'array' : oneOf('--role', options.role, ['array', 'user'] as const);
  const known: PlayableLink[] = rig.links.length > 0 ? rig.links : [onlyPanel(rig, options.panel ?? 'SIM-0001', role)];
  const names = known.map(({ name }) => name);
  const chosen = chosenLinks(known, options.link, names);
  const flags = LINK_KIND_NAMES.map((kind) => ({ kind, said: ends(kind, options[kind], chosen) }));
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
    const given = flags.flatMap(({ kind, said }) => {
      const text = said.get(link.name);
      return text === undefined ? [] : [{ kind, text }];
    });
    if (given.length > 1) {
      throw new BeamrigError('argument', `${link.name} is on ${given.map(({ kind }) => `--${kind}`).join(' and on ')}`, {
        wayOut: 'A panel has one wire: leave the others out.',
      });
    }
    const of = behaviours.filter(({ name }) => name === undefined || name === link.name).map(({ behaviour }) => behaviour);
    return {
      name: link.name,
      panelSerial: link.panel ?? panelSerialOf(link.name),
      elements: link.elements,
      ...(link.users && { users: link.users }),
      wire: wireOf(link, given[0]),
      behaviours: options.rigBehaviours ? [...rig.simulator.behaviours, ...of] : of,
    };
  });
}

/** A panel, and the link of the rig file that it is on, if there is one. */
type PlayableLink = RigLink | (Pick<RigLink, 'name' | 'panel' | 'elements' | 'users'> & { kind?: undefined });

/** A rig file without links has one panel with all elements, or all receivers; where it is attached, the flags say. */
const onlyPanel = (rig: RigFile, panel: string, role: 'array' | 'user'): PlayableLink =>
  role === 'user'
    ? { name: 'panel', panel, elements: [], users: { firstUser: userIndex(0), count: rig.users.count } }
    : { name: 'panel', panel, elements: Array.from({ length: elementsOf(rig) }, (_, element) => element) };

/** Serial numbers are of 32 bytes at most, in printable ASCII. */
const panelSerialOf = (name: string): string =>
  `SIM-${name.replace(/^\/dev\//, '').replace(/[^A-Za-z0-9._-]+/g, '-')}`.slice(0, 32);

function chosenLinks<Link extends { name: string }>(
  known: readonly Link[],
  asked: readonly string[] | undefined,
  names: readonly string[],
): Link[] {
  if (asked === undefined || asked.length === 0) return [...known];
  for (const name of asked) {
    if (!names.includes(name)) throw noSuchLink('--link', name, names);
  }
  return known.filter(({ name }) => asked.includes(name));
}

/** `[NAME=]WHERE`, by link; without a name it is the only one's. */
function ends(
  kind: LinkKindName,
  given: readonly string[] | undefined,
  chosen: readonly { name: string }[],
): Map<string, string> {
  const flag = `--${kind}`;
  const names = chosen.map(({ name }) => name);
  const found = new Map<string, string>();
  const shown = (place: string): string => linkKind(kind).shown?.(place) ?? place;
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

function wireOf(link: PlayableLink, given: { kind: LinkKindName; text: string } | undefined): Wire {
  const own = link.kind === undefined ? undefined : ofKind(link);
  if (given !== undefined) {
    const { kind, text } = given;
    return { kind, end: linkKind(kind).readFlag(text, link.kind === kind ? own?.of : undefined) } as Wire;
  }
  if (own === undefined || link.kind === undefined) {
    const [first, ...others] = LINK_KIND_NAMES.map((kind) => `--${kind}`);
    throw new BeamrigError('argument', `neither ${first} nor ${others.join(' nor ')}: where is the panel attached?`, {
      wayOut: `Give ${LINK_KIND_NAMES.map((kind) => `--${kind} ${LINK_FLAGS[kind].example}`).join(', or ')}.`,
    });
  }
  const end = own.kind.endOf(own.of);
  if (end instanceof BeamrigError) throw end;
  return { kind: link.kind, end } as Wire;
}
