/** Debian's Chromium, quiet: nothing in it reaches beyond the page. */
import { chromium, type Browser } from 'playwright-core';
import { partPath } from '../parts.ts';

export async function launchChromium(): Promise<Browser> {
  const executablePath = partPath('chromium');
  if (!executablePath) throw new Error('chromium is not installed: apt-get install chromium');
  return chromium.launch({
    executablePath,
    // Pictures and measures with the scrollbars that people see.
    ignoreDefaultArgs: ['--hide-scrollbars'],
    args: [
      '--no-sandbox',
      // Names that lead to this machine only.
      '--host-resolver-rules=MAP *.lab 127.0.0.1,MAP *.evil 127.0.0.1',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
