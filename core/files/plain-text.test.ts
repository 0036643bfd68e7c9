import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from './package-root.ts';
import { plainTextOf } from './plain-text.ts';

const RIG = 'name: bench\nplace: Läufe\nusers: { count: 2 }\n';
const said = (bytes: Uint8Array): string => {
  const read = plainTextOf(bytes);
  return read.ok ? read.text : `line ${read.flaw.line}: ${read.flaw.text}`;
};
const utf16 = (text: string): Buffer => Buffer.from(text, 'utf16le');

describe('the text of a file that people write', () => {
  it('is taken as it stands, with a byte order mark and with the line ends of Windows', () => {
    for (const text of [RIG, `\ufeff${RIG}`, RIG.replaceAll('\n', '\r\n'), '']) expect(said(Buffer.from(text))).toBe(text);
  });

  it('may have lines that end in CR alone', () => {
    const old = RIG.replaceAll('\n', '\r');
    expect(said(Buffer.from(old))).toBe(RIG);
    expect(said(Buffer.from(`a: 1\r\n${old}`))).toBe(`a: 1\r\n${RIG}`);
    expect(said(Buffer.from(old, 'latin1'))).toMatch(/^line 2: the byte 0xE4 is no UTF-8; in Latin-1 the line is: place: Läufe;/);
    expect(said(Buffer.from(old.replace('count', 'co\0unt')))).toMatch(/^line 3: a NUL character/);
  });

  it('that is not UTF-8 is refused with its line and what the line most probably says', () => {
    expect(said(Buffer.from(RIG, 'latin1'))).toBe(
      'line 2: the byte 0xE4 is no UTF-8; in Latin-1 the line is: place: Läufe; save it as UTF-8, or: iconv -f LATIN1 -t UTF-8',
    );
    expect(said(Buffer.from([0x61, 0x0a, 0x62, 0xc3]))).toMatch(/^line 2: the byte 0xC3 is no UTF-8/);
    expect(said(Buffer.from([0x61, 0x0a, 0xed, 0xa0, 0x80]))).toMatch(/^line 2: the byte 0xED is no UTF-8/);
  });

  it.each([
    ['UTF-16LE', utf16(`\ufeff${RIG}`)],
    ['UTF-16BE', utf16(`\ufeff${RIG}`).swap16()],
    ['UTF-16LE', utf16(RIG)],
    ['UTF-16BE', utf16(RIG).swap16()],
    ['UTF-32LE', Buffer.from([0xff, 0xfe, 0, 0, 0x6e, 0, 0, 0])],
  ])('of %s is called by its name', (encoding, bytes) => {
    expect(said(bytes)).toBe(`line 1: this is ${encoding} and not UTF-8; save it as UTF-8, or: iconv -f ${encoding} -t UTF-8`);
  });

  it.each([
    ['\0', 'a NUL character'],
    ['\x1b', 'the control character U+001B'],
    ['\x85', 'the control character U+0085'],
    ['\ufffd', 'U+FFFD, which stands where a letter was lost'],
    ['\ufeff', 'a byte order mark in the middle'],
  ])('with %j in it is refused with its line', (character, what) => {
    expect(said(Buffer.from(RIG.replace('count', `co${character}unt`)))).toBe(`line 3: ${what}; write the line again`);
  });

  it.each(['docs/images/page-1280-dark.png', 'models/zoo/unfolded-pga-n64.onnx'])('that is none (%s) is one problem', (file) => {
    expect(said(readFileSync(join(packageRoot(), file)))).toMatch(
      /^line \d+: the byte 0x[0-9A-F]{2} and control characters: this is no text file$/,
    );
  });
});
