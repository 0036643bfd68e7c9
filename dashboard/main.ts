/**
 * The page: frames come in over socket.io, are drawn once an animation frame, and are acknowledged when they are drawn. The controller sends
 * the next frame only then, so a page that cannot keep up gets fewer.
 */
import { io } from 'socket.io-client';
import type { CostlyView, Refusal } from '../src/server/socket-contract.ts';
import { BeampatternView } from './views/beampattern-view.ts';
import { Controls } from './controls.ts';
import type { RigSocket } from './controls.ts';
import { byId, setText } from './elements.ts';
import { CalibrationView } from './views/calibration-view.ts';
import { EventsView } from './views/events-view.ts';
import { HandView } from './views/hand-view.ts';
import { LinksView } from './views/links-view.ts';
import { Live } from './live.ts';
import { RateView } from './views/rate-view.ts';
import { StagesView } from './views/stages-view.ts';
import { TopBar } from './views/top-bar.ts';
import { UsersView } from './views/users-view.ts';
import { PhaseWordsView } from './views/phase-words-view.ts';

/** A minute over some hundred pixels moves too slowly to be drawn more often; figures that change faster cannot be read. */
const CHARTS_MS = 100;
const FIGURES_MS = 200;
/** Without frames the age of the data still has to grow. */
const HEARTBEAT_MS = 200;
/** A page that there was no room for asks again. */
const ASK_AGAIN_MS = 5000;

const live = new Live();
// Beside the page's own files, so that a proxy may have the page below any path.
const socket: RigSocket = io({
  path: new URL('./socket.io/', document.baseURI).pathname,
  transports: ['websocket'],
  reconnectionDelay: 300,
  reconnectionDelayMax: 1500,
  randomizationFactor: 0.3,
});
const controls = new Controls(socket);
const users = new UsersView();
const rate = new RateView();

/** What is drawn, and how often at most; without a time, with every frame. A view is a section of index.html and a line here. */
const DRAWN: { view: { draw(live: Live): void }; everyMs?: number; drawnMs?: number }[] = [
  { view: new TopBar() },
  { view: controls },
  { view: new BeampatternView() },
  { view: new PhaseWordsView() },
  { view: new EventsView() },
  { view: { draw: () => users.drawFigures(live) }, everyMs: FIGURES_MS },
  { view: { draw: () => rate.drawFigures(live) }, everyMs: FIGURES_MS },
  { view: new LinksView(), everyMs: FIGURES_MS },
  { view: new HandView(socket, controls), everyMs: FIGURES_MS },
  { view: new CalibrationView(socket, controls), everyMs: FIGURES_MS },
  { view: new StagesView(), everyMs: FIGURES_MS },
  { view: { draw: () => users.drawCharts(live) }, everyMs: CHARTS_MS },
  { view: { draw: () => rate.drawChart(live) }, everyMs: CHARTS_MS },
];

let drawnAcks: (() => void)[] = [];
let scheduled = false;

function schedule(): void {
  if (scheduled) return;
  scheduled = true;
  requestAnimationFrame(draw);
}

function draw(nowMs: number): void {
  scheduled = false;
  const acks = drawnAcks;
  drawnAcks = [];
  try {
    for (const drawn of DRAWN) {
      const { view, everyMs = 0, drawnMs = -Infinity } = drawn;
      if (nowMs - drawnMs < everyMs) continue;
      drawn.drawnMs = nowMs;
      view.draw(live);
    }
  } finally {
    for (const ack of acks) ack();
  }
}

socket.on('connect', () => {
  live.connected();
  socket.emit('watch', [...watched]);
  schedule();
});
socket.on('disconnect', (reason) => {
  live.disconnected();
  // The server closes its sockets when it stops; socket.io takes that for a farewell and would not come back by itself.
  if (reason === 'io server disconnect') socket.connect();
  schedule();
});
socket.on('welcome', (welcome) => {
  live.welcomed(welcome);
});
socket.on('connect_error', (error: Error & { data?: Refusal }) => {
  live.disconnected(error.data?.code === 'full' ? error.message : undefined);
  // Refused by the server itself: socket.io would leave it at that.
  if (!socket.active) setTimeout(() => socket.connect(), ASK_AGAIN_MS);
  schedule();
});
socket.on('frame', (frame, drawn) => {
  live.take(frame);
  drawnAcks.push(drawn);
  schedule();
});
setInterval(schedule, HEARTBEAT_MS);

// A costly view is watched while it is unfolded and on the screen. Frames of a hidden tab are not drawn, so they stop by themselves.
const watched = new Set<CostlyView>();
for (const name of ['beampattern', 'words'] as const) {
  const section = byId(name);
  const body = byId(`${name}-body`);
  const fold = section.querySelector<HTMLButtonElement>('.fold');
  let onScreen = true;
  const update = (): void => {
    if (onScreen && !body.hidden) watched.add(name);
    else watched.delete(name);
    if (socket.connected) socket.emit('watch', [...watched]);
  };
  new IntersectionObserver((entries) => {
    onScreen = entries.some((entry) => entry.isIntersecting);
    update();
  }).observe(section);
  fold?.addEventListener('click', () => {
    body.hidden = !body.hidden;
    fold.setAttribute('aria-expanded', String(!body.hidden));
    setText(fold, body.hidden ? 'Show' : 'Hide');
    section.classList.toggle('folded', body.hidden);
    update();
  });
  update();
}
