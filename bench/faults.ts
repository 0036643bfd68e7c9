/**
 * How soon a rig is back after each fault of a bench, and what it lost: the stories of test/faults, played several times on each carrier, with
 * outages long enough for every pause between attempts to have grown to its longest.
 *
 *   npx tsx bench/faults.ts [--carrier serial] [--repeats 5] [--only cable] [--output docs/results/faults.md]
 *
 * Recovery is counted from the moment at which wire and panel were usable again (by a panel that breaks of itself: at which its fault was
 * noticed) to the record of the first good cycle, at 50 cycles/s.
 */
import { writeFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { hasPart } from '../test/parts.ts';
import { holdPacedLine } from '../test/paced-line.ts';
import type { Carrier } from '../test/faults/fault-rig.ts';
import {
  MIXED_SCENARIOS,
  MOSQUITTO_REFUSALS,
  MOSQUITTO_SCENARIOS,
  MQTT_REFUSALS,
  MQTT_SCENARIOS,
} from '../test/faults/mqtt-scenarios.ts';
import { playRefusal, playScenario, type Played, type Refusal, type Scenario } from '../test/faults/play.ts';
import { REFUSALS, SCENARIOS } from '../test/faults/scenarios.ts';
import { SERIAL_REFUSALS, SERIAL_SCENARIOS } from '../test/faults/serial-scenarios.ts';

const { values } = parseArgs({
  options: {
    carrier: { type: 'string', multiple: true, default: ['serial', 'mqtt'] },
    repeats: { type: 'string', default: '5' },
    /** Only stories whose name holds this. */
    only: { type: 'string', default: '' },
    output: { type: 'string' },
  },
});
/** Garbage lasts ten seconds, other outages until pauses have grown to their longest; a random part lets the end fall anywhere within one. */
const GARBAGE_MS = 10_000;
const OUTAGE_MS = 2500;
const SPREAD_MS = 1000;

interface Table {
  title: string;
  carrier: Carrier;
  scenarios: readonly Scenario[];
  refusals: readonly Refusal[];
}
const tables: Table[] = [
  {
    title: 'Serial (921,600 baud, two ptys and a paced line between)',
    carrier: 'serial',
    scenarios: [...SCENARIOS, ...SERIAL_SCENARIOS],
    refusals: [...REFUSALS, ...SERIAL_REFUSALS],
  },
  {
    title: 'MQTT (embedded broker)',
    carrier: 'aedes',
    scenarios: [...SCENARIOS, ...MQTT_SCENARIOS],
    refusals: [...REFUSALS, ...MQTT_REFUSALS],
  },
  { title: 'MQTT (mosquitto)', carrier: 'mosquitto', scenarios: MOSQUITTO_SCENARIOS, refusals: MOSQUITTO_REFUSALS },
  { title: 'One panel on serial, one on MQTT', carrier: 'aedes', scenarios: MIXED_SCENARIOS, refusals: [] },
];
const repeats = Number(values.repeats);
const wanted = ({ name }: { name: string }): boolean => name.includes(values.only);
const asked = ({ carrier }: Table): boolean => values.carrier.includes(carrier === 'serial' ? 'serial' : 'mqtt');
const runnable = ({ carrier }: Table): boolean => carrier !== 'mosquitto' || hasPart('mosquitto');

const { release } = await holdPacedLine();
let brokenStories = 0;
/** The promise: a rig is back within a second of what it had lost. */
const PROMISED_MS = 1000;
const parts: string[] = [];
for (const table of tables.filter(asked).filter(runnable)) {
  const rows = ['| fault | back after (ms): min / median / max | lost | told |', '|---|---|---|---|'];
  for (const scenario of table.scenarios.filter(wanted)) rows.push(await rowOf(scenario, table.carrier));
  for (const refusal of table.refusals.filter(wanted)) rows.push(await refusedRow(refusal, table.carrier));
  if (rows.length > 2) parts.push(`## ${table.title}\n\n${rows.join('\n')}`);
}
release();

const [{ model }] = cpus();
const command = `npx tsx bench/faults.ts ${process.argv.slice(2).join(' ')}`.trim();
const text = `# Faults of a bench: how soon the rig is back, and what it lost

\`${command}\`, ${new Date().toISOString().slice(0, 10)}, ${cpus().length} × ${model}, load average ${loadavg()[0].toFixed(1)}; each fault ${repeats === 1 ? 'once' : `${repeats} times`}.

16 elements, 2 chains, 2 users, Q = 6, 50 cycles/s; panels played at the far ends of real ports and brokers. An outage lasts ${OUTAGE_MS / 1000} to
${(OUTAGE_MS + SPREAD_MS) / 1000} s (garbage ${GARBAGE_MS / 1000} s), so that pauses between attempts have grown to their longest. "Back" is the record of the first good cycle,
counted from when wire and panel were usable again; of a panel that breaks of itself, from when that was noticed. "Lost" is of the first
time. In every one: never half a beam radiated, no SNR credited to another beam, nothing from before a loss carried out after it,
requests under way bounded, nothing left open, a record for every cycle.

${parts.join('\n\n')}
`;
console.log(text);
if (values.output !== undefined) writeFileSync(values.output, text);
process.exit(brokenStories === 0 ? 0 : 1);

async function rowOf(scenario: Scenario, carrier: Carrier): Promise<string> {
  const plays: Played[] = [];
  for (let seed = 1; seed <= repeats; seed++) {
    const outageMs = (scenario.name.startsWith('garbage') ? GARBAGE_MS : OUTAGE_MS) + SPREAD_MS * Math.random();
    const played = await playScenario(scenario, { carrier, seed, outageMs });
    plays.push(played);
    if (played.broken.length > 0) {
      brokenStories++;
      console.error(`${scenario.name} on ${carrier}: ${played.broken.join('; ')}`);
    }
  }
  const { lost, codes } = plays[0];
  const times = plays.flatMap(({ recoveriesMs }) => recoveriesMs).sort((a, b) => a - b);
  if (times.length > 0 && times[Math.floor(0.5 * (times.length - 1))] > PROMISED_MS) {
    brokenStories++;
    console.error(`${scenario.name} on ${carrier}: more than half of the times not back within ${PROMISED_MS} ms`);
  }
  const at = (share: number): string => times[Math.floor(share * (times.length - 1))].toFixed(0);
  const back = times.length === 0 ? 'stays out' : `${at(0)} / ${at(0.5)} / ${at(1)}`;
  const broken = plays.some((played) => played.broken.length > 0) ? ' **(an invariant did not hold)**' : '';
  console.error(`${scenario.name}: ${back}; ${lost}`);
  return `| ${scenario.name}${broken} | ${back} | ${lost} | ${codes.join(', ') || 'nothing'} |`;
}

async function refusedRow(refusal: Refusal, carrier: Carrier): Promise<string> {
  const { code, message } = await playRefusal(refusal, carrier);
  if (code !== refusal.code || !refusal.message.test(message)) {
    brokenStories++;
    console.error(`${refusal.name} on ${carrier}: ${code}: ${message}`);
  }
  return `| from the start: ${refusal.name} | refused | nothing | ${message.replaceAll(/\s+/g, ' ').replaceAll('|', '/')} |`;
}
