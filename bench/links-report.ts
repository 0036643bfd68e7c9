/** The figures of links.ts as a page. */
import { cpus, loadavg } from 'node:os';
import type { Spread } from './statistics.ts';

interface Times {
  p50: number;
  p95: number;
}

/** apply + measure over one link, and what it is held against. */
export interface CycleRow {
  name: string;
  /** Round trips that wait for one another, and bytes both ways, of a cycle. */
  trips: number;
  bytes: number;
  tripMs: Times;
  echoMs: Times;
  bareMs: Times;
  driverMs: Times;
  cyclesPerSecond: Spread;
  /** Processor time of this process for a cycle. */
  cpuMs: { echo: number; bare: number; driver: number };
  /** driver ÷ bare, which the bound is for. */
  limit: Spread;
  /** (echo + driver − bare) ÷ echo: what the driver adds, held against the link alone, however long the panel takes. */
  overEcho: Spread;
  bound?: number;
  retries: number;
}

export interface RigRow {
  name: string;
  cyclesPerSecond: number;
  /** Push, commit and measure of a cycle; and from taking the channel to the SNR of its beam. */
  linkMs: Times;
  cycleMs: Times;
  voids: number;
}

export interface UpdateRow {
  name: string;
  changed: number;
  digital: boolean;
  /** On the line, both ways, of one update. */
  bytes: number;
  ms: Times;
  /** What the line takes for the bytes that wait for one another. */
  wireMs?: number;
  /** Time ÷ that. */
  limit?: Spread;
  bound?: number;
  retries: number;
}

/** Bytes on the line of the frames of a full update. */
export interface FullUpdateParts {
  words: number;
  digital: number;
  commit: number;
  ack: number;
  committed: number;
  wireMs: number;
  echoMs?: Times;
}

export interface LinksResult {
  rounds: number;
  cycles: number;
  machine: string;
  cycleRows: CycleRow[];
  rigRows: RigRow[];
  updates: UpdateRow[];
  mqttWindows: UpdateRow[];
  parts: FullUpdateParts | undefined;
}

export function machineLine(): string {
  const [{ model }] = cpus();
  return `${cpus().length} cores of ${model}, load average ${loadavg()[0].toFixed(1)}, Node ${process.version}`;
}

export function linksPage({ rounds, cycles, machine, cycleRows, rigRows, updates, mqttWindows, parts }: LinksResult): string {
  const whole = (changed: number) => (row: UpdateRow) => row.changed === changed;
  const most = Math.max(...updates.map(({ changed }) => changed));
  const chunked = updates.filter(({ name }) => name.includes('window'));
  const plain = updates.filter((row) => !chunked.includes(row));
  return `# Links

\`npx tsx bench/links.ts --output docs/results/links.md\` on ${machine}. Medians / 95th percentiles; ranges are over
${rounds} rounds of ${cycles}, in each of which all alternatives took their turn. Brokers, panels and echoes are processes of their own.

## A cycle: apply + measure, N = 64, M = K = 4, Q = 7

\`echo\` sends bytes of the same lengths, in the same order and window, to a far end that only answers: the link alone. \`bare\` sends the very frames,
made before, to the same kind of panel, and looks into no answer: link and panel. What \`driver\` takes above that is its own: encoding, framing,
deadlines, decoding, checking. The last column holds the same addition against the link alone: (echo + driver − bare) ÷ echo. It has no bound: a
pseudo terminal is no wire, its round trip is a few system calls, and real links take longer than any of this.

| link | round trip, ms | echo, ms | bare, ms | driver, ms | cycles/s | driver ÷ bare | bound | CPU here, ms: echo, bare, driver | over the link alone |
|---|---|---|---|---|---|---|---|---|---|
${cycleRows
  .map(({ name, tripMs, echoMs, bareMs, driverMs, cyclesPerSecond, cpuMs, limit, overEcho, bound }) => {
    const cpu = [cpuMs.echo, cpuMs.bare, cpuMs.driver].map((each) => each.toFixed(2)).join(', ');
    const times = [tripMs, echoMs, bareMs, driverMs].map(ms);
    return row(name, ...times, range(cyclesPerSecond, 0), range(limit), `${bound ?? ''}`, cpu, range(overEcho));
  })
  .join('\n')}

A cycle is ${cycleRows.map(({ name, trips, bytes }) => `${trips} round trips that wait for one another and ${bytes} bytes (${name})`).join(', ')}.
Repetitions in all: ${cycleRows.reduce((sum, { retries }) => sum + retries, 0)}.

The whole rig over the same links, with the trained model in its worker, unpaced and pipelined:

| link | cycles/s | push + commit + measure, ms | channel taken to SNR measured, ms | void cycles |
|---|---|---|---|---|
${rigRows.map(({ name, cyclesPerSecond, linkMs, cycleMs, voids }) => row(name, cyclesPerSecond.toFixed(1), ms(linkMs), ms(cycleMs), `${voids}`)).join('\n')}

## Updates on a line of 921,600 baud, N = 64, M = K = 4, Q = 6

From call to confirmed commit, against what the line takes for the bytes that wait for one another: all that is sent, the acknowledgement of the last chunk
where the commit waits for it (with D), and the answer to the commit.${partsLine(parts)}

| update | bytes both ways | ms | its bytes on the line, ms | ratio | bound | ÷ full update |
|---|---|---|---|---|---|---|
${plain
  .map((update) => {
    const { name, bytes, ms: times, wireMs = NaN, limit, bound, digital } = update;
    const full = plain.filter(whole(most)).find((candidate) => candidate.digital === digital);
    const share =
      full === undefined ? '' : `${(bytes / full.bytes).toFixed(2)} of bytes, ${(times.p50 / full.ms.p50).toFixed(2)} of time`;
    return row(name, bytes.toFixed(0), ms(times), wireMs.toFixed(2), range(limit), `${bound ?? ''}`, share);
  })
  .join('\n')}

## Chunks in flight

A panel with a small buffer, so that a beam is several chunks: one at a time, and pipelined.

| link | update | ms | its bytes on the line, ms | ratio |
|---|---|---|---|---|
${[...chunked.map((update) => ({ on: '921,600 baud', update })), ...mqttWindows.map((update) => ({ on: 'MQTT, aedes', update }))]
  .map(({ on, update: { name, ms: times, wireMs, limit } }) => row(on, name, ms(times), wireMs?.toFixed(2) ?? '–', range(limit)))
  .join('\n')}
`;
}

function partsLine(parts: FullUpdateParts | undefined): string {
  if (parts === undefined) return '';
  const { words, digital, commit, ack, committed, wireMs, echoMs } = parts;
  const echo =
    echoMs === undefined ? '' : `\nAn echo without a driver takes ${ms(echoMs)} ms for the same bytes on the same kind of line.`;
  return (
    ` Of a full update: words ${words} bytes, digital weights (D) ${digital}, acknowledgement ${ack}, commit ${commit}, its answer ${committed}: ` +
    `${wireMs.toFixed(2)} ms.${echo}`
  );
}

const row = (...cells: string[]): string => `| ${cells.join(' | ')} |`;
const ms = ({ p50, p95 }: Times): string => `${p50.toFixed(2)} / ${p95.toFixed(2)}`;
const range = (values: Spread | undefined, digits = 2): string =>
  values === undefined ? '–' : `${values.median.toFixed(digits)} (${values.min.toFixed(digits)} … ${values.max.toFixed(digits)})`;
