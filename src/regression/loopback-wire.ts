/** A wire within this process, on whatever clock: its panel's end, its host's end, and the plug between them. */
import type { Clock } from '../../core/clock/clock.ts';
import { createLoopbackLink, type LoopbackPeer } from '../link/loopback.ts';
import { LinkError, type Link } from '../link/link.ts';
import type { PanelEnd } from '../link/panel-end.ts';

export interface LoopbackWire {
  readonly link: Link;
  readonly end: PanelEnd;
  pull(): void;
  putBack(): void;
}

export function createLoopbackWire(name: string, clock: Clock, latencyMs: number): LoopbackWire {
  let peer: LoopbackPeer | undefined;
  let toHost: (frame: Uint8Array) => void = () => undefined;
  let out = false;
  const link = createLoopbackLink(
    {
      receive: (frame) => peer?.receive(frame),
      onSend: (listener) => void (toHost = listener),
      discarded: (frames) => peer?.discarded?.(frames),
    },
    clock,
    { name, latencyMs },
  );
  const open = link.open.bind(link);
  link.open = () => (out ? Promise.reject(new LinkError('no-port', `${name}: there is no such port`)) : open());
  return {
    link,
    end: {
      name,
      onState: () => undefined,
      open: async (its) => {
        peer = its;
        its.onSend((frame) => toHost(frame));
      },
      close: async () => void (peer = undefined),
    },
    pull: () => {
      out = true;
      link.lose('its plug was pulled');
    },
    putBack: () => void (out = false),
  };
}
