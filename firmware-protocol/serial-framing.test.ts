import { describe, expect, it } from 'vitest';
import { encodeFrame } from './codec.ts';
import { crc32c } from './crc32c.ts';
import { MAX_FRAME_BYTES } from './limits.ts';
import { SerialFrameReader, cobsDecode, cobsEncode, cobsFrame } from './serial-framing.ts';

const ping = (nonce: number): Uint8Array => encodeFrame({ seq: nonce & 0xffff, message: { type: 'ping', nonce } });

function withCrc(body: Uint8Array): Uint8Array {
  const whole = Uint8Array.of(...body, 0, 0, 0, 0);
  new DataView(whole.buffer).setUint32(body.length, crc32c(body), true);
  return whole;
}

const bytesOf = (...parts: (Uint8Array | number[])[]): Uint8Array => Uint8Array.from(parts.flatMap((part) => [...part]));

const counting = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i);

function listen(maxFrameBytes?: number): { reader: SerialFrameReader; received: Uint8Array[] } {
  const received: Uint8Array[] = [];
  const onFrame = (frame: Uint8Array): void => void received.push(frame);
  return { reader: new SerialFrameReader(maxFrameBytes === undefined ? { onFrame } : { onFrame, maxFrameBytes }), received };
}

describe('COBS', () => {
  it.each([
    { name: 'nothing', plain: [], encoded: [1] },
    { name: 'one zero', plain: [0], encoded: [1, 1] },
    { name: 'two zeros', plain: [0, 0], encoded: [1, 1, 1] },
    { name: 'a zero inside', plain: [0x11, 0x22, 0, 0x33], encoded: [3, 0x11, 0x22, 2, 0x33] },
    { name: 'a zero at the end', plain: [0x11, 0], encoded: [2, 0x11, 1] },
    { name: '254 bytes that are not zero', plain: counting(1, 254), encoded: [255, ...counting(1, 254)] },
    { name: 'the same after a zero', plain: [0, ...counting(1, 254)], encoded: [1, 255, ...counting(1, 254)] },
    { name: '255 bytes that are not zero', plain: counting(1, 255), encoded: [255, ...counting(1, 254), 2, 255] },
    { name: '254 and a zero', plain: [...counting(1, 254), 0], encoded: [255, ...counting(1, 254), 1, 1] },
    { name: '253 and a zero', plain: [...counting(2, 254), 0], encoded: [254, ...counting(2, 254), 1] },
  ])('$name', ({ plain, encoded }) => {
    expect([...cobsEncode(Uint8Array.from(plain))]).toEqual(encoded);
    expect([...(cobsDecode(Uint8Array.from(encoded)) ?? [-1])]).toEqual(plain);
    expect([...cobsFrame(Uint8Array.from(plain))]).toEqual([...encoded, 0]);
  });

  it('accepts an empty last group after a full one, as some encoders send it', () => {
    expect([...(cobsDecode(Uint8Array.from([255, ...counting(1, 254), 1])) ?? [])]).toEqual(counting(1, 254));
  });

  it('refuses a group that runs past the end, and zeros inside', () => {
    expect(cobsDecode(Uint8Array.of(3, 1))).toBeUndefined();
    expect(cobsDecode(Uint8Array.of(3, 0, 1))).toBeUndefined();
    expect(cobsDecode(Uint8Array.of(0))).toBeUndefined();
  });
});

describe('the serial reader', () => {
  it('finds frames in a stream that arrives one byte at a time', () => {
    const { reader, received } = listen();
    for (const byte of bytesOf(cobsFrame(ping(1)), cobsFrame(ping(2)))) reader.push(Uint8Array.of(byte));
    expect(received).toEqual([ping(1), ping(2)]);
    expect(reader.frames).toBe(2);
    expect(reader.discarded).toBe(0);
  });

  it('takes zeros between frames for silence', () => {
    const { reader, received } = listen();
    reader.push(bytesOf([0, 0, 0], cobsFrame(ping(1)), [0, 0], cobsFrame(ping(2))));
    expect(received).toEqual([ping(1), ping(2)]);
    expect(reader.discarded).toBe(0);
  });

  it('says why it dropped what it dropped, and finds the frame after each', () => {
    const { reader, received } = listen();
    const damaged = ping(7);
    damaged[5] ^= 0x10;
    const tooLong = new Uint8Array(MAX_FRAME_BYTES + 1);
    reader.push(bytesOf([0x09, 1, 2, 0], cobsFrame(ping(1)))); // a group past the end
    reader.push(bytesOf(cobsFrame(Uint8Array.of(1, 2, 3)), cobsFrame(ping(2))));
    reader.push(bytesOf(cobsFrame(damaged), cobsFrame(ping(3))));
    reader.push(bytesOf(cobsFrame(tooLong), cobsFrame(ping(4))));
    reader.push(bytesOf(new Uint8Array(10_000).fill(0x55), [0], cobsFrame(ping(5))));
    expect(received).toEqual([1, 2, 3, 4, 5].map(ping));
    expect(reader.discards).toEqual({ overflow: 1, 'bad-cobs': 1, 'too-short': 1, 'too-long': 1, 'bad-crc': 1 });
    expect(reader.discarded).toBe(5);
  });

  it('loses the frame that garbage ran into, and no other', () => {
    const { reader, received } = listen();
    reader.push(bytesOf([0xde, 0xad], cobsFrame(ping(1)), cobsFrame(ping(2))));
    expect(received).toEqual([ping(2)]);
    expect(reader.discarded).toBe(1);
  });

  it('hands out the longest frame there can be, authentication included, and buffers of their own', () => {
    const { reader, received } = listen();
    // Without a zero byte, so that its COBS form is the longest as well: the header, 4,096 bytes of payload, 16 of authentication, the CRC.
    const longest = withCrc(new Uint8Array(4 + 4096 + 16).fill(0x11));
    const line = cobsFrame(longest);
    expect([longest.length, line.length]).toEqual([4120, 4138]);
    reader.push(line);
    line.fill(0xaa);
    reader.push(cobsFrame(ping(3)));
    expect(received).toEqual([longest, ping(3)]);
  });

  it('does not take the beginning of an endless frame for a frame', () => {
    const { reader, received } = listen();
    reader.push(cobsFrame(ping(1)).subarray(0, -1));
    reader.push(new Uint8Array(5000).fill(1));
    reader.push(Uint8Array.of(0));
    expect(received).toEqual([]);
    expect(reader.discards).toMatchObject({ overflow: 1, 'bad-crc': 0 });
  });

  it('counts one overflow for one endless frame, however it is cut', () => {
    const { reader, received } = listen(64);
    for (let i = 0; i < 1000; i += 1) reader.push(new Uint8Array(37).fill(1));
    expect(reader.discards.overflow).toBe(1);
    reader.push(bytesOf([0], cobsFrame(ping(1))));
    expect(received).toEqual([ping(1)]);
  });

  it('keeps no more than one frame of a line that never ends a frame', () => {
    const { reader } = listen();
    const noise = new Uint8Array(1 << 20).fill(0x5a);
    const before = process.memoryUsage().arrayBuffers;
    for (let i = 0; i < 100; i += 1) reader.push(noise);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(1 << 20);
    expect(reader.discards.overflow).toBe(1);
  });

  it('forgets a frame begun when the line is opened anew', () => {
    const { reader, received } = listen();
    reader.push(cobsFrame(ping(1)).subarray(0, 5));
    reader.reset();
    reader.push(cobsFrame(ping(2)));
    expect(received).toEqual([ping(2)]);
    expect(reader.discarded).toBe(0);
  });

  it('goes on with the next bytes when a listener throws', () => {
    let calls = 0;
    const reader = new SerialFrameReader({
      onFrame: () => {
        calls += 1;
        if (calls === 1) throw new Error('a listener broke');
      },
    });
    expect(() => reader.push(cobsFrame(ping(1)))).toThrow('a listener broke');
    reader.push(cobsFrame(ping(2)));
    expect(calls).toBe(2);
  });
});
