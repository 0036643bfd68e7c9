/** A story of a broken bench, and how it is played: from an empty bench to an empty bench, with everything that did not hold in words. */
import { isBeamrigError } from '../../core/errors/beamrig-error.ts';
import type { Carrier, FaultRig, FaultRigOptions } from './fault-rig.ts';
import { openFaultRig } from './fault-rig.ts';

export interface Scenario {
  /** What happens, in the words of the bench. */
  name: string;
  options?: Omit<FaultRigOptions, 'carrier'>;
  /** From the first good cycle on. `back` of the rig is called when what was broken is whole again. */
  play(rig: FaultRig): Promise<void>;
  /** Codes of the events, in order, after the one that says where channels come from; a pattern of them, joined by blanks, where time decides. */
  events: readonly string[] | RegExp;
  /** What it is about is checked here, beyond what holds in every scenario. */
  check?(rig: FaultRig): string[];
}

/** What is wrong from the start, and refused before anything radiates. */
export interface Refusal {
  name: string;
  options?: Omit<FaultRigOptions, 'carrier'>;
  code: string;
  message: RegExp;
}

/**
 * Back after this, ms, or it does not count as back by itself. The promise is a second, which bench/faults.ts holds the median to; here a
 * machine with much else to do may take longer.
 */
const LONGEST_RECOVERY_MS = 3000;

/** For a table of tests: the whole name beside the story. */
export const named = <Story extends { name: string }>(stories: readonly Story[]): [string, Story][] =>
  stories.map((story) => [story.name, story]);

export interface Played {
  /** What did not hold: to be empty. */
  broken: string[];
  recoveriesMs: readonly number[];
  lost: string;
  codes: string[];
  cycles: number;
}

export async function playScenario(
  scenario: Scenario,
  options: Pick<FaultRigOptions, 'carrier' | 'seed' | 'outageMs'>,
): Promise<Played> {
  const rig = await openFaultRig({ ...scenario.options, ...options });
  const left = await playTo(rig, scenario);
  // A panel that does not say that it is played is hardware, of which there are no tables.
  const opening = ['channels-simulated', ...(rig.rig.source === 'hardware' ? ['uncalibrated'] : [])];
  const codes = rig.codes().slice(opening.length);
  const told = rig.codes().slice(0, opening.length);
  const { unsafe } = rig.rig.controller;
  return {
    broken: [
      ...rig.witness.broken(),
      ...left,
      ...(told.join() === opening.join() ? [] : [`5: the first events are ${told.join(' ')}`]),
      ...unexpected(codes.join(' '), scenario.events),
      ...(scenario.check?.(rig) ?? []),
      ...rig.recoveriesMs.filter((ms) => ms > LONGEST_RECOVERY_MS).map((ms) => `back only after ${Math.round(ms)} ms`),
      ...stillLit(rig),
      ...(unsafe === undefined ? [] : [`at the end the array was ${unsafe}`]),
    ],
    recoveriesMs: rig.recoveriesMs,
    lost: rig.lost(),
    codes,
    cycles: rig.witness.records.length,
  };
}

/** Stopped, every array is dark: the command has reached it, whatever the host was told. */
const stillLit = (rig: FaultRig): string[] =>
  rig.panels.flatMap(({ name, panel }) => {
    const { beamId } = panel.radiated();
    return beamId === 0 ? [] : [`at the end ${name} still radiated beam ${beamId}`];
  });

/** @returns what is left of the rig after it was closed */
async function playTo(rig: FaultRig, scenario: Scenario): Promise<string[]> {
  try {
    await scenario.play(rig);
  } catch (error) {
    await rig.close();
    const told = rig.witness.events.map(({ code, message }) => `${code}: ${message}`).join('\n  ');
    throw new Error(`${scenario.name}: ${String(error)}\n  ${told}\n  lost: ${rig.lost()}`, { cause: error });
  }
  return rig.close();
}

function unexpected(told: string, events: Scenario['events']): string[] {
  if (events instanceof RegExp) return events.test(told) ? [] : [`5: events were '${told}', expected ${String(events)}`];
  return told === events.join(' ') ? [] : [`5: events were '${told}', expected '${events.join(' ')}'`];
}

/** @returns code, and message with its way out, of what the rig was refused with */
export async function playRefusal({ options }: Refusal, carrier: Carrier): Promise<{ code: string; message: string }> {
  try {
    const rig = await openFaultRig({ ...options, carrier });
    await rig.close();
  } catch (error) {
    if (!isBeamrigError(error)) throw error;
    return { code: error.code, message: `${error.message.replace(/\.$/, '')}. ${error.wayOut ?? ''}`.trim() };
  }
  return { code: '', message: 'the rig was assembled' };
}
