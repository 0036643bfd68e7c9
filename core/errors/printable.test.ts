import { describe, expect, it } from 'vitest';
import { printable } from './printable.ts';

describe('text of strangers', () => {
  it('is shown as it is where it is words', () => {
    expect(printable('BOARD-1 “é” 8 × 2 σ² 位 😀')).toBe('BOARD-1 “é” 8 × 2 σ² 位 😀');
  });

  it.each([
    ['\u001b]0;owned\u0007', '\\x1b]0;owned\\x07'],
    ['X\nBroker stopped.', 'X\\x0aBroker stopped.'],
    ['\u009b31mred', '\\x9b31mred'],
    ['a\u202eb\u2028c', 'a\\u{202e}b\\u{2028}c'],
    ['\ud800', '\\u{d800}'],
  ])('moves no cursor and turns no line round: %j', (text, shown) => {
    expect(printable(text)).toBe(shown);
  });
});
