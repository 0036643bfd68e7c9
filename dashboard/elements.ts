/** Shorthand for the DOM, and canvases that keep the size of their place on every kind of screen. */

/** The element with an id of index.html. */
export function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  const found = document.getElementById(id);
  if (!found) throw new Error(`index.html has no #${id}`);
  return found as T;
}

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: { className?: string; text?: string } & Record<string, string | undefined> = {},
  ...children: Node[]
): HTMLElementTagNameMap[K] {
  const { className, text, ...attributes } = properties;
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Writes only what differs, so that nothing is laid out anew and no screen reader speaks for nothing. */
export function setText(node: Node, text: string): void {
  if (node.textContent !== text) node.textContent = text;
}

/** A canvas that fills its container, drawn in CSS pixels. */
export class Surface {
  readonly canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #resized = true;

  constructor(container: HTMLElement, label: string) {
    this.canvas = element('canvas', { role: 'img', 'aria-label': label });
    container.append(element('div', { className: 'plot' }, this.canvas));
    const context = this.canvas.getContext('2d');
    if (!context) throw new Error('this browser has no canvas');
    this.#context = context;
    new ResizeObserver(() => (this.#resized = true)).observe(this.canvas);
  }

  /** True once after the place changed its size. */
  takeResized(): boolean {
    const resized = this.#resized;
    this.#resized = false;
    return resized;
  }

  /** An empty canvas to draw on; undefined while it has no room. */
  begin(): { context: CanvasRenderingContext2D; width: number; height: number } | undefined {
    const { clientWidth: width, clientHeight: height } = this.canvas;
    if (width < 20 || height < 20) return undefined;
    const ratio = window.devicePixelRatio;
    const [pixelsWide, pixelsHigh] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.canvas.width !== pixelsWide || this.canvas.height !== pixelsHigh) {
      this.canvas.width = pixelsWide;
      this.canvas.height = pixelsHigh;
    }
    this.#context.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#context.clearRect(0, 0, width, height);
    return { context: this.#context, width, height };
  }
}
