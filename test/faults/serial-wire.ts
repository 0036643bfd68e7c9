/** A serial cable between two ports, with the speed of a wire and all that can happen to one. */
import { createSerialPanelEnd } from '../../src/link/serial/serial-panel-end.ts';
import { openPacedLine, type PacedLine } from '../paced-line.ts';
import type { FaultWire } from './fault-rig.ts';

export interface SerialWire extends FaultWire {
  readonly line: PacedLine;
}

const BAUD_RATE = 921_600;

export async function openSerialWire(seed: number): Promise<SerialWire> {
  const line = await openPacedLine({ baudRate: BAUD_RATE, seed });
  return {
    line,
    link: `serial: { path: ${line.host}, baudRate: ${BAUD_RATE} }`,
    end: () => createSerialPanelEnd({ path: line.panel, baudRate: BAUD_RATE }),
    pull: () => line.pull(),
    putBack: () => line.putBack(),
    close: () => line.close(),
  };
}
