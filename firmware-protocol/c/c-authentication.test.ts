/** SHA-256, HMAC and the authentication of frames in C are held to published digests, to the vectors, and to the TypeScript. */
import { createHash, createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../../core/signal/random.ts';
import { hasPart } from '../../test/parts.ts';
import { ReplayWindow, openFrame, sealFrame } from '../authentication.ts';
import { encodeFrame } from '../codec.ts';
import { crc32c } from '../crc32c.ts';
import { BUILD_MS, buildProgram, runProgram } from './test/c-programs.ts';

interface Vectors {
  panelKeys: { name: string; rigKey: string; panelSerial: string; panelKey: string }[];
  sealed: { name: string; panelKey: string; counter: string; frame: string; sealed: string }[];
  unopened: { name: string; panelKey: string; bytes: string; reason: string }[];
  replays: { name: string; start: string; steps: { counter: string; accepted: boolean }[] }[];
}

const hexOrNone = (bytes: string | Uint8Array): string => {
  const hex = typeof bytes === 'string' ? bytes : Buffer.from(bytes).toString('hex');
  return hex === '' ? '-' : hex;
};
const ascii = (text: string): string => hexOrNone(Buffer.from(text, 'latin1'));

describe.skipIf(!hasPart('gcc'))('authentication in C [needs gcc]', () => {
  const vectors = JSON.parse(readFileSync(new URL('../vectors/vectors.json', import.meta.url), 'utf8')) as Vectors;
  let program: string;

  beforeAll(async () => {
    program = await buildProgram('authentication', 'authentication_lines', 'hex_lines');
  }, BUILD_MS);

  /** One answer a command. */
  const ask = (commands: string[]): string[] => {
    const answers = runProgram(program, [], `${commands.join('\n')}\n`)
      .toString('utf8')
      .trimEnd()
      .split('\n');
    expect(answers).toHaveLength(commands.length);
    return answers;
  };

  it('hashes what the standard hashes in its examples', () => {
    const examples: [string, string][] = [
      ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
      ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
      [
        'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
        '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
      ],
      ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
    ];
    expect(ask(examples.map(([text]) => `sha256 61 ${ascii(text)}`))).toEqual(examples.map(([, digest]) => digest));
  });

  it('makes the codes of RFC 4231, and takes no key that is longer than a block', () => {
    const counted = Buffer.from(Array.from({ length: 25 }, (_, i) => i + 1)).toString('hex');
    const examples: [string, string, string][] = [
      ['0b'.repeat(20), ascii('Hi There'), 'b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7'],
      [ascii('Jefe'), ascii('what do ya want for nothing?'), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'],
      ['aa'.repeat(20), 'dd'.repeat(50), '773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe'],
      [counted, 'cd'.repeat(50), '82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b'],
      ['aa'.repeat(65), '00', 'refused'],
    ];
    expect(ask(examples.map(([key, text]) => `hmac ${key} ${text}`))).toEqual(examples.map(([, , code]) => code));
  });

  it('agrees with another implementation at every length around a block, however the bytes are cut', () => {
    const random = createRandom(3).stream('hash');
    const texts = Array.from({ length: 200 }, (_, length) =>
      Buffer.from(Array.from({ length }, () => Math.floor(random.uniform() * 256))),
    );
    const digests = texts.map((text) => createHash('sha256').update(text).digest('hex'));
    for (const piece of [1, 7, 64, 65, 500]) {
      expect(ask(texts.map((text) => `sha256 ${piece} ${hexOrNone(text)}`))).toEqual(digests);
    }
    const keys = texts.slice(0, 65);
    expect(ask(keys.map((key, i) => `hmac ${hexOrNone(key)} ${hexOrNone(texts[199 - i])}`))).toEqual(
      keys.map((key, i) =>
        createHmac('sha256', key)
          .update(texts[199 - i])
          .digest('hex'),
      ),
    );
  });

  it('derives the keys of the vectors, and takes no rig key that is too short or too long', () => {
    const { panelKeys } = vectors;
    expect(panelKeys.length).toBeGreaterThan(0);
    const asked = panelKeys.map(
      ({ rigKey, panelSerial }) => `panel-key ${rigKey} ${hexOrNone(Buffer.from(panelSerial, 'utf8'))}`,
    );
    expect(ask(asked)).toEqual(panelKeys.map(({ panelKey }) => panelKey));
    const lengths = [15, 16, 64, 65].map((length) => `panel-key ${'5a'.repeat(length)} 41`);
    expect(ask(lengths).map((answer) => answer === 'refused')).toEqual([true, false, false, true]);
  });

  it('seals and opens the frames of the vectors', () => {
    const { sealed } = vectors;
    expect(sealed.length).toBeGreaterThan(0);
    expect(ask(sealed.map(({ panelKey, counter, frame }) => `seal ${panelKey} ${counter} ${frame}`))).toEqual(
      sealed.map((vector) => vector.sealed),
    );
    // What is inside stands where it stood before, the flag still in its first byte.
    expect(ask(sealed.map((vector) => `open ${vector.panelKey} ${vector.sealed}`))).toEqual(
      sealed.map((vector) => `${vector.counter} ${vector.sealed.slice(0, vector.frame.length - 8)}`),
    );
  });

  it('opens nothing that is not as it was sealed', () => {
    // A wrong CRC is seen before the tag, by whoever takes frames in.
    const unopened = vectors.unopened.filter(({ reason }) => reason !== 'bad-crc');
    expect(unopened.length).toBeGreaterThan(0);
    expect(ask(unopened.map(({ panelKey, bytes }) => `open ${panelKey} ${bytes}`))).toEqual(unopened.map(() => 'refused'));
  });

  it('takes a frame with one byte changed for what the TypeScript takes it for, wherever the byte stands', () => {
    const key = Buffer.alloc(32, 7);
    const words = Uint16Array.of(1, 2, 3, 63, 32);
    const frame = encodeFrame({ seq: 2, message: { type: 'set-phases', slot: 0, beamId: 7, phaseBits: 6, offset: 0, words } });
    const sealed = sealFrame(frame, key, 9n);
    const changed = Array.from({ length: sealed.length - 4 }, (_, at) => {
      const body = sealed.slice(0, -4);
      body[at] ^= 1 << (at % 8);
      return body;
    });
    const withCrc = changed.map((body) => {
      const whole = Buffer.concat([body, Buffer.alloc(4)]);
      whole.writeUInt32LE(crc32c(body), body.length);
      return whole;
    });
    expect(withCrc.map((bytes) => openFrame(bytes, key).ok)).toEqual(withCrc.map(() => false));
    expect(ask(withCrc.map((bytes) => `open ${hexOrNone(key)} ${hexOrNone(bytes)}`))).toEqual(withCrc.map(() => 'refused'));
  });

  it('takes every counter of the vectors once', () => {
    const { replays } = vectors;
    expect(replays.length).toBeGreaterThan(0);
    expect(ask(replays.map(({ start, steps }) => `replays ${start} ${steps.map(({ counter }) => counter).join()}`))).toEqual(
      replays.map(({ steps }) => steps.map(({ accepted }) => (accepted ? '1' : '0')).join('')),
    );
  });

  it('takes the same counters as the TypeScript in any order', () => {
    const random = createRandom(4).stream('counters');
    const stories = Array.from({ length: 50 }, () => {
      let around = BigInt(Math.floor(random.uniform() * 200));
      return Array.from({ length: 300 }, () => {
        if (random.uniform() < 0.02) around += BigInt(Math.floor(random.uniform() * 300));
        around += 1n;
        const counter = around - 40n + BigInt(Math.floor(random.uniform() * 80));
        return counter < 0n ? 0n : counter;
      });
    });
    expect(ask(stories.map((story) => `replays 20 ${story.join()}`))).toEqual(
      stories.map((story) => {
        const window = new ReplayWindow(20n);
        return story.map((counter) => (window.accept(counter) ? '1' : '0')).join('');
      }),
    );
  });
});
