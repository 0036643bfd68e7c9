/**
 * What the codec costs: bytes on the wire against a beam's own bits, and frames a second against what the machine can do at all (copying
 * the same bytes), a checksum in native code, and the plain alternative (the same words as JSON).
 *
 *     npx tsx bench/codec.ts [--json] [--rounds N]
 *
 * Codec and peer are timed in turn within every round, so a busy machine slows both; ratios are medians over the rounds with their range.
 */
import { crc32 } from 'node:zlib';
import { beamFrames, maxWordsPerChunk } from '../firmware-protocol/chunking.ts';
import { decodeFrame, encodeFrame } from '../firmware-protocol/codec.ts';
import { crc32c } from '../firmware-protocol/crc32c.ts';
import type { Frame } from '../firmware-protocol/messages.ts';
import { SerialFrameReader, cobsFrame } from '../firmware-protocol/serial-framing.ts';
import { createRandom } from '../core/signal/random.ts';

const json = process.argv.includes('--json');
const roundsAt = process.argv.indexOf('--rounds');
const rounds = roundsAt < 0 ? 9 : Number(process.argv[roundsAt + 1]);
if (!Number.isInteger(rounds) || rounds < 5) {
  console.error(
    `--rounds is ${process.argv[roundsAt + 1]}, not a whole number from 5 on. Try: npx tsx bench/codec.ts --rounds 9`,
  );
  process.exit(2);
}

const MILLISECONDS_A_MEASUREMENT = 60;
const random = createRandom(1);
const uniformWords = (count: number, bits: number): Uint16Array =>
  Uint16Array.from({ length: count }, () => Math.floor(random.uniform() * 2 ** bits));

interface WireRow {
  elements: number;
  chains: number;
  phaseBits: number;
  maxPayloadBytes: number;
  frames: number;
  ownBytes: number;
  bareRatio: number;
  serialRatio: number;
  /** Words without a zero byte, which COBS shortens least. */
  worstSerialRatio: number;
  limit: number | undefined;
  /** Bytes that D adds on a serial line, M×K float32 pairs with their framing; not part of the ratios. */
  digitalSerialBytes: number;
  /** What the panel sends back: an ack a chunk and 'committed'. */
  replySerialBytes: number;
}

function wireRow(elements: number, chains: number, phaseBits: number, maxPayloadBytes: number, limit?: number): WireRow {
  const count = elements * chains;
  const users = chains;
  const measure = (words: Uint16Array): { frames: Frame[]; bare: number; serial: number } => {
    const frames = beamFrames({ slot: 0, beamId: 0x01020304, phaseBits, words, maxPayloadBytes, firstSeq: 0x0101 });
    const bare = frames.map((frame) => encodeFrame(frame));
    return { frames, bare: total(bare), serial: total(bare.map((bytes) => cobsFrame(bytes))) };
  };
  const usual = measure(uniformWords(count, phaseBits));
  const worst = measure(new Uint16Array(count).fill(2 ** phaseBits - 1));
  const weights = Float32Array.from({ length: 2 * chains * users }, () => random.normal());
  const digital = beamFrames({
    slot: 0,
    beamId: 7,
    phaseBits,
    words: new Uint16Array(0),
    digital: { users, weights },
    maxPayloadBytes,
    firstSeq: 0,
  }).filter((frame) => frame.message.type === 'set-digital');
  const replies: Frame[] = usual.frames.map(({ seq, message }) => ({
    seq,
    message:
      message.type === 'commit'
        ? { type: 'committed', beamId: 7, timeUs: 123_456_789n, wordsCrc32c: 0x89abcdef }
        : { type: 'ack' },
  }));
  const ownBytes = (phaseBits * count) / 8;
  return {
    elements,
    chains,
    phaseBits,
    maxPayloadBytes,
    frames: usual.frames.length,
    ownBytes,
    bareRatio: usual.bare / ownBytes,
    serialRatio: usual.serial / ownBytes,
    worstSerialRatio: worst.serial / ownBytes,
    limit,
    digitalSerialBytes: total(digital.map((frame) => cobsFrame(encodeFrame(frame)))),
    replySerialBytes: total(replies.map((frame) => cobsFrame(encodeFrame(frame)))),
  };
}

const total = (parts: Uint8Array[]): number => parts.reduce((sum, part) => sum + part.length, 0);

/** Kept from the optimiser: every measured function's result goes in here. */
let sink = 0;

interface Contest {
  name: string;
  bytes: number;
  ours: () => number;
  peers: Record<string, () => number>;
}

function contestsFor(title: string, words: Uint16Array, phaseBits: number): Contest[] {
  const frame: Frame = { seq: 9, message: { type: 'set-phases', slot: 0, beamId: 77, phaseBits, offset: 0, words } };
  const bare = encodeFrame(frame);
  const serial = cobsFrame(bare);
  const asJson = (): string =>
    JSON.stringify({ seq: 9, type: 'set-phases', slot: 0, beamId: 77, offset: 0, words: Array.from(words) });
  const text = asJson();
  let received = 0;
  const reader = new SerialFrameReader({ onFrame: (bytes) => (received += bytes.length) });
  const copy = (): number => bare.slice()[0];
  const toJson = (): number => asJson().length;
  const fromJson = (): number => Uint16Array.from((JSON.parse(text) as { words: number[] }).words)[0];
  return [
    { name: `encode ${title}`, bytes: bare.length, ours: () => encodeFrame(frame)[0], peers: { memcpy: copy, JSON: toJson } },
    {
      name: `decode ${title}`,
      bytes: bare.length,
      ours: () => (decodeFrame(bare).ok ? 1 : 0),
      peers: { memcpy: copy, JSON: fromJson },
    },
    {
      name: `encode to serial ${title}`,
      bytes: bare.length,
      ours: () => cobsFrame(encodeFrame(frame))[0],
      peers: { memcpy: copy, JSON: toJson },
    },
    {
      name: `decode from serial ${title}`,
      bytes: bare.length,
      ours: () => {
        reader.push(serial);
        return (decodeFrame(bare).ok ? 1 : 0) + received;
      },
      peers: { memcpy: copy, JSON: fromJson },
    },
    { name: `CRC-32C ${title}`, bytes: bare.length, ours: () => crc32c(bare), peers: { 'zlib.crc32': () => crc32(bare) } },
  ];
}

function commitContest(): Contest {
  const frame: Frame = { seq: 9, message: { type: 'commit', slot: 0, beamId: 77, atUs: 0n } };
  const bare = encodeFrame(frame);
  return {
    name: 'encode and decode a commit',
    bytes: bare.length,
    ours: () => (decodeFrame(encodeFrame(frame)).ok ? 1 : 0),
    peers: { JSON: () => (JSON.parse(JSON.stringify({ seq: 9, type: 'commit', slot: 0, beamId: 77, atUs: '0' })) as Frame).seq },
  };
}

/** Calls a second, over about MILLISECONDS_A_MEASUREMENT. */
function rate(run: () => number): number {
  let calls = 0;
  let batch = 16;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < MILLISECONDS_A_MEASUREMENT) {
    for (let i = 0; i < batch; i += 1) sink += run();
    calls += batch;
    batch = Math.min(4096, batch * 2);
    elapsed = performance.now() - start;
  }
  return (1000 * calls) / elapsed;
}

interface Spread {
  median: number;
  min: number;
  max: number;
}

function spread(values: number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted[sorted.length - 1] };
}

interface SpeedRow {
  name: string;
  bytes: number;
  framesPerSecond: Spread;
  megabytesPerSecond: Spread;
  /** Our frames a second over the peer's, same words or bytes, same round. */
  timesPeer: Record<string, Spread>;
}

function compete({ name, bytes, ours, peers }: Contest): SpeedRow {
  // One round is thrown away: the engine compiles in it.
  for (const run of [ours, ...Object.values(peers)]) rate(run);
  const rates: number[] = [];
  const ratios: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    const own = rate(ours);
    rates.push(own);
    for (const [peer, run] of Object.entries(peers)) (ratios[peer] ??= []).push(own / rate(run));
  }
  return {
    name,
    bytes,
    framesPerSecond: spread(rates),
    megabytesPerSecond: spread(rates.map((value) => (value * bytes) / 1e6)),
    timesPeer: Object.fromEntries(Object.entries(ratios).map(([peer, values]) => [peer, spread(values)])),
  };
}

const wire = [
  wireRow(64, 4, 6, 2048, 1.25),
  wireRow(1024, 16, 6, 2048, 1.03),
  wireRow(1024, 16, 6, 1024, 1.03),
  wireRow(1024, 16, 6, 4096, 1.03),
  wireRow(64, 4, 2, 2048),
  wireRow(64, 4, 8, 2048),
];
const speed = [
  ...contestsFor('64 × 4 words of 6 bits', uniformWords(256, 6), 6),
  ...contestsFor('a full chunk of 2,048 bytes', uniformWords(maxWordsPerChunk(2048, 6), 6), 6),
  commitContest(),
].map(compete);

const overBudget = wire.filter((row) => row.limit !== undefined && Math.max(row.worstSerialRatio, row.bareRatio) > row.limit);

if (json) {
  console.log(
    JSON.stringify({ node: process.version, rounds, wire, speed, withinBudget: overBudget.length === 0 }, undefined, 2),
  );
} else {
  printWire();
  printSpeed();
}
if (overBudget.length > 0 || !Number.isFinite(sink)) process.exitCode = 1;

function printWire(): void {
  console.log('Bytes on the wire ÷ (Q·N·M/8), commit included (D and the panel’s replies beside it)');
  console.log('  N × M       Q  payload  frames  own B   bare    serial  worst   limit   + D (B)  replies (B)');
  for (const row of wire) {
    const { elements, chains, phaseBits, maxPayloadBytes, frames, ownBytes, bareRatio, serialRatio, worstSerialRatio, limit } =
      row;
    const cells = [
      `${elements} × ${chains}`.padEnd(10),
      String(phaseBits).padStart(2),
      String(maxPayloadBytes).padStart(8),
      String(frames).padStart(7),
      String(ownBytes).padStart(7),
      bareRatio.toFixed(4).padStart(7),
      serialRatio.toFixed(4).padStart(7),
      worstSerialRatio.toFixed(4).padStart(7),
      (limit?.toFixed(2) ?? '–').padStart(6),
      String(row.digitalSerialBytes).padStart(8),
      String(row.replySerialBytes).padStart(10),
    ];
    console.log(`  ${cells.join(' ')}`);
  }
}

function printSpeed(): void {
  console.log(
    `\nSpeed on Node ${process.version}, median of ${rounds} rounds (ratio: ours ÷ peer in frames a second, with its range)`,
  );
  for (const { name, framesPerSecond, megabytesPerSecond, timesPeer } of speed) {
    const frames = Math.round(framesPerSecond.median).toLocaleString('en').padStart(11);
    const ratios = Object.entries(timesPeer).map(
      ([peer, { median, min, max }]) => `${peer} ×${significant(median)} (${significant(min)} … ${significant(max)})`,
    );
    console.log(
      `  ${name.padEnd(46)} ${frames}/s ${megabytesPerSecond.median.toFixed(0).padStart(6)} MB/s   ${ratios.join('   ')}`,
    );
  }
}

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(2);
}
