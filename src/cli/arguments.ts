/** Numbers, lists and paths of the command line, refused by the name of their option. */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { nearest } from '../../core/errors/nearest.ts';
import { expandHome, namesAnotherHome } from '../../core/files/home-path.ts';

/** Paths of options and arguments; a shell leaves the `~` of `--channels=~/h.npy` as it is. */
export function pathArgument(written: string): string {
  if (!namesAnotherHome(written)) return expandHome(written);
  throw new BeamrigError('argument', `${written} begins with the home of another user; allowed: ~/, or the whole path`, {
    wayOut: `Write the whole path, or ./${written} for a file of that name.`,
  });
}

/** For arguments that may be several paths. */
export const pathArguments = (each: string, before: string[] = []): string[] => [...before, pathArgument(each)];

/** For options that may be given several times. */
export const several = (value: string, before: string[] = []): string[] => [...before, value];

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
  const numbers = text.split(',').map((part) => realNumber(option, part, range));
  requireDistinct(option, text, numbers);
  return numbers;
}

/** `2,3,inf`: bits of a phase word; inf for phases that are not quantised. */
export function bitsList(option: string, text: string): (number | 'inf')[] {
  const list = text.split(',').map((part): number | 'inf' => {
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
  requireDistinct(option, text, list);
  return list;
}

/** What stands in a list twice would be computed and shown twice, and one of the two was meant to be another. */
function requireDistinct(option: string, text: string, list: readonly (number | string)[]): void {
  const again = list.find((value, i) => list.indexOf(value) < i);
  if (again === undefined) return;
  throw new BeamrigError('argument', `${option} ${text}: ${again} stands in it twice`, { wayOut: 'Leave one of them out.' });
}

/** One of a few words. */
export function oneOf<Word extends string>(option: string, text: string, words: readonly Word[]): Word {
  const found = words.find((word) => word === text);
  if (found !== undefined) return found;
  const near = nearest(text, words);
  throw new BeamrigError('argument', `${option} ${text}: not allowed; allowed: ${words.join(' | ')}`, {
    wayOut: `${near === undefined ? `Write for example ${option} ${words[0]}` : `Write ${option} ${near}, if that was meant`}.`,
  });
}

function inRange(option: string, text: string, value: number, { min, max }: Range, noun: string): number {
  if (value >= min && value <= max) return value;
  const example = Number.isNaN(value) ? Math.max(min, Math.min(max, 0)) : Math.max(min, Math.min(max, value));
  throw new BeamrigError('argument', `${option} ${text}: not allowed; allowed: ${noun} from ${min} to ${max}`, {
    wayOut: `Write for example ${option} ${example}.`,
  });
}
