/**
 * What each state of each element of a chain misses the nominal grid by: elements down, states across. Pointer and arrow keys read values; what does not do as
 * it is told is marked at the left. It is asked for when it is looked at, and again when other tables are in use.
 */
import type { StateErrorMap } from '../../src/server/socket-contract.ts';
import { degrees, fixed } from '../charts/figures.ts';
import { flawAt, flawKey, signOf, type Flaw } from '../charts/flaw-marks.ts';
import { phaseColour } from '../charts/phase-colours.ts';
import { canvasFont, colour, themeVersion } from '../charts/theme.ts';
import { uniformColour } from '../charts/uniform-colours.ts';
import { element, setText, Surface } from '../elements.ts';

/** phase: with the offset of the element. states: without it. */
export type Quantity = 'phase' | 'states' | 'gain';

/** Values by place of the map, and the range of the colours. */
interface Coloured {
  values: Float64Array;
  from: number;
  to: number;
  /** All around the circle, where both ends are the same. */
  cyclic: boolean;
}

const [LEFT, RIGHT, BOTTOM, TOP] = [52, 8, 18, 4];
const KEY_STEPS = 64;
const MARKS: Partial<Record<string, string>> = { dead: '✕', stuck: '▪', 'dead-or-stuck': '✕', weak: '▽' };
/** Of the states' errors that have a colour of their own. */
const COLOURED_SHARE = 0.98;
/** Offsets that are no larger have a scale of their own: around the circle they would all look alike. */
const SMALL_OFFSETS_DEG = 60;

export class StateMap {
  readonly #surface: Surface;
  readonly #readout = element('p', { className: 'readout', role: 'status' });
  readonly #none = element('p', {
    className: 'empty',
    text: 'No tables: states are taken as ideal, and what they miss is not known. Measure the array to see it here.',
  });
  readonly #key = element('canvas', { className: 'state-key', 'aria-hidden': 'true' });
  readonly #keyText = element('span');
  readonly #cells = document.createElement('canvas');
  #map: StateErrorMap | undefined;
  #quantity: Quantity = 'phase';
  #shown: Coloured | undefined;
  #cursor: { element: number; state: number } | undefined;
  /** Found since the map was measured. */
  #since: readonly Flaw[] = [];
  #drawnKey = '';

  constructor(place: HTMLElement, key: HTMLElement) {
    const plot = element('div', { className: 'stage-plot' });
    plot.append(this.#none);
    place.append(plot, this.#readout);
    key.append(this.#keyText, this.#key);
    this.#surface = new Surface(plot, 'Errors of the states');
    const { canvas } = this.#surface;
    canvas.tabIndex = 0;
    canvas.addEventListener('pointermove', (event) => this.#pointAt(event.offsetX, event.offsetY));
    canvas.addEventListener('pointerleave', () => this.#moveTo(undefined));
    canvas.addEventListener('keydown', (event) => this.#onKey(event));
  }

  show(map: StateErrorMap | undefined, quantity: Quantity): void {
    if (map === this.#map && quantity === this.#quantity) return;
    this.#map = map;
    this.#quantity = quantity;
    this.#shown = map === undefined ? undefined : valuesOf(map, quantity);
    this.#cursor = undefined;
    this.draw();
  }

  /** @param since flaws that were found since the map was measured */
  draw(since: readonly Flaw[] = this.#since): void {
    this.#since = since;
    const key = [
      flawKey(since),
      this.#map?.id,
      this.#map?.chain,
      this.#quantity,
      this.#cursor?.element,
      this.#cursor?.state,
      themeVersion(),
    ].join();
    if (!this.#surface.takeResized() && key === this.#drawnKey) return;
    this.#drawnKey = key;
    const start = this.#surface.begin();
    setText(this.#readout, this.#describe());
    this.#none.hidden = this.#map?.phaseDeg !== null;
    this.#key.hidden = this.#shown === undefined;
    this.#keyText.hidden = this.#shown === undefined;
    if (!start) return;
    const { context, width, height } = start;
    const map = this.#map;
    const shown = this.#shown;
    if (map === undefined || shown === undefined) return;
    const { rows, columns } = sizeOf(map);
    const { cellWidth, cellHeight } = cellsIn(width, height, rows, columns);
    this.#paint(shown, rows, columns);
    context.imageSmoothingEnabled = false;
    context.drawImage(this.#cells, LEFT, TOP, columns * cellWidth, rows * cellHeight);
    context.font = canvasFont(11);
    context.textBaseline = 'middle';
    context.fillStyle = colour('error');
    context.textAlign = 'right';
    const found = this.#foundSince(map);
    for (const { element: n, flaw } of map.flaws)
      if (!found.has(n)) context.fillText(MARKS[flaw] ?? '!', LEFT - 3, TOP + (n + 0.5) * cellHeight);
    context.fillStyle = colour('warning');
    for (const [n, flaw] of found) context.fillText(signOf(flaw), LEFT - 3, TOP + (n + 0.5) * cellHeight);
    context.fillStyle = colour('dim');
    const every = [1, 2, 4, 8, 16, 32, 64, 128, 256].find((step) => step * cellHeight >= 14) ?? 512;
    for (let n = 0; n < rows; n += every) context.fillText(String(n), LEFT - 16, TOP + (n + 0.5) * cellHeight);
    context.textAlign = 'center';
    const across = [1, 2, 4, 8, 16, 32, 64, 128, 256].find((step) => step * cellWidth >= 30) ?? 512;
    for (let s = 0; s < columns; s += across) context.fillText(String(s), LEFT + (s + 0.5) * cellWidth, height - 8);
    this.#drawKey(shown);
    if (this.#cursor === undefined) return;
    context.lineWidth = 2;
    context.strokeStyle = colour('text');
    const { element: n, state } = this.#cursor;
    context.strokeRect(LEFT + state * cellWidth - 1, TOP + n * cellHeight - 1, cellWidth + 2, cellHeight + 2);
  }

  #paint({ values, from, to, cyclic }: Coloured, rows: number, columns: number): void {
    this.#cells.width = columns;
    this.#cells.height = rows;
    const context = this.#cells.getContext('2d');
    if (!context) return;
    const image = context.createImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    values.forEach((value, i) => {
      if (Number.isFinite(value)) pixels[i] = packed(colourOf((value - from) / (to - from), cyclic));
    });
    context.putImageData(image, 0, 0);
  }

  #drawKey({ from, to, cyclic }: Coloured): void {
    const unit = this.#quantity === 'gain' ? ' dB' : '°';
    const digits = cyclic ? 0 : 1;
    setText(this.#keyText, `${fixed(from, digits)} to ${fixed(to, digits)}${unit}`);
    this.#key.width = KEY_STEPS;
    this.#key.height = 1;
    const context = this.#key.getContext('2d');
    for (let i = 0; i < KEY_STEPS && context; i++) {
      context.fillStyle = `rgb(${colourOf(i / (KEY_STEPS - 1), cyclic).join(' ')})`;
      context.fillRect(i, 0, 1, 1);
    }
  }

  #describe(): string {
    const map = this.#map;
    if (map === undefined) return 'Asking for the states…';
    if (map.phaseDeg === null || map.gainDb === null) return 'Nothing to show: states are taken as ideal.';
    const { columns } = sizeOf(map);
    const found = this.#foundSince(map);
    const since = found.size === 0 ? '' : `; found since: ${flawKey([...found.values()])}`;
    if (this.#cursor === undefined)
      return `Elements down, states across; ${map.flaws.length === 0 ? 'no flaws' : map.flaws.map(({ element: n, flaw }) => `element ${n} ${flaw.replaceAll('-', ' ')}`).join(', ')}${since}`;
    const { element: n, state } = this.#cursor;
    const at = n * columns + state;
    const [phase, gain] = [map.phaseDeg[at], map.gainDb[at]];
    const flaw = map.flaws.find((each) => each.element === n)?.flaw;
    const own = valuesOf(map, 'states')?.values[at] ?? NaN;
    const values =
      gain === null
        ? 'not connected'
        : `${phase === null ? 'radiates nothing' : `${degrees(phase)} off the grid, ${degrees(own)} beside its element`}, gain ${fixed(gain, 2)} dB`;
    const [then, now] = [flaw?.replaceAll('-', ' '), found.has(n) ? flawAt([...found.values()], n, map.chain) : undefined];
    const known = [...(then === undefined ? [] : [then]), ...(now === undefined ? [] : [`since: ${now}`])].join('; ');
    return `Element ${n}${known === '' ? '' : ` (${known})`}, word ${state}: ${values}`;
  }

  /** By element, of the chain that is shown. */
  #foundSince({ chain }: StateErrorMap): Map<number, Flaw> {
    const ofChain = this.#since.filter((one) => one.chain === null || one.chain === chain);
    return new Map(ofChain.map((one) => [one.element, one]));
  }

  #pointAt(x: number, y: number): void {
    if (this.#map === undefined || this.#shown === undefined) return;
    const { rows, columns } = sizeOf(this.#map);
    const { clientWidth, clientHeight } = this.#surface.canvas;
    const { cellWidth, cellHeight } = cellsIn(clientWidth, clientHeight, rows, columns);
    const [state, n] = [Math.floor((x - LEFT) / cellWidth), Math.floor((y - TOP) / cellHeight)];
    this.#moveTo(state >= 0 && state < columns && n >= 0 && n < rows ? { element: n, state } : undefined);
  }

  #moveTo(cursor: { element: number; state: number } | undefined): void {
    this.#cursor = cursor;
    this.draw();
  }

  #onKey(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    if (this.#map === undefined || this.#shown === undefined) return;
    if (event.key === 'Escape') this.#moveTo(undefined);
    else if (step) {
      const { rows, columns } = sizeOf(this.#map);
      const { element: n, state } = this.#cursor ?? { element: 0, state: 0 };
      const within = (value: number, most: number): number => Math.min(most - 1, Math.max(0, value));
      this.#moveTo({ element: within(n + step[1], rows), state: within(state + step[0], columns) });
      event.preventDefault();
    }
  }
}

const STEPS: Partial<Record<string, [across: number, down: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

const sizeOf = ({ phaseBits, phaseDeg }: StateErrorMap): { rows: number; columns: number } => {
  const columns = 2 ** phaseBits;
  return { rows: (phaseDeg?.length ?? 0) / columns, columns };
};

const cellsIn = (width: number, height: number, rows: number, columns: number): { cellWidth: number; cellHeight: number } => ({
  cellWidth: (width - LEFT - RIGHT) / columns,
  cellHeight: (height - TOP - BOTTOM) / rows,
});

function valuesOf(map: StateErrorMap, quantity: Quantity): Coloured | undefined {
  const { phaseDeg, gainDb } = map;
  if (phaseDeg === null || gainDb === null) return undefined;
  const { columns } = sizeOf(map);
  const flawed = new Set(map.flaws.map((flaw) => flaw.element));
  const values =
    quantity === 'states'
      ? withoutOffsets(phaseDeg, columns)
      : Float64Array.from(quantity === 'gain' ? gainDb : phaseDeg, (value) => value ?? NaN);
  const healthy = values.filter((value, i) => Number.isFinite(value) && !flawed.has(Math.floor(i / columns)));
  const sizes = healthy.map(Math.abs).sort();
  const limit = Math.max(0.1, sizes[Math.floor(COLOURED_SHARE * (sizes.length - 1))] ?? 1);
  return quantity === 'phase' && limit > SMALL_OFFSETS_DEG
    ? { values, from: -180, to: 180, cyclic: true }
    : { values, from: -limit, to: limit, cyclic: false };
}

const colourOf = (share: number, cyclic: boolean): [number, number, number] =>
  cyclic ? phaseColour(2 * Math.PI * (share - 0.5)) : uniformColour(share);

/** Less the circular mean of each element. */
function withoutOffsets(phaseDeg: readonly (number | null)[], columns: number): Float64Array {
  const out = Float64Array.from(phaseDeg, (value) => value ?? NaN);
  for (let at = 0; at < out.length; at += columns) {
    const row = out.subarray(at, at + columns);
    let [re, im] = [0, 0];
    for (const deg of row.filter(Number.isFinite)) {
      re += Math.cos((deg * Math.PI) / 180);
      im += Math.sin((deg * Math.PI) / 180);
    }
    const middle = (Math.atan2(im, re) * 180) / Math.PI;
    row.forEach((deg, s) => (row[s] = deg - middle - 360 * Math.round((deg - middle) / 360)));
  }
  return out;
}

const packed = ([red, green, blue]: [number, number, number]): number => (0xff000000 | (blue << 16) | (green << 8) | red) >>> 0;
