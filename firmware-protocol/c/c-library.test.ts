/** The C library is held to the same vectors as the codec in TypeScript, compared with it on damaged frames, and fed with anything. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/signal/random.ts';
import { hasPart } from '../../test/parts.ts';
import { type JsonMessage, readVectors } from '../../test/protocol-vectors.ts';
import { decodeFrame, nackForDiscard } from '../codec.ts';
import { crc32c } from '../crc32c.ts';
import { SERIAL_DISCARD_REASONS, SerialFrameReader, cobsFrame } from '../serial-framing.ts';
import { BUILD_MS, WARNINGS, buildFolder, buildProgram, corpusFolder, gcc, libraryFiles, runProgram } from './test/c-programs.ts';

interface DecodedLine {
  seq?: number;
  message?: JsonMessage;
  /** The same message encoded by the C library. */
  again?: string;
  reason?: string;
  nack?: { seq: number; message: JsonMessage } | null;
}

const hexOrNone = (hex: string): string => (hex === '' ? '-' : hex);

/** Floats as the 32 bits they are, as the C program prints them. */
const floatBits = (values: Iterable<number>): number[] => [...new Uint32Array(Float32Array.from([...values]).buffer)];

/** A message of the vectors or of the codec, written as the C program writes it. */
function asLine(message: object): JsonMessage {
  const fields = Object.entries(message).map(([field, value]) => {
    if (field === 'weights' || field === 'values') return [field, floatBits(value as Iterable<number>)];
    if (typeof value === 'bigint') return [field, value.toString()];
    return [field, ArrayBuffer.isView(value) ? [...(value as Uint16Array)] : (value as unknown)];
  });
  return Object.fromEntries(fields) as JsonMessage;
}

describe.skipIf(!hasPart('gcc'))('the protocol in C [needs gcc]', () => {
  const vectors = readVectors();
  let folder: ReturnType<typeof buildFolder>;
  let codec: string;

  beforeAll(async () => {
    folder = buildFolder();
    codec = await buildProgram('codec', 'codec_lines', 'message_json', 'hex_lines');
  }, BUILD_MS);
  afterAll(() => folder.remove());

  /** One answer a command. */
  const ask = (commands: string[]): string[] => {
    const answers = runProgram(codec, [], `${commands.join('\n')}\n`)
      .toString('utf8')
      .trimEnd()
      .split('\n');
    expect(answers).toHaveLength(commands.length);
    return answers;
  };
  const decode = (frames: string[]): DecodedLine[] =>
    ask(frames.map((frame) => `decode ${hexOrNone(frame)}`)).map((line) => JSON.parse(line) as DecodedLine);

  it('compiles without a warning, and needs nothing from outside but memcpy and memset', () => {
    const strict = [...WARNINGS, '-Wconversion', '-Wshadow', '-Wmissing-prototypes', '-ffreestanding', '-Os', '-c'];
    gcc(folder.path, ...strict, '-DBEAMRIG_CRC_BITWISE', ...libraryFiles().filter((file) => file.endsWith('_frame.c')));
    gcc(folder.path, ...strict, ...libraryFiles());
    const objects = libraryFiles().map((file) => join(folder.path, `${basename(file, '.c')}.o`));
    const symbols = execFileSync('nm', ['-u', ...objects], { encoding: 'utf8' }).matchAll(/\bU (\S+)/g);
    const foreign = new Set([...symbols].map(([, name]) => name).filter((name) => !name.startsWith('beamrig_')));
    // The first is what position-independent code of the host needs, and no board.
    expect([...foreign].sort().filter((name) => name !== '_GLOBAL_OFFSET_TABLE_')).toEqual(['memcpy', 'memset']);
  }, 120_000);

  it.skipIf(!hasPart('arm-none-eabi-gcc'))(
    'compiles without a warning for a Cortex-M3, and needs one division more [needs arm-none-eabi-gcc]',
    () => {
      const board = join(folder.path, 'cortex-m3');
      mkdirSync(board);
      const strict = [...WARNINGS, '-Wconversion', '-Wshadow', '-Wmissing-prototypes', '-ffreestanding', '-Os', '-c'];
      execFileSync('arm-none-eabi-gcc', ['-mcpu=cortex-m3', '-mthumb', ...strict, ...libraryFiles()], { cwd: board });
      const objects = readdirSync(board).map((file) => join(board, file));
      expect(objects).toHaveLength(libraryFiles().length);
      const symbols = execFileSync('arm-none-eabi-nm', ['-u', ...objects], { encoding: 'utf8' }).matchAll(/\bU (\S+)/g);
      const foreign = new Set([...symbols].map(([, name]) => name).filter((name) => !name.startsWith('beamrig_')));
      expect([...foreign].sort()).toEqual(['__aeabi_uldivmod', 'memcpy', 'memset']);
    },
    120_000,
  );

  it('compiles as the page on porting shows it', () => {
    const page = readFileSync(new URL('README.md', import.meta.url), 'utf8');
    const examples = [...page.matchAll(/```c\n([\s\S]*?)```/g)].map(([, source]) => source);
    expect(examples.length).toBeGreaterThan(0);
    const file = join(folder.path, 'example.c');
    writeFileSync(file, examples.join('\n'));
    gcc(folder.path, ...WARNINGS, '-Os', '-c', file, '-o', join(folder.path, 'example.o'));
  });

  it('understands every frame of the vectors and says it again in the same bytes', () => {
    const decoded = decode(vectors.frames.map(({ frame }) => frame));
    vectors.frames.forEach(({ name, seq, message, frame }, i) => {
      expect(decoded[i], name).toEqual({ seq, message: asLine(message), again: frame });
    });
    const serial = ask(vectors.frames.map(({ frame }) => `serial ${frame}`));
    expect(serial).toEqual(vectors.frames.map((vector) => vector.serial));
  });

  it('understands what it would not send so itself', () => {
    const decoded = decode(vectors.accepted.map(({ frame }) => frame));
    vectors.accepted.forEach(({ name, seq, message }, i) => {
      expect(decoded[i], name).toMatchObject({ seq, message: asLine(message) });
    });
  });

  it('names what it discards, and what a panel answers', () => {
    const decoded = decode(vectors.discards.map(({ frame }) => frame));
    vectors.discards.forEach(({ name, reason, nack }, i) => {
      expect(decoded[i], name).toEqual({ reason, nack });
    });
  });

  it('finds the frames of a stream', () => {
    const found = ask(vectors.streams.map(({ stream }) => `stream ${hexOrNone(stream)}`));
    vectors.streams.forEach(({ name, frames, discards }, i) => {
      const received = JSON.parse(found[i]) as { frames: string[]; discards: Record<string, number> };
      const counted = Object.fromEntries(Object.entries(received.discards).filter(([, count]) => count > 0));
      expect({ frames: received.frames, discards: counted }, name).toEqual({ frames, discards });
    });
  });

  it('gives the same checksums', () => {
    const bytes = ask(vectors.crc32c.map((vector) => `crc ${hexOrNone(vector.bytes)}`));
    expect(bytes.map((crc) => `0x${crc}`)).toEqual(vectors.crc32c.map((vector) => vector.crc32c));
    const words = ask(vectors.wordsCrc32c.map((vector) => `words-crc ${vector.words.join()}`));
    expect(words.map((crc) => `0x${crc}`)).toEqual(vectors.wordsCrc32c.map((vector) => vector.crc32c));
    const beams = ask(
      vectors.beamCrc32c.map(
        ({ words, enabled, gains }) => `beam-crc ${words.join()} ${enabled?.join() ?? '-'} ${gains?.join() ?? '-'}`,
      ),
    );
    expect(beams.map((crc) => `0x${crc}`)).toEqual(vectors.beamCrc32c.map((vector) => vector.crc32c));
  });

  it('gives the same packed words and the same COBS, both ways', () => {
    const { packing, cobs } = vectors;
    expect(ask(packing.map(({ bits, words }) => `pack ${bits} ${words.join()}`))).toEqual(
      packing.map(({ packed }) => hexOrNone(packed)),
    );
    expect(ask(packing.map(({ bits, words, packed }) => `unpack ${bits} ${words.length} ${hexOrNone(packed)}`))).toEqual(
      packing.map(({ words }) => words.join()),
    );
    expect(ask(cobs.map(({ bytes }) => `cobs ${hexOrNone(bytes)}`))).toEqual(cobs.map(({ encoded }) => encoded));
    expect(ask(cobs.map(({ encoded }) => `uncobs ${encoded}`))).toEqual(cobs.map(({ bytes }) => hexOrNone(bytes)));
    expect(ask(['uncobs 05112233', 'uncobs 0311', 'uncobs 030000', 'unpack 6 1 41'])).toEqual(Array(4).fill('refused'));
  });

  it('is of one mind with the codec in TypeScript on frames with anything in them', () => {
    const random = createRandom(1).stream('damage');
    const below = (limit: number): number => Math.floor(random.uniform() * limit);
    const known = [...vectors.frames, ...vectors.accepted, ...vectors.discards].map(({ frame }) => Buffer.from(frame, 'hex'));
    const frames = Array.from({ length: 4000 }, () => damaged(known[below(known.length)], below));
    const received = decode(frames.map((frame) => frame.toString('hex')));
    let understood = 0;
    frames.forEach((frame, i) => {
      const expected = decodeFrame(frame);
      const name = frame.toString('hex');
      if (expected.ok) {
        understood += 1;
        const { seq, message } = expected.frame;
        expect(received[i], name).toMatchObject({ seq, message: asLine(message) });
      } else {
        expect(received[i], name).toEqual({ reason: expected.reason, nack: nackForDiscard(expected) ?? null });
      }
    });
    // Both kinds were there, so that the comparison says something.
    expect(understood).toBeGreaterThan(400);
    expect(understood).toBeLessThan(3600);
  });

  it('hears the same frames as the reader in TypeScript in a line with anything on it, and drops the same', () => {
    const random = createRandom(2).stream('line');
    const below = (limit: number): number => Math.floor(random.uniform() * limit);
    const streams = Array.from({ length: 300 }, () =>
      Buffer.concat(
        Array.from({ length: 1 + below(6) }, () => onALine(vectors.frames[below(vectors.frames.length)].serial, below)),
      ),
    );
    const found = ask(streams.map((stream) => `stream ${hexOrNone(stream.toString('hex'))}`));
    const dropped = { overflow: 0, 'bad-cobs': 0, 'too-short': 0, 'too-long': 0, 'bad-crc': 0 };
    streams.forEach((stream, i) => {
      const frames: string[] = [];
      const reader = new SerialFrameReader({ onFrame: (frame) => void frames.push(Buffer.from(frame).toString('hex')) });
      reader.push(stream);
      expect(JSON.parse(found[i]), stream.toString('hex')).toEqual({ frames, discards: reader.discards });
      for (const reason of SERIAL_DISCARD_REASONS) dropped[reason] += reader.discards[reason];
    });
    expect(Object.entries(dropped).filter(([, count]) => count === 0)).toEqual([]);
  });

  it('takes the same names for UTF-8', () => {
    const edges = [0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0];
    const names = Array.from({ length: 64 }, (_, i) => 0xc0 + i).flatMap((first) =>
      edges.flatMap((second) => [
        [first],
        [first, second],
        [first, second, 0x80],
        [first, second, 0x80, 0xbf],
        [first, second, 0x80, 0xc0],
      ]),
    );
    const frames = names.map((name) => sealed(Buffer.from([0x10, 0x01, 0, 0, 1, 1, name.length, ...name])));
    const received = decode(frames.map((frame) => frame.toString('hex')));
    const taken = frames.map((frame) => decodeFrame(frame).ok);
    expect(received.map(({ seq }) => seq !== undefined)).toEqual(taken);
    expect(new Set(taken).size).toBe(2);
  });

  it(
    'bears any bytes and finds the next good frame after them',
    async () => {
      const fuzzer = await buildProgram('fuzz_reader', 'fuzz_reader', 'fuzz_main');
      const said = runProgram(fuzzer, [corpusFolder, '20000', '1']).toString();
      expect(said).toMatch(/^\d+ samples and 20000 mutations held\n$/);
    },
    BUILD_MS,
  );
});

/** A frame as it may arrive on a line: whole, hit by noise, cut, glued to garbage, or drowned in it. */
function onALine(serial: string, below: (limit: number) => number): Buffer {
  const line = Buffer.from(serial, 'hex');
  const noise = (length: number): Buffer => Buffer.from(Array.from({ length }, () => below(256)));
  switch (below(8)) {
    case 0:
      line[below(line.length)] = below(256);
      return line;
    case 1:
      return line.subarray(0, below(line.length));
    case 2:
      return Buffer.concat([noise(below(20)), line]);
    case 3:
      // Around the longest frame and its COBS form, all of it one block.
      return Buffer.concat([Buffer.alloc(4100 + below(60), 1), Buffer.of(0), line]);
    case 4:
      return Buffer.concat([cobsFrame(noise(4115 + below(8))), line]);
    case 5:
      return Buffer.concat([cobsFrame(noise(below(12))), line]);
    default:
      return line;
  }
}

/** A frame with one to three changes behind a CRC that is right again. */
function damaged(frame: Buffer, below: (limit: number) => number): Buffer {
  let body = Buffer.from(frame.subarray(0, Math.max(4, frame.length - 4)));
  for (let changes = 1 + below(3); changes > 0; changes--) {
    const at = below(Math.min(body.length, 40));
    const kind = below(5);
    if (kind === 0) body[at] ^= 1 << below(8);
    else if (kind === 1) body[at] = below(256);
    else if (kind === 2) body = body.subarray(0, Math.max(4, body.length - 1 - below(4)));
    else if (kind === 3) body = Buffer.concat([body, Buffer.alloc(1 + below(3), below(256))]);
    else body[Math.max(0, body.length - 1 - below(4))] = below(256);
  }
  return sealed(body);
}

/** The frame of these bytes and their CRC. */
function sealed(body: Buffer): Buffer {
  const frame = Buffer.concat([body, Buffer.alloc(4)]);
  frame.writeUInt32LE(crc32c(body), body.length);
  return frame;
}
