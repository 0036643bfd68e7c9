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
import { createRealClock } from '../../core/clock/real-clock.ts';
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Capabilities } from '../../firmware-protocol/messages.ts';
import { createRandom } from '../../core/signal/random.ts';
import { readRigKey } from '../config/key-file.ts';
import type { RigFile, RigLink } from '../config/rig-file.ts';
import { readRigFile } from '../config/rig-file.ts';
import { panelFailureMessage } from '../control/watch/failure-messages.ts';
import type { Link } from '../link/link.ts';
import type { Place as LinkPlace } from '../link/link-kind.ts';
import { LINK_KIND_NAMES, linkKind, ofKind, type LinkKindName } from '../link/link-kinds.ts';
import { createPanel } from '../panel/panel-driver.ts';
import type { PanelFailure } from '../panel/panel.ts';
import { createWire, remedyOf, samePort, sharedPorts } from '../rig/hardware.ts';
import { sourceOf } from '../rig/link-description.ts';
import type { Source } from '../telemetry/cycle-record.ts';
import { wholeNumber } from './arguments.ts';
import { print } from './output.ts';
import { printable } from '../../core/errors/printable.ts';
import { table } from './table.ts';

/** A port, a link, or both in one: what is there, and the panel that answered on it. */
interface Place extends LinkPlace {
  kind: LinkKindName;
  /** Name of the link in the rig file. */
  link?: string;
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
  open?: () => Promise<Link>;
  rigLink?: RigLink;
}

const DEFAULT_BAUD_RATE = 921_600;
/** A panel that is there answers within milliseconds; one that is just starting, within this. */
const HELLO_MS = 1500;

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
  const asked = (candidates: readonly Candidate[]): Promise<Place[]> =>
    Promise.all(candidates.map(async (candidate) => (hello ? ask(candidate, helloMs, rig, rigKey) : candidate.place)));
  const places = (
    await Promise.all([
      asked(links.map((link) => rigCandidate(link, links, rigKey))),
      ...LINK_KIND_NAMES.map(async (kind) => asked(await elsewhere(kind, links, { hello, baudRate }))),
    ])
  ).flat();
  if (json) print(JSON.stringify({ panels: places }));
  else print(text(places, hello));
  if (hello && places.some(({ link, panel, why }) => link !== undefined && (panel === undefined || why !== undefined))) {
    process.exitCode = 1;
  }
}

/** A link of the rig file. */
function rigCandidate(link: RigLink, links: readonly RigLink[], rigKey: Uint8Array | undefined): Candidate {
  const { kind, of } = ofKind(link);
  return {
    place: { kind: link.kind, ...kind.place(of), link: link.name },
    open: async () => {
      const shared = sharedPorts(links).find(({ links: both }) => both.includes(link.name));
      if (shared !== undefined) throw samePort(shared);
      return createWire(link, createRealClock(), freshRandom(), rigKey);
    },
    rigLink: link,
  };
}

/** What no link of the rig file names: ports of this machine, panels at its brokers. */
async function elsewhere(
  name: LinkKindName,
  links: readonly RigLink[],
  options: { hello: boolean; baudRate: number },
): Promise<Candidate[]> {
  const ofThis = links.filter((link) => link.kind === name).map((link) => ofKind(link).of);
  const found = (await linkKind(name).elsewhere?.(ofThis, options)) ?? [];
  return found.map(({ place, open }) => ({ place: { kind: name, ...place }, ...(open === undefined ? {} : { open }) }));
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
    link = await open();
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
  if (failure.reason !== 'no-answer') return { why: panelFailureMessage(failure), wayOut };
  const { discarded } = failure;
  const waited = `within ${(failure.waitedMs / 1000).toFixed(1)} s`;
  if (discarded !== undefined)
    return { why: `no answer to ${failure.request} ${waited}: answered, discarded: ${discarded}`, wayOut };
  return {
    why: `no answer to ${failure.request} ${waited}`,
    wayOut: linkKind(kind).silentAction ?? wayOut,
  };
}

/** In what the panel is not the one that the rig file describes. */
function misfit(rig: RigFile, link: RigLink, panel: Capabilities): Pick<Place, 'why' | 'wayOut'> {
  const { rfChains, phaseBits } = rig.array;
  const wanted: Partial<Capabilities> = {
    role: link.users === undefined ? 'array' : 'user',
    ...(link.panel === undefined ? {} : { panelSerial: link.panel }),
    rfChains,
    ...(link.users === undefined ? { elements: link.elements.length, phaseBits } : { users: rig.users.count }),
  };
  const wrong = Object.entries(wanted).filter(([field, value]) => panel[field as keyof Capabilities] !== value);
  if (wrong.length === 0) return {};
  return {
    why: `the rig file wants ${wrong.map(([field, value]) => `${field} ${String(value)}`).join(', ')}`,
    wayOut: 'Make the rig file say what the panel is, or attach the panel it describes.',
  };
}

/** A board with receivers only has no elements, and says 1 because it must. */
const sizeOf = ({ role, elements, rfChains, phaseBits }: Capabilities): [string, string] =>
  role === 'user' ? [`receivers × ${rfChains}`, ''] : [`${elements} × ${rfChains}`, String(phaseBits)];

function text(places: readonly Place[], hello: boolean): string {
  if (places.length === 0) return 'No serial port is attached, and no rig file names a link.';
  const named = places.some(({ link }) => link !== undefined);
  const head = [...(named ? ['link'] : []), 'port', 'device', 'panel', 'firmware', 'elements × chains', 'bits', ''];
  const rows = places.map(({ link = '', where, byId, lasting, usb, panel, source, why = '' }) => {
    const device = usb
      ? [usb.manufacturer, usb.product, `${usb.vendorId}:${usb.productId}`, usb.serialNumber].filter(Boolean).join(' ')
      : (byId ?? '');
    const said = panel ? [panel.panelSerial, panel.firmware, ...sizeOf(panel)] : [hello ? '–' : '', '', '', ''];
    const features = panel?.features.join(', ') ?? '';
    const played = source === 'played-panel' ? 'a played panel, no hardware' : '';
    const name = link === '' && lasting !== undefined ? `in a rig file: ${lasting}` : '';
    return [...(named ? [link] : []), where, device, ...said, [why, played, features, name].filter(Boolean).join('; ')];
  });
  const waysOut = new Set(places.flatMap(({ wayOut }) => (wayOut === undefined ? [] : [`→ ${printable(wayOut)}`])));
  return [table(head, rows), ...waysOut].join('\n');
}
