/**
 * The text of a rig file or a card, from bytes: UTF-8, with or without a byte order mark, and no control characters. Whatever else an editor or a
 * shell may have left there is refused with its line, because a name with a damaged letter would be taken for a name.
 */
import { wideEncoding } from './text-encoding.ts';

/** A line of the file, counted from 1, and what is wrong there. */
export interface TextFlaw {
  line: number;
  text: string;
}

export type PlainText = { ok: true; text: string } | { ok: false; flaw: TextFlaw };

const AS_UTF8 = 'save it as UTF-8';

export function plainTextOf(read: Uint8Array): PlainText {
  const wide = wideEncoding(read);
  if (wide !== undefined) return refused(1, `this is ${wide} and not UTF-8; ${AS_UTF8}, or: iconv -f ${wide} -t UTF-8`);
  const bytes = withLineFeeds(read);
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const flaw = characterFlaw(text);
    return flaw === undefined ? { ok: true, text } : { ok: false, flaw };
  } catch {
    return { ok: false, flaw: byteFlaw(bytes) };
  }
}

/** Lines that end in a carriage return alone, as YAML allows: to its parser here the first comment would be the whole file. */
function withLineFeeds(bytes: Uint8Array): Uint8Array {
  return bytes.map((byte, index) => (byte === 0x0d && bytes[index + 1] !== 0x0a ? 0x0a : byte));
}

/** A character that no such file needs: control characters, which terminals obey, and the one that stands for a lost letter. */
export function characterFlaw(text: string): TextFlaw | undefined {
  // A byte order mark belongs at the beginning.
  const found = /[^\P{Cc}\t\n\r]|[\ufffd\ufffe\uffff]|(?<!^)\ufeff/u.exec(text);
  if (found === null) return undefined;
  const line = text.slice(0, found.index).split('\n').length;
  const code = found[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0');
  const what =
    code === '0000'
      ? 'a NUL character'
      : code === 'FFFD'
        ? 'U+FFFD, which stands where a letter was lost'
        : code === 'FEFF'
          ? 'a byte order mark in the middle'
          : `the control character U+${code}`;
  return { line, text: `${what}; write the line again` };
}

/** The first byte that begins nothing in UTF-8, with its line as the old encoding of the West has it. */
function byteFlaw(bytes: Uint8Array): TextFlaw {
  const at = firstBadByte(bytes);
  const start = bytes.lastIndexOf(0x0a, at - 1) + 1;
  const end = bytes.indexOf(0x0a, at);
  const line = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
  const hex = bytes[at].toString(16).toUpperCase().padStart(2, '0');
  const lineBytes = bytes.subarray(start, end < 0 ? undefined : end);
  const isControl = (byte: number): boolean => byte < 0x20 && ![0x09, 0x0a, 0x0d].includes(byte);
  if (bytes.subarray(0, 65_536).some(isControl)) {
    return { line, text: `the byte 0x${hex} and control characters: this is no text file` };
  }
  const guess = new TextDecoder('windows-1252').decode(lineBytes).trim();
  const shown = guess.length > 60 ? `${guess.slice(0, 57)}…` : guess;
  return {
    line,
    text: `the byte 0x${hex} is no UTF-8; in Latin-1 the line is: ${shown}; ${AS_UTF8}, or: iconv -f LATIN1 -t UTF-8`,
  };
}

/** Where decoding fails, character by character. */
function firstBadByte(bytes: Uint8Array): number {
  let at = 0;
  while (at < bytes.length) {
    const lead = bytes[at];
    const length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length > 1 && !decodes(bytes.subarray(at, at + length))) return at;
    at += length;
  }
  return bytes.length - 1;
}

function decodes(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

const refused = (line: number, text: string): PlainText => ({ ok: false, flaw: { line, text } });
