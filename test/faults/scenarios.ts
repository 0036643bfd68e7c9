/**
 * What goes wrong on benches, one story each: a rig runs, something happens to it, it is mended, and the rig is to be back by itself. The
 * tests play them for the invariants of the witness and for the events that a person was told; bench/faults.ts plays them for the time.
 */
import type { Carrier, FaultRig, FaultRigOptions } from './fault-rig.ts';
import { openFaultRig } from './fault-rig.ts';

export interface Scenario {
  /** What happens, in the words of the bench. */
  name: string;
  carriers: readonly Carrier[];
  options?: Omit<FaultRigOptions, 'carrier'>;
  /** From the first good cycle on. `back` of the rig is called when what was broken is whole again. */
  play(rig: FaultRig): Promise<void>;
  /** Codes of the events, in order, after the one that says where channels come from. A pattern of them, joined by blanks, where time decides. */
  events: readonly string[] | RegExp;
  /** What it is about is checked here, beyond what holds in every scenario. */
  check?(rig: FaultRig): string[];
}

/** What is wrong from the start, and refused before anything radiates. */
export interface Refusal {
  name: string;
  carriers: readonly Carrier[];
  options?: Omit<FaultRigOptions, 'carrier'>;
  code: string;
  message: RegExp;
}

export interface Played {
  /** What did not hold, in words: to be empty. */
  broken: string[];
  recoveriesMs: readonly number[];
  lost: string;
  codes: string[];
  cycles: number;
}

/** Plays one scenario on one carrier, from an empty bench to an empty bench. */
export async function playScenario(scenario: Scenario, carrier: Carrier, seed = 1): Promise<Played> {
  const rig = await openFaultRig({ ...scenario.options, carrier, seed });
  let left: string[] = [];
  try {
    await scenario.play(rig);
  } finally {
    left = await rig.close();
  }
  const [first, ...codes] = rig.codes();
  const told = codes.join(' ');
  const { events } = scenario;
  const asExpected = events instanceof RegExp ? events.test(told) : told === events.join(' ');
  return {
    broken: [
      ...rig.witness.broken(),
      ...left,
      ...(first === 'channels-simulated' ? [] : [`5: the first event is ${first}`]),
      ...(asExpected
        ? []
        : [`5: events were '${told}', expected ${events instanceof RegExp ? String(events) : `'${events.join(' ')}'`}`]),
      ...(scenario.check?.(rig) ?? []),
      ...(rig.rig.controller.unsafe === undefined ? [] : [`the array was left unsafe: ${rig.rig.controller.unsafe}`]),
    ],
    recoveriesMs: rig.recoveriesMs,
    lost: rig.lost(),
    codes,
    cycles: rig.witness.records.length,
  };
}

const EVERY: readonly Carrier[] = ['serial', 'aedes', 'mosquitto'];
const LOST_AND_BACK = ['panel-lost', 'panel-back'] as const;

/** What may happen to any wire. */
export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'cable pulled and put back',
    carriers: EVERY,
    async play(rig) {
      await rig.cycles(3);
      await rig.wires[0].pull();
      await rig.untilVoid();
      await rig.wires[0].putBack();
      await rig.back();
      await rig.cycles(3);
    },
    events: LOST_AND_BACK,
  },
];
