/**
 * The panel's end of a TCP link: it listens, as a terminal server does, and has one host at a time. The next one is let in when the one
 * before is gone; until then it is turned away at once, so that two hosts cannot steer one panel in turns.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { LinkError } from '../link.ts';
import type { PanelEnd } from '../panel-end.ts';
import { createPanelFrames } from '../stream/panel-frames.ts';
import type { ByteStream } from '../stream/stream-link.ts';
import { addressText, streamOver, type TcpAddress } from './tcp-stream.ts';

export function createTcpPanelEnd(address: TcpAddress): PanelEnd {
  const frames = createPanelFrames();
  const name = `tcp ${addressText(address)}`;
  let server: Server | undefined;
  let host: ByteStream | undefined;
  let onState: (state: { open: boolean; detail: string }) => void = () => undefined;

  const welcome = (socket: Socket): void => {
    const from = addressText({ host: socket.remoteAddress ?? '?', port: socket.remotePort ?? 0 });
    if (host !== undefined) {
      // It may break off in the same moment.
      socket.on('error', () => undefined).destroy();
      return;
    }
    frames.reset();
    host = streamOver(socket, {
      onBytes: frames.push,
      onGone: (detail) => {
        host = undefined;
        onState({ open: false, detail: `${from}: ${detail}` });
      },
    });
    onState({ open: true, detail: from });
  };

  return {
    name,
    async open(peer) {
      // What the panel says while nobody is there is said to nobody.
      frames.connect(peer, (bytes) => host?.write(bytes));
      const listening = createServer(welcome);
      await new Promise<void>((resolve, reject) => {
        listening.once('error', (error) => reject(cannotListen(address, error)));
        listening.listen(address.port, address.host, resolve);
      });
      server = listening;
    },
    onState(listener) {
      onState = listener;
    },
    async close() {
      const [listening, leaving] = [server, host];
      server = undefined;
      host = undefined;
      const ended = new Promise<void>((resolve) => (listening === undefined ? resolve() : listening.close(() => resolve())));
      await leaving?.close();
      await ended;
    },
  };
}

function cannotListen(address: TcpAddress, error: NodeJS.ErrnoException): LinkError {
  const taken = error.code === 'EADDRINUSE';
  const what = taken ? 'another program listens there' : `this machine cannot listen there (${error.code ?? error.message})`;
  return new LinkError('address-taken', `${addressText(address)}: ${what}.`, {
    wayOut: taken ? 'End the other program, or give --tcp another port.' : 'Give --tcp an address of this machine.',
    cause: error,
  });
}
