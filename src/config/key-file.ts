/**
 * The rig's key, from where other people cannot read it: a file that only its owner may open, or an environment variable. It is read when a
 * link needs it and kept nowhere else; messages name the file or the variable, never a character of the key.
 */
import { counted } from '../../core/errors/counted.ts';
import { readFileSync, statSync } from 'node:fs';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { shownVariable } from '../../core/errors/variable-name.ts';
import { readBoundedFile } from '../../core/files/bounded-file.ts';
import type { RigFile } from './rig-file.ts';

const SHORTEST = 16;
const LONGEST = 64;
/** Room for 64 bytes as hex with spaces and a line end; more is no key file. */
const LONGEST_TEXT = 1024;

/**
 * The key that the frames of this rig are authenticated with.
 * @returns 16 to 64 bytes; undefined when the rig file asks for no authentication
 * @throws BeamrigError 'key' when it cannot be had, is no key, or the file is open to others
 */
export function readRigKey(rig: Pick<RigFile, 'authentication'>): Uint8Array | undefined {
  const { keyFile, keyEnv } = rig.authentication ?? {};
  if (keyFile !== undefined) return keyOf(textOfFile(keyFile), `authentication.keyFile: ${keyFile}`);
  if (keyEnv === undefined) return undefined;
  const text = process.env[keyEnv];
  const named = shownVariable(keyEnv);
  const from = `authentication.keyEnv: the environment variable ${named}`;
  if (text === undefined || text === '') {
    throw refused(
      text === undefined ? `${from} is not set` : `${from} is set and empty`,
      named === keyEnv
        ? `Put the rig’s key into ${keyEnv}, or a new one: export ${keyEnv}="$(openssl rand -hex 32)"`
        : 'Write a name in capitals, like RIG_KEY, and put the key into the variable of that name.',
    );
  }
  return keyOf(text, from);
}

function textOfFile(path: string): string {
  const named = `authentication.keyFile: ${path}`;
  // Read again with every new session, which a pipe cannot be.
  const read = readBoundedFile(path, { maxBytes: LONGEST_TEXT, pipes: 'refuse' });
  if (!read.ok) {
    // Only where nothing is: a key that is there is the one that the panels know.
    if (read.reason === 'missing') {
      throw refused(`${named} is not there`, `Make one: (umask 077; openssl rand -hex 32 > ${path})`, read.cause);
    }
    if (read.reason === 'not-allowed') throw unreadable(path, named, read.cause);
    if (read.reason === 'no-file')
      throw refused(`${named} is not a file: ${read.why}`, 'Give the path of a file that holds the key.');
    if (read.reason === 'too-large') throw refused(`${named} is too long for a key`, WAY_OUT);
    throw refused(`${named}: ${read.why}`, 'Give the path of a file that holds the key.', read.cause);
  }
  const mode = read.mode & 0o777;
  if ((mode & 0o077) !== 0) {
    const shown = mode.toString(8).padStart(4, '0');
    throw refused(`${named} has mode ${shown}: others than its owner may open it; allowed: 0600`, `Run: chmod 600 ${path}`);
  }
  return read.bytes.toString('utf8');
}

function unreadable(path: string, named: string, cause: unknown): BeamrigError {
  const us = process.geteuid?.();
  let owner: number;
  try {
    owner = statSync(path).uid;
  } catch {
    return refused(`${named} is in a folder that this user may not enter`, 'Run as the user who may, or move the file.', cause);
  }
  if (owner === us) return refused(`${named} may not be read even by its owner, this user`, `Run: chmod 600 ${path}`, cause);
  const ownerName = nameOfUser(owner);
  const wayOut = `Run as ${ownerName}, or give the file to this user: sudo chown "$USER" ${path}`;
  return refused(`${named} belongs to ${ownerName}, and this user may not read it`, wayOut, cause);
}

/** The name, or the number where the system's list of users does not have it. */
function nameOfUser(uid: number): string {
  try {
    const users = readFileSync('/etc/passwd', 'utf8').split('\n');
    return users.find((line) => line.split(':')[2] === String(uid))?.split(':')[0] ?? `user ${uid}`;
  } catch {
    return `user ${uid}`;
  }
}

const WAY_OUT = `Write ${SHORTEST} to ${LONGEST} bytes as hex or base64, as \`openssl rand -hex 32\` does.`;

function keyOf(text: string, from: string): Uint8Array {
  const shape = strangerIn(text);
  if (shape !== undefined) throw refused(`${from} holds ${shape.what}`, shape.wayOut);
  const plain = text.replace(/\s+/g, '');
  const hex = /^[0-9a-fA-F]+$/.test(plain);
  if (hex && plain.length % 2 === 1) {
    throw refused(`${from} holds ${plain.length} hex digits, an odd number: one is missing or too many`, WAY_OUT);
  }
  if (/^0x/i.test(plain)) throw refused(`${from} begins with 0x`, 'Leave the 0x out.');
  const bytes = Buffer.from(plain, hex ? 'hex' : 'base64');
  if (!hex && !isBase64Of(plain, bytes)) throw refused(`${from} holds neither hex nor base64`, WAY_OUT);
  if (bytes.length < SHORTEST || bytes.length > LONGEST) {
    throw refused(`${from} holds ${counted(bytes.length, 'byte')}; allowed: ${SHORTEST} to ${LONGEST}`, WAY_OUT);
  }
  return new Uint8Array(bytes);
}

/** What people put in place of a key, by its shape alone. */
function strangerIn(text: string): { what: string; wayOut: string } | undefined {
  const only = 'Leave only the hex or base64 digits of the key in it.';
  if (text.includes('\0'))
    return { what: 'zero bytes: it was saved as UTF-16, or is no text', wayOut: `Save it as plain text. ${WAY_OUT}` };
  if (text.includes('\ufffd')) return { what: 'bytes that are no text', wayOut: WAY_OUT };
  if (text.includes('-----BEGIN')) return { what: 'a certificate or key in PEM, which is another thing', wayOut: WAY_OUT };
  if (/^\s*#/m.test(text)) return { what: 'a comment', wayOut: only };
  if (/^\s*["'’“]|["'’”]\s*$/.test(text)) return { what: 'quotes', wayOut: only };
  if (/^\s*(?:export\s+)?[A-Za-z_]\w*\s*(?:=(?!=*\s*$)|:\s)/.test(text)) return { what: 'a name before the key', wayOut: only };
  if (/^\s*(?:[0-9a-fA-F]{2}[:-])+[0-9a-fA-F]{2}\s*$/.test(text))
    return { what: 'hex digits with signs between them', wayOut: only };
  return undefined;
}

/** Decoders take any text and leave out what they do not know; only what comes out again the same was meant so. */
function isBase64Of(text: string, bytes: Buffer): boolean {
  const written = text.replaceAll('-', '+').replaceAll('_', '/');
  const whole = bytes.toString('base64');
  return bytes.length > 0 && (written === whole || written === whole.replace(/=+$/, ''));
}

const refused = (message: string, wayOut: string, cause?: unknown): BeamrigError =>
  new BeamrigError('key', message, cause === undefined ? { wayOut } : { wayOut, cause });
