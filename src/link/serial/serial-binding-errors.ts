/**
 * The cause that the binding of `serialport` means. It says why a port cannot be opened or set up in a text alone: the system's own words for an
 * errno, or words of its own, with no code, class or event beside them (serialport_unix.cpp of @serialport/bindings-cpp 13, `snprintf` into
 * errorString). Nothing else of this program reads that text.
 */
import type { LinkCause } from '../link.ts';

/** What can be wrong with a port that the system or the binding would not open. */
export type OpenCause = Extract<
  LinkCause,
  'no-port' | 'no-device' | 'no-permission' | 'port-in-use' | 'not-a-port' | 'baud-rate' | 'port-failed'
>;

/** In this order: 'Resource temporarily unavailable Cannot lock port' is about the lock. The texts are those of strerror(3) and of the binding. */
const TEXTS: readonly [RegExp, OpenCause][] = [
  [/no such file/i, 'no-port'], // ENOENT
  [/permission denied|not permitted/i, 'no-permission'], // EACCES, EPERM
  [/cannot lock port/i, 'port-in-use'],
  [/inappropriate ioctl/i, 'not-a-port'], // ENOTTY
  [/baud ?rate/i, 'baud-rate'],
  [/no such device|input\/output error/i, 'no-device'], // ENXIO, ENODEV, EIO
];

export const bindingCause = (error: unknown): OpenCause =>
  TEXTS.find(([text]) => text.test(bindingText(error)))?.[1] ?? 'port-failed';

/** The text for people, without the binding's 'Error: ' before it. */
export const bindingText = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replace(/^Error:? /, '');
