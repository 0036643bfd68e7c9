/**
 * A board with receivers only (firmware-protocol/PROTOCOL.md, section 4, role user), frames and wire left out. It drives nothing and knows no beam:
 * it measures what the array radiates, whoever drives that, and says the beam id that it was asked with.
 */
import type { Clock } from '../core/clock/clock.ts';
import { BeamrigError } from '../core/errors/beamrig-error.ts';
import { userIndex, type UserRun } from '../core/signal/indices.ts';
import { NO_TEMPERATURE } from '../firmware-protocol/limits.ts';
import type { Capabilities, Feature, Reply, Request } from '../firmware-protocol/messages.ts';
import { TYPE_CODES } from '../firmware-protocol/type-codes.ts';
import type { AirReceivers } from './air.ts';
import { createBoardLife } from './board-life.ts';
import { nack } from './nack.ts';
import type { PanelCore, WholeBeam } from './panel-state.ts';

export interface ReceiverStateOptions {
  clock: Clock;
  receivers: AirReceivers;
  capabilities: Capabilities;
  /** Whom it has receivers for. */
  hears: UserRun;
}

/** What it may be asked; the features say the rest. */
const FOR_RECEIVERS: Partial<Record<Request['type'], Feature | 'always'>> = {
  hello: 'always',
  ping: 'always',
  'get-status': 'always',
  'measure-snr': 'snr-report',
  'measure-pilots': 'pilot-report',
  'sync-time': 'time-sync',
};

/** @throws {BeamrigError} 'argument' for receivers of users that there are not */
export function createReceiverState({ clock, receivers, capabilities, hears }: ReceiverStateOptions): PanelCore {
  requireUsers(hears, receivers.users);
  const life = createBoardLife(clock);
  const { timeUs } = life;
  const { users } = capabilities;
  const noBeam: WholeBeam = { beamId: 0, words: new Uint16Array(capabilities.elements * capabilities.rfChains) };
  let faultCode: number | undefined;

  const carryOut = (request: Request): Reply => {
    const needed = FOR_RECEIVERS[request.type];
    if (needed === undefined || (needed !== 'always' && !capabilities.features.includes(needed))) return unsupported(request);
    switch (request.type) {
      case 'hello':
        if (request.minMajor > capabilities.protocolMajor || request.maxMajor < capabilities.protocolMajor) {
          return nack('unsupported-version', capabilities.protocolMajor);
        }
        return { type: 'capabilities', ...capabilities };
      case 'ping':
        return { type: 'pong', nonce: request.nonce, timeUs: timeUs() };
      case 'get-status': {
        const state = faultCode === undefined ? 'idle' : 'fault';
        return { type: 'status', state, beamId: 0, temperatureCentiC: NO_TEMPERATURE, ...life.counts() };
      }
      case 'measure-snr': {
        if (faultCode !== undefined) return nack('fault', faultCode);
        const { firstUser, count } = hears;
        const { pilots, snrCentiDb } = receivers.measureSnr(request.pilots);
        const heard = snrCentiDb.slice(firstUser, firstUser + count);
        return { type: 'snr-report', beamId: request.beamId, timeUs: timeUs(), firstUser, pilots, snrCentiDb: heard };
      }
      case 'measure-pilots': {
        if (faultCode !== undefined) return nack('fault', faultCode);
        const { beamId, user } = request;
        const isProbe = user === users && receivers.receiverCount > users;
        if (!isProbe && (user < hears.firstUser || user >= hears.firstUser + hears.count)) return nack('wrong-dimensions', users);
        return {
          type: 'pilot-report',
          beamId,
          timeUs: timeUs(),
          user,
          ...receivers.measureChains(request.pilots, userIndex(user)),
        };
      }
      case 'sync-time':
        return { type: 'synced', hostSendUs: request.hostSendUs, panelReceiveUs: timeUs(), panelSendUs: timeUs() };
      default:
        return unsupported(request);
    }
  };

  return {
    capabilities,
    carryOut,
    // It has no silence limit: there is nothing of it to go dark.
    settleSilence: () => undefined,
    hostSpoke: () => undefined,
    countBadFrames: life.countBadFrames,
    bootCount: life.bootCount,
    staged: (index) => {
      throw new BeamrigError('argument', `slot ${index}: a board with receivers only has none`);
    },
    latched: () => noBeam,
    radiated: () => noBeam,
    fault: (code) => {
      faultCode = code;
    },
    recover: () => {
      faultCode = undefined;
    },
    reset: () => {
      life.restart();
      faultCode = undefined;
    },
    close: () => undefined,
  };
}

const unsupported = (request: Request): Reply => nack('unsupported-message', TYPE_CODES[request.type]);

function requireUsers({ firstUser, count }: UserRun, users: number): void {
  if (firstUser >= 0 && count >= 1 && firstUser + count <= users) return;
  throw new BeamrigError('argument', `receivers for users ${firstUser} to ${firstUser + count - 1}`, {
    wayOut: `Give it some of users 0 to ${users - 1}.`,
  });
}
