/** Events that must come, and those that must not. */
import type { Check } from '../check-schema.ts';
import type { EventSeen, Story } from '../story.ts';
import { boundsOf, contains, within, type Found } from './found.ts';

type EventCheck = Extract<Check, { check: 'event' | 'no-other-events' }>;

export function eventChecks(check: EventCheck, { events }: Story): Found {
  const { fromS, toS = Infinity } = check;
  const inWindow = events.filter(({ atS }) => atS >= fromS && atS < toS);
  if (check.check === 'no-other-events') {
    const others = inWindow.filter(({ level, code }) => level !== 'info' && !check.but.includes(code));
    const says = others.length === 0 ? 'none' : others.slice(0, 5).map(eventText).join('; ');
    return { value: others.length, unit: 'events', holds: others.length === 0, atMost: 0, says };
  }
  const { code, says } = check;
  const told = inWindow.filter((event) => event.code === code && contains(`${event.message} ${event.action ?? ''}`, says));
  const others = inWindow.filter((event) => event.code === code && !told.includes(event));
  const holds = within(told.length, boundsOf(check));
  const more = holds || others.length === 0 ? '' : `; ${others.length} with other words: ${eventText(others[0])}`;
  const first = told.length === 0 ? '' : `, first ${eventText(told[0])}`;
  return { value: told.length, unit: 'events', holds, says: `${told.length} times${first}${more}` };
}

const eventText = ({ atS, code, message }: EventSeen): string => `at ${atS.toFixed(2)} s ${code}: ${message}`;
