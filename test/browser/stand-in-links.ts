/** What the stand-in rig says of its links. */
import type { LinkDescription } from '../../src/control/controller.ts';

const all = (elements: number): string => (elements === 1 ? '0' : `0-${elements - 1}`);

/** To its simulator. */
export const loopbackOf = (elements: number): LinkDescription => ({
  name: 'loopback',
  kind: 'loopback',
  source: 'simulator',
  panel: 'SIM-0001',
  firmware: 'virtual 1.0.0',
  elements: all(elements),
  users: '',
  state: 'open',
  detail: '',
  retries: 3,
  timeouts: 1,
  discarded: 2,
  badFrames: 0,
  discardedWhy: '',
  unauthenticated: null,
  temperatureC: null,
  reconnects: 0,
  roundTripMs: 0.25,
});

export interface StandInBoard {
  isPlayed: boolean;
  /** Why, while it is. */
  lost: string | undefined;
  lostState: LinkDescription['state'];
}

/** To its board. */
export const boardOf = (elements: number, { isPlayed, lost, lostState }: StandInBoard): LinkDescription => ({
  name: '/dev/ttyUSB0',
  kind: 'serial',
  source: isPlayed ? 'played-panel' : 'hardware',
  panel: 'BOARD-0001',
  firmware: 'reference 1.0.0',
  elements: all(elements),
  users: '',
  state: lost === undefined ? 'open' : lostState,
  detail: lost ?? '',
  retries: 0,
  timeouts: 0,
  discarded: 0,
  badFrames: 0,
  discardedWhy: '',
  unauthenticated: lostState === 'key refused' ? 1234 : 0,
  temperatureC: 41.4,
  reconnects: 1,
  roundTripMs: 1.5,
});
