/**
 * One byte says what a frame carries: requests are below 0x80, replies above. The codes are pinned for ever; PROTOCOL.md lists them with
 * those for experiments (0x70 … 0x7f).
 */
import type { Message, Request } from './messages.ts';

export const TYPE_CODES: Readonly<Record<Message['type'], number>> = {
  hello: 0x01,
  ping: 0x02,
  'get-status': 0x03,
  'set-phases': 0x10,
  'set-digital': 0x11,
  commit: 0x12,
  'read-phases': 0x13,
  'set-gains': 0x14,
  'set-enables': 0x15,
  'cancel-commit': 0x16,
  'patch-phases': 0x17,
  'measure-snr': 0x20,
  'measure-pilots': 0x21,
  'store-beam': 0x30,
  'select-beam': 0x31,
  'set-safe-state': 0x40,
  'sync-time': 0x50,
  challenge: 0x60,
  capabilities: 0x81,
  pong: 0x82,
  status: 0x83,
  ack: 0x84,
  committed: 0x92,
  phases: 0x93,
  'snr-report': 0xa0,
  'pilot-report': 0xa1,
  synced: 0xd0,
  challenged: 0xe0,
  nack: 0xff,
};

const REPLY_BIT = 0x80;

export const isRequestCode = (code: number): boolean => (code & REPLY_BIT) === 0;

export const isRequest = (message: Message): message is Request => isRequestCode(TYPE_CODES[message.type]);

/**
 * The messages whose layout is the same in every major version, so that two ends that share no version can still say so. Later versions
 * may append fields to them, which we do not read.
 */
export const isFrozenCode = (code: number): boolean =>
  code === TYPE_CODES.hello || code === TYPE_CODES.capabilities || code === TYPE_CODES.nack;
