/** The vectors that pin the wire format, as firmware-protocol/vectors/README.md describes them. */
import { readFileSync } from 'node:fs';

export interface Vectors {
  frames: { name: string; seq: number; message: JsonMessage; frame: string; serial: string }[];
  discards: { name: string; frame: string; reason: string; nack: { seq: number; message: JsonMessage } | null }[];
  accepted: { name: string; seq: number; message: JsonMessage; frame: string }[];
  streams: { name: string; stream: string; frames: string[]; discards: Record<string, number> }[];
  crc32c: { name: string; bytes: string; crc32c: string }[];
  wordsCrc32c: { name: string; words: number[]; crc32c: string }[];
  beamCrc32c: { name: string; words: number[]; enabled: number[] | null; gains: number[] | null; crc32c: string }[];
  packing: { name: string; bits: number; words: number[]; packed: string }[];
  cobs: { name: string; bytes: string; encoded: string }[];
  panelKeys: { name: string; rigKey: string; panelSerial: string; panelKey: string }[];
  sealed: { name: string; panelKey: string; counter: string; frame: string; sealed: string; serial: string }[];
  unopened: { name: string; panelKey: string; bytes: string; reason: string; nack: { seq: number } | null }[];
  replays: { name: string; start: string; steps: { counter: string; accepted: boolean }[] }[];
}
export type JsonMessage = { type: string } & Record<string, unknown>;

export const readVectors = (): Vectors =>
  JSON.parse(readFileSync(new URL('../firmware-protocol/vectors/vectors.json', import.meta.url), 'utf8')) as Vectors;
