/** The brokers that MQTT is tested over: the embedded one, and a real mosquitto. Both can be killed and come back on the same port. */
import { isBeamrigError, type BeamrigError } from '../../core/errors/beamrig-error.ts';
import { freePort } from '../../scripts/free-port.ts';
import { startEmbeddedBroker, type EmbeddedBroker, type EmbeddedBrokerOptions } from '../../src/link/mqtt/embedded-broker.ts';

export interface TestBroker {
  readonly name: string;
  readonly url: string;
  readonly port: number;
  start(): Promise<void>;
  /** No goodbye to anybody, and nothing is kept. */
  kill(): Promise<void>;
  remove(): Promise<void>;
}

/** The embedded broker in this process. Its death is that of its sockets and its memory. */
export async function embeddedBroker(options: EmbeddedBrokerOptions = {}): Promise<TestBroker> {
  const port = await freePort();
  let running: EmbeddedBroker | undefined;
  const kill = async (): Promise<void> => {
    await running?.close();
    running = undefined;
  };
  return {
    name: 'aedes',
    port,
    url: `mqtt://127.0.0.1:${port}`,
    start: async () => {
      running = await startEmbeddedBroker({ ...options, port });
    },
    kill,
    remove: kill,
  };
}

/** Waits until something holds, for as long as a loaded machine may need. */
export async function eventually(what: string, holds: () => boolean): Promise<void> {
  for (let waitedMs = 0; waitedMs < 20_000; waitedMs += 5) {
    if (holds()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`never came true: ${what}`);
}

/** The 'link' error that this ends with; every one of them has a way out. */
export async function linkErrorOf(attempt: Promise<unknown>): Promise<BeamrigError> {
  const error = await attempt.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!isBeamrigError(error) || error.code !== 'link' || error.wayOut === undefined) {
    throw new Error(`expected a link error with a way out, got ${String(error)}`, { cause: error });
  }
  return error;
}
