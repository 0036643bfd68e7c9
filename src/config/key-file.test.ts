import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { readRigKey } from './key-file.ts';

const folder = mkdtempSync(join(tmpdir(), 'beamrig-keys-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
afterEach(() => vi.unstubAllEnvs());

const HEX = '00112233445566778899aabbccddeeff';
const NOBODY = 65_534;
let files = 0;
function keyFile(text: string, mode = 0o600): string {
  const path = join(folder, `key-${files++}`);
  writeFileSync(path, text);
  chmodSync(path, mode);
  return path;
}
function refusal(authentication: { keyFile?: string; keyEnv?: string }): BeamrigError {
  try {
    readRigKey({ authentication });
  } catch (error) {
    expect(error).toBeInstanceOf(BeamrigError);
    expect((error as BeamrigError).code).toBe('key');
    return error as BeamrigError;
  }
  throw new Error('the key was taken');
}

describe('the key of the rig', () => {
  it('is read as hex or base64 from a file that only its owner may open', () => {
    const bytes = Uint8Array.from(Buffer.from(HEX, 'hex'));
    expect(readRigKey({ authentication: { keyFile: keyFile(`${HEX}\n`) } })).toEqual(bytes);
    expect(readRigKey({ authentication: { keyFile: keyFile('ABEiM0RVZneImaq7zN3u/w==', 0o400) } })).toEqual(bytes);
    expect(readRigKey({ authentication: { keyFile: keyFile('ABEiM0RVZneImaq7zN3u_w') } })).toEqual(bytes);
    expect(readRigKey({})).toBeUndefined();
  });

  it.each([0o644, 0o640, 0o604, 0o620, 0o666])(
    'is refused from a file of mode %o, with the mode and the command that repairs it',
    (mode) => {
      const path = keyFile(HEX, mode);
      const error = refusal({ keyFile: path });
      expect(error.message).toContain(`has mode 0${mode.toString(8)}`);
      expect(error.wayOut).toBe(`Run: chmod 600 ${path}`);
      expect(error.message).not.toContain(HEX);
    },
  );

  it.each([
    ['00112233445566778899aabbccddee', 'holds 15 bytes; allowed: 16 to 64'],
    ['ab'.repeat(65), 'holds 65 bytes; allowed: 16 to 64'],
    ['my secret pass phrase!', 'holds neither hex nor base64'],
    ['', 'holds neither hex nor base64'],
    ['a1'.repeat(31) + 'a', 'holds 63 hex digits, an odd number'],
    ['0x' + 'ab'.repeat(32), 'begins with 0x'],
    ['correcthorsebatterystaple', 'holds neither hex nor base64'],
    ['ABEiM0RVZneImaq7zN3u/x==', 'holds neither hex nor base64'],
    ['ABEiM0RVZneImaq7zN3u/w=', 'holds neither hex nor base64'],
    ['ab'.repeat(4000), 'is too long for a key'],
  ])('is refused when the file holds no key, without showing what it holds (%#)', (text, why) => {
    const { message, wayOut } = refusal({ keyFile: keyFile(text) });
    expect(message).toContain(why);
    if (text !== '') expect(`${message}${wayOut ?? ''}`).not.toContain(text);
  });

  it.each(['\ufeff%\r\n', '%\r\n', '\n  %  \n\n'])('is read with what editors put around it (%j)', (around) => {
    const bytes = Uint8Array.from(Buffer.from(HEX, 'hex'));
    expect(readRigKey({ authentication: { keyFile: keyFile(around.replace('%', HEX)) } })).toEqual(bytes);
  });

  it.each([
    [`RIG_KEY=${HEX}`, 'a name before the key'],
    [`export RIG_KEY=${HEX}`, 'a name before the key'],
    [`key: ${HEX}`, 'a name before the key'],
    [`"${HEX}"`, 'quotes'],
    [`# the rig's key\n${HEX}`, 'a comment'],
    ['00:11:22:33:44:55:66:77:88:99:aa:bb:cc:dd:ee:ff', 'hex digits with signs between them'],
    [`-----BEGIN PRIVATE KEY-----\n${HEX}\n-----END PRIVATE KEY-----`, 'a certificate or key in PEM'],
    [HEX.split('').join('\0') + '\0', 'zero bytes: it was saved as UTF-16'],
  ])('is told apart from what stands in its place, without showing it (%#)', (text, what) => {
    const { message, wayOut } = refusal({ keyFile: keyFile(text) });
    expect(message).toContain(`holds ${what}`);
    expect(`${message}${wayOut ?? ''}`).not.toContain(HEX.slice(0, 8));
  });

  it('that is raw bytes is no text', () => {
    const path = keyFile('');
    writeFileSync(
      path,
      Uint8Array.from({ length: 32 }, (_, index) => 0x80 + index),
    );
    expect(refusal({ keyFile: path }).message).toContain('holds bytes that are no text');
  });

  it('is missed by the name of its file', () => {
    expect(refusal({ keyFile: join(folder, 'none') }).message).toContain(`${join(folder, 'none')} is not there`);
    mkdirSync(join(folder, 'sub'), { mode: 0o700 });
    expect(refusal({ keyFile: join(folder, 'sub') }).message).toContain('is not a file');
  });

  it('is never made anew over one that this user may not read: its owner is named', () => {
    const path = keyFile(HEX);
    chmodSync(folder, 0o755);
    if (process.getuid?.() === 0) {
      process.seteuid?.(NOBODY);
      try {
        const { message, wayOut } = refusal({ keyFile: path });
        expect(message).toContain(`${path} belongs to root, and this user may not read it`);
        expect(wayOut).toBe(`Run as root, or give the file to this user: sudo chown "$USER" ${path}`);
      } finally {
        process.seteuid?.(0);
      }
    } else {
      chmodSync(path, 0o000);
      const { message, wayOut } = refusal({ keyFile: path });
      expect(message).toContain('may not be read even by its owner');
      expect(wayOut).toBe(`Run: chmod 600 ${path}`);
    }
  });

  it('is refused at once where a pipe stands in place of its file', () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', ['-m', '600', pipe]);
    expect(refusal({ keyFile: pipe }).message).toContain('is not a file');
  });

  it('is not shown when it stands where the name of its variable belongs', () => {
    for (const key of ['a3f9'.repeat(16), 'A3F9'.repeat(16), 'hunter2secret']) {
      const { message, wayOut } = refusal({ keyEnv: key });
      expect(`${message}${wayOut ?? ''}`).not.toContain(key);
      expect(message).toContain('it may be the secret itself');
    }
  });

  it('is read from the environment, and missed by the name of the variable', () => {
    vi.stubEnv('RIG_KEY', HEX);
    expect(readRigKey({ authentication: { keyEnv: 'RIG_KEY' } })).toHaveLength(16);
    expect(refusal({ keyEnv: 'NO_SUCH_KEY' }).message).toContain('NO_SUCH_KEY is not set');
    vi.stubEnv('RIG_KEY', '');
    expect(refusal({ keyEnv: 'RIG_KEY' }).message).toContain('RIG_KEY is set and empty');
    vi.stubEnv('RIG_KEY', 'no key, but a secret');
    expect(refusal({ keyEnv: 'RIG_KEY' }).message).not.toContain('secret');
  });
});
