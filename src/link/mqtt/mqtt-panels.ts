/** Which panels a broker knows of, by the presence they left on it. Nothing is sent, and nobody is disturbed. */
import { createRealClock } from '../../../core/clock/real-clock.ts';
import { connectToBroker } from './mqtt-connection.ts';
import { brokerSettings, type MqttOptions } from './mqtt-settings.ts';
import { everyPresence, newInstance, panelOfPresence, readPresenceMessage } from './mqtt-topics.ts';

/** More panels than any array has: a broker that is full of topics must not fill our memory. */
const PANELS_LISTED = 1000;

/**
 * The panels under `topicPrefix` that have ever said online or offline, sorted by id.
 * @param waitMs how long to listen; retained presences come within a round trip
 * @throws {BeamrigError} 'link' when the broker cannot be reached or does not allow it
 */
export async function listMqttPanels(
  options: MqttOptions,
  waitMs: number,
): Promise<{ panel: string; state: string; instance: string }[]> {
  const clock = createRealClock();
  const topic = everyPresence(options.topicPrefix);
  const panels = new Map<string, { panel: string; state: string; instance: string }>();
  const connection = await connectToBroker(brokerSettings(options), {
    clientId: `beamrig-list-${newInstance()}`,
    clock,
    onMessage: (at, payload) => {
      const message = readPresenceMessage(payload);
      const panel = panelOfPresence(at);
      if (message === undefined || message.state === 'asking' || message.state === 'doubting') return;
      const { state, instance } = message;
      if (panels.has(panel) || panels.size < PANELS_LISTED) panels.set(panel, { panel, state, instance });
    },
    onClosed: () => undefined, // what has come is still true
  });
  try {
    await connection.subscribe({ [topic]: 1 });
    await clock.sleep(waitMs);
  } finally {
    await connection.end();
  }
  return [...panels.values()].sort((a, b) => (a.panel < b.panel ? -1 : 1));
}
