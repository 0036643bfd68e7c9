/**
 * One open serial port as a stream of bytes, for both ends of a serial line. The binding of `serialport` opens and configures the port; bytes
 * are moved here, without blocking and without its stream: that one retries a read for ever when the line hangs up in mid data (the port
 * then seems open, at full load), and writes what is left to a port that is opened again.
 *
 *   write ─► kernel takes it? ── no ─► unsent, at most MAX_UNSENT_BYTES ── writable ─► kernel
 *   onBytes ◄─ read ◄─ readable             │
 *   onGone ◄─ end of file, error ◄──────────┴─► forgotten
 */
import { readSync, writeSync } from 'node:fs';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { explainOpenFailure, requireSerialDevice, wrongBaudRate } from './serial-port-errors.ts';

export interface SerialPortOptions {
  path: string;
  baudRate: number;
  /** Bytes as they come. The buffer is used again afterwards: copy what is kept. */
  onBytes: (bytes: Uint8Array) => void;
  /** The line is gone, for a cause other than `close`. Called once, never from inside `write`. */
  onGone: (detail: string) => void;
}

export interface OpenSerialPort {
  /** Takes the bytes over (the caller writes no more to them), or says false when the line is gone or too much waits for it. */
  write(bytes: Uint8Array): boolean;
  /** Forgets what was not sent and gives the port back. May be called again, and after the line has gone. */
  close(): Promise<void>;
}

/** What may wait for a line that takes nothing: 0.7 s at 921,600 baud, and all that a driver has in flight several times over. */
export const MAX_UNSENT_BYTES = 65_536;
/** A port that is further off than this from the rate asked for is not understood at the other end (UARTs allow 2 to 3 %). */
const BAUD_TOLERANCE = 0.02;

/**
 * Opens a port for this process alone, raw, 8N1, without resetting a board when it is closed again. What was in its buffers before is dropped.
 * @throws BeamrigError 'link' naming path, cause and way out
 */
export async function openSerialPort(options: SerialPortOptions): Promise<OpenSerialPort> {
  const { path, baudRate } = options;
  requireSerialDevice(path);
  const port = await openBinding(path, baudRate);
  try {
    const { baudRate: actual } = await port.getBaudRate();
    if (Math.abs(actual - baudRate) > BAUD_TOLERANCE * baudRate) throw wrongBaudRate(path, baudRate, actual);
    // FTDI adapters keep short answers back for 16 ms otherwise. DTR and RTS are up already; a port without them (a pty) refuses, and is fast.
    await port.set({ dtr: true, rts: true, lowLatency: true }).catch(() => undefined);
    await port.flush();
    // A node without a device behind it opens, and says so only when it is read.
    const bytes = Buffer.alloc(1);
    if (readNow(port.fd, bytes) < 0) throw explainOpenFailure(path, baudRate, new Error('Input/output error'));
  } catch (error) {
    await port.close();
    throw error instanceof BeamrigError ? error : explainOpenFailure(path, baudRate, error);
  }
  return startMoving(port, options);
}

/** The part of the binding's port that this file uses; there on Linux and macOS. */
interface BindingPort {
  readonly fd: number | null;
  readonly poller: { once(event: 'readable' | 'writable', call: (error: Error | null) => void): unknown };
  getBaudRate(): Promise<{ baudRate: number }>;
  set(options: { dtr: boolean; rts: boolean; lowLatency: boolean }): Promise<void>;
  flush(): Promise<void>;
  close(): Promise<void>;
}

async function openBinding(path: string, baudRate: number): Promise<BindingPort> {
  const { SerialPort } = await import('serialport');
  let port;
  try {
    port = await SerialPort.binding.open({ path, baudRate, hupcl: false, lock: true });
  } catch (error) {
    throw explainOpenFailure(path, baudRate, error);
  }
  if ('poller' in port) return port;
  await port.close();
  throw new BeamrigError('link', `${path}: serial links work on Linux and macOS only, not on ${process.platform}.`, {
    wayOut: 'Use an MQTT link on this system.',
  });
}

const READ_BYTES = 65_536;

function startMoving(port: BindingPort, { onBytes, onGone }: SerialPortOptions): OpenSerialPort {
  const incoming = Buffer.alloc(READ_BYTES);
  let unsent: Uint8Array[] = [];
  let unsentBytes = 0;
  let open = true;
  let closing: Promise<void> | undefined;

  const release = (): Promise<void> => {
    open = false;
    unsent = [];
    unsentBytes = 0;
    // What the kernel still holds would hold up the closing, or reach a board that is plugged in later.
    closing ??= port
      .flush()
      .catch(() => undefined)
      .then(() => port.close())
      .catch(() => undefined);
    return closing;
  };

  const lose = (detail: string): void => {
    if (!open) return;
    void release();
    onGone(detail);
  };

  const awaitBytes = (): void => {
    port.poller.once('readable', (error) => {
      if (!open) return;
      if (error !== null) return lose(HUNG_UP);
      const length = readNow(port.fd, incoming);
      if (length < 0) return lose(HUNG_UP);
      if (length > 0) onBytes(incoming.subarray(0, length));
      if (open) awaitBytes();
    });
  };

  /** Hands the kernel as much as it takes; false when the line is gone. */
  const pump = (): boolean => {
    while (unsent.length > 0) {
      const written = writeNow(port.fd, unsent[0]);
      if (written < 0) return false;
      unsentBytes -= written;
      if (written < unsent[0].length) {
        unsent[0] = unsent[0].subarray(written);
        awaitRoom();
        return true;
      }
      unsent.shift();
    }
    return true;
  };
  const awaitRoom = (): void => {
    port.poller.once('writable', (error) => {
      if (open && (error !== null || !pump())) lose(HUNG_UP);
    });
  };

  awaitBytes();
  return {
    write: (bytes) => {
      if (!open || unsentBytes + bytes.length > MAX_UNSENT_BYTES) return false;
      const waiting = unsent.length > 0;
      unsent.push(bytes);
      unsentBytes += bytes.length;
      if (!waiting && !pump()) setImmediate(lose, HUNG_UP);
      return true;
    },
    close: release,
  };
}

const HUNG_UP = 'the line hung up';

/** Bytes read, 0 when there are none now, -1 when the line is gone: a raw line has no end of file but hanging up. */
function readNow(fd: number | null, into: Buffer): number {
  if (fd === null) return -1;
  try {
    return readSync(fd, into, 0, into.length, null) || -1;
  } catch (error) {
    return isBusy(error) ? 0 : -1;
  }
}

/** Bytes that the kernel took, 0 when it has no room now, -1 when the line is gone. */
function writeNow(fd: number | null, bytes: Uint8Array): number {
  if (fd === null) return -1;
  try {
    return writeSync(fd, bytes);
  } catch (error) {
    return isBusy(error) ? 0 : -1;
  }
}

const isBusy = (error: unknown): boolean =>
  ['EAGAIN', 'EWOULDBLOCK', 'EINTR'].includes((error as NodeJS.ErrnoException).code ?? '');
