/**
 * The web server beside the control loop: the page, its live data over socket.io, and two addresses for scripts.
 *
 *   GET /            the page (built by Vite into dist/dashboard)
 *   GET /healthz     200 when all is well, 503 with the reason when the rig has faulted, its panel is lost, or no cycle turns or is good
 *   GET /api/state   the rig as JSON
 *   /api/calibration and what is below it: calibration-api.ts
 *   socket.io        frames to the page, controls from it: socket-contract.ts
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo, Socket as Connection } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import helmet from 'helmet';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { packageRoot } from '../../core/files/package-root.ts';
import type { Controller } from '../control/controller.ts';
import type { RigEvent } from '../telemetry/cycle-record.ts';
import { serveCalibration } from './calibration-api.ts';
import { FramePublisher } from './frame-publisher.ts';
import { FOR_OTHERS, MAX_PAGES, REQUEST_MS, SPARE_CONNECTIONS, SPARE_REQUESTS } from './page-limits.ts';
import { isHere, partyOf } from './page-places.ts';
import { servePages } from './page-server.ts';
import { refusalOf, type OwnNames } from './same-origin.ts';

export interface ServerOptions {
  controller: Controller;
  /** Loopback unless the rig file says otherwise: whoever reaches the page can move the array. */
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** Folder of the built page. */
  pageFolder?: string;
  /** Further host names that the server answers for: those of proxies in front of it. */
  allowedHosts?: readonly string[];
  /** Pages that may be open at a time. */
  maxPages?: number;
  /** Takes the server's own events (who pressed what); whoever gives it hands them to `show`. Default: they are only shown. */
  report?: (event: Omit<RigEvent, 'timeNs'>) => void;
}

export interface RunningServer {
  url: string;
  /** Shows an event on the pages that is not the controller's. */
  show(event: RigEvent): void;
  close(): Promise<void>;
}

/**
 * Serves the page of a rig until closed.
 * @throws {BeamrigError} `port-in-use` when another program has the port, `argument` when the host cannot be listened on
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { controller, host, port, allowedHosts = [], maxPages = MAX_PAGES } = options;
  const pageFolder = options.pageFolder ?? join(packageRoot(), 'dist', 'dashboard');
  // Whoever connects and says nothing, or goes on and on about what he wants, is not waited for.
  const http = createServer({ headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, connectionsCheckingInterval: 1000 });
  http.timeout = 2 * REQUEST_MS; // a page that is open has none
  http.maxConnections = maxPages + SPARE_CONNECTIONS + SPARE_REQUESTS;
  leaveRoomForOthers(http);
  await listen(http, host, port);
  const names: OwnNames = { host, allowedHosts };
  const publisher = new FramePublisher(controller);
  http.on('request', webApp(controller, publisher, names, pageFolder));
  const report =
    options.report ??
    ((event: Omit<RigEvent, 'timeNs'>) => publisher.show({ timeNs: BigInt(Date.now()) * 1_000_000n, ...event }));
  const pages = servePages({ http, controller, publisher, names, maxPages, report });
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${(http.address() as AddressInfo).port}/`,
    show: (event) => publisher.show(event),
    close: async () => {
      publisher.close();
      // Closes the HTTP server too, once every connection has ended: those that do not end by themselves are ended.
      const closed = pages.close();
      http.closeAllConnections();
      await closed;
    },
  };
}

/** Not all connections are to be had from one address. A proxy on this machine may need them all. */
function leaveRoomForOthers(http: ReturnType<typeof createServer>): void {
  const connections = new Map<string, number>();
  http.on('connection', (connection: Connection) => {
    const { remoteAddress = '', localAddress } = connection;
    if (isHere(remoteAddress, localAddress)) return;
    const party = partyOf(connection);
    const count = (connections.get(party) ?? 0) + 1;
    if (count > http.maxConnections - FOR_OTHERS) return void connection.destroy();
    connections.set(party, count);
    connection.once('close', () => {
      const left = (connections.get(party) ?? 0) - 1;
      if (left > 0) connections.set(party, left);
      else connections.delete(party);
    });
  });
}

async function listen(http: ReturnType<typeof createServer>, host: string, port: number): Promise<void> {
  try {
    await new Promise<void>((resolve, reject) => {
      http.once('error', reject);
      http.listen(port, host, () => {
        http.removeListener('error', reject);
        resolve();
      });
    });
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    if (code === 'EADDRINUSE') {
      throw new BeamrigError('port-in-use', `dashboard: ${host}:${port} is taken by another program`, {
        wayOut: 'Stop that program, or set dashboard.port in the rig file to another port (0 picks a free one).',
        cause,
      });
    }
    throw new BeamrigError('argument', `dashboard: cannot listen on ${host}:${port} (${code})`, {
      wayOut: 'Set dashboard.host to an address of this machine and dashboard.port to a port you may use (1024 or above).',
      cause,
    });
  }
}

function webApp(controller: Controller, publisher: FramePublisher, names: OwnNames, pageFolder: string): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'", 'data:'],
          connectSrc: ["'self'"],
          baseUri: ["'none'"],
          formAction: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      strictTransportSecurity: false, // plain HTTP on a lab network
    }),
  );
  app.use((request, response, next) => {
    const refusal = refusalOf(request.headers, names);
    if (refusal === undefined) next();
    else response.status(403).type('text').send(refusal);
  });
  app.get('/healthz', (_request, response) => {
    const { state, trouble: reason } = controller;
    const ok = reason === undefined && state !== 'faulted';
    response.status(ok ? 200 : 503).json({ ok, state, ...(reason === undefined ? {} : { reason }) });
  });
  app.get('/api/state', (_request, response) => {
    response.set('Cache-Control', 'no-store').json(publisher.state());
  });
  serveCalibration(app, controller);
  app.use(express.static(pageFolder, { setHeaders: keepOnlyHashedFiles }));
  app.get('/', (_request, response) => {
    // Only reached when the static files hold no index.html.
    if (existsSync(join(pageFolder, 'index.html'))) response.status(500).type('text').send('The page cannot be read.');
    else response.status(503).type('html').send(notBuiltPage(pageFolder));
  });
  app.use((_request, response) => {
    response.status(404).type('text').send('Nothing here. The page is at /, the state at /api/state.');
  });
  return app;
}

/** Vite puts a hash of the content into the names under assets/; index.html must be asked for anew. */
function keepOnlyHashedFiles(response: express.Response, path: string): void {
  response.set('Cache-Control', path.endsWith('index.html') ? 'no-cache' : 'public, max-age=31536000, immutable');
}

const notBuiltPage = (folder: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>beamrig: page not built</title>
<h1>The page is not built yet</h1>
<p>The rig itself is up; only the files of its page are missing from <code>${escapeHtml(folder)}</code>.</p>
<p>Run <code>npm run build</code> in the folder of beamrig, then load this address again. The state is at <a href="./api/state">/api/state</a>.</p>
</html>`;

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
