/** The page for more users than four, by keyboard alone, by every eye, and behind a proxy. */
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import axe from 'axe-core';
import { afterAll, describe, expect, it } from 'vitest';
import { hasPart } from '../parts.ts';
import { SOON, pageOfBlock } from './page-of.ts';
import { StandInRig } from './stand-in-rig.ts';

const SCREENS = [
  [1024, 768],
  [1280, 800],
  [1920, 1080],
] as const;

interface Violation {
  id: string;
  nodes: { html: string; failureSummary: string }[];
}

describe.skipIf(!hasPart('chromium'))('the page for everybody [needs chromium]', () => {
  const rig = new StandInRig({ users: 9 });
  let proxy: Server | undefined;
  const opened = pageOfBlock(rig, undefined, { allowedHosts: ['localhost.lab'] });
  const { text, inPage } = opened;

  afterAll(async () => {
    proxy?.closeAllConnections();
    proxy?.close();
  });

  const focused = (): Promise<string> => inPage(`document.activeElement.id`);

  it('shows more than four users a line each, all of them within reach', async () => {
    await expect.poll(() => text('[data-user="8"] .value span'), SOON).toMatch(/^−?\d+\.\d$/);
    for (const [width, height] of SCREENS) {
      await opened.page.setViewportSize({ width, height });
      await opened.page.waitForTimeout(300);
      const seen = await inPage<{ hidden: number[]; cut: string[]; reach: boolean; wide: number }>(`(() => {
        const list = document.querySelector('#user-rows');
        const box = list.getBoundingClientRect();
        const rows = [...document.querySelectorAll('.user')];
        const hidden = rows.flatMap((row, i) => (row.getBoundingClientRect().bottom > box.bottom + 1 ? [i] : []));
        const cut = [...document.querySelectorAll('.user :is(.name, .value)')].filter((one) => one.scrollWidth > one.clientWidth + 1).map((one) => one.textContent);
        list.scrollTop = list.scrollHeight;
        const reach = rows.at(-1).getBoundingClientRect().bottom <= box.bottom + 1;
        list.scrollTop = 0;
        return { hidden, cut, reach, wide: document.documentElement.scrollWidth - innerWidth };
      })()`);
      expect(seen, `${width}×${height}`).toEqual({ hidden: [], cut: [], reach: true, wide: 0 });
    }
    expect(await inPage(`document.querySelector('#user-rows').tabIndex`), 'what may scroll is reached by keyboard').toBe(0);
    await opened.page.setViewportSize({ width: 1280, height: 800 });
  });

  it('has nothing that axe finds fault with, light or dark', async () => {
    await inPage(axe.source);
    for (const shows of ['simulator', 'hardware', 'red', 'paused'] as const) {
      rig.hasBoard = shows !== 'simulator';
      rig.channelSource = shows === 'hardware' || shows === 'red' ? 'file' : 'simulation';
      rig.fallsBack = shows !== 'red';
      rig.lost = shows === 'red' ? 'the cable was pulled' : undefined;
      if (shows === 'paused') await rig.pause();
      const bar = { simulator: 'amber', hardware: 'hardware', red: 'red', paused: 'amber' }[shows];
      await expect.poll(() => opened.page.getAttribute('body', 'data-bar'), SOON).toBe(bar);
      for (const colorScheme of ['light', 'dark'] as const) {
        await opened.page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
        await opened.page.waitForTimeout(300);
        const { violations } = await inPage<{ violations: Violation[] }>(`axe.run()`);
        const found = violations.flatMap(({ id, nodes }) =>
          nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
        );
        expect(found, `${shows}, ${colorScheme}`).toEqual([]);
      }
    }
    rig.hasBoard = false;
    rig.fallsBack = true;
    rig.lost = undefined;
    await rig.run();
  }, 120_000);

  it('leads the keyboard from Q to the question, and back to Q when it is answered', async () => {
    await expect.poll(() => text('#state'), SOON).toBe('running');
    await opened.page.focus('#phase-bits');
    await opened.page.selectOption('#phase-bits', '3');
    await expect.poll(() => opened.page.isVisible('#apply'), SOON).toBe(true);
    expect(await focused()).toBe('phase-bits');
    await opened.page.keyboard.press('Tab');
    expect(await focused()).toBe('apply');
    await opened.page.keyboard.press('Shift+Tab');
    expect(await focused()).toBe('phase-bits');
    await opened.page.keyboard.press('Tab');
    await opened.page.keyboard.press('Enter');
    await expect.poll(() => rig.describe().phaseBits, SOON).toBe(3);
    await expect.poll(() => text('#hint'), SOON).toContain('3 bits');
    expect(await focused()).toBe('phase-bits');
    await opened.page.keyboard.press('Tab');
    expect(await focused(), 'and on from there').toBe('run');
    await opened.page.focus('#phase-bits');
    await opened.page.selectOption('#phase-bits', '5');
    await opened.page.keyboard.press('Tab');
    await opened.page.keyboard.press('Tab');
    expect(await focused()).toBe('cancel');
    await opened.page.keyboard.press('Enter');
    expect(await focused()).toBe('phase-bits');
    await expect.poll(() => opened.page.inputValue('#phase-bits'), SOON).toBe('3');
  });

  it('lives below a path of a proxy whose host is allowed, and nowhere else', async () => {
    const { hostname, port } = new URL(opened.server.url);
    proxy = createServer((incoming, response) => {
      if (!incoming.url?.startsWith('/lab/rig/')) return void response.writeHead(404).end();
      const onward = {
        hostname,
        port,
        path: incoming.url.slice('/lab/rig'.length),
        method: incoming.method,
        headers: forwarded(incoming.headers),
      };
      request(onward, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }).end();
    });
    proxy.on('upgrade', (incoming, socket) => {
      const path = (incoming.url ?? '').replace('/lab/rig', '');
      const onward = request({ hostname, port, path, headers: forwarded(incoming.headers) });
      socket.on('error', () => undefined);
      onward.on('response', () => socket.destroy());
      onward.on('upgrade', (answer, upstream, first) => {
        const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${String(value)}\r\n`);
        socket.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join('')}\r\n`);
        socket.write(first);
        upstream.on('error', () => undefined);
        upstream.pipe(socket).pipe(upstream);
      });
      onward.end();
    });
    // As proxies do that are not told otherwise: the server is asked by its own name.
    const forwarded = (headers: NodeJS.Dict<string | string[]>) => ({
      ...headers,
      host: `${hostname}:${port}`,
      'x-forwarded-for': '10.1.2.3',
    });
    await new Promise<void>((resolve) => proxy?.listen(0, '127.0.0.1', resolve));
    const proxyPort = (proxy.address() as AddressInfo).port;
    const there = await opened.page.context().browser()!.newPage();
    const state = async (): Promise<string> => (await there.textContent('#state')) ?? '';
    const missing: string[] = [];
    there.on('response', (response) => void (response.status() >= 400 && missing.push(response.url())));
    await there.goto(`http://localhost.lab:${proxyPort}/lab/rig/`);
    await expect.poll(state, SOON).toBe('running');
    await there.click('#run');
    await expect.poll(() => rig.state, SOON).toBe('paused');
    await expect
      .poll(async () => (await there.textContent('#event-list')) ?? '', SOON)
      .toMatch(/Page \d+ \(10\.1\.2\.3, says the proxy at 127\.0\.0\.1\): stop the rig\./);
    expect(missing).toEqual([]);
    await there.goto(`http://localhost.evil:${proxyPort}/lab/rig/`);
    await there.waitForTimeout(1500);
    expect(await state(), 'another name of the same proxy').not.toBe('running');
    await there.close();
  }, 90_000);
});
