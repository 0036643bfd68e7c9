/** A chip's driver alone: built strictly, called once with every function that it has, its words told to simulated chips. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Chip, ChipKind } from '../../../hil-sim/chips/chip.ts';

const REFERENCE = fileURLToPath(new URL('..', import.meta.url));
const STRICT = ['-std=c99', '-Wall', '-Wextra', '-Werror', '-pedantic', '-Wconversion', '-fsanitize=address,undefined'];

export interface BusWord {
  lines: number;
  word: number;
}

export interface DriverLines {
  /** Name, phase bits, channels, chips a line, positions of beam memory: as the driver has them. */
  facts: readonly string[];
  /** The words of one call of a function; none when the driver has no such function. */
  wordsOf: (name: string) => BusWord[];
}

/** @param step by how much the words of the beam rise from place to place */
export function driverLines(name: string, places: number, step: number): DriverLines {
  const folder = mkdtempSync(join(tmpdir(), 'beamrig-driver-'));
  try {
    const program = join(folder, 'driver');
    const sources = ['test/chip_lines.c', 'chip.c', `chips/${name}/${name}.c`].map((source) => join(REFERENCE, source));
    execFileSync('gcc', [...STRICT, `-I${REFERENCE}`, ...sources, '-o', program]);
    const lines = execFileSync(program, [places, step].map(String), { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map((line) => line.split(' '));
    return {
      facts: lines[0].slice(1),
      wordsOf: (asked) =>
        lines
          .slice(1)
          .flatMap(([doing, select, word]) =>
            doing === asked ? [{ lines: parseInt(select, 16), word: parseInt(word, 16) }] : [],
          ),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Simulated chips on their lines, as many as these places need. */
export function chipsOnLines(kind: ChipKind, places: number): { chips: Chip[]; take: (words: readonly BusWord[]) => void } {
  const { channels, chipsPerLine } = kind;
  const chips = Array.from({ length: Math.ceil(places / channels) }, (_, chip) => kind.create(chip % chipsPerLine));
  return {
    chips,
    take(words) {
      for (const { lines, word } of words) {
        chips.forEach((chip, at) => (lines & (2 ** Math.floor(at / chipsPerLine))) !== 0 && chip.word(word));
      }
    },
  };
}

/** What each place shows; undefined where that is silence, or none of the chip's states. */
export const shownBy = (kind: ChipKind, chips: readonly Chip[]): (number | undefined)[] =>
  chips.flatMap((chip) => Array.from({ length: kind.channels }, (_, channel) => kind.wordOf(chip.radiated(channel))));
