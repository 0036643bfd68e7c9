/**
 * Pages without browsers, for bench/pages.ts, in a process of its own: so many sockets that watch everything and acknowledge every frame at
 * once. Says as JSON lines 'open', then every second how many frames came and the longest time that one of them waited.
 */
import { io, type Socket } from 'socket.io-client';
import type { PageToServer, ServerToPage } from '../src/server/socket-contract.ts';

const [url, number] = process.argv.slice(2);
const pages = Number(number);
const lastMs = new Float64Array(pages).fill(NaN);
let frames = 0;
let longestMs = 0;
let open = 0;

const say = (fact: object): void => void process.stdout.write(`${JSON.stringify(fact)}\n`);
for (let page = 0; page < pages; page++) {
  const socket: Socket<ServerToPage<Uint8Array>, PageToServer> = io(url, { transports: ['websocket'], forceNew: true });
  socket.on('connect', () => {
    socket.emit('watch', ['words', 'beampattern']);
    if (++open === pages) say({ open });
  });
  socket.on('connect_error', (error) => say({ error: error.message }));
  socket.on('disconnect', (reason) => say({ error: reason }));
  socket.on('frame', (_frame, drawn) => {
    const nowMs = performance.now();
    frames++;
    if (nowMs - lastMs[page] > longestMs) longestMs = nowMs - lastMs[page];
    lastMs[page] = nowMs;
    drawn();
  });
}
setInterval(() => {
  const nowMs = performance.now();
  const waiting = lastMs.reduce((most, ms) => Math.max(most, nowMs - ms), 0);
  const { user, system } = process.cpuUsage();
  say({ frames, longestMs: Math.max(longestMs, waiting), cpuMs: (user + system) / 1000 });
  frames = 0;
  longestMs = 0;
}, 1000);
