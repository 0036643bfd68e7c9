/** What a person is told of an array that does less than was predicted: what has grown, and the likely cause. A guess is said as one. */
import type { SupposedFault } from '../../../core/signal/fault-losses.ts';
import type { ChannelOrigin, RigEvent } from '../../telemetry/cycle-record.ts';
import type { DriftAlarm } from './drift-watch.ts';
import type { FaultFound } from './fault-bank.ts';

type Event = Omit<RigEvent, 'timeNs'>;
type Named = readonly { readonly name: string; readonly elements: readonly number[] }[];

/** What else is known when something is told. */
export interface Circumstances {
  nowMs: number;
  channelSource: ChannelOrigin;
  /** When the watch began, and now; null where nobody knows. */
  temperatureBeforeC: number | null;
  temperatureNowC: number | null;
}

/** Codes by what has failed. */
const CODES: Record<SupposedFault['what'], string> = {
  element: 'element-fault',
  board: 'board-fault',
  chain: 'chain-fault',
  elements: 'prediction-drift',
  power: 'array-weak',
  user: 'channel-changed',
};
const MOST_NAMED = 8;

export function faultEvent(found: FaultFound, boards: Named, at: Circumstances): Event {
  const { fault, candidates, otherwise } = found;
  const maybe =
    otherwise === undefined ? '' : `; hardly to be told from it: ${causeOf(otherwise, [indexOf(otherwise)], boards, at)}`;
  return grownEvent(CODES[fault.what], found, causeOf(fault, candidates, boards, at) + maybe, at);
}

export function grownEvent(
  code: string,
  grown: Pick<DriftAlarm, 'beforeRate' | 'nowRate' | 'grewDb' | 'sinceCycle' | 'sinceMs'>,
  cause: string,
  { nowMs }: Circumstances,
): Event {
  const { beforeRate, nowRate, grewDb, sinceCycle, sinceMs } = grown;
  const forS = (nowMs - sinceMs) / 1000;
  const ago = forS < 120 ? `${forS.toFixed(0)} s` : `${(forS / 60).toFixed(0)} minutes`;
  return {
    level: 'warning',
    code,
    message: `Predicted less measured has grown from ${beforeRate.toFixed(2)} to ${nowRate.toFixed(2)} bit/s/Hz since cycle ${sinceCycle}, ${ago} ago (${grewDb.toFixed(1)} dB a user).`,
    action: `Likely cause: ${cause}.`,
  };
}

/** From how it came, and whom it struck. */
export function causeOfDrift({ shape, user }: DriftAlarm, at: Circumstances): string {
  if (user !== undefined) return userCause(user, at);
  if (shape === 'step') return 'an element, a chain or a cable failed at once; or all users moved';
  return driftCause(at);
}

const indexOf = (fault: SupposedFault): number => ('index' in fault ? fault.index : 0);

function causeOf(fault: SupposedFault, candidates: readonly number[], boards: Named, at: Circumstances): string {
  switch (fault.what) {
    case 'element':
      return `${elementsInWords(candidates)} is dead, or stuck`;
    case 'board': {
      const names = candidates.map((board) => `${boards[board].name} (elements ${runOf(boards[board].elements)})`);
      const whose = names.length === 1 ? `board ${names[0]}` : `one of the boards ${names.slice(0, MOST_NAMED).join(', ')}`;
      return fault.turnDeg === null ? `${whose} is dark` : `${whose} is turned, by about ${Math.abs(fault.turnDeg)}°`;
    }
    case 'chain':
      return candidates.length === 1
        ? `RF chain ${fault.index} is dead`
        : `one of the RF chains ${candidates.join(', ')} is dead`;
    case 'elements':
      return `${driftCause(at)}; about ${fault.spreadDeg}° RMS`;
    case 'power':
      return `all is weaker, by about ${fault.lossDb} dB: power, a cable of the whole array, or more noise at all users`;
    case 'user':
      return userCause(fault.index, at);
  }
}

const elementsInWords = (candidates: readonly number[]): string => {
  if (candidates.length === 1) return `element ${candidates[0]}`;
  const more = candidates.length > MOST_NAMED ? ` and ${candidates.length - MOST_NAMED} more` : '';
  return `one of the elements ${candidates.slice(0, MOST_NAMED).join(', ')}${more}`;
};

const runOf = (elements: readonly number[]): string =>
  elements.at(-1) === elements[0] + elements.length - 1 ? `${elements[0]}–${elements.at(-1)}` : elements.join(', ');

function userCause(user: number, { channelSource }: Circumstances): string {
  const stale = channelSource === 'file' ? 'the channel file no longer tells where it is' : 'its channel is another';
  return `user ${user} moved or is shadowed: ${stale}`;
}

function driftCause({ channelSource, temperatureBeforeC: before, temperatureNowC: now }: Circumstances): string {
  const warmer = before !== null && now !== null && Math.abs(now - before) >= 1;
  const how = warmer ? ` (${before.toFixed(1)} °C then, ${now.toFixed(1)} °C now)` : '';
  const stale = channelSource === 'file' ? '; or users move away from where the channel file has them' : '';
  return `phases of elements drift, with temperature for instance${how}${stale}`;
}
