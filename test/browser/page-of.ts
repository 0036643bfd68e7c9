/** The page as built from its sources, served for a rig and open in Chromium. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { build } from 'vite';
import { packageRoot } from '../../core/files/package-root.ts';
import type { Controller } from '../../src/control/controller.ts';
import { startServer, type RunningServer, type ServerOptions } from '../../src/server/server.ts';
import { launchChromium } from './chromium.ts';

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
