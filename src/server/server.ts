/**
 * The web server beside the control loop: the page, its live data over socket.io, and two addresses for scripts.
 *
 *   GET /            the page (built by Vite into dist/dashboard)
 *   GET /healthz     200 when the server answers, 503 when the rig has faulted
 *   GET /api/state   the rig as JSON
 *   socket.io        frames to the page, controls from it: socket-contract.ts
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import express from 'express';
import helmet from 'helmet';
import { Server } from 'socket.io';
import type { DefaultEventsMap, Socket } from 'socket.io';
import * as z from 'zod';
import { BeamrigError } from '../../errors/beamrig-error.ts';
import { packageRoot } from '../config/package-root.ts';
import type { Controller, ControlResult } from '../control/controller.ts';
import { FramePublisher } from './frame-publisher.ts';
import { refusalOf } from './same-origin.ts';
import type { PageToServer, ServerToPage } from './socket-contract.ts';

export interface ServerOptions {
  controller: Controller;
  /** Loopback unless the rig file says otherwise: whoever reaches the page can move the array. */
  host: string;
  /** 0 picks a free one. */
  port: number;
  /** Folder of the built page. */
  pageFolder?: string;
}

export interface RunningServer {
  url: string;
  close(): Promise<void>;
}

type PageSocket = Socket<PageToServer, ServerToPage<ArrayBufferView>, DefaultEventsMap, unknown>;

/**
 * Serves the page of a rig until closed.
 * @throws {BeamrigError} `port-in-use` when another program has the port, `argument` when the host cannot be listened on
 */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { controller, host, port } = options;
  const pageFolder = options.pageFolder ?? join(packageRoot(), 'dist', 'dashboard');
  const http = createServer();
  await listen(http, host, port);
  const publisher = new FramePublisher(controller);
  http.on('request', webApp(controller, publisher, host, pageFolder));
  const io = new Server<PageToServer, ServerToPage<ArrayBufferView>>(http, {
    serveClient: false,
    // A browser names its origin on every WebSocket, but not on every poll: with WebSocket alone the check below cannot be walked around.
    transports: ['websocket'],
    allowRequest: (request, decide) => {
      const refusal = refusalOf(request.headers, host);
      decide(refusal ?? null, refusal === undefined);
    },
    maxHttpBufferSize: 64 * 1024,
    pingInterval: 2000,
    pingTimeout: 3000,
  });
  io.on('connection', (socket) => welcome(socket, controller, publisher));
  const shownHost = host.includes(':') ? `[${host}]` : host;
  return {
    url: `http://${shownHost}:${(http.address() as AddressInfo).port}/`,
    close: async () => {
      publisher.close();
      await io.close(); // closes the HTTP server too
    },
  };
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

function webApp(controller: Controller, publisher: FramePublisher, host: string, pageFolder: string): express.Express {
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
    const refusal = refusalOf(request.headers, host);
    if (refusal === undefined) next();
    else response.status(403).type('text').send(refusal);
  });
  app.get('/healthz', (_request, response) => {
    const { state } = controller;
    response.status(state === 'faulted' ? 503 : 200).json({ ok: state !== 'faulted', state });
  });
  app.get('/api/state', (_request, response) => {
    response.set('Cache-Control', 'no-store').json(publisher.state());
  });
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
<p>Run <code>npm run build</code> in the folder of beamrig, then load this address again. The state is at <a href="/api/state">/api/state</a>.</p>
</html>`;

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

const watchSchema = z.array(z.enum(['beampattern', 'words'])).max(8);
const modelSchema = z.string().min(1).max(1000);
const phaseBitsSchema = z.int().min(1).max(16);

/** What arrives over the socket is whatever somebody sent: every argument is checked before it is used. */
function welcome(socket: PageSocket, controller: Controller, publisher: FramePublisher): void {
  const page = publisher.join((frame, drawn) => socket.emit('frame', frame, drawn));
  socket.on('disconnect', () => page.leave());
  socket.on('watch', (panels: unknown) => {
    const parsed = watchSchema.safeParse(panels);
    if (parsed.success) page.watch(parsed.data);
  });

  const carryOut = async (act: () => Promise<ControlResult>, answer: unknown): Promise<void> => {
    let result: ControlResult;
    try {
      result = await act();
    } catch (error) {
      result = { ok: false, reason: error instanceof Error ? error.message : String(error) };
    }
    publisher.lookAgain();
    if (typeof answer === 'function') (answer as (result: ControlResult) => void)(result);
  };
  const refuse = async (reason: string): Promise<ControlResult> => ({ ok: false, reason });

  socket.on('start', (answer: unknown) => void carryOut(() => controller.run(), answer));
  socket.on('pause', (answer: unknown) => void carryOut(() => controller.pause(), answer));
  socket.on('switchModel', (id: unknown, answer: unknown) => {
    const parsed = modelSchema.safeParse(id);
    const act = () => {
      if (!parsed.success) return refuse('A model is named by its id.');
      // The controller would open any model file by its path; a page has no business naming files of this machine.
      const known = controller.describe().models.some(({ id: fitting }) => fitting === parsed.data);
      return known ? controller.switchModel(parsed.data) : refuse(`'${parsed.data}' is none of the models that fit this rig.`);
    };
    void carryOut(act, answer);
  });
  socket.on('setPhaseBits', (phaseBits: unknown, answer: unknown) => {
    const parsed = phaseBitsSchema.safeParse(phaseBits);
    const act = () =>
      parsed.success ? controller.setPhaseBits(parsed.data) : refuse('Q is a whole number of bits from 1 to 16.');
    void carryOut(act, answer);
  });
}
