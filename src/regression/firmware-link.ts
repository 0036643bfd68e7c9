/** The host's end of the line to a firmware: a link that can be unplugged, and whose frames meet with mishaps on their way. */
import { LinkError, type Link, type LinkState } from '../link/link.ts';
import type { Troubles } from './mishaps.ts';

export interface PluggedLink {
  readonly link: Link;
  /** Puts a frame on the line that the host did not send. */
  sendAgain(frame: Uint8Array): void;
  pull(): Promise<void>;
  putBack(): void;
}

/** @param onArrived of each frame that gets through to the panel, before it has it */
export function pluggedLink(line: Link, troubles: Troubles, onArrived: (frame: Uint8Array) => void): PluggedLink {
  const { name, kind, counters, noise } = line;
  let isOut = false;
  let lost: LinkState | undefined;
  let onState: (state: LinkState) => void = () => undefined;
  line.onState((state) => {
    if (isOut) return;
    lost = undefined;
    onState(state);
  });
  return {
    link: {
      ...{ name, kind, source: 'hardware', counters },
      ...(noise === undefined ? {} : { noise }),
      get state() {
        return lost ?? line.state;
      },
      open: () => (isOut ? Promise.reject(new LinkError('no-port', `${name}: there is no such port`)) : line.open()),
      send(frame) {
        if (line.state.state !== 'open') return false;
        let taken = true;
        troubles.pass('to-panel', frame, (arrived) => {
          onArrived(arrived);
          taken = line.send(arrived);
        });
        return taken;
      },
      onFrame: (listener) => line.onFrame((frame) => troubles.pass('to-host', frame, listener)),
      onState: (listener) => void (onState = listener),
      close: () => line.close(),
    },
    sendAgain: (frame) => void line.send(frame),
    async pull() {
      isOut = true;
      const wasOpen = line.state.state === 'open';
      lost = { state: 'closed', reason: 'lost', cause: 'unplugged', detail: 'its plug was pulled' };
      await line.close();
      if (wasOpen) onState(lost);
    },
    putBack: () => void (isOut = false),
  };
}
