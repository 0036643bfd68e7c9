/**
 * `beamrig panels`: which serial ports there are, which links a rig file names, and which panel is at the other end of each, or why none
 * is. A panel is asked by the handshake of the driver (hello and status), which changes nothing that radiates. Ports that nobody plugged in
 * (a console, a modem of the machine) are only listed, unless the rig file names them.
 *
 *   serial ports ─┐
 *                 ├─► one row a port or link ─► open, say hello, close ─► table or JSON
 *   rig's links ──┘                                 (all at once)
 */
import { randomInt } from 'node:crypto';
import { realpathSync } from 'node:fs';
import { createRealClock } from '../../core/clock/real-clock.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import { derivePanelKey } from '../../firmware-protocol/authentication.ts';
import type { Capabilities } from '../../firmware-protocol/messages.ts';
import { createRandom } from '../../core/signal/random.ts';
import { brokerLogin } from '../config/broker-login.ts';
import { readRigKey } from '../config/key-file.ts';
import type { RigFile, RigLink } from '../config/rig-file.ts';
import { readRigFile } from '../config/rig-file.ts';
import { panelFailureInWords } from '../control/watch/failure-messages.ts';
import type { Link } from '../link/link.ts';
import { listMqttPanels } from '../link/mqtt/mqtt-panels.ts';
import { createMqttLink } from '../link/mqtt/mqtt.ts';
import type { SerialPortNode } from '../link/serial/serial-ports.ts';
import { isPluggedIn, lastingName, listSerialPorts } from '../link/serial/serial-ports.ts';
import { createSerialLink } from '../link/serial/serial.ts';
import { createPanel } from '../panel/panel-driver.ts';
import type { PanelFailure } from '../panel/panel.ts';
import { remedyOf, samePort, sharedPorts } from '../rig/hardware.ts';
import { sourceOf } from '../rig/link-description.ts';
import type { Source } from '../telemetry/cycle-record.ts';
import { wholeNumber } from './arguments.ts';
import { print } from './output.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

/** A port, a link, or both in one: what is there, and the panel that answered on it. */
interface Place {
  kind: 'serial' | 'mqtt';
  /** '/dev/ttyUSB0', 'mqtt://127.0.0.1:1883 beamrig/panels/BOARD-1' */
  where: string;
  /** Name of the link in the rig file. */
  link?: string;
  byId?: string;
  byPath?: string;
  /** The name to write into a rig file: it stays when ports are numbered anew. */
  lasting?: string;
  usb?: SerialPortNode['usb'];
  panel?: Capabilities;
  /** What the panel is: a board, or a program that plays one. */
  source?: Source;
  /** Why no panel is shown, or why the rig cannot use the one that is. */
  why?: string;
  wayOut?: string;
}

/** Something to look at, and how: without `open` it is only listed. */
interface Candidate {
  place: Place;
  open?: () => Link;
  rigLink?: RigLink;
}

const DEFAULT_BAUD_RATE = 921_600;
/** A panel that is there answers within milliseconds; one that is just starting, within this. */
const HELLO_MS = 1500;
/** Retained presence comes within a round trip of the broker. */
const PRESENCE_MS = 500;

/**
 * Prints the table, or with `json` one object `{ panels: Place[] }`. The exit code is 1 when a link of the rig file has no panel that the rig
 * could use, so that a script can wait for a bench to be ready.
 * @param options.hello false lists only and opens nothing
 * @param options.baud for ports that the rig file does not name; default 921600
 * @param options.helloMs how long a panel may take to answer; default 1500
 * @throws {BeamrigError} 'rig-file', 'key', 'argument'
 */
export async function panels(
  rigPath: string | undefined,
  options: { json?: boolean; hello?: boolean; baud?: string; helloMs?: number },
): Promise<void> {
  const { json = false, hello = true, helloMs = HELLO_MS } = options;
  const baudRate =
    options.baud === undefined ? DEFAULT_BAUD_RATE : wholeNumber('--baud', options.baud, { min: 1, max: 20_000_000 });
  const rig = rigPath === undefined ? undefined : readRigFile(rigPath);
  const links = rig?.links ?? [];
  const rigKey = rig && hello ? readRigKey(rig) : undefined;
  const order = (link: RigLink | undefined): number => (link === undefined ? links.length : links.indexOf(link));
  const candidates = [...serialCandidates(links, baudRate), ...mqttCandidates(links, rigKey)].sort(
    (a, b) => order(a.rigLink) - order(b.rigLink),
  );
  const places = hello
    ? (
        await Promise.all([...candidates.map((candidate) => ask(candidate, helloMs, rig, rigKey)), strangersOnBrokers(links)])
      ).flat()
    : candidates.map(({ place }) => place);
  if (json) print(JSON.stringify({ panels: places }));
  else print(text(places, hello));
  if (hello && places.some(({ link, panel, why }) => link !== undefined && (panel === undefined || why !== undefined))) {
    process.exitCode = 1;
  }
}

/** Every port that there is, and every one that the rig file names, there or not. */
function serialCandidates(links: readonly RigLink[], baudRate: number): Candidate[] {
  const named = links.flatMap((link) => (link.kind === 'serial' ? [{ link, target: targetOf(link.serial.path) }] : []));
  const fromRig = named.map(({ link, target }): Candidate => {
    const node = listSerialPorts().find(({ path }) => path === target);
    return {
      place: { kind: 'serial', where: link.serial.path, link: link.name, ...described(node) },
      open: () => {
        const shared = sharedPorts(links).find(({ links: both }) => both.includes(link.name));
        if (shared !== undefined) throw samePort(shared);
        return createSerialLink({ name: link.name, ...link.serial });
      },
      rigLink: link,
    };
  });
  const others = listSerialPorts()
    .filter(({ path }) => !named.some(({ target }) => target === path))
    .map((node): Candidate => {
      const place: Place = { kind: 'serial', where: node.path, ...described(node) };
      if (isPluggedIn(node)) return { place, open: () => createSerialLink({ path: node.path, baudRate }) };
      return { place: { ...place, why: 'not asked: it is no USB port and no rig file names it' } };
    });
  return [...fromRig, ...others];
}

const described = (node: SerialPortNode | undefined): Pick<Place, 'byId' | 'byPath' | 'lasting' | 'usb'> => ({
  ...(node?.byId === undefined ? {} : { byId: node.byId }),
  ...(node?.byPath === undefined ? {} : { byPath: node.byPath }),
  ...lastingOf(node),
  ...(node?.usb === undefined ? {} : { usb: node.usb }),
});

function lastingOf(node: SerialPortNode | undefined): Pick<Place, 'lasting'> {
  const lasting = node && lastingName(node);
  return lasting === undefined ? {} : { lasting };
}

/** The device node behind a path that may be a by-id name. */
function targetOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

function mqttCandidates(links: readonly RigLink[], rigKey: Uint8Array | undefined): Candidate[] {
  return links.flatMap((link): Candidate[] => {
    if (link.kind !== 'mqtt') return [];
    const { name, panel, mqtt } = link;
    const panelKey = rigKey && derivePanelKey(rigKey, panel);
    return [
      {
        place: { kind: 'mqtt', where: `${mqtt.url} ${mqtt.topicPrefix}/panels/${panel}`, link: name },
        open: () =>
          createMqttLink({
            ...brokerLogin(link),
            name,
            panel,
            random: freshRandom(),
            ...(panelKey !== undefined && { panelKey }),
          }),
        rigLink: link,
      },
    ];
  });
}

/** Panels that are online at a broker of the rig file under its prefix, and in no link of it: perhaps a serial number was mistyped. */
async function strangersOnBrokers(links: readonly RigLink[]): Promise<Place[]> {
  const mqttLinks = links.filter((link) => link.kind === 'mqtt');
  const brokers = new Map(mqttLinks.map((link) => [`${link.mqtt.url} ${link.mqtt.topicPrefix}/panels`, link]));
  const found = [...brokers].map(async ([topics, link]): Promise<Place[]> => {
    const online = await panelsOn(link);
    return online
      .filter(({ panel, state }) => state === 'online' && !mqttLinks.some((known) => known.panel === panel))
      .map(({ panel }) => ({
        kind: 'mqtt',
        where: `${topics}/${panel}`,
        why: 'online, not asked: the rig file has no link to it',
      }));
  });
  return (await Promise.all(found)).flat();
}

async function panelsOn(link: RigLink & { kind: 'mqtt' }): ReturnType<typeof listMqttPanels> {
  try {
    return await listMqttPanels(brokerLogin(link), PRESENCE_MS);
  } catch (error) {
    if (isBeamrigError(error)) return []; // a broker that cannot be reached is told of by the links on it
    throw error;
  }
}

/** The place, with its panel or the reason why not. */
async function ask(
  candidate: Candidate,
  helloMs: number,
  rig: RigFile | undefined,
  rigKey: Uint8Array | undefined,
): Promise<Place> {
  const { place, open, rigLink } = candidate;
  if (open === undefined) return place;
  let link: Link | undefined;
  try {
    link = open();
    await link.open();
    const panelSerial = rigLink?.panel;
    const panel = createPanel({
      link,
      clock: createRealClock(),
      random: freshRandom(),
      timeouts: { totalMs: helloMs },
      ...(rigKey === undefined || panelSerial === undefined ? {} : { expected: { panelSerial }, authentication: { rigKey } }),
    });
    const answer = await panel.connect();
    if (!answer.ok) return { ...place, ...noPanel(answer.failure, place.kind) };
    return {
      ...place,
      panel: answer.value,
      source: sourceOf([answer.value]),
      ...(rig && rigLink ? misfit(rig, rigLink, answer.value) : {}),
    };
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    return { ...place, why: error.message, ...(error.wayOut === undefined ? {} : { wayOut: error.wayOut }) };
  } finally {
    await link?.close();
  }
}

/** Another one each time: a panel remembers the sequence numbers of a host that has just left. */
const freshRandom = (): ReturnType<typeof createRandom> => createRandom(randomInt(2 ** 32));

function noPanel(failure: PanelFailure, kind: Place['kind']): Required<Pick<Place, 'why' | 'wayOut'>> {
  const [, wayOut] = remedyOf(failure);
  if (failure.reason !== 'no-answer') return { why: panelFailureInWords(failure), wayOut };
  const { discarded } = failure;
  const waited = `within ${(failure.waitedMs / 1000).toFixed(1)} s`;
  if (discarded !== undefined)
    return { why: `no answer to ${failure.request} ${waited}: answered, discarded: ${discarded}`, wayOut };
  return {
    why: `no answer to ${failure.request} ${waited}`,
    wayOut:
      kind === 'serial' ? 'Is it a panel, is it on, and is this its baud rate? --baud, or baudRate in the rig file.' : wayOut,
  };
}

/** In what the panel is not the one that the rig file describes. */
function misfit(rig: RigFile, link: RigLink, panel: Capabilities): Pick<Place, 'why' | 'wayOut'> {
  const wanted = {
    panelSerial: link.panel,
    elements: link.elements.length,
    rfChains: rig.array.rfChains,
    phaseBits: rig.array.phaseBits,
  };
  const wrong = Object.entries(wanted).filter(
    ([field, value]) => value !== undefined && panel[field as keyof typeof wanted] !== value,
  );
  if (wrong.length === 0) return {};
  return {
    why: `the rig file wants ${wrong.map(([field, value]) => `${field} ${String(value)}`).join(', ')}`,
    wayOut: 'Make the rig file say what the panel is, or attach the panel it describes.',
  };
}

function text(places: readonly Place[], hello: boolean): string {
  if (places.length === 0) return 'No serial port is attached, and no rig file names a link.';
  const named = places.some(({ link }) => link !== undefined);
  const head = [...(named ? ['link'] : []), 'port', 'device', 'panel', 'firmware', 'elements × chains', 'bits', ''];
  const rows = places.map(({ link = '', where, byId, lasting, usb, panel, source, why = '' }) => {
    const device = usb
      ? [usb.manufacturer, usb.product, `${usb.vendorId}:${usb.productId}`, usb.serialNumber].filter(Boolean).join(' ')
      : (byId ?? '');
    const said = panel
      ? [panel.panelSerial, panel.firmware, `${panel.elements} × ${panel.rfChains}`, panel.phaseBits]
      : [hello ? '–' : '', '', '', ''];
    const features = panel?.features.join(', ') ?? '';
    const played = source === 'played-panel' ? 'a played panel, no hardware' : '';
    const name = link === '' && lasting !== undefined ? `in a rig file: ${lasting}` : '';
    return [...(named ? [link] : []), where, device, ...said, [why, played, features, name].filter(Boolean).join('; ')];
  });
  const waysOut = new Set(places.flatMap(({ wayOut }) => (wayOut === undefined ? [] : [`→ ${printable(wayOut)}`])));
  return [table(head, rows), ...waysOut].join('\n');
}
