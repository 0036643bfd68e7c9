/**
 * The other end of a link: where a panel that runs as a process of its own (`beamrig panel`) takes frames from the wire and puts its replies
 * on it. Serial and MQTT are files of this one shape. What sits behind it is the same peer as behind a loopback link.
 */
import type { LoopbackPeer } from './loopback.ts';

export interface PanelEnd {
  /** For messages: '/dev/pts/3', 'mqtt://127.0.0.1:1883 beamrig/panels/BOARD-0001'. */
  readonly name: string;
  /** Starts to carry frames between the wire and the peer. Throws BeamrigError 'link' with the way out. */
  open(peer: LoopbackPeer): Promise<void>;
  /** The one listener to the wire going away or coming back, for a log line. */
  onState(listener: (state: { open: boolean; detail: string }) => void): void;
  close(): Promise<void>;
}
