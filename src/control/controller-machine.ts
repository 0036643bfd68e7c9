/**
 * The states of the controller and what may follow what, as a pure function: no clock, no panel, no promise. The loop asks it before it does
 * anything, so that a control from the page is either allowed and acted on, or refused with a reason a person can read.
 */
import type { ControllerState } from './controller.ts';

/**
 * What may happen to a controller. 'lend': the array is measured; 'returned': that is over; 'ended': the last cycle is done; 'halted': the array is safe and
 * everything is closed.
 */
export type ControllerEvent = 'start' | 'run' | 'pause' | 'lend' | 'returned' | 'stop' | 'ended' | 'fault' | 'halted';

export type Transition =
  | { allowed: true; state: ControllerState; /** Command the safe state of the array now. */ makeSafe: boolean }
  | { allowed: false; reason: string };

const to = (state: ControllerState, makeSafe = false): Transition => ({ allowed: true, state, makeSafe });
const no = (reason: string): Transition => ({ allowed: false, reason });

const ENDED = 'the rig has stopped; start it again with `beamrig run`';
const ENDING = 'the rig is stopping';
export const MEASURING = 'the array is being measured; cancel that, or wait for its end';
const NOT_MEASURED = 'the array is not being measured';
const FAULTED = 'the rig has faulted and the array is in its safe state; stop it, repair the cause and start again';

const TABLE: Record<ControllerState, Record<ControllerEvent, Transition>> = {
  starting: {
    start: to('running'),
    run: no('the rig is still starting'),
    pause: no('the rig is still starting'),
    lend: no('the rig is still starting'),
    returned: no(NOT_MEASURED),
    stop: to('stopping', true),
    ended: to('stopping', true),
    fault: to('faulted', true),
    halted: no('the rig is still starting'),
  },
  running: {
    start: no('the rig is already running'),
    run: to('running'),
    pause: to('paused', true),
    lend: no('the rig is running; pause it first'),
    returned: no(NOT_MEASURED),
    stop: to('stopping', true),
    ended: to('stopping', true),
    fault: to('faulted', true),
    halted: no('the rig is running'),
  },
  paused: {
    start: no('the rig was already started'),
    run: to('running'),
    pause: to('paused'),
    lend: to('measuring'),
    returned: no(NOT_MEASURED),
    stop: to('stopping', true),
    ended: to('stopping', true),
    fault: to('faulted', true),
    halted: no('the rig is paused, not stopping'),
  },
  measuring: {
    start: no('the rig was already started'),
    run: no(MEASURING),
    pause: to('paused', true),
    lend: no(MEASURING),
    returned: to('paused', true),
    stop: to('stopping', true),
    ended: to('stopping', true),
    fault: to('faulted', true),
    halted: no('the array is being measured, and the rig is not stopping'),
  },
  stopping: {
    start: no(ENDING),
    run: no(ENDING),
    pause: no(ENDING),
    lend: no(ENDING),
    returned: no(NOT_MEASURED),
    stop: to('stopping'),
    ended: to('stopping'),
    // What fails on the way out does not keep the rig from stopping.
    fault: to('stopping'),
    halted: to('stopped'),
  },
  stopped: {
    start: no(ENDED),
    run: no(ENDED),
    pause: no(ENDED),
    lend: no(ENDED),
    returned: no(NOT_MEASURED),
    stop: to('stopped'),
    ended: no(ENDED),
    fault: no(ENDED),
    halted: to('stopped'),
  },
  faulted: {
    start: no(FAULTED),
    run: no(FAULTED),
    pause: no(FAULTED),
    lend: no(FAULTED),
    returned: no(NOT_MEASURED),
    // The safe state is commanded once more: the first command may not have got through.
    stop: to('stopping', true),
    ended: to('faulted'),
    fault: to('faulted'),
    halted: no('the rig has faulted and was not stopped yet'),
  },
};

/** The state after an event, whether the safe state is to be commanded, or why not. */
export const transition = (state: ControllerState, event: ControllerEvent): Transition => TABLE[state][event];
