/**
 * System parts that some tests talk to. A test whose part is missing is skipped by name, never quietly:
 *
 *   describe.skipIf(!hasPart('influxd'))('… [needs influxd]', () => …)
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = {
  influxd: ['influxd'],
  chromium: ['chromium', 'chromium-browser'],
  gcc: ['gcc'],
  socat: ['socat'],
  mosquitto: ['mosquitto'],
  // Debian has the clients in a package of their own.
  mosquitto_sub: ['mosquitto_sub'],
  openssl: ['openssl'],
  'redis-server': ['redis-server'],
  faketime: ['faketime'],
  xmllint: ['xmllint'],
  'arm-none-eabi-gcc': ['arm-none-eabi-gcc'],
  'qemu-system-arm': ['qemu-system-arm'],
};

export type Part = keyof typeof NAMES;

export const hasPart = (name: Part): boolean => partPath(name) !== undefined;

/** Where the part's program lies, or undefined when it is not installed. */
export function partPath(name: Part): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/sbin', '/usr/local/bin'];
  return folders.flatMap((folder) => NAMES[name].map((file) => join(folder, file))).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
