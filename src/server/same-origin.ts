/**
 * Who may talk to the server. Its controls move hardware, so a page of another site must not reach it through the browser of somebody in
 * the lab: the Origin that a browser sends has to be this server's own, and the Host has to be a name that a stranger's domain cannot take
 * (DNS rebinding). Programs that are not browsers send no Origin and are let in.
 */
import type { IncomingHttpHeaders } from 'node:http';
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** @param boundHost the host that the server was asked to listen on */
export function refusalOf(headers: IncomingHttpHeaders, boundHost: string): string | undefined {
  const { host, origin } = headers;
  if (!host || !isOwnName(nameOf(host), boundHost)) {
    return `This server does not answer for the host name "${host ?? ''}": use its IP address, localhost, or the host of the rig file.`;
  }
  if (origin !== undefined && origin !== `http://${host}`) {
    return `Connections from pages of ${origin} are refused: only the page of this server may control the rig.`;
  }
  return undefined;
}

function isOwnName(name: string, boundHost: string): boolean {
  return isIP(name) !== 0 || name === 'localhost' || name === boundHost.toLowerCase() || name === hostname().toLowerCase();
}

/** `[::1]:8080` → `::1`, `lab-pc:8080` → `lab-pc`. */
function nameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\](:\d+)?$/.exec(host);
  return (bracketed ? bracketed[1] : host.replace(/:\d+$/, '')).toLowerCase();
}
