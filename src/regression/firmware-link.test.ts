import { expect, it } from 'vitest';
import { createVirtualClock } from '../../core/clock/virtual-clock.ts';
import { createRandom } from '../../core/signal/random.ts';
import { createLoopbackLink } from '../link/loopback.ts';
import { pluggedLink } from './firmware-link.ts';
import { createTroubles } from './mishaps.ts';

const frame = (...bytes: number[]): Uint8Array => Uint8Array.from(bytes);

function line() {
  const clock = createVirtualClock();
  const arrived: number[][] = [];
  let toHost: (sent: Uint8Array) => void = () => undefined;
  const wire = createLoopbackLink({
    receive: (bytes) => void arrived.push([...bytes]),
    onSend: (listener) => void (toHost = listener),
  });
  const troubles = createTroubles(clock, createRandom(1));
  const known: number[][] = [];
  const plug = pluggedLink(wire, troubles, (bytes) => void known.push([...bytes]));
  return { clock, arrived, known, troubles, plug, toHost: (bytes: Uint8Array) => toHost(bytes) };
}
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('sends again what the panel has heard, byte by byte, and nothing that was lost on its way', async () => {
  const { arrived, troubles, plug } = line();
  await plug.link.open();
  plug.link.send(frame(1, 2, 3));
  const over = troubles.mishaps([{ do: 'drop' }]);
  plug.link.send(frame(4, 5, 6));
  over();
  plug.link.send(frame(7, 8, 9));
  for (const each of troubles.overheard(10)) plug.sendAgain(each);
  await settled();
  expect(arrived).toEqual([
    [1, 2, 3],
    [7, 8, 9],
    [1, 2, 3],
    [7, 8, 9],
  ]);
});

it('is lost while its plug is out, cannot be opened, and carries frames again once it is back', async () => {
  const { arrived, known, plug } = line();
  const states: string[] = [];
  plug.link.onState(({ state }) => void states.push(state));
  await plug.link.open();
  await plug.pull();
  expect(plug.link.state).toMatchObject({ state: 'closed', reason: 'lost', cause: 'unplugged' });
  expect(plug.link.send(frame(1, 2))).toBe(false);
  await expect(plug.link.open()).rejects.toMatchObject({ message: expect.stringContaining('there is no such port') as unknown });
  plug.putBack();
  await plug.link.open();
  expect(plug.link.send(frame(3, 4))).toBe(true);
  await settled();
  expect([arrived, known]).toEqual([[[3, 4]], [[3, 4]]]);
  expect([states.at(0), states.at(-1)]).toEqual(['open', 'open']);
  expect(states).toContain('closed');
});

it('lets mishaps that overlap begin and end each for itself', async () => {
  const { arrived, known, troubles, plug } = line();
  await plug.link.open();
  const twice = troubles.mishaps([{ do: 'duplicate' }]);
  const lost = troubles.mishaps([{ do: 'drop', messages: ['commit'] }]);
  plug.link.send(frame(0, 1));
  twice();
  plug.link.send(frame(0, 2));
  lost();
  await settled();
  expect(arrived).toEqual([
    [0, 1],
    [0, 1],
    [0, 2],
  ]);
  expect(known).toEqual(arrived);
});
