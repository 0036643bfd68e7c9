/**
 * The phase words as commanded: one cell for each element of each RF chain, its phase as a cyclic colour, outlined where it changed since the
 * beam before; hatched where the chain does not reach the element, marked where it does not do what it is told. A line array runs from left to right (in several lines when it is long, each
 * named by its elements), a planar array is shown as it stands.
 */
import { counted } from '../../core/errors/counted.ts';
import { byId, element, setText, Surface } from '../elements.ts';
import { degrees } from '../charts/figures.ts';
import { staleBeam } from '../live.ts';
import type { Live } from '../live.ts';
import { phaseColour, wordColours } from '../charts/phase-colours.ts';
import { drawFlaw, flawAt, flawKey } from '../charts/flaw-marks.ts';
import { canvasFont, colour, themeVersion } from '../charts/theme.ts';
import type { RigDescription, PhaseWordsPlot as Words } from '../../src/server/socket-contract.ts';

const LEFT = 52;
/** More of it where lines are named: '1000–1099'. */
const LEFT_OF_LINES = 112;
const LINE_OF_TEXT_PX = 12;
const HATCH_PX = 6;
const BOTTOM = 18;
const GAP = 5;
const SMALLEST_OUTLINED_PX = 5;
const REDRAW_MS = 100;

/** Where the cells lie: one block of rows × columns for each chain, blocks in a grid. */
interface Layout {
  rows: number;
  columns: number;
  blockColumns: number;
  cellWidth: number;
  cellHeight: number;
  /** Left end of the first block. */
  left: number;
  /** Rows of a planar array are stacked upwards. */
  planar: boolean;
}

export class PhaseWordsView {
  readonly #surface: Surface;
  readonly #readout = element('div', { className: 'readout' });
  readonly #by = byId('words-by');
  readonly #cells = document.createElement('canvas');
  #colours = new Uint32Array();
  #shown = new Uint16Array();
  #previous = new Uint16Array();
  #shownCycle = -1;
  #changed = 0;
  /** Phase shifters that there are. */
  #connected = 0;
  #cursor: { element: number; chain: number } | undefined;
  #drawnKey = '';
  #drawnMs = -Infinity;
  #rig: RigDescription | undefined;
  #layout: Layout | undefined;

  constructor() {
    const body = byId('words-body');
    const place = element('div', { className: 'stage-plot' });
    body.classList.add('column');
    body.append(place, this.#readout);
    this.#surface = new Surface(place, 'Phase words');
    const { canvas } = this.#surface;
    canvas.tabIndex = 0;
    canvas.addEventListener('pointermove', (event) => (this.#cursor = this.#cellAt(event.offsetX, event.offsetY)));
    canvas.addEventListener('pointerleave', () => (this.#cursor = undefined));
    canvas.addEventListener('keydown', (event) => this.#onKey(event));
    byId('phase-key').append(...phaseKey());
  }

  draw(live: Live): void {
    const { rig } = live;
    if (rig) this.#drawQuantiser(rig);
    const dark = live.radiation?.shows === 'dark' && live.connection === 'open';
    const words = dark ? undefined : live.words;
    const stale = staleBeam(live);
    const key = [
      words?.cycle,
      stale,
      this.#cursor?.element,
      this.#cursor?.chain,
      themeVersion(),
      rig?.name,
      rig && flawKey(rig.flaws),
    ].join();
    const resized = this.#surface.takeResized();
    const nowMs = performance.now();
    if (!resized && (key === this.#drawnKey || nowMs - this.#drawnMs < REDRAW_MS)) return;
    this.#drawnKey = key;
    this.#drawnMs = nowMs;
    this.#rig = rig;
    const start = this.#surface.begin();
    if (!start) return;
    if (!words || !rig || words.words.byteLength !== 2 * rig.elements * rig.rfChains) {
      setText(this.#readout, stale ?? 'No words yet.');
      return;
    }
    this.#connected = rig.elements * (rig.chainRuns === null ? rig.rfChains : 1);
    this.#take(words);
    this.#layout = layoutOf(rig, start.width, start.height);
    this.#drawCells(start.context, rig, this.#layout, words.phaseBits);
    this.#drawLabels(start.context, rig, this.#layout, start.height);
    this.#describe(rig, words.phaseBits, stale);
  }

  /** Who chooses the words, on which budget and what for. */
  #drawQuantiser({ quantiser: { name, meaning, sweeps }, objective }: RigDescription): void {
    const budget = sweeps === null ? '' : `, ${counted(sweeps, 'sweep')}`;
    setText(this.#by, `by ${name}${budget}, for ${objective}`);
    this.#by.title = `How phases become words: ${meaning}. Digital weights are then best for ${objective}.`;
  }

  #take(words: Words<ArrayBuffer>): void {
    if (words.cycle === this.#shownCycle) return;
    this.#previous = this.#shown;
    this.#shown = new Uint16Array(words.words);
    this.#shownCycle = words.cycle;
    if (this.#colours.length !== 2 ** words.phaseBits) this.#colours = wordColours(words.phaseBits);
    const comparable = this.#previous.length === this.#shown.length;
    this.#changed = comparable ? this.#shown.reduce((sum, word, i) => sum + Number(word !== this.#previous[i]), 0) : 0;
  }

  #drawCells(context: CanvasRenderingContext2D, rig: RigDescription, layout: Layout, phaseBits: number): void {
    const { rows, columns, cellWidth, cellHeight } = layout;
    const [cells, cellContext] = [this.#cells, this.#cells.getContext('2d')];
    if (!cellContext) return;
    if (cells.width !== columns || cells.height !== rows) {
      cells.width = columns;
      cells.height = rows;
    }
    const image = cellContext.createImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    const outlined = this.#outlines(layout);
    context.imageSmoothingEnabled = false;
    const hatch = rig.chainRuns === null ? null : hatching(context);
    for (let chain = 0; chain < rig.rfChains; chain++) {
      pixels.fill(0);
      for (let n = 0; n < rig.elements; n++) {
        const [column, line] = cellOf(layout, n);
        if (!isConnected(rig, n, chain)) continue;
        pixels[line * columns + column] = this.#colours[this.#shown[n * rig.rfChains + chain]];
      }
      cellContext.putImageData(image, 0, 0);
      const [left, top] = cornerOf(layout, chain);
      if (hatch) {
        context.fillStyle = hatch;
        for (const [first, count] of unconnectedCells(rig, layout, chain)) {
          const [x, y] = placeOf(layout, first, chain);
          context.fillRect(x, y, count * cellWidth, cellHeight);
        }
      }
      context.drawImage(cells, left, top, columns * cellWidth, rows * cellHeight);
      if (outlined) this.#outlineChanged(context, rig, layout, chain, phaseBits);
      markFlaws(context, rig, layout, chain);
    }
    if (this.#cursor) {
      const [x, y] = placeOf(layout, this.#cursor.element, this.#cursor.chain);
      context.lineWidth = 2;
      context.strokeStyle = colour('text');
      context.strokeRect(x - 1, y - 1, cellWidth + 2, cellHeight + 2);
    }
  }

  /** Outlines single something out: they help nobody on cells too small for them, or when most cells have one. */
  #outlines({ cellWidth, cellHeight }: Layout): boolean {
    return Math.min(cellWidth, cellHeight) >= SMALLEST_OUTLINED_PX && this.#changed <= this.#connected / 2;
  }

  #outlineChanged(
    context: CanvasRenderingContext2D,
    rig: RigDescription,
    layout: Layout,
    chain: number,
    phaseBits: number,
  ): void {
    context.lineWidth = 1.5;
    for (let n = 0; n < rig.elements; n++) {
      const i = n * rig.rfChains + chain;
      if (this.#shown[i] === this.#previous[i]) continue;
      const [x, y] = placeOf(layout, n, chain);
      // Phases near 0° are light, near 180° dark: the outline is the opposite.
      context.strokeStyle = Math.cos((2 * Math.PI * this.#shown[i]) / 2 ** phaseBits) > -0.1 ? '#000000c8' : '#ffffffd8';
      context.strokeRect(x + 1, y + 1, layout.cellWidth - 2, layout.cellHeight - 2);
    }
  }

  #drawLabels(context: CanvasRenderingContext2D, rig: RigDescription, layout: Layout, height: number): void {
    context.font = canvasFont(11);
    context.fillStyle = colour('dim');
    context.textBaseline = 'middle';
    context.textAlign = 'left';
    for (let chain = 0; chain < rig.rfChains; chain++) {
      const [left, top] = cornerOf(layout, chain);
      if (layout.planar) context.fillText(`chain ${chain}`, left, top - 7);
      else context.fillText(`chain ${chain}`, 0, top + (layout.rows * layout.cellHeight) / 2);
      if (!layout.planar && layout.rows > 1) nameLines(context, rig, layout, chain);
    }
    if (layout.planar) return;
    context.textAlign = 'center';
    const step = [1, 2, 4, 8, 16, 32, 64, 128, 256].find((size) => size * layout.cellWidth >= 28) ?? 512;
    // Below several lines it is the place in each of them.
    const sign = layout.rows > 1 ? '+' : '';
    for (let n = 0; n < layout.columns; n += step)
      context.fillText(`${sign}${n}`, layout.left + (n + 0.5) * layout.cellWidth, height - 8);
  }

  #describe(rig: RigDescription, phaseBits: number, stale: string | undefined): void {
    if (this.#cursor) {
      const { element: n, chain } = this.#cursor;
      const word = this.#shown[n * rig.rfChains + chain];
      const shows = isConnected(rig, n, chain)
        ? `word ${word} of ${2 ** phaseBits}, ${degrees((360 * word) / 2 ** phaseBits)}`
        : 'not connected';
      const flaw = flawAt(rig.flaws, n, chain);
      setText(this.#readout, `Element ${n}, chain ${chain}: ${shows}${flaw === undefined ? '' : `; ${flaw}`}`);
    } else {
      const outlined = this.#layout && this.#changed > 0 && this.#outlines(this.#layout) ? ', outlined' : '';
      const lines = this.#layout && this.#layout.rows > 1 ? `, ${this.#layout.columns} a line` : '';
      const order = this.#layout?.planar ? 'As the array stands' : `Elements left to right${lines}`;
      const hatched = rig.chainRuns === null ? '' : ', hatched: not connected';
      const changed = `${this.#changed} of ${counted(this.#connected, 'word')} changed${outlined}`;
      const flaws = flawKey(rig.flaws);
      setText(this.#readout, stale ?? `${order} · ${changed}${hatched}${flaws === '' ? '' : ` · ${flaws}`}`);
    }
    this.#surface.canvas.setAttribute(
      'aria-label',
      `Phase words of ${counted(rig.elements, 'element')} and ${counted(rig.rfChains, 'RF chain')}. Arrow keys move the cursor.`,
    );
  }

  #cellAt(x: number, y: number): { element: number; chain: number } | undefined {
    const [layout, rig] = [this.#layout, this.#rig];
    if (!layout || !rig) return undefined;
    for (let chain = 0; chain < rig.rfChains; chain++) {
      const [left, top] = cornerOf(layout, chain);
      const [column, row] = [Math.floor((x - left) / layout.cellWidth), Math.floor((y - top) / layout.cellHeight)];
      if (column < 0 || column >= layout.columns || row < 0 || row >= layout.rows) continue;
      const n = (layout.planar ? layout.rows - 1 - row : row) * layout.columns + column;
      return n < rig.elements ? { element: n, chain } : undefined;
    }
    return undefined;
  }

  #onKey(event: KeyboardEvent): void {
    const rig = this.#rig;
    if (!rig) return;
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-1, 0],
      ArrowRight: [1, 0],
      ArrowUp: [0, -1],
      ArrowDown: [0, 1],
    };
    const step = steps[event.key];
    if (step) {
      const from = this.#cursor ?? { element: 0, chain: 0 };
      this.#cursor = {
        element: Math.min(rig.elements - 1, Math.max(0, from.element + step[0])),
        chain: Math.min(rig.rfChains - 1, Math.max(0, from.chain + step[1])),
      };
    } else if (event.key === 'Escape') this.#cursor = undefined;
    else return;
    event.preventDefault();
  }
}

function layoutOf(rig: RigDescription, width: number, height: number): Layout {
  const { kind, rows = 1, columns = rig.elements } = rig.geometry;
  if (kind === 'upa') {
    let best: Layout | undefined;
    for (let blockColumns = 1; blockColumns <= rig.rfChains; blockColumns++) {
      const blockRows = Math.ceil(rig.rfChains / blockColumns);
      const cellWidth = (width / blockColumns - GAP) / columns;
      const cellHeight = (height / blockRows - GAP - 14) / rows;
      const cell = Math.min(cellWidth, cellHeight);
      if (!best || cell > best.cellWidth)
        best = { rows, columns, blockColumns, cellWidth: cell, cellHeight: cell, left: 0, planar: true };
    }
    if (best) return { ...best, left: (width - best.blockColumns * (best.columns * best.cellWidth + GAP) + GAP) / 2 };
  }
  const lines = Math.max(1, Math.ceil((rig.elements * 4) / (width - LEFT - 6)));
  const left = lines > 1 ? LEFT_OF_LINES : LEFT;
  const room = width - left - 6;
  const inLine = Math.ceil(rig.elements / lines);
  return {
    rows: lines,
    columns: inLine,
    blockColumns: 1,
    cellWidth: room / inLine,
    cellHeight: ((height - BOTTOM) / rig.rfChains - GAP) / lines,
    left,
    planar: false,
  };
}

const isConnected = ({ chainRuns }: RigDescription, n: number, chain: number): boolean => {
  if (chainRuns === null) return true;
  const { first, count } = chainRuns[chain];
  return n >= first && n < first + count;
};

function markFlaws(context: CanvasRenderingContext2D, rig: RigDescription, layout: Layout, chain: number): void {
  for (const flaw of rig.flaws) {
    if (!isConnected(rig, flaw.element, chain) || (flaw.chain ?? chain) !== chain) continue;
    const [x, y] = placeOf(layout, flaw.element, chain);
    drawFlaw(context, flaw, x, y, layout.cellWidth, layout.cellHeight);
  }
}

/** Runs of cells in a line that hang on another chain: their first element, and how many. */
function unconnectedCells(rig: RigDescription, { columns }: Layout, chain: number): [first: number, count: number][] {
  const runs: [number, number][] = [];
  for (let n = 0; n < rig.elements; n++) {
    if (isConnected(rig, n, chain)) continue;
    const last = runs.at(-1);
    if (last && last[0] + last[1] === n && n % columns !== 0) last[1]++;
    else runs.push([n, 1]);
  }
  return runs;
}

/** Lines that rise: no phase has such a colour. */
function hatching(context: CanvasRenderingContext2D): CanvasPattern | null {
  const tile = document.createElement('canvas');
  tile.width = HATCH_PX;
  tile.height = HATCH_PX;
  const lines = tile.getContext('2d');
  if (!lines) return null;
  lines.strokeStyle = colour('grid');
  for (const shift of [-HATCH_PX, 0, HATCH_PX]) {
    lines.moveTo(shift, HATCH_PX);
    lines.lineTo(shift + HATCH_PX, 0);
  }
  lines.stroke();
  return context.createPattern(tile, 'repeat');
}

/** The elements of each line of a chain, or of as many of them as there is room for. */
function nameLines(context: CanvasRenderingContext2D, { elements }: RigDescription, layout: Layout, chain: number): void {
  const { rows, columns, cellHeight, left } = layout;
  const every = Math.ceil(LINE_OF_TEXT_PX / cellHeight);
  if (every > rows) return;
  context.textAlign = 'right';
  for (let row = 0; row < rows; row += every) {
    const last = Math.min(elements, (row + 1) * columns) - 1;
    const [, top] = placeOf(layout, row * columns, chain);
    context.fillText(`${row * columns}–${last}`, left - 5, top + cellHeight / 2);
  }
  context.textAlign = 'left';
}

/** Upper left corner of a chain's block. */
function cornerOf(layout: Layout, chain: number): [number, number] {
  const { rows, columns, blockColumns, cellWidth, cellHeight, planar } = layout;
  const [blockRow, blockColumn] = [Math.floor(chain / blockColumns), chain % blockColumns];
  const above = planar ? 14 : 0;
  return [layout.left + blockColumn * (columns * cellWidth + GAP), above + blockRow * (rows * cellHeight + GAP + above)];
}

/** Column and line of an element's cell within its block, the line counted downwards. */
function cellOf({ rows, columns, planar }: Layout, n: number): [column: number, line: number] {
  const row = Math.floor(n / columns);
  return [n % columns, planar ? rows - 1 - row : row];
}

/** Upper left corner of an element's cell. */
function placeOf(layout: Layout, n: number, chain: number): [number, number] {
  const [left, top] = cornerOf(layout, chain);
  const [column, line] = cellOf(layout, n);
  return [left + column * layout.cellWidth, top + line * layout.cellHeight];
}

/** The circle of phases, unrolled. */
function phaseKey(): Node[] {
  const canvas = element('canvas', { role: 'img', 'aria-label': 'Colours of the phases from 0° to 360°' });
  canvas.width = 360;
  canvas.height = 1;
  canvas.style.width = '132px';
  canvas.style.height = '10px';
  canvas.style.borderRadius = '2px';
  canvas.style.margin = '0 5px';
  const context = canvas.getContext('2d');
  for (let i = 0; i < 360 && context; i++) {
    context.fillStyle = `rgb(${phaseColour((i * Math.PI) / 180).join(' ')})`;
    context.fillRect(i, 0, 1, 1);
  }
  return [document.createTextNode('0°'), canvas, document.createTextNode('360°')];
}
