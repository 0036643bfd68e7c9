import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ControllerState } from './controller.ts';
import { transition } from './controller-machine.ts';
import type { ControllerEvent } from './controller-machine.ts';

const EVENTS: ControllerEvent[] = ['start', 'run', 'pause', 'stop', 'ended', 'fault', 'halted'];

/** Plays events from 'starting'; refused ones change nothing. */
function play(events: ControllerEvent[]): { state: ControllerState; madeSafe: boolean }[] {
  let state: ControllerState = 'starting';
  return events.map((event) => {
    const next = transition(state, event);
    if (next.allowed) state = next.state;
    return { state, madeSafe: next.allowed && next.makeSafe };
  });
}

describe('the states of the controller', () => {
  it('starts, pauses, runs again and stops, making the array safe on the way into pause and stop', () => {
    expect(play(['start', 'pause', 'run', 'stop', 'halted'])).toEqual([
      { state: 'running', madeSafe: false },
      { state: 'paused', madeSafe: true },
      { state: 'running', madeSafe: false },
      { state: 'stopping', madeSafe: true },
      { state: 'stopped', madeSafe: false },
    ]);
  });

  it('makes the array safe on a fault and leaves only the way to stop', () => {
    expect(play(['start', 'fault', 'run', 'pause', 'stop', 'halted'])).toEqual([
      { state: 'running', madeSafe: false },
      { state: 'faulted', madeSafe: true },
      { state: 'faulted', madeSafe: false },
      { state: 'faulted', madeSafe: false },
      { state: 'stopping', madeSafe: true },
      { state: 'stopped', madeSafe: false },
    ]);
  });

  it('says why a control is refused', () => {
    expect(transition('stopped', 'run')).toMatchObject({ allowed: false, reason: expect.stringContaining('stopped') as string });
    expect(transition('starting', 'pause')).toMatchObject({
      allowed: false,
      reason: expect.stringContaining('starting') as string,
    });
  });

  it('never leaves a radiating state without making the array safe, whatever happens in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...EVENTS), { maxLength: 40 }), (events) => {
        let before: ControllerState = 'starting';
        for (const { state, madeSafe } of play(events)) {
          if (before === 'running' && state !== 'running') expect(madeSafe).toBe(true);
          if (before === 'stopped') expect(state).toBe('stopped');
          before = state;
        }
      }),
    );
  });
});
