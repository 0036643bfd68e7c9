/**
 * Who may talk to the server. Its controls move hardware, so a page of another site must not reach it through the browser of somebody in
 * the lab: the Origin that a browser sends has to be this server's own, and the Host has to be a name that a stranger's domain cannot take
 * (DNS rebinding). A proxy in front of the server has a name of its own, which the rig file allows (`dashboard.allowedHosts`): as the Host,
 * where the proxy passes it on, and as the Origin, over http or https, where it does not. Programs that are not browsers send no Origin and
 * are let in. What a proxy claims in X-Forwarded headers decides nothing: anybody can send those.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

export interface OwnNames {
  /** The host that the server was asked to listen on. */
  host: string;
  /** Further names, as `name` (whatever the port) or `name:port`. */
  allowedHosts: readonly string[];
}

/** @returns why a request is refused, for a person; undefined when it is let in */
export function refusalOf(headers: IncomingHttpHeaders, own: OwnNames): string | undefined {
  const { host, origin } = headers;
  if (!host || !(isOwnName(nameOf(host), own.host) || isAllowed(host, own))) {
    return (
      `This server does not answer for the host name "${shown(host)}": use its IP address, localhost, the host of the rig file, ` +
      'or name this host in dashboard.allowedHosts of the rig file.'
    );
  }
  if (origin !== undefined && origin !== `http://${host}` && !isAllowedOrigin(origin, own)) {
    return (
      `Connections from pages of ${shown(origin)} are refused: only the page of this server may control the rig. ` +
      'Where that is a proxy in front of it, name its host in dashboard.allowedHosts of the rig file.'
    );
  }
  return undefined;
}

function isOwnName(name: string, boundHost: string): boolean {
  return isIP(name) !== 0 || name === 'localhost' || name === boundHost.toLowerCase() || name === hostname().toLowerCase();
}

function isAllowedOrigin(origin: string, own: OwnNames): boolean {
  const match = /^(https?):\/\/([^/]+)$/.exec(origin);
  if (!match) return false;
  const [, scheme, authority] = match;
  return isAllowed(authority, own, scheme === 'https' ? '443' : '80');
}

function isAllowed(authority: string, { allowedHosts }: OwnNames, defaultPort = '80'): boolean {
  const [name, port] = [nameOf(authority), portOf(authority) ?? defaultPort];
  return allowedHosts.some((allowed) => nameOf(allowed) === name && (portOf(allowed) ?? port) === port);
}

/** `[::1]:8080` → `::1`, `lab-pc:8080` → `lab-pc`. */
function nameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\](:\d+)?$/.exec(host);
  return (bracketed ? bracketed[1] : host.replace(/:\d+$/, '')).toLowerCase();
}

const portOf = (host: string): string | undefined =>
  /:(\d+)$/.exec(host.startsWith('[') ? host.replace(/^\[.*\]/, '') : host)?.[1];

/** As much of what a stranger sent as a person needs. */
const shown = (text: string | undefined): string => (text ?? '').slice(0, 100);
