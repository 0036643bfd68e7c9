/** A server on loopback that answers as a test tells, for what stands in the way of a real one: proxies, portals, servers that never end. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

export interface Asked {
  path: string;
  body: string;
  authorization: string | undefined;
}

export interface ToldServer {
  port: number;
  /** Requests so far, oldest first. */
  asked: Asked[];
  close(): Promise<void>;
}

export async function serveAs(answer: (asked: Asked, response: ServerResponse, call: number) => void): Promise<ToldServer> {
  const asked: Asked[] = [];
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const one = { path: request.url ?? '', body: await text(request), authorization: request.headers.authorization };
    asked.push(one);
    answer(one, response, asked.length);
  };
  const server = createServer((request, response) => void take(request, response).catch(() => response.destroy()));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    asked,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
