/**
 * The links over which one and the same scenario is told (scripts/same-scenario.ts), for the test that holds them to the loopback and for the
 * table of it: each with the system parts that it needs, and how it is told there.
 */
import { builtFirmware } from '../firmware-protocol/reference/test/built-firmware.ts';
import { startFirmware } from '../firmware-protocol/reference/run-firmware.ts';
import { tellToFirmware } from '../firmware-protocol/reference/scenario.ts';
import { guardedScenario, openScenario } from '../scripts/broker-scenario.ts';
import type { BrokerScenario } from '../scripts/broker-scenario.ts';
import { freePort } from '../scripts/free-port.ts';
import { tellToPanelProcess } from '../scripts/played-scenario.ts';
import { BEAMRIG } from './built-program.ts';
import { ELEMENTS, RF_CHAINS, USERS } from '../scripts/same-scenario.ts';
import type { Story } from '../scripts/same-scenario.ts';
import { startEmbeddedBroker } from '../src/link/mqtt/embedded-broker.ts';
import type { Part } from './parts.ts';
import { openPtyPair } from './pty.ts';

export interface ScenarioLink {
  name: string;
  needs: readonly Part[];
  /** Starts what is at the other end, tells the story, and ends it. */
  tell(cycles: number): Promise<Story>;
}

export const SCENARIO_LINKS: readonly ScenarioLink[] = [
  { name: 'pty, C firmware as a process', needs: ['gcc'], tell: (cycles) => overFirmware('host', cycles) },
  {
    name: 'pty, C firmware on a Cortex-M3 in QEMU',
    needs: ['arm-none-eabi-gcc', 'qemu-system-arm'],
    tell: (cycles) => overFirmware('board', cycles),
  },
  { name: 'MQTT, embedded broker', needs: [], tell: (cycles) => overBroker(openScenario, cycles) },
  {
    name: 'MQTT, mosquitto with TLS, passwords, access list',
    needs: ['mosquitto', 'openssl'],
    tell: (cycles) => overBroker(guardedScenario, cycles),
  },
  { name: 'serial, `beamrig panel` on a pty', needs: ['socat'], tell: overSerial },
  { name: 'TCP, `beamrig panel` that listens', needs: [], tell: overTcp },
  { name: 'two boards, serial + MQTT, timed commits', needs: ['socat'], tell: overTwoBoards },
];

async function overFirmware(target: 'host' | 'board', cycles: number): Promise<Story> {
  const program = await builtFirmware({ target });
  const size = ['--elements', ELEMENTS, '--chains', RF_CHAINS, '--users', USERS].map(String);
  const firmware = await startFirmware({ target, program, args: size });
  try {
    return await tellToFirmware(firmware, cycles);
  } finally {
    await firmware.stop();
  }
}

async function overBroker(open: () => Promise<BrokerScenario>, cycles: number): Promise<Story> {
  const broker = await open();
  try {
    return await tellToPanelProcess({ ...broker, cycles, program: BEAMRIG });
  } finally {
    await broker.close();
  }
}

async function overSerial(cycles: number): Promise<Story> {
  const pty = await openPtyPair();
  try {
    const links = `links: [{ serial: { path: ${pty.a} } }]`;
    return await tellToPanelProcess({ cycles, links, program: BEAMRIG, flags: ['--serial', pty.b] });
  } finally {
    await pty.close();
  }
}

async function overTcp(cycles: number): Promise<Story> {
  // Both ends have one address.
  const links = `links: [{ tcp: { host: 127.0.0.1, port: ${await freePort()} } }]`;
  return tellToPanelProcess({ cycles, links, program: BEAMRIG });
}

/** One board counts its elements from the middle outwards, so that the element map has something to say. */
async function overTwoBoards(cycles: number): Promise<Story> {
  const pty = await openPtyPair();
  const broker = await startEmbeddedBroker({ port: 0 });
  try {
    const links = `links:
  - { name: left, panel: L-1, elements: '31-0', serial: { path: ${pty.a} } }
  - { name: right, panel: R-1, elements: '32-63', mqtt: { url: '${broker.url}' } }`;
    return await tellToPanelProcess({ cycles, links, program: BEAMRIG, flags: ['--serial', `left=${pty.b}`] });
  } finally {
    await broker.close();
    await pty.close();
  }
}
