/**
 * The hardware of a rig file: for each of its links a wire, a driver at our end of it, and what the panel at the other end must be. All of
 * them together are one panel for the control loop, whatever wires they hang on.
 *
 *   rig file ─► link ─► driver ─┐
 *              link ─► driver ─┴─► one array ─► RigPanel
 */
import type { Clock } from '../../core/clock/clock.ts';
import { counted } from '../../core/errors/counted.ts';
import { BeamrigError, isBeamrigError, type ErrorCode } from '../../core/errors/beamrig-error.ts';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import type { Capabilities, Feature, SafeState } from '../../firmware-protocol/messages.ts';
import type { Random } from '../../core/signal/random.ts';
import { readRigKey } from '../config/key-file.ts';
import { elementsOf, type RigFile, type RigLink } from '../config/rig-file.ts';
import { panelFailureMessage } from '../control/watch/failure-messages.ts';
import type { Apart, RigPanel } from '../control/rig-panel.ts';
import { ofKind } from '../link/link-kinds.ts';
import { LinkError, linkRemedy, type Link } from '../link/link.ts';
import { createPanel } from '../panel/panel-driver.ts';
import { createPanelGroup } from '../panel/panel-group.ts';
import type { Panel, PanelFailure, Result } from '../panel/panel.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import { blamed, boardOf, describeLink, partOf, partText, sourceOf, type LinkInUse } from './link-description.ts';
import { createPanelFaults } from './panel-faults.ts';
import { watchStrangers } from './strangers.ts';

/** Why a link does not carry a panel now. */
export interface LinkProblem {
  link: string;
  /** What `detail` begins with, if anything: the wire by its port or broker, never the link by its name. */
  of: 'wire' | 'link';
  detail: string;
  wayOut: string;
  /** A person has to see to it: waiting does not help, and a simulator in its place would hide it. */
  fault: ErrorCode | undefined;
}

/** With the name of the wire or of the link. */
export const problemMessage = ({ of, link, detail }: LinkProblem): string => (of === 'wire' ? detail : `${link}: ${detail}`);

export interface Hardware extends RigPanel {
  /** Opens every link and shakes hands with every panel, all at once. What went wrong, by link; nothing when all are there. */
  reach(): Promise<LinkProblem[]>;
  /** Panels that take phases and no digital precoder. */
  phasesOnly(): string[];
}

const TEMPERATURE_EVERY_MS = 5000;

export type CreateLink = (link: RigLink) => Link | Promise<Link>;

/**
 * Drivers for all links of a rig file; nothing is opened yet.
 * @param createLink makes the wire of a link; default: the one that the rig file names
 * @throws {BeamrigError} 'key', 'link' for what is wrong with the rig's key, ports, passwords and certificates
 */
export async function assembleHardware(options: {
  rig: RigFile;
  clock: Clock;
  random: Random;
  createLink?: CreateLink;
  /** Asks what has to be known of the panels in each session. */
  onShaken?: (panel: Panel, firstSerial: string) => Promise<void>;
}): Promise<Hardware> {
  const { rig, clock, random } = options;
  const rigKey = readRigKey(rig);
  const createLink =
    options.createLink ?? ((link: RigLink) => createWire(link, clock, random.stream(`wire ${link.name}`), rigKey));
  const [shared] = sharedPorts(rig.links);
  if (shared !== undefined) throw samePort(shared);
  const members = await Promise.all(
    rig.links.map(async (spec): Promise<LinkInUse> => {
      const wire = await createLink(spec);
      const driver = createPanel({
        link: wire,
        clock,
        random: random.stream(`driver ${spec.name}`),
        expected: expectedOf(rig, spec),
        ...(spec.users && { hears: spec.users }),
        ...(rigKey === undefined ? {} : { authentication: { rigKey } }),
      });
      return { spec, wire, driver, known: undefined, trouble: undefined, temperatureC: null };
    }),
  );
  const ofArray = members.filter(({ spec }) => spec.users === undefined);
  const panel = createPanelGroup({
    members: ofArray.map(({ driver, spec }) => ({ panel: driver, elements: spec.elements })),
    receivers: members.flatMap(({ driver, spec }) => (spec.users === undefined ? [] : [{ panel: driver, users: spec.users }])),
    elements: elementsOf(rig),
    rfChains: rig.array.rfChains,
    clock,
  });
  const strangers = watchStrangers(members, clock);
  let tellNews: ((event: Omit<RigEvent, 'timeNs'>) => void) | undefined;
  const faults = createPanelFaults(clock, () => tellNews);
  const users = rig.users.count;
  let temperatureAskedMs = -Infinity;
  const soleName = members.length === 1 ? members[0].driver.name : undefined;

  /** What only the whole array can be asked. */
  const unfit = (): PanelFailure | undefined => {
    for (const member of members) member.known = member.driver.capabilities ?? member.known;
    const measuring = members.filter(({ known }) => known?.features.includes('snr-report'));
    // A panel of the array reports on all users; receivers, whose number of users was seen to in the handshake, on their own.
    const byReceivers = measuring.reduce((sum, { spec }) => sum + (spec.users?.count ?? 0), 0);
    if (byReceivers === users || measuring.some(({ spec, known }) => spec.users === undefined && known?.users === users))
      return undefined;
    if (byReceivers > 0) {
      const actual = `receivers of ${counted(byReceivers, 'user')}, and no panel of the array that reports the others`;
      return { reason: 'wrong-panel', field: 'features', expected: `snr-report on ${counted(users, 'user')}`, actual };
    }
    if (measuring.length === 0) {
      return {
        reason: 'wrong-panel',
        field: 'features',
        expected: 'snr-report of one of them',
        actual: 'no panel that reports SNR',
      };
    }
    const actual = measuring.map(({ known }) => String(known?.users)).join(', ');
    return { reason: 'wrong-panel', field: 'users', expected: String(users), actual };
  };

  /** Keeps what each panel is blamed for, until it is known to do as it is asked. */
  const note = (failure: PanelFailure | undefined): void => {
    const blame = failure === undefined ? new Map<string, PanelFailure>() : blamed(failure, soleName);
    for (const member of members) {
      const why = blame.get(member.driver.name);
      if (why !== undefined) faults.failed(boardOf(member), why);
      const session = member.driver.capabilities !== undefined;
      // Without a session every request fails with 'link-closed', which tells less than what the handshake failed with.
      if (why?.reason === 'link-closed' && !session && member.trouble !== undefined) continue;
      if (why !== undefined || session) member.trouble = why;
    }
  };

  /** Once in a while, after a cycle that was well: beside the pause before the next one, and never of a panel in trouble. */
  const askTemperatures = (): void => {
    if (clock.nowMs() - temperatureAskedMs < TEMPERATURE_EVERY_MS) return;
    temperatureAskedMs = clock.nowMs();
    for (const member of members) {
      void member.driver.status().then((told) => {
        if (!told.ok) return;
        member.temperatureC = told.value.temperatureC;
        if (told.value.state === 'fault') faults.inStatus(boardOf(member));
      });
    }
  };

  const connect = async (): Promise<Result<Capabilities>> => {
    const shaken = await panel.connect();
    const failure = shaken.ok ? unfit() : shaken.failure;
    note(failure);
    if (failure !== undefined) return { ok: false, failure };
    await options.onShaken?.(panel, boardOf(members[0]).panel);
    return shaken;
  };

  return {
    panel,
    get source() {
      return sourceOf(members.map(({ driver, known }) => driver.capabilities ?? known));
    },
    boards: () => members.map(boardOf),
    temperaturesC: () => members.map(({ temperatureC }) => temperatureC),
    connected: false,
    connect,
    linkDiscarded: () => members.reduce((sum, { wire, driver }) => sum + wire.counters.discarded + driver.counters.badFrames, 0),
    fared(failure, tell) {
      tellNews = tell;
      note(failure);
      strangers(tell);
      if (failure === undefined) askTemperatures();
    },
    links: () => members.map((member) => describeLink(member, rigKey !== undefined)),
    makePartsSafe: () => panel.makePartsSafe(),
    ...(ofArray.length === 1 ? {} : { apart: (safe) => whyApart(ofArray, safe) }),
    phasesOnly: () =>
      ofArray.filter(({ known }) => known?.features.includes('digital-weights') === false).map(({ spec }) => spec.name),
    async reach() {
      const problems = (await Promise.all(members.map(reachMember))).filter((problem) => problem !== undefined);
      if (problems.length > 0) return problems;
      const whole = await connect();
      return whole.ok ? [] : [panelProblem(whole.failure.panel ?? panel.name, whole.failure)];
    },
  };
}

/** Two links on one port. */
export interface SharedPort {
  links: [string, string];
  /** Its own name, behind those in the rig file. */
  port: string;
}

/** Links whose addresses lead to the same port, now that it is there: names under /dev/serial and links of a lab's own. */
export function sharedPorts(links: readonly RigLink[]): SharedPort[] {
  const first = new Map<string, string>();
  return links.flatMap((link): SharedPort[] => {
    const { kind, of } = ofKind(link);
    const port = kind.behind?.(of.block);
    if (port === undefined) return [];
    const other = first.get(port);
    if (other !== undefined) return [{ links: [other, link.name], port }];
    first.set(port, link.name);
    return [];
  });
}

export const samePort = ({ links: [one, other], port }: SharedPort): BeamrigError =>
  new BeamrigError('link', `links ${one} and ${other} are the same port, ${port}`, {
    wayOut: 'Give each link the port that its own panel is on; `beamrig panels` lists them.',
  });

/** Asks every panel what it shows. Beams are told apart by their ids; under id 0 a fixed beam and darkness, by the panels' states. */
async function whyApart(members: readonly LinkInUse[], safe: SafeState): Promise<Apart | undefined> {
  const looks = await Promise.all(members.map(async ({ driver }) => ({ panel: driver.name, look: await driver.status() })));
  const shown: { what: string; message: string }[] = [];
  for (const { panel, look } of looks) {
    if (!look.ok) return { message: panelFailureMessage({ panel, ...look.failure }), failure: { panel, ...look.failure } };
    const { beamId, state } = look.value;
    const what = beamId === 0 && safe === 'codeword' ? state : `beam ${beamId}`;
    shown.push({ what, message: `panel ${panel} is ${state} with ${beamId === 0 ? 'no beam of a cycle' : what}` });
  }
  return shown.every(({ what }) => what === shown[0].what)
    ? undefined
    : { message: shown.map(({ message }) => message).join(', ') };
}

/** What the panel on a link must say of itself. */
function expectedOf(rig: RigFile, { panel, elements, users }: RigLink): Partial<Capabilities> {
  const itself = panel === undefined ? {} : { panelSerial: panel };
  if (users !== undefined) return { role: 'user', rfChains: rig.array.rfChains, users: rig.users.count, ...itself };
  const alone = rig.links.length === 1;
  const features: Feature[] = [...(alone ? (['snr-report'] as const) : []), ...safeFeatures(rig)];
  const { rfChains, phaseBits } = rig.array;
  return {
    role: 'array',
    elements: elements.length,
    rfChains,
    phaseBits,
    features,
    ...(alone ? { users: rig.users.count } : {}),
    ...itself,
  };
}

/** What the rig's safe state takes. */
export const safeFeatures = ({ safeState }: Pick<RigFile, 'safeState'>): Feature[] =>
  safeState === 'codeword' ? ['beam-memory'] : [];

/** The wire that the rig file names. Nothing is opened yet. */
export async function createWire(link: RigLink, clock: Clock, random: Random, rigKey?: Uint8Array): Promise<Link> {
  const { kind, of } = ofKind(link);
  const panelKey = rigKey !== undefined && link.panel !== undefined ? derivePanelKey(rigKey, link.panel) : undefined;
  return kind.createLink(of, { clock, random, ...(panelKey !== undefined && { panelKey }) });
}

async function reachMember(member: LinkInUse): Promise<LinkProblem | undefined> {
  const { spec, wire, driver } = member;
  try {
    await wire.open();
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    const { message, wayOut = 'Check the link.', code } = error;
    const { reason, port } = error instanceof LinkError ? error : {};
    const away = reason !== undefined && linkRemedy(reason) === 'away';
    const remedy = { wayOut, fault: away ? undefined : code };
    // A link that has no name of its own is called by its port.
    if (port?.path === spec.name) return { link: spec.name, of: 'link', detail: port.what, ...remedy };
    return { link: spec.name, of: 'wire', detail: message, ...remedy };
  }
  const shaken = await driver.connect();
  if (!shaken.ok) return panelProblem(spec.name, shaken.failure);
  member.known = shaken.value;
  return undefined;
}

function panelProblem(link: string, failure: PanelFailure): LinkProblem {
  const [code, wayOut] = remedyOf(failure);
  return { link, of: 'link', detail: panelFailureMessage(failure), wayOut, fault: code };
}

const ANSWERS_OTHERWISE =
  'Something is there that does not speak as PROTOCOL.md says: another device, another baud rate, a board that prints text on this port, or firmware to be repaired.';

/** Power, port and baud rate are right where a whole frame came back. */
const STILL_BUSY = 'The panel is there and answered that it is busy: wait until it is done, or restart it.';
const REPAIR_FIRMWARE =
  'The panel is there and answered, and its line is good: its firmware is to be repaired, by what PROTOCOL.md says of this answer.';

/** What a person can do about a panel that did not shake hands, and whether he has to. */
export function remedyOf(failure: PanelFailure): [toRepair: ErrorCode | undefined, wayOut: string] {
  switch (failure.reason) {
    case 'protocol-version':
      return ['protocol-version', 'Update the panel’s firmware, or use the version of beamrig that speaks its protocol.'];
    case 'wrong-panel':
      return ['panel', 'Make the rig file say what the panel is, or attach the panel it describes.'];
    case 'not-authenticated':
      return ['key', keyRemedy(failure.lacking)];
    case 'link-closed':
    case 'not-sent':
      return [undefined, failure.wayOut ?? 'Check that the panel is powered and its link is the right one.'];
    case 'no-answer':
      if (failure.framed === true) return [undefined, REPAIR_FIRMWARE];
      if (failure.discarded !== undefined) return [undefined, ANSWERS_OTHERWISE];
      return [undefined, 'Check that the panel is powered and its link is the right one.'];
    case 'rejected':
      return [undefined, failure.code === 'busy' ? STILL_BUSY : REPAIR_FIRMWARE];
    case 'not-staged':
    case 'other-beam':
    case 'still-waiting':
    case 'clock-jumped':
    case 'panel-restarted':
    case 'session-over':
    case 'silent':
    case 'no-good-cycle':
    case 'made-safe':
    case 'read-back-differs':
    case 'unusable-report':
    case 'array-split':
      return [undefined, 'Check that the panel is powered and its link is the right one.'];
  }
}

function keyRemedy(lacking: 'rig' | 'panel' | undefined): string {
  switch (lacking) {
    case 'panel':
      return 'Give the panel its key, derived from the rig’s (PROTOCOL.md, section 7), or take authentication out of the rig file.';
    case 'rig':
      return 'Name in authentication of the rig file the key that the panel’s own was derived from.';
    case undefined:
      return 'See to it that authentication in the rig file names the key that the panel’s own was derived from.';
  }
}

/** How long the words and weights of a beam are on the slowest line of a rig, ms: framing, answers and a retry are allowed for. */
export function slowestTransferMs({ array, users, links }: Pick<RigFile, 'array' | 'users' | 'links'>): number {
  const { rfChains, phaseBits } = array;
  return slowestLineMs({ links }, (elements) => 2 * ((elements * rfChains * phaseBits) / 8 + 8 * rfChains * users.count));
}

/**
 * How long so many bytes of each link are on the slowest line of a rig, ms; 0 where none has a speed of its own.
 * @param bytesOf of a link with so many elements
 */
export function slowestLineMs({ links }: Pick<RigFile, 'links'>, bytesOf: (elements: number) => number): number {
  const times = links.map((link) => {
    if (link.users !== undefined) return 0; // receivers are sent no beams
    const { kind, of } = ofKind(link);
    const bitsASecond = kind.bitsASecond?.(of.block);
    return bitsASecond === undefined ? 0 : (bytesOf(link.elements.length) * BITS_A_BYTE * 1000) / bitsASecond;
  });
  return Math.max(0, ...times);
}

/** 8N1. */
const BITS_A_BYTE = 10;

/** `left: serial /dev/ttyUSB0 at 921600 baud, elements 0-31`, `probe: serial /dev/ttyUSB1 at 921600 baud, users 0-3` */
export function linkText(link: RigLink): string {
  const { kind, of } = ofKind(link);
  return `${link.name}: ${kind.describe(of)}, ${partText(partOf(link))}`;
}
