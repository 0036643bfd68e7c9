/** A link and the panel at its other end as the page and scripts are told of them: one short word, and the reason in full. */
import { rangesText } from '../config/element-map.ts';
import type { RigLink } from '../config/rig-file.ts';
import { usersText } from '../config/user-run.ts';
import type { LinkDescription, LinkStateWord } from '../control/controller.ts';
import { reasonMessage } from '../control/watch/failure-messages.ts';
import type { Capabilities } from '../../firmware-protocol/messages.ts';
import type { Link, LinkState } from '../link/link.ts';
import type { ArrayMember, PanelFailure } from '../panel/panel.ts';
import type { BoardUsed, Source } from '../telemetry/cycle-record.ts';

export interface LinkInUse {
  spec: RigLink;
  wire: Link;
  driver: ArrayMember;
  /** What its panel said of itself last. */
  known: Capabilities | undefined;
  /** What it failed with last, until it did as it was asked. */
  trouble: PanelFailure | undefined;
  temperatureC: number | null;
}

export function describeLink(link: LinkInUse, authenticated: boolean): LinkDescription {
  const { spec, wire, driver, known, temperatureC } = link;
  const capabilities = driver.capabilities ?? known;
  const { retries, timeouts, badFrames, roundTripMs, unauthenticated = 0 } = driver.counters;
  return {
    name: spec.name,
    kind: spec.kind,
    source: sourceOf([capabilities]),
    panel: capabilities?.panelSerial ?? spec.panel ?? '',
    firmware: capabilities?.firmware ?? '',
    ...partOf(spec),
    ...condition(link),
    retries,
    timeouts,
    discarded: wire.counters.discarded + badFrames,
    badFrames,
    discardedWhy: discardedWhy(link),
    unauthenticated: authenticated ? unauthenticated : null,
    temperatureC,
    reconnects: wire.counters.reconnects,
    roundTripMs,
  };
}

/** Which part of the rig is on a link: elements of the array, or receivers of users. */
export const partOf = ({
  elements,
  users,
}: Pick<RigLink, 'elements' | 'users'>): Pick<LinkDescription, 'elements' | 'users'> => ({
  elements: rangesText(elements),
  users: users === undefined ? '' : usersText(users),
});

/** The same as a person reads it: `elements 0-31`, `users 0-3`. */
export const partText = ({ elements, users }: Pick<LinkDescription, 'elements' | 'users'>): string =>
  users === '' ? `elements ${elements}` : `users ${users}`;

/** The board that answered last; '' where none has. */
export function boardOf({ spec, driver, known }: LinkInUse): BoardUsed {
  const capabilities = driver.capabilities ?? known;
  const { panelSerial: panel = '', firmware = '' } = capabilities ?? {};
  return { link: spec.name, kind: spec.kind, source: sourceOf([capabilities]), panel, firmware };
}

/** Hardware only if all of it is: a board that has not answered yet is taken for what its link suggests. */
export const sourceOf = (panels: readonly (Capabilities | undefined)[]): Source =>
  panels.some((one) => one?.features.includes('simulated')) ? 'played-panel' : 'hardware';

/** `3 bad-crc, 1 malformed; the newest: phaseBits 17 in capabilities, allowed 1 to 16`; empty when nothing was thrown away. */
function discardedWhy({ wire, driver }: LinkInUse): string {
  const { counts = {}, newest = '' } = driver.discards ?? {};
  const causes = Object.entries({ ...wire.counters.discards, ...counts }).filter(([, count]) => count > 0);
  const listed = causes.map(([cause, count]) => `${count} ${cause}`).join(', ');
  return newest === '' ? listed : `${listed}; the newest: ${newest}`;
}

/**
 * Who is to blame for a failure of the array, each with its own part of it. A failure without a name is that of the only panel.
 * @returns for each link by its name
 */
export function blamed(failure: PanelFailure, only: string | undefined): Map<string, PanelFailure> {
  if (failure.reason === 'array-split') return new Map(failure.missed.map(({ panel, failure: why }) => [panel, why]));
  const name = failure.panel ?? only;
  return new Map(name === undefined ? [] : [[name, failure]]);
}

/** The wire comes first: where it is closed, that is why nothing is heard of the panel. */
function condition({ wire, driver, trouble }: LinkInUse): Pick<LinkDescription, 'state' | 'detail'> {
  const { state } = wire;
  if (state.state === 'closed') return { state: wordOfWire(state), detail: state.detail ?? state.reason };
  // What this program kept to itself is no fault of the link's.
  if (trouble !== undefined && trouble.reason !== 'not-sent') return { state: wordOf(trouble), detail: reasonMessage(trouble) };
  if (driver.capabilities === undefined)
    return { state: 'no answer', detail: 'the link is open and the panel has not said hello' };
  return { state: 'open', detail: '' };
}

function wordOfWire({ reason, cause }: LinkState & { state: 'closed' }): LinkStateWord {
  switch (reason) {
    case 'not-opened':
      return 'not open';
    case 'closed-by-us':
      return 'closed';
    case 'refused':
      return 'refused';
    case 'lost':
      return cause === 'panel-offline' ? 'offline' : 'lost';
  }
}

function wordOf(failure: PanelFailure & { reason: Exclude<PanelFailure['reason'], 'not-sent'> }): LinkStateWord {
  switch (failure.reason) {
    case 'no-answer':
    case 'silent':
    case 'no-good-cycle':
      return 'no answer';
    case 'link-closed':
      return 'lost';
    case 'not-authenticated':
      return 'key refused';
    case 'rejected':
      return 'refused';
    case 'unusable-report':
      return 'bad report';
    case 'panel-restarted':
      return 'restarted';
    case 'session-over':
    case 'made-safe':
      return 'made safe';
    case 'not-staged':
    case 'read-back-differs':
    case 'other-beam':
    case 'still-waiting':
    case 'clock-jumped':
    case 'array-split':
      return 'beam differs';
    case 'protocol-version':
      return 'other version';
    case 'wrong-panel':
      return failure.field === 'phaseBits' ? 'other Q' : 'other panel';
  }
}
