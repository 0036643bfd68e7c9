/** The style sheet's colours for canvases, which know no style sheets. They change when the system goes from light to dark. */
const cache = new Map<string, string>();
let version = 0;

window.matchMedia('(prefers-color-scheme: light)').addEventListener('change', () => {
  cache.clear();
  version++;
});

/** Counts the changes of theme: what was drawn under another version has to be drawn anew. */
export const themeVersion = (): number => version;

/** A colour of styles/base.css by its name without the dashes: 'text', 'user-0', … */
export function colour(name: string): string {
  let value = cache.get(name);
  if (value === undefined) {
    value = getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
    cache.set(name, value);
  }
  return value;
}

/** Users keep their colour everywhere on the page; beyond these the colours come again, and the number tells. */
export const USER_COLOURS = 6;
export const userColour = (user: number): string => colour(`user-${user % USER_COLOURS}`);

export const CANVAS_FONT_FAMILY =
  "-apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Noto Sans', 'DejaVu Sans Condensed', sans-serif";
export const canvasFont = (px: number, weight = 400): string => `${weight} ${px}px ${CANVAS_FONT_FAMILY}`;
