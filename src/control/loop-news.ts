/** Who is told of the cycles, events and states of a loop: its sink first, and whoever listens. */
import type { Clock } from '../../core/clock/clock.ts';
import type { CycleRecord, CycleSink, RigEvent } from '../telemetry/cycle-record.ts';
import type { Controller, ControllerState } from './controller.ts';
import { createListeners } from './listeners.ts';

export interface LoopNews extends Pick<Controller, 'onCycle' | 'onEvent' | 'onState'> {
  /** To listeners alone: the sink of a cycle is given its beam, too. */
  cycle: (record: CycleRecord) => void;
  event: (event: Omit<RigEvent, 'timeNs'>) => void;
  state: (state: ControllerState) => void;
}

export function createLoopNews(clock: Clock, sink: CycleSink): LoopNews {
  const onFailure = (error: unknown): void =>
    event({ level: 'warning', code: 'listener-failed', message: `A listener to the controller failed: ${String(error)}.` });
  const cycles = createListeners<CycleRecord>(clock, true, onFailure);
  const events = createListeners<RigEvent>(clock, false, () => undefined);
  const states = createListeners<ControllerState>(clock, false, onFailure);
  const event = (told: Omit<RigEvent, 'timeNs'>): void => {
    const whole = { timeNs: clock.epochNs(), ...told };
    sink.event(whole);
    events.tell(whole);
  };
  return {
    cycle: (record) => cycles.tell(record),
    event,
    state: (state) => states.tell(state),
    onCycle: (listener) => cycles.add(listener),
    onEvent: (listener) => events.add(listener),
    onState: (listener) => states.add(listener),
  };
}
