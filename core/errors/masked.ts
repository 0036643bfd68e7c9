/**
 * Addresses as messages may show them: without the user, the password and the query that stand in them. Messages go to logs and over
 * shoulders, and a URL is most often wrong just where a password with odd characters stands.
 */

/** Any text, each `scheme://user:password@` in it masked, and what a query calls a password or a token. */
export const masked = (text: string): string =>
  text
    .replace(/\b([a-z][a-z0-9+.-]*:\/\/)[^\s"'<>]*@/gi, '$1…@')
    .replace(/([?&](?:u|p|user(?:name)?|pass(?:word)?|token)=)[^&\s"'<>]*/gi, '$1…');

/** One address that somebody typed, whatever is wrong with it: scheme, host and path; what is no port is not shown either. */
export function shownAddress(text: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/{0,2})?(.*)$/is.exec(text) ?? [];
  const at = rest.lastIndexOf('@');
  const place = rest.slice(at + 1).replace(/[?#].*$/s, '?…');
  // Without an @ the colon may be the one between user and password of an address whose host was forgotten.
  const [, host = '', port, path = ''] = /^(\[[^\]]*\]|[^:/]*)(:[^/]*)?(.*)$/s.exec(place) ?? [];
  const shownPort = port === undefined || isPort(port.slice(1)) ? (port ?? '') : ':…';
  return `${scheme}${at < 0 ? '' : '…@'}${host}${shownPort}${path}`;
}

const isPort = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535;
