/**
 * Text of strangers for a terminal: names of clients on a broker, topics, what a device says of itself. Characters that move the cursor,
 * colour, or turn the line round are written as what they are, so that nobody can write lines that look like ours.
 */
export const printable = (text: string): string =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
