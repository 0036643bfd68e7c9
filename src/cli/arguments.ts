/** Numbers, lists and paths of the command line, refused by the name of their option. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { expandHome, namesAnotherHome } from '../../core/files/home-path.ts';

/** Paths of options and arguments; a shell leaves the `~` of `--channels=~/h.npy` as it is. */
export function pathArgument(written: string): string {
  if (!namesAnotherHome(written)) return expandHome(written);
  throw new BeamrigError('argument', `${written} begins with the home of another user; allowed: ~/, or the whole path`, {
    wayOut: `Write the whole path, or ./${written} for a file of that name.`,
  });
}

interface Range {
  min: number;
  max: number;
}

/** @throws BeamrigError 'argument' naming option, value and range */
export function wholeNumber(option: string, text: string, range: Range): number {
  return inRange(option, text, /^-?\d+$/.test(text.trim()) ? Number(text) : NaN, range, 'a whole number');
}

export function realNumber(option: string, text: string, range: Range): number {
  return inRange(option, text, text.trim() === '' ? NaN : Number(text), range, 'a number');
}

/** `0,10,20` */
export function numberList(option: string, text: string, range: Range): number[] {
  if (text.split(',').some((part) => part.trim() === '')) {
    throw new BeamrigError('argument', `${option} '${text}': an entry of the list is empty`, {
      wayOut: `Write numbers from ${range.min} to ${range.max} with a comma between each two.`,
    });
  }
  return text.split(',').map((part) => realNumber(option, part, range));
}

/** `2,3,inf`: bits of a phase word; inf for phases that are not quantised. */
export function bitsList(option: string, text: string): (number | 'inf')[] {
  return text.split(',').map((part) => {
    const bits = part.trim();
    if (bits === 'inf') return 'inf';
    if (/^\d+$/.test(bits) && Number(bits) >= 1 && Number(bits) <= 16) return Number(bits);
    throw new BeamrigError(
      'argument',
      `${option} ${text}: '${bits}' is not allowed; allowed: whole numbers from 1 to 16, and inf`,
      {
        wayOut: `Write it as ${option} 2,3,inf.`,
      },
    );
  });
}

/** One of a few words. */
export function oneOf<Word extends string>(option: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  throw new BeamrigError('argument', `${option} ${text}: not allowed; allowed: ${words.join(' | ')}`);
}

function inRange(option: string, text: string, value: number, { min, max }: Range, noun: string): number {
  if (value >= min && value <= max) return value;
  throw new BeamrigError('argument', `${option} ${text}: not allowed; allowed: ${noun} from ${min} to ${max}`);
}
