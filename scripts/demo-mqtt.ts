/**
 * A rig over MQTT against the simulator: the same scenario (64 elements, 4 chains, 4 users who walk, Q = 7, a learned beamformer) over
 * loopback, and through a broker to `beamrig panel`, a process of its own that logs every word it radiates.
 *
 *     npm run demo:mqtt [-- --broker embedded|mosquitto-tls] [--cycles 100] [--json]
 *
 * The embedded broker needs nothing; mosquitto-tls makes the broker of examples/mqtt/README.md by the commands of that page, with TLS, a
 * password for each user and its access list. Ends with 0 only when every word of every cycle is the one over loopback, and the mean SNR as
 * measured is the same within 4.5 standard errors of its difference.
 */
import { guardedScenario, openScenario } from './broker-scenario.ts';
import type { BrokerScenario } from './broker-scenario.ts';
import { optionsOrEnd, printFailure } from './demonstration.ts';
import { tellToPanelProcess } from './played-scenario.ts';
import { compare, comparisonText, cycleMs, tellOverLoopback } from './same-scenario.ts';

const BROKERS: Record<string, () => Promise<BrokerScenario>> = { embedded: openScenario, 'mosquitto-tls': guardedScenario };

const USAGE = `npm run demo:mqtt [-- OPTIONS]: a rig over MQTT against the simulator
  --broker <kind>   embedded, or mosquitto-tls: that of examples/mqtt/README.md (default: embedded)
  --cycles <n>      how many, from 2 on (default: 100)
  --json            the result as JSON`;

const { json, cycles, more } = optionsOrEnd(USAGE, { broker: { type: 'string' } });
const kind = String(more.broker ?? 'embedded');
if (!Object.hasOwn(BROKERS, kind)) {
  console.error(`--broker is ${kind}, not one of ${Object.keys(BROKERS).join(', ')}`);
  process.exit(2);
}

const say = (text: string): void => {
  if (!json) console.log(text);
};

let broker: BrokerScenario | undefined;
// Broker and panel end with this process (panel-process.ts, mosquitto.ts).
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

try {
  broker = await BROKERS[kind]();
  say(`The broker is ${broker.description}.`);
  const loopback = await tellOverLoopback(cycles);
  const told = await tellToPanelProcess({
    ...broker,
    cycles,
    onStart: (pid, at) => say(`beamrig panel runs as process ${pid}: ${at.join(', ')}.`),
  });
  const comparison = compare(loopback, told);
  const took = cycleMs(told);
  if (json) console.log(JSON.stringify({ broker: kind, ...comparison, cycleMs: took }));
  else {
    for (const line of comparisonText(comparison)) console.log(line);
    console.log(`Apply and measure took ${took.median.toFixed(1)} ms a cycle in the median, ${took.most.toFixed(1)} ms at most.`);
    console.log(comparison.equal ? 'The panel does as the simulator does.' : 'The panel does NOT do as the simulator does.');
  }
  process.exitCode = comparison.equal ? 0 : 1;
} catch (error) {
  printFailure(error);
  process.exitCode = 1;
} finally {
  await broker?.close();
}
