/** Numbers as the page shows them: with a true minus sign, and a dash where there is none. */
export const fixed = (value: number, digits: number): string =>
  Number.isFinite(value) ? value.toFixed(digits).replace('-', '−') : '–';

export const db = (value: number): string => fixed(value, 1);
export const degrees = (value: number): string => `${fixed(value, 1)}°`;
export const milliseconds = (value: number): string => fixed(value, value < 10 ? 2 : 1);

/** 12 ms, 3.4 s, 5 min */
export function age(ms: number): string {
  if (!Number.isFinite(ms)) return '–';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min`;
}

export const count = (value: number): string => value.toLocaleString('en-US').replaceAll(',', ' ');

/** What a user's beam is predicted to reach, in full or for a narrow place; −∞ dB is that of a user who is not served. */
export function predictedText(predictedDb: number, short: boolean): string {
  if (predictedDb === -Infinity) return 'not served';
  return short ? `pred. ${db(predictedDb)}` : `predicted ${db(predictedDb)} dB`;
}
