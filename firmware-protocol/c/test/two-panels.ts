/** The same story told to the panel in C and to the virtual panel, which must tell it alike. */
import { expect } from 'vitest';
import { USERS, WORDS, hostWith } from '../../../test/doubles/panel-host.ts';
import type { UserRun } from '../../../core/signal/indices.ts';
import type { PanelSettings } from '../../../hil-sim/virtual-panel.ts';
import type { Request } from '../../messages.ts';
import { type Outcome, type PanelBirth, type Step, bytesOf, outcome, tellStories } from './panel-process.ts';

/** What a panel of a story is, where that is not usual. */
export type Kind = Pick<PanelSettings, 'capabilities'> & {
  authentication?: { panelKey: Uint8Array; counterLimit: bigint };
  /** It has receivers only, of these users. */
  hears?: UserRun;
};

/** Requests get the sequence numbers 1, 2, 3, … unless a test says otherwise. */
export const story = (...steps: (Request | Step)[]): Step[] =>
  steps.map((step, i) => ('kind' in step ? step : { kind: 'request', request: step, seq: i + 1 }));
export const at = (timeMs: number): Step => ({ kind: 'at', timeMs });
export const bytes = (hex: string): Step => ({ kind: 'bytes', bytes: new Uint8Array(Buffer.from(hex, 'hex')) });
export const DARK = new Uint16Array(WORDS).join();

export async function toldToVirtualPanel(steps: readonly Step[], { authentication, ...kind }: Kind): Promise<Outcome[]> {
  let limit = authentication?.counterLimit ?? 0n;
  let stores = true;
  const storeLimit = (next: bigint): boolean => {
    if (stores) limit = next;
    return stores;
  };
  const { panel, clock, received } = hostWith({
    ...kind,
    ...(authentication ? { authentication: { ...authentication, storeLimit } } : {}),
  });
  const outcomes: Outcome[] = [];
  for (const [i, step] of steps.entries()) {
    const before = received.length;
    const frame = bytesOf(steps, i);
    if (frame !== undefined) panel.receive(frame);
    if (step.kind === 'at') await clock.advanceTo(step.timeMs);
    if (step.kind === 'reset') panel.reset();
    if (step.kind === 'fault') panel.fault(step.code);
    if (step.kind === 'recover') panel.recover();
    if (step.kind === 'storage') stores = step.works;
    const answers = outcome(received[before], panel.radiated().words.join(), authentication?.panelKey);
    outcomes.push(authentication ? { ...answers, limit } : answers);
  }
  panel.close();
  return outcomes;
}

/** A C panel that says of itself what the virtual panel says. */
export function birthLike({ authentication, ...kind }: Kind): PanelBirth {
  const { panel } = hostWith({
    ...kind,
    ...(authentication ? { authentication: { ...authentication, storeLimit: () => true } } : {}),
  });
  const { capabilities } = panel;
  panel.close();
  const streams = capabilities.features.includes('digital-weights') ? USERS : 0;
  return { capabilities, streams, ...(authentication ? { authentication } : {}), ...(kind.hears ? { hears: kind.hears } : {}) };
}

/** Tells both the story, expects the same of both, and these replies. */
export async function expectStory(
  program: string,
  steps: readonly Step[],
  said: readonly string[],
  kind: Kind = {},
): Promise<Outcome[]> {
  const [c] = tellStories(program, birthLike(kind), [steps]);
  expect(c).toEqual(await toldToVirtualPanel(steps, kind));
  expect(c.filter((_, i) => bytesOf(steps, i) !== undefined).map((step) => step.said)).toEqual(said);
  return c;
}

/** Tells both all of these stories; returns every reply that was heard, in a word and without its number, sorted. */
export async function expectSameOfAny(
  program: string,
  stories: readonly (readonly Step[])[],
  kind: Kind = {},
): Promise<string[]> {
  const answers = tellStories(program, birthLike(kind), stories);
  const answered = new Set<string>();
  for (const [i, steps] of stories.entries()) {
    for (const [step, expected] of (await toldToVirtualPanel(steps, kind)).entries()) {
      expect(answers[i][step], `story ${i}, step ${step}`).toEqual(expected);
      answered.add(expected.said.replace(/ .*/, ''));
    }
  }
  return [...answered].sort();
}
