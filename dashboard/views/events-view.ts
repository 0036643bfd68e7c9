/** What happened that a person should know, newest first. */
import { byId, element } from '../elements.ts';
import { clockTime } from '../live.ts';
import type { Live } from '../live.ts';

const LEVELS = { info: 'info', warning: '▲ warning', error: '■ error' } as const;

export class EventsView {
  readonly #list = byId('event-list');
  #version = -1;

  draw(live: Live): void {
    if (live.eventsVersion === this.#version) return;
    this.#version = live.eventsVersion;
    if (live.events.length === 0) {
      this.#list.replaceChildren(element('li', { className: 'empty', text: 'Nothing has happened that you should know.' }));
      return;
    }
    this.#list.replaceChildren(
      ...live.events.toReversed().map(({ timeMs, level, code, message, action }) => {
        const words = element('span', {}, document.createTextNode(message));
        if (action) words.append(element('span', { className: 'action', text: ` → ${action}` }));
        const time = element('time', { text: clockTime(new Date(timeMs)), datetime: new Date(timeMs).toISOString() });
        return element(
          'li',
          { 'data-level': level, title: code },
          time,
          element('span', { className: 'level', text: LEVELS[level] }),
          words,
        );
      }),
    );
  }
}
