/** The page as built from its sources, served for a rig and open in Chromium. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll } from 'vitest';
import { packageRoot } from '../../core/files/package-root.ts';
import type { Controller } from '../../src/control/controller.ts';
import { startServer, type RunningServer, type ServerOptions } from '../../src/server/server.ts';
import { launchChromium } from './chromium.ts';
import type { StandInRig } from './stand-in-rig.ts';

/** How long a page may take to show what it should: nothing here is timed. */
export const SOON = { timeout: 15_000, interval: 50 };

export interface OpenPage {
  page: Page;
  server: RunningServer;
  /** Ends what is still there of browser, rig and server, in this order. */
  close(): Promise<void>;
}

export async function openPageOf(rig: Controller, options: Partial<ServerOptions> = {}): Promise<OpenPage> {
  const pageFolder = mkdtempSync(join(tmpdir(), 'beamrig-page-'));
  await build({
    configFile: `${packageRoot()}/vite.config.ts`,
    root: `${packageRoot()}/dashboard`,
    build: { outDir: pageFolder, emptyOutDir: true },
    logLevel: 'error',
  });
  const server = await startServer({ controller: rig, host: '127.0.0.1', port: 0, pageFolder, ...options });
  let browser: Browser | undefined;
  const close = async (): Promise<void> => {
    await browser?.close();
    await rig.stop();
    await server.close();
    rmSync(pageFolder, { recursive: true, force: true });
  };
  try {
    browser = await launchChromium();
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(server.url);
    return { page, server, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The page of a stand-in rig for all tests of the block around it, which it looks into by these. */
export interface PageOfBlock {
  /** Only inside of tests. */
  readonly page: Page;
  readonly server: RunningServer;
  readonly text: (selector: string) => Promise<string>;
  readonly inPage: <T>(expression: string) => Promise<T>;
  /** A property of the first element as it is drawn. */
  readonly style: (selector: string, property: string) => Promise<string>;
}

/** @param prepare what the rig should be before the page opens */
export function pageOfBlock(rig: StandInRig, prepare?: () => void, options: Partial<ServerOptions> = {}): PageOfBlock {
  let opened: OpenPage | undefined;
  const now = (): OpenPage => {
    if (opened === undefined) throw new Error('the page is open inside of tests only');
    return opened;
  };
  beforeAll(async () => {
    prepare?.();
    rig.startTimer();
    opened = await openPageOf(rig, options);
  }, 120_000);
  afterAll(() => opened?.close());
  const inPage = <T>(expression: string): Promise<T> => now().page.evaluate<T>(expression);
  return {
    get page() {
      return now().page;
    },
    get server() {
      return now().server;
    },
    text: async (selector) => (await now().page.textContent(selector)) ?? '',
    inPage,
    style: (selector, property) => inPage(`getComputedStyle(document.querySelector('${selector}')).${property}`),
  };
}
