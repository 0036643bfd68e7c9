/** What the reference firmware takes: what a case with it has to keep to. */
import { CHIPS, chipNamed } from '../../hil-sim/chips/chips.ts';
import { elementsOf, type RigFile } from '../config/rig-file.ts';
import type { Carrier } from './scenario-schema.ts';

export type FirmwareCarrier = Extract<Carrier, 'pty' | 'qemu'>;
export const isFirmware = (carrier: Carrier): carrier is FirmwareCarrier => carrier === 'pty' || carrier === 'qemu';

/** What its boards call themselves; that of the image is built in. */
export const BOARD_SERIALS = { pty: 'PANEL-0', qemu: 'BOARD-0001' } as const;

/** As firmware-protocol/reference/build.ts builds it for this machine. */
const PROCESS = { places: 512, weights: 64 };
/** As firmware-protocol/reference/board_lm3s6965.c has it. */
const IMAGE = { elements: 64, rfChains: 4, users: 4 };

/** What does not fit, by the key of the rig. */
export function beyondFirmware(rig: RigFile, carrier: FirmwareCarrier): { path: PropertyKey[]; text: string }[] {
  const problems: { path: PropertyKey[]; text: string }[] = [];
  const say = (path: string[], value: unknown, allowed: string): void =>
    void problems.push({ path, text: `${path.join('.')}: ${String(value)}, and the firmware of carrier ${carrier} ${allowed}` });
  const { rfChains, phaseBits } = rig.array;
  const users = rig.users.count;
  const elements = elementsOf(rig);
  const chip = chipNamed(rig.simulator.phaseShifter);
  if (chip === undefined) {
    const chips = Object.values(CHIPS).map((each) => `${each.name} (array.phaseBits: ${each.phaseBits})`);
    say(['simulator', 'phaseShifter'], rig.simulator.phaseShifter, `drives chips; allowed: ${chips.join(', ')}`);
  } else if (chip.phaseBits !== phaseBits) {
    say(['array', 'phaseBits'], phaseBits, `drives ${chip.name} chips; allowed: ${chip.phaseBits}`);
  }
  if (carrier === 'qemu') {
    if (elements !== IMAGE.elements) say(['array', 'geometry'], `${elements} elements`, `has ${IMAGE.elements} elements`);
    if (rfChains !== IMAGE.rfChains) say(['array', 'rfChains'], rfChains, `has ${IMAGE.rfChains} chains`);
    if (users !== IMAGE.users) say(['users', 'count'], users, `is for ${IMAGE.users} users`);
    return problems;
  }
  const [places, weights] = [elements * rfChains, rfChains * users];
  if (places > PROCESS.places)
    say(
      ['array', 'geometry'],
      `${elements} elements`,
      `has at most ${PROCESS.places} phase shifters, with ${rfChains} chains here ${places}`,
    );
  if (weights > PROCESS.weights)
    say(['users', 'count'], users, `takes at most ${PROCESS.weights} weights, with ${rfChains} chains here ${weights}`);
  return problems;
}
