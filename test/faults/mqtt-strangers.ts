/** What somebody does who is on the broker and is neither the rig nor a panel, one play each. */
import { createRandom } from '../../core/signal/random.ts';
import type { FaultRig } from './fault-rig.ts';
import { PREFIX, benchOf } from './mqtt-bench.ts';

const topic = (last: string): string => `${PREFIX}/panels/BOARD-0/${last}`;
const FRAME_TOPICS = [topic('to-panel'), topic('to-host')];
const EVERY_TOPIC = [...FRAME_TOPICS, topic('presence'), topic('host')];

/** Bytes, halves of frames and words that look like those of the rig, at a few a millisecond, for a while. */
export async function garbage(rig: FaultRig): Promise<void> {
  const stranger = await benchOf(rig).stranger();
  const random = createRandom(5).stream('garbage');
  const whole = (below: number): number => Math.floor(below * random.uniform());
  const [{ overheard }] = rig.panels;
  const bytes = (): Buffer => Buffer.from(Array.from({ length: whole(200) }, () => whole(256)));
  const sorts: (() => Buffer | string)[] = [
    bytes,
    () => Buffer.alloc(0),
    () => Buffer.alloc(20_000, whole(256)),
    () => Buffer.from(overheard[whole(overheard.length)]).subarray(0, 6 + whole(4)),
    () => Buffer.concat([overheard[whole(overheard.length)], bytes(), Buffer.of(1)]),
    () => '{ "state": "online" }',
    () => '{ "state": "offline", "instance": "somebody else" }',
    () => '[ null ]',
  ];
  await rig.cycles(3);
  const last = rig.witness.records.length + 25;
  let over = false;
  const away = rig.away().then(() => (over = true));
  while (!over || rig.witness.records.length < last) {
    for (let count = 0; count < 20; count++) {
      const retain = whole(10) === 0;
      stranger.publish(EVERY_TOPIC[whole(EVERY_TOPIC.length)], sorts[whole(sorts.length)](), { retain });
    }
    await rig.cycles(1);
  }
  await away;
  await rig.back();
  await rig.cycles(3);
}

/** What went over the broker comes once more from somebody who has received it, both ways and the handshake too. */
export async function replayed(rig: FaultRig): Promise<void> {
  const stranger = await benchOf(rig).stranger();
  const overheard: { on: string; payload: Buffer }[] = [];
  stranger.on('message', (on, payload) => overheard.length < 400 && overheard.push({ on, payload }));
  // The whole of a session, from its challenge on.
  await benchOf(rig).kill();
  await rig.untilVoid();
  await stranger.subscribeAsync(FRAME_TOPICS);
  await benchOf(rig).start(rig);
  await rig.back();
  await rig.cycles(5);
  await stranger.unsubscribeAsync(FRAME_TOPICS);
  const lostBefore = rig.lost();
  for (let next = 0; next < overheard.length; next += 6) {
    for (const { on, payload } of overheard.slice(next, next + 6)) stranger.publish(on, payload);
    await rig.cycles(1);
  }
  await rig.cycles(3);
  if (rig.lost() !== lostBefore) throw new Error(`replays cost ${rig.lost()}, ${lostBefore} before them`);
}

/** What anybody can say who is on the broker and has read who holds the topics: that the panel is gone, or another one, or driven by another. */
export async function slandered(rig: FaultRig): Promise<void> {
  const stranger = await benchOf(rig).stranger();
  const holders = new Map<string, string>();
  stranger.on('message', (on, payload) => {
    const { instance } = JSON.parse(payload.toString()) as { instance: string };
    holders.set(on, instance);
  });
  const [presence, host] = [topic('presence'), topic('host')];
  await stranger.subscribeAsync([presence, host]);
  await rig.cycles(3);
  await stranger.unsubscribeAsync([presence, host]);
  if (holders.size < 2) throw new Error('panel and host have not said who they are');
  const gone = JSON.stringify({ state: 'offline', instance: holders.get(presence) });
  const another = JSON.stringify({ state: 'online', instance: 'another' });
  for (let turn = 0; turn < 10; turn++) {
    stranger.publish(presence, turn % 2 === 0 ? gone : another, { retain: true });
    stranger.publish(host, another, { retain: true });
    await rig.cycles(2);
  }
  await rig.back();
  await rig.cycles(3);
}
