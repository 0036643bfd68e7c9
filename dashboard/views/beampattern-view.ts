/** The beampattern of the newest beam, dB over azimuth, as a plain plot or as the half circle in front of the array, users and sensing marked. */

import type { PatternCutPlot } from '../../src/server/socket-contract.ts';
import { byId, element, setText, Surface } from '../elements.ts';
import { db, degrees } from '../charts/figures.ts';
import { staleBeam } from '../live.ts';
import type { Live } from '../live.ts';
import { canvasFont, colour, themeVersion, userColour } from '../charts/theme.ts';

const SPAN_DB = 50;
/** Diameter of a user's number. */
const MARK_PX = 18;
/** How far the triangle of a direction to sense reaches in. */
const DIRECTION_PX = 11;
const RAD = Math.PI / 180;

type Cut = PatternCutPlot<ArrayBuffer>;
const CUTS = ['azimuth', 'elevation'] as const;

/** Levels in dB at the angles. */
interface Lines {
  angles: Float32Array;
  commanded: Float32Array;
  wanted: Float32Array;
  /** By sensing. */
  wished: Float32Array | undefined;
}

interface Plane {
  context: CanvasRenderingContext2D;
  /** Where a direction and a level lie on the canvas. */
  place: (azimuthDeg: number, levelDb: number) => [x: number, y: number];
}

export class BeampatternView {
  readonly #surface: Surface;
  readonly #readout = element('div', { className: 'readout' });
  #shape: 'rectangular' | 'polar' = 'rectangular';
  #cursorDeg: number | undefined;
  /** Which of the cuts is shown. */
  #cut = 0;
  #topDb = 0;
  #drawnKey = '';
  #labelledMs = -Infinity;
  #plotArea = { left: 0, right: 1 };

  constructor() {
    const body = byId('beampattern-body');
    const place = element('div', { className: 'stage-plot' });
    body.classList.add('column');
    body.append(place, this.#readout);
    this.#surface = new Surface(place, 'Beampattern');
    const { canvas } = this.#surface;
    canvas.tabIndex = 0;
    canvas.addEventListener('pointermove', (event) => this.#pointAt(event.offsetX, event.offsetY));
    canvas.addEventListener('pointerleave', () => (this.#cursorDeg = undefined));
    canvas.addEventListener('keydown', (event) => this.#onKey(event));
    CUTS.forEach((axis, cut) => byId(axis).addEventListener('click', () => this.#setCut(cut)));
    for (const shape of ['rectangular', 'polar'] as const) {
      byId(shape).addEventListener('click', () => this.#setShape(shape));
    }
  }

  draw(live: Live): void {
    const dark = live.radiation?.shows === 'dark' && live.connection === 'open';
    const pattern = dark ? undefined : live.beampattern;
    const cut = pattern?.cuts[this.#cut] ?? pattern?.cuts[0];
    this.#offerCuts(pattern?.cuts.map(({ axis }) => axis) ?? []);
    byId('sensing-key').hidden = cut?.sensing == null;
    const stale = staleBeam(live);
    const key = [pattern?.cycle, stale, this.#shape, this.#cursorDeg, this.#cut, themeVersion(), live.rig?.name].join();
    if (key === this.#drawnKey && !this.#surface.takeResized()) return;
    this.#drawnKey = key;
    const start = this.#surface.begin();
    if (!start) return;
    if (!cut) {
      setText(this.#readout, stale ?? 'No beam yet.');
      return;
    }
    const angles = new Float32Array(cut.anglesDeg);
    const commanded = new Float32Array(cut.commandedDb);
    const wanted = new Float32Array(cut.wantedDb);
    const wished = cut.sensing === null ? undefined : new Float32Array(cut.sensing.wishedDb);
    this.#keepTop(commanded, wanted, wished ?? wanted);
    const { context, width, height } = start;
    const plane =
      this.#shape === 'polar' ? this.#polarPlane(context, width, height) : this.#rectangularPlane(context, width, height);
    if (wished) this.#line(plane, wished, angles, { stroke: colour('sensing'), width: 1.6, dash: [1, 3] });
    this.#line(plane, wanted, angles, { stroke: colour('text'), width: 1.4, dash: [4, 3] });
    this.#line(plane, commanded, angles, { stroke: colour('accent'), width: 1.8, fill: true });
    this.#markUsers(plane, cut.users);
    this.#markDirections(plane, cut.sensing?.directions ?? []);
    this.#drawCursor(plane, { angles, commanded, wanted, wished }, cut, stale);
  }

  #setShape(shape: 'rectangular' | 'polar'): void {
    this.#shape = shape;
    for (const each of ['rectangular', 'polar']) byId(each).setAttribute('aria-pressed', String(each === shape));
  }

  /** The axis ends at a multiple of 10 dB above the peak, and stays there while the peak moves a little. */
  #keepTop(...lines: Float32Array[]): void {
    let peak = -Infinity;
    for (const line of lines) for (const value of line) peak = Math.max(peak, value);
    if (peak > this.#topDb || peak < this.#topDb - 14) this.#topDb = Math.ceil((peak + 1) / 10) * 10;
  }

  #rectangularPlane(context: CanvasRenderingContext2D, width: number, height: number): Plane {
    const [left, right, top, bottom] = [34, width - 10, 24, height - 20];
    this.#plotArea = { left, right };
    const x = (azimuthDeg: number): number => left + ((azimuthDeg + 90) / 180) * (right - left);
    const y = (levelDb: number): number => Math.min(bottom, top + ((this.#topDb - levelDb) / SPAN_DB) * (bottom - top));
    context.font = canvasFont(11);
    context.fillStyle = colour('dim');
    context.strokeStyle = colour('grid');
    context.lineWidth = 1;
    context.textAlign = 'right';
    context.textBaseline = 'middle';
    for (let level = this.#topDb; level >= this.#topDb - SPAN_DB; level -= 10) {
      segment(context, left, y(level), right, y(level));
      context.fillText(String(level).replace('-', '−'), left - 6, y(level));
    }
    context.textAlign = 'center';
    context.textBaseline = 'top';
    for (let azimuth = -90; azimuth <= 90; azimuth += 30) {
      segment(context, x(azimuth), top, x(azimuth), bottom);
      const label = `${String(azimuth).replace('-', '−')}°`;
      context.textAlign = azimuth === -90 ? 'left' : azimuth === 90 ? 'right' : 'center';
      context.fillText(label, x(azimuth), bottom + 5);
    }
    context.textAlign = 'left';
    context.textBaseline = 'alphabetic';
    context.fillText('dB', 8, top - 10);
    return { context, place: (azimuthDeg, levelDb) => [x(azimuthDeg), y(levelDb)] };
  }

  #polarPlane(context: CanvasRenderingContext2D, width: number, height: number): Plane {
    const radius = Math.min(width / 2 - 34, height - 46);
    const [centreX, centreY] = [width / 2, height / 2 + radius / 2 + 4];
    const place = (azimuthDeg: number, levelDb: number): [number, number] => {
      const distance = radius * Math.max(0, 1 - (this.#topDb - levelDb) / SPAN_DB);
      return [centreX + distance * Math.sin(azimuthDeg * RAD), centreY - distance * Math.cos(azimuthDeg * RAD)];
    };
    context.font = canvasFont(11);
    context.fillStyle = colour('dim');
    context.strokeStyle = colour('grid');
    context.lineWidth = 1;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (let below = 0; below < SPAN_DB; below += 10) {
      context.beginPath();
      context.arc(centreX, centreY, radius * (1 - below / SPAN_DB), -Math.PI, 0);
      context.stroke();
      context.fillText(
        `${String(this.#topDb - below).replace('-', '−')}${below === 0 ? ' dB' : ''}`,
        centreX + radius * (1 - below / SPAN_DB) - 4,
        centreY + 10,
      );
    }
    for (let azimuth = -90; azimuth <= 90; azimuth += 30) {
      segment(context, centreX, centreY, ...place(azimuth, this.#topDb));
      const outside: [number, number] = place(azimuth, this.#topDb + (SPAN_DB * 17) / radius);
      if (Math.abs(azimuth) < 90) context.fillText(`${String(azimuth).replace('-', '−')}°`, ...outside);
    }
    context.fillText('−90°', centreX - radius - 18, centreY);
    context.fillText('90°', centreX + radius + 18, centreY);
    return { context, place };
  }

  #line(
    { context, place }: Plane,
    levels: Float32Array,
    angles: Float32Array,
    style: { stroke: string; width: number; dash?: number[]; fill?: boolean },
  ): void {
    context.save();
    context.beginPath();
    levels.forEach((level, i) => context.lineTo(...place(angles[i], level)));
    context.strokeStyle = style.stroke;
    context.lineWidth = style.width;
    context.lineJoin = 'round';
    context.setLineDash(style.dash ?? []);
    context.stroke();
    if (style.fill) {
      const floor = this.#topDb - SPAN_DB;
      context.lineTo(...place(90, floor));
      context.lineTo(...place(-90, floor));
      context.globalAlpha = 0.13;
      context.fillStyle = style.stroke;
      context.fill();
    }
    context.restore();
  }

  /** A planar array has a second cut to choose. */
  #offerCuts(axes: readonly Cut['axis'][]): void {
    const many = axes.length > 1;
    if (byId('cuts').hidden === many) byId('cuts').hidden = !many;
    if (!many && axes.length > 0) this.#setCut(0);
  }

  #setCut(cut: number): void {
    if (cut === this.#cut) return;
    this.#cut = cut;
    CUTS.forEach((axis, i) => byId(axis).setAttribute('aria-pressed', String(i === cut)));
  }

  #markUsers({ context, place }: Plane, users: Cut['users']): void {
    const above = this.#shape === 'polar' ? 0 : 10;
    const inOrder = users.toSorted((a, b) => a.deg - b.deg);
    let previousX = -Infinity;
    context.save();
    context.font = canvasFont(12, 700);
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    for (const { deg: azimuthDeg, user } of inOrder) {
      const [x, y] = place(azimuthDeg, this.#topDb);
      // Users close to each other keep a legible number each; the dotted line stays where the user is.
      const labelX = this.#shape === 'polar' ? x : Math.max(x, previousX + MARK_PX);
      previousX = labelX;
      context.strokeStyle = userColour(user);
      context.lineWidth = 1.3;
      context.setLineDash([2, 3]);
      segment(context, x, y, ...place(azimuthDeg, this.#topDb - SPAN_DB));
      context.fillStyle = userColour(user);
      context.beginPath();
      context.arc(labelX, y - above, MARK_PX / 2, 0, 2 * Math.PI);
      context.fill();
      context.fillStyle = colour('surface');
      context.fillText(String(user), labelX, y - above + 0.5);
    }
    context.restore();
  }

  /** A triangle at the edge, and a line to it: users have circles. */
  #markDirections({ context, place }: Plane, directions: readonly { deg: number }[]): void {
    context.save();
    context.strokeStyle = colour('sensing');
    context.fillStyle = colour('sensing');
    context.lineWidth = 1.3;
    context.setLineDash([1, 4]);
    for (const { deg } of directions) {
      const floor = place(deg, this.#topDb - SPAN_DB);
      const [x, y] = place(deg, this.#topDb);
      segment(context, x, y, ...floor);
      // Its tip points along the line, from the edge inwards.
      const [alongX, alongY] = place(deg, this.#topDb - SPAN_DB / 2);
      const length = Math.hypot(alongX - x, alongY - y);
      const [dx, dy] = [(alongX - x) / length, (alongY - y) / length];
      context.beginPath();
      context.moveTo(x + DIRECTION_PX * dx, y + DIRECTION_PX * dy);
      context.lineTo(x - (DIRECTION_PX / 2) * dy, y + (DIRECTION_PX / 2) * dx);
      context.lineTo(x + (DIRECTION_PX / 2) * dy, y - (DIRECTION_PX / 2) * dx);
      context.fill();
    }
    context.restore();
  }

  #drawCursor(
    { context, place }: Plane,
    { angles, commanded, wanted, wished }: Lines,
    { users, axis, atDeg, sensing }: Cut,
    stale: string | undefined,
  ): void {
    const nearest = (deg: number): number =>
      angles.reduce((best, angle, i) => (Math.abs(angle - deg) < Math.abs(angles[best] - deg) ? i : best), 0);
    const peak = commanded.indexOf(commanded.reduce((most, value) => Math.max(most, value), -Infinity));
    const plane = this.#cut === 0 ? '' : `Elevation at azimuth ${degrees(atDeg)} · `;
    const peakText = `${plane}Peak ${db(commanded[peak])} dB at ${degrees(angles[peak])}`;
    if (this.#cursorDeg === undefined) {
      const towards = users.map((one) => `user ${one.user}: ${db(commanded[one.place])}`);
      const sensed = (sensing?.directions ?? []).map(
        (one) => `${degrees(one.deg)}: ${db(commanded[one.place])}, wished ${db(wished?.[one.place] ?? NaN)}`,
      );
      const ofSensing = sensed.length === 0 ? [] : [`sensing ${sensed.join('; ')}`];
      setText(this.#readout, stale ?? [peakText, ...towards, ...ofSensing].join(' · '));
      this.#readout.title = this.#readout.textContent;
    } else {
      const i = nearest(this.#cursorDeg);
      context.strokeStyle = colour('text');
      context.lineWidth = 1;
      segment(context, ...place(this.#cursorDeg, this.#topDb), ...place(this.#cursorDeg, this.#topDb - SPAN_DB));
      setText(
        this.#readout,
        `At ${degrees(this.#cursorDeg)}: ${db(commanded[i])} dB commanded, ${db(wanted[i])} dB before quantising${wished ? `, ${db(wished[i])} dB wished by sensing` : ''}`,
      );
    }
    // Said aloud once in a while, not thirty times a second.
    if (performance.now() - this.#labelledMs > 2000) {
      this.#labelledMs = performance.now();
      this.#surface.canvas.setAttribute(
        'aria-label',
        `Calculated beampattern, dB over ${axis}. ${peakText}. Arrow keys move the cursor.`,
      );
    }
  }

  #pointAt(x: number, y: number): void {
    const { clientWidth: width, clientHeight: height } = this.#surface.canvas;
    if (this.#shape === 'polar') {
      const radius = Math.min(width / 2 - 34, height - 46);
      this.#moveCursor(Math.atan2(x - width / 2, height / 2 + radius / 2 + 4 - y) / RAD);
    } else {
      const { left, right } = this.#plotArea;
      this.#moveCursor(((x - left) / (right - left)) * 180 - 90);
    }
  }

  #onKey(event: KeyboardEvent): void {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageDown: -10, PageUp: 10 }[event.key];
    if (step !== undefined) this.#moveCursor((this.#cursorDeg ?? 0) + step);
    else if (event.key === 'Escape') this.#cursorDeg = undefined;
    else return;
    event.preventDefault();
  }

  #moveCursor(azimuthDeg: number): void {
    this.#cursorDeg = Math.round(2 * Math.min(90, Math.max(-90, azimuthDeg))) / 2;
  }
}

function segment(context: CanvasRenderingContext2D, fromX: number, fromY: number, toX: number, toY: number): void {
  context.beginPath();
  context.moveTo(fromX, fromY);
  context.lineTo(toX, toY);
  context.stroke();
}
