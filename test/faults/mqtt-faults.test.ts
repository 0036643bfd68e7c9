/** Every fault of a bench over a broker: what holds is in witness.ts, what happens in scenarios.ts and mqtt-scenarios.ts. */
import { describe, expect, it } from 'vitest';
import { hasPart } from '../parts.ts';
import { MIXED_SCENARIOS, MOSQUITTO_REFUSALS, MOSQUITTO_SCENARIOS, MQTT_REFUSALS, MQTT_SCENARIOS } from './mqtt-scenarios.ts';
import { playRefusal, playScenario, type Refusal, type Scenario } from './play.ts';
import { REFUSALS, SCENARIOS } from './scenarios.ts';

/** A machine with much else to do. */
const LONGEST_MS = 120_000;

async function holds(scenario: Scenario): Promise<void> {
  const { broken } = await playScenario(scenario, { carrier: 'aedes' });
  expect(broken).toEqual([]);
}

async function isRefused(refusal: Refusal): Promise<void> {
  const { code, message } = await playRefusal(refusal, 'aedes');
  expect(message).toMatch(refusal.message);
  expect(code).toBe(refusal.code);
}

describe('a rig behind an embedded broker', () => {
  it.each([...SCENARIOS, ...MQTT_SCENARIOS])('holds through: $name', holds, LONGEST_MS);
  it.each([...REFUSALS, ...MQTT_REFUSALS])('is refused for $name, before anything radiates', isRefused, LONGEST_MS);
});

describe.skipIf(!hasPart('mosquitto'))('a rig behind a broker of its own process [needs mosquitto]', () => {
  it.each(MOSQUITTO_SCENARIOS)('holds through: $name', holds, LONGEST_MS);
  it.each(MOSQUITTO_REFUSALS)('is refused for $name, before anything radiates', isRefused, LONGEST_MS);
});

describe.skipIf(!hasPart('gcc'))('a rig with one panel on a serial line and one behind a broker [needs gcc]', () => {
  it.each(MIXED_SCENARIOS)('holds through: $name', holds, LONGEST_MS);
});
