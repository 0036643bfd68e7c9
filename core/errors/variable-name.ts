/**
 * The name of an environment variable, as messages may show it. Where a name belongs, people write the secret itself, and messages go to logs
 * and over shoulders: only what is written like a name, in capitals, and is no key in hexadecimal digits, is shown.
 */
export const shownVariable = (name: string): string =>
  /^[A-Z_][A-Z0-9_]{0,63}$/.test(name) && !looksLikeKey(name) ? name : '(not shown: it may be the secret itself)';

/** Nobody names a variable so; a rig file that holds it is copied into run folders. */
export const looksLikeKey = (name: string): boolean => /^[0-9A-Fa-f]{32,}$/.test(name);
