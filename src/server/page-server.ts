/**
 * The pages that are open: lets them in, one after the other up to a number, gives each its frames and takes its controls, and hangs up on
 * those that do not behave like a page.
 */
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { Server, type DefaultEventsMap } from 'socket.io';
import * as z from 'zod';
import type { Controller } from '../control/controller.ts';
import { CYCLE_STAGES, type RigEvent } from '../telemetry/cycle-record.ts';
import type { FramePublisher } from './frame-publisher.ts';
import { PageControls, type PageSocket } from './page-controls.ts';
import { Allowance, LONGEST_MESSAGE_BYTES, LOOK_MS, REQUEST_MS, SPARE_CONNECTIONS } from './page-limits.ts';
import { PageLine, whereIs, type HungUp } from './page-line.ts';
import { Arrivals, PagePlaces, partyOf } from './page-places.ts';
import { refusalOf, type OwnNames } from './same-origin.ts';
import type { PageToServer, ServerToPage } from './socket-contract.ts';

export interface PageServerOptions {
  http: HttpServer;
  controller: Controller;
  publisher: FramePublisher;
  names: OwnNames;
  maxPages: number;
  report: (event: Omit<RigEvent, 'timeNs'>) => void;
}

const watchSchema = z.array(z.enum(['beampattern', 'words'])).max(8);
/** Pages may come back all at once, but not again and again. */
const NEW_PAGES_A_SECOND = 20;
/** Who is told to go hangs up by himself, or is hung up on. */
const FAREWELL_MS = 2000;
/** Pages that are hung up on are told of so often. */
const TOLD_A_SECOND = 1 / 60;
const TOLD_AT_ONCE = 3;

const WHY: Record<HungUp, string> = {
  unread: 'it did not read what was sent to it',
  flood: 'it sent more than a page does',
  place: 'all places for pages are taken, most of them by its address, and another address asked for one',
};

/** @returns what closes them all, and the HTTP server */
export function servePages({ http, controller, publisher, names, maxPages, report }: PageServerOptions): {
  close(): Promise<void>;
} {
  const io = new Server<PageToServer, ServerToPage<ArrayBufferView>, DefaultEventsMap, unknown>(http, {
    serveClient: false,
    // A browser names its origin on every WebSocket, but not on every poll: with WebSocket alone the check below cannot be walked around.
    transports: ['websocket'],
    allowRequest: (request, decide) => {
      const refusal = refusalOf(request.headers, names) ?? crowded(request);
      decide(refusal ?? null, refusal === undefined);
    },
    maxHttpBufferSize: LONGEST_MESSAGE_BYTES,
    connectTimeout: REQUEST_MS,
    pingInterval: 2000,
    pingTimeout: 3000,
  });
  const lines = new Map<PageSocket, { line: PageLine; who: string }>();
  const arrivals = new Arrivals(NEW_PAGES_A_SECOND, maxPages + SPARE_CONNECTIONS);
  const said = new Allowance(TOLD_A_SECOND, TOLD_AT_ONCE);
  const controls = new PageControls({ controller, tell: report, changed: () => publisher.lookAgain() });
  let pages = 0;

  /** Connections by party, those that are being told that there is no room among them. */
  const connected = new Map<string, number>();
  const crowded = (request: IncomingMessage): string | undefined => {
    const party = partyOf(request.socket, request.headers);
    // Whoever has none is let in as far as the door: the places may be full of pages that have to go for his.
    if (io.engine.clientsCount >= maxPages + SPARE_CONNECTIONS && connected.has(party)) return 'Too many pages are open.';
    return arrivals.admit(party, performance.now()) ? undefined : 'Too many pages are being opened.';
  };
  const hangUp = (socket: PageSocket, why: HungUp): void => {
    const known = lines.get(socket);
    if (!known) return;
    lines.delete(socket);
    known.line.hangUp();
    if (!said.take(performance.now())) return;
    report({ level: 'warning', code: 'page-hung-up', message: `${known.who} was hung up on: ${WHY[why]}.` });
  };

  /** Hung up on, it asks again by itself, and is told then that there is no room. */
  const makeRoom = (conn: PageSocket['conn']): void => {
    const socket = [...lines.keys()].find((one) => one.conn === conn);
    if (socket) hangUp(socket, 'place');
    else conn.request.socket.destroy();
  };
  const places = new PagePlaces<PageSocket['conn']>(maxPages);
  io.use((socket, next) => {
    const { conn } = socket;
    const { taken, from } = places.take(conn, partyOf(conn.request.socket, conn.request.headers));
    if (from) makeRoom(from);
    if (taken) {
      conn.once('close', () => places.leave(conn));
      return next();
    }
    setTimeout(() => conn.close(true), FAREWELL_MS).unref();
    const most = maxPages === 1 ? 'One page is' : `${maxPages} pages are`;
    next(
      Object.assign(new Error(`${most} open already, and no more are served (dashboard.maxPages of the rig file).`), {
        data: { code: 'full' },
      }),
    );
  });
  io.engine.on('connection', (conn: PageSocket['conn']) => {
    const party = partyOf(conn.request.socket, conn.request.headers);
    connected.set(party, (connected.get(party) ?? 0) + 1);
    conn.once('close', () => {
      const left = (connected.get(party) ?? 0) - 1;
      if (left > 0) connected.set(party, left);
      else connected.delete(party);
    });
    conn.once('close', () => setTimeout(() => conn.request.socket.destroy(), FAREWELL_MS).unref());
  });
  io.on('connection', (socket) => {
    const page = ++pages;
    const who = `Page ${page} (${whereIs(socket.handshake.address, socket.handshake.headers)})`;
    const line = new PageLine(socket.conn);
    lines.set(socket, { line, who });
    socket.emit('welcome', { page, columns: publisher.columns, stages: CYCLE_STAGES });
    const port = publisher.join({
      ready: () => line.idle,
      send: (frame, drawn) => line.together(() => socket.emit('frame', frame, drawn)),
    });
    socket.on('disconnect', () => {
      lines.delete(socket);
      port.leave();
    });
    socket.on('watch', (panels: unknown) => {
      const parsed = watchSchema.safeParse(panels);
      if (parsed.success) port.watch(parsed.data);
    });
    controls.serve(socket, who, () => hangUp(socket, 'flood'));
  });
  const look = setInterval(() => {
    const nowMs = performance.now();
    for (const [socket, { line }] of lines) {
      const why = line.trouble(nowMs);
      if (why !== undefined) hangUp(socket, why);
    }
  }, LOOK_MS);
  look.unref();
  return {
    close: async () => {
      clearInterval(look);
      await io.close();
    },
  };
}
