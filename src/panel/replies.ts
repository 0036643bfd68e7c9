/** Which reply belongs to which request. */
import type { Reply, Request } from '../../firmware-protocol/messages.ts';

interface ReplyTypes {
  hello: 'capabilities';
  ping: 'pong';
  'get-status': 'status';
  'set-phases': 'ack';
  'set-digital': 'ack';
  'set-gains': 'ack';
  'set-enables': 'ack';
  /** 'ack' while a timed one waits. */
  commit: 'committed' | 'ack';
  'read-phases': 'phases';
  'measure-snr': 'snr-report';
  'measure-pilots': 'pilot-report';
  'store-beam': 'ack';
  'select-beam': 'committed';
  'set-safe-state': 'ack';
  'patch-phases': 'ack';
  'cancel-commit': 'ack';
  'sync-time': 'synced';
  challenge: 'challenged';
}
const REPLY_TYPES: { readonly [T in Request['type']]: ReplyTypes[T] } = {
  hello: 'capabilities',
  ping: 'pong',
  'get-status': 'status',
  'set-phases': 'ack',
  'set-digital': 'ack',
  'set-gains': 'ack',
  'set-enables': 'ack',
  commit: 'committed',
  'read-phases': 'phases',
  'measure-snr': 'snr-report',
  'measure-pilots': 'pilot-report',
  'store-beam': 'ack',
  'select-beam': 'committed',
  'set-safe-state': 'ack',
  'patch-phases': 'ack',
  'cancel-commit': 'ack',
  'sync-time': 'synced',
  challenge: 'challenged',
};

export type RequestOf<T extends Request['type']> = Extract<Request, { type: T }>;
export type ReplyTo<T extends Request['type']> = Extract<Reply, { type: ReplyTypes[T] }>;

/**
 * Whether a message under the right number is an answer to this request at all. A number comes round again after 65,536 requests, and a
 * reply that was under way for so long must not pass for another. The beam of a report is left to the caller, who can say more about it.
 */
export function answers(request: Request, message: Request | Reply): message is Reply {
  if (message.type === 'nack') return true;
  if (message.type !== REPLY_TYPES[request.type]) {
    return message.type === 'ack' && request.type === 'commit' && request.atUs !== 0n;
  }
  if (request.type === 'ping' && message.type === 'pong') return message.nonce === request.nonce;
  if ((request.type === 'commit' || request.type === 'select-beam') && message.type === 'committed') {
    return message.beamId === request.beamId;
  }
  if (request.type === 'read-phases' && message.type === 'phases') {
    return message.offset === request.offset && message.words.length === request.count;
  }
  if (request.type === 'sync-time' && message.type === 'synced') return message.hostSendUs === request.hostSendUs;
  if (request.type === 'challenge' && message.type === 'challenged') return message.hostNonce === request.hostNonce;
  return true;
}
