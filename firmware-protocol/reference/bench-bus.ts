/**
 * The far end of a board's bench bus: the chips of its array, the baseband that weighs the streams, the users who measure, and an
 * EEPROM. Where a board has them on its SPI and its connectors, the bench has them behind a second UART (firmware-protocol/reference/BENCH-BUS.md).
 *
 *   frame ─► transfer: SPI words ─► chips ─┐
 *         └► weights, staged ─► loaded ────┴► vectors of all channels ─► part of the air ─► readings ─► frame
 *
 * What radiates is what the chips decode to, whatever the firmware believes: a wrong table, channel or latch is a wrong beam.
 */
import { BeamrigError } from '../../core/errors/beamrig-error.ts';
import { PayloadReader } from '../byte-cursor.ts';
import { damageOf } from '../codec.ts';
import { crc32c } from '../crc32c.ts';
import { CRC_BYTES, HEADER_BYTES } from '../limits.ts';
import { userIndex } from '../../core/signal/indices.ts';
import type { AirPart } from '../../hil-sim/air.ts';
import type { Chip, ChipKind } from '../../hil-sim/chips/chip.ts';

export interface BenchBusOptions {
  /** The elements that the board's chips drive. */
  part: AirPart;
  /** What drives them. */
  chip: ChipKind;
  /** What the board's EEPROM holds; written in place (default 256 bytes of 0). */
  eeprom?: Uint8Array;
}

export interface BenchBus {
  /** A frame from the board, damaged ones included: never throws. The bytes are not kept. */
  receive(frame: Uint8Array): void;
  /** The one listener to what the bench sends. */
  onSend(listener: (frame: Uint8Array) => void): void;
  /**
   * The words radiated now, place n·M + m, as the chips decode: undefined while nothing is radiated, -1 where what a channel shows is none of
   * the chip's states, as of one that is off, or below full gain.
   */
  words(): Int16Array | undefined;
  /** D as loaded, M×K interleaved; undefined when chain k carries stream k. */
  weights(): Float32Array | undefined;
  /** Calls back after each transfer that may have changed what is radiated. */
  onRadiated(listener: () => void): void;
  /** The board loses its supply and has it back: the chips show nothing, the baseband knows no weights. Its EEPROM keeps what it holds. */
  powerCycle(): void;
  /** In the order of their places; for faults on purpose. */
  readonly chips: readonly Chip[];
  readonly eeprom: Uint8Array;
  readonly counters: Readonly<{ frames: number; spiWords: number; refused: number }>;
}

const LINES = 32;
const EEPROM_BYTES = 256;

const TRANSFER = 0x70;
const WEIGHTS = 0x71;
const MEASURE_SNR = 0x72;
const MEASURE_CHAINS = 0x73;
const TEMPERATURE = 0x74;
const READ_EEPROM = 0x75;
const WRITE_EEPROM = 0x76;
const REPLY = 0x80;

/** At the end of a transfer. */
const LOAD_WEIGHTS = 0x01;
const AMPLIFIERS_OFF = 0x02;
const AMPLIFIERS_ON = 0x04;

const DONE = 0;
const REFUSED = 1;

/** @throws {BeamrigError} 'argument' when the part has more places than 32 select lines reach */
export function createBenchBus(options: BenchBusOptions): BenchBus {
  const { part, chip: kind, eeprom = new Uint8Array(EEPROM_BYTES) } = options;
  const { channels, chipsPerLine } = kind;
  const places = part.elements * part.rfChains;
  const mostPlaces = LINES * chipsPerLine * channels;
  if (places > mostPlaces) {
    throw new BeamrigError('argument', `${places} places are more than the ${mostPlaces} that ${LINES} select lines reach`, {
      wayOut: 'Spread the array over several boards.',
    });
  }
  const chips = Array.from({ length: Math.ceil(places / channels) }, (_, chip) => kind.create(chip % chipsPerLine));
  const weightCount = part.rfChains * part.users;
  const counters = { frames: 0, spiWords: 0, refused: 0 };
  let listener: (frame: Uint8Array) => void = () => undefined;
  let onRadiated: () => void = () => undefined;
  let stagedWeights: Float32Array | undefined;
  let weights: Float32Array | undefined;
  let amplified = false;
  let chipsSeen = 0;

  const chipChanges = (): number => chips.reduce((sum, chip) => sum + chip.changes, 0);
  const vectorAt = (place: number) => chips[Math.floor(place / channels)].radiated(place % channels);

  const radiate = (): void => {
    const re = new Float64Array(places);
    const im = new Float64Array(places);
    let dark = true;
    for (let place = 0; amplified && place < places; place++) {
      const vector = vectorAt(place);
      re[place] = vector.re / kind.fullScale;
      im[place] = vector.im / kind.fullScale;
      dark &&= vector.re === 0 && vector.im === 0;
    }
    if (dark) part.drive(undefined);
    else part.driveStates({ re, im, weights });
    onRadiated();
  };

  /** One SPI word with these select lines low; what the chips drive on the common data line, which is high when nobody drives it. */
  const clock = (lines: number, word: number): number => {
    let data = 0xff;
    for (let line = 0; line * chipsPerLine < chips.length; line++) {
      if ((lines & (2 ** line)) === 0) continue;
      for (const chip of chips.slice(line * chipsPerLine, (line + 1) * chipsPerLine)) data &= chip.word(word) ?? 0xff;
    }
    return data;
  };

  /** The bytes read; undefined when the transfer is malformed, which changes nothing. */
  const transfer = (payload: PayloadReader): Uint8Array | undefined => {
    const effects = payload.u8(0, LOAD_WEIGHTS | AMPLIFIERS_OFF | AMPLIFIERS_ON);
    const segments: { lines: number; words: number[] }[] = [];
    while (payload.remaining > 0 && !payload.failed) {
      const lines = payload.u32();
      const count = payload.u16();
      if (3 * count > payload.remaining) return undefined;
      segments.push({
        lines,
        words: Array.from({ length: count }, () => (payload.u8() << 16) | (payload.u8() << 8) | payload.u8()),
      });
    }
    if (payload.failed) return undefined;
    const read: number[] = [];
    for (const { lines, words } of segments) {
      counters.spiWords += words.length;
      for (const word of words) {
        const data = clock(lines, word);
        if (kind.reads(word)) read.push(data);
      }
    }
    const wasAmplified = amplified;
    if ((effects & LOAD_WEIGHTS) !== 0) weights = stagedWeights;
    if ((effects & AMPLIFIERS_OFF) !== 0) amplified = false;
    if ((effects & AMPLIFIERS_ON) !== 0) amplified = true;
    const chipsNow = chipChanges();
    if (chipsNow !== chipsSeen || wasAmplified !== amplified || (effects & LOAD_WEIGHTS) !== 0) radiate();
    chipsSeen = chipsNow;
    return Uint8Array.from(read);
  };

  const takeWeights = (payload: PayloadReader): Uint8Array | undefined => {
    const rfChains = payload.u16();
    const users = payload.u16();
    const none = rfChains === 0 && users === 0;
    if (!none && (rfChains !== part.rfChains || users !== part.users)) return undefined;
    const values = payload.floats(none ? 0 : 2 * weightCount);
    if (payload.failed || payload.remaining > 0) return undefined;
    stagedWeights = none ? undefined : values;
    return NOTHING;
  };

  const measureSnr = (payload: PayloadReader): Uint8Array | undefined => {
    const asked = payload.u32(1);
    if (payload.failed || payload.remaining > 0) return undefined;
    const { pilots, snrCentiDb } = part.measureSnr(asked);
    const body = new DataView(new ArrayBuffer(4 + 2 * snrCentiDb.length));
    body.setUint32(0, pilots, true);
    snrCentiDb.forEach((value, user) => body.setInt16(4 + 2 * user, value, true));
    return bytesOf(body);
  };

  const measureChains = (payload: PayloadReader): Uint8Array | undefined => {
    const asked = payload.u32(1);
    const user = payload.u16(0, part.receiverCount - 1);
    if (payload.failed || payload.remaining > 0) return undefined;
    const { pilots, values } = part.measureChains(asked, userIndex(user));
    const body = new DataView(new ArrayBuffer(4 + 4 * values.length));
    body.setUint32(0, pilots, true);
    values.forEach((value, i) => body.setFloat32(4 + 4 * i, value, true));
    return bytesOf(body);
  };

  const readEeprom = (payload: PayloadReader): Uint8Array | undefined => {
    const offset = payload.u16();
    const count = payload.u16();
    if (payload.failed || payload.remaining > 0 || offset + count > eeprom.length) return undefined;
    return eeprom.slice(offset, offset + count);
  };

  const writeEeprom = (payload: PayloadReader): Uint8Array | undefined => {
    const offset = payload.u16();
    const count = payload.remaining;
    if (payload.failed || offset + count > eeprom.length) return undefined;
    for (let i = 0; i < count; i++) eeprom[offset + i] = payload.u8();
    return NOTHING;
  };

  const carryOut = (type: number, payload: PayloadReader): Uint8Array | undefined => {
    switch (type) {
      case TRANSFER:
        return transfer(payload);
      case WEIGHTS:
        return takeWeights(payload);
      case MEASURE_SNR:
        return measureSnr(payload);
      case MEASURE_CHAINS:
        return measureChains(payload);
      case TEMPERATURE: {
        const body = new DataView(new ArrayBuffer(2));
        body.setInt16(0, Math.round(100 * part.temperatureC()), true);
        return payload.remaining > 0 ? undefined : bytesOf(body);
      }
      case READ_EEPROM:
        return readEeprom(payload);
      case WRITE_EEPROM:
        return writeEeprom(payload);
      default:
        return undefined;
    }
  };

  return {
    receive(frame) {
      if (damageOf(frame) !== undefined || frame[0] !== 0x10 || frame[1] >= REPLY) return;
      counters.frames++;
      const body = carryOut(frame[1], new PayloadReader(frame, HEADER_BYTES, frame.length - CRC_BYTES));
      if (!body) counters.refused++;
      listener(replyFrame(frame, body));
    },
    onSend(next) {
      listener = next;
    },
    words() {
      if (!amplified) return undefined;
      const vectors = Array.from({ length: places }, (_, place) => vectorAt(place));
      if (vectors.every(({ re, im }) => re === 0 && im === 0)) return undefined;
      return Int16Array.from(vectors, (vector) => kind.wordOf(vector) ?? -1);
    },
    weights: () => weights?.slice(),
    onRadiated(next) {
      onRadiated = next;
    },
    powerCycle() {
      for (const chip of chips) chip.powerCycle();
      amplified = false;
      stagedWeights = undefined;
      weights = undefined;
      chipsSeen = chipChanges();
      radiate();
    },
    chips,
    eeprom,
    counters,
  };
}

const NOTHING = new Uint8Array(0);
const bytesOf = (view: DataView): Uint8Array => new Uint8Array(view.buffer);

/** The answer to a request, under its number: status, then what was asked for. */
function replyFrame(request: Uint8Array, body: Uint8Array | undefined): Uint8Array {
  const reply = new Uint8Array(HEADER_BYTES + 1 + (body?.length ?? 0) + CRC_BYTES);
  reply.set(request.subarray(0, HEADER_BYTES));
  reply[1] |= REPLY;
  reply[HEADER_BYTES] = body ? DONE : REFUSED;
  if (body) reply.set(body, HEADER_BYTES + 1);
  const end = reply.length - CRC_BYTES;
  new DataView(reply.buffer).setUint32(end, crc32c(reply, 0, end), true);
  return reply;
}
