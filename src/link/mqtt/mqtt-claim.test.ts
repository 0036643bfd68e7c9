import { beforeEach, describe, expect, it } from 'vitest';
import { BeamrigError } from '../../../core/errors/beamrig-error.ts';
import { createVirtualClock, type VirtualClock } from '../../../core/clock/virtual-clock.ts';
import { createPresenceSeal } from './mqtt-seal.ts';
import { createTopicClaim, type TopicClaim } from './mqtt-claim.ts';
import { readPresenceMessage, presencePayload } from './mqtt-topics.ts';

const TOPIC = 'beamrig/panels/P/presence';

/** One topic of a broker on virtual time: everybody hears everything in one order, 5 ms after it was said. */
class Topic {
  retained = '';
  said: string[] = [];
  readonly #members: Member[] = [];
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  join(instance: string, key?: Uint8Array): Member {
    const member: Member = {
      instance,
      deaf: false,
      missed: [],
      asked: [],
      lost: [],
      strangers: 0,
      claim: undefined as unknown as TopicClaim,
    };
    member.claim = createTopicClaim({
      connection: { publish: (_topic, payload, retain) => this.say(payload, retain) },
      topic: TOPIC,
      instance,
      vacant: '',
      clock: this.#clock,
      jitter: 0,
      ...(key !== undefined && { seal: createPresenceSeal(key, TOPIC) }),
      onStranger: () => member.strangers++,
      onAsked: (rival) => member.asked.push(rival),
      onLost: (rival) => member.lost.push(rival),
      unreadable: () => new BeamrigError('link', 'unreadable', { wayOut: 'none' }),
    });
    if (this.retained !== '') member.claim.receive(Buffer.from(this.retained), true);
    this.#members.push(member);
    return member;
  }

  async say(payload: string, retain: boolean): Promise<void> {
    this.said.push(payload);
    this.#clock.after(5, () => {
      if (retain) this.retained = payload;
      for (const member of this.#members) {
        if (member.deaf) member.missed.push(payload);
        else member.claim.receive(Buffer.from(payload), false);
      }
    });
    await this.#clock.sleep(10);
  }

  wake(member: Member): void {
    member.deaf = false;
    for (const payload of member.missed.splice(0)) member.claim.receive(Buffer.from(payload), false);
  }

  holder(): string | undefined {
    return readPresenceMessage(Buffer.from(this.retained))?.instance;
  }
}

interface Member {
  instance: string;
  claim: TopicClaim;
  deaf: boolean;
  missed: string[];
  asked: string[];
  lost: string[];
  strangers: number;
}

let clock: VirtualClock;
let topic: Topic;
beforeEach(() => {
  clock = createVirtualClock();
  topic = new Topic(clock);
});

/** 'seated', or why not. */
function take(member: Member): Promise<string> {
  return member.claim.take().then(
    () => 'seated',
    (error: unknown) => (error as Error).message,
  );
}
async function results(...attempts: Promise<string>[]): Promise<string[]> {
  await clock.runUntilIdle();
  return Promise.all(attempts);
}

describe('a claim on a topic', () => {
  it('is taken where nobody sits, without waiting for anybody', async () => {
    const one = topic.join('one');
    expect(await results(take(one))).toEqual(['seated']);
    expect(topic.holder()).toBe('one');
    expect(clock.nowMs()).toBeLessThan(2100); // the wait for an answer never began: the deadline of the echo is what is left
  });

  it('stays with the first, who answers whoever asks', async () => {
    const one = topic.join('one');
    await results(take(one));
    const two = topic.join('two');
    expect(await results(take(two))).toEqual([`${TOPIC} is held by one`]);
    expect(topic.holder()).toBe('one');
    expect([one.asked, one.lost]).toEqual([['two'], []]);
  });

  it('goes to the next where the word of a dead one was left', async () => {
    topic.retained = '{"state":"online","instance":"dead"}';
    const two = topic.join('two');
    expect(await results(take(two))).toEqual(['seated']);
    expect(topic.holder()).toBe('two');
  });

  it('is given to the one who asked first when all come at once', async () => {
    const members = ['one', 'two', 'three'].map((name) => topic.join(name));
    const taken = await results(...members.map(take));
    expect(taken).toEqual(['seated', `${TOPIC} is held by one`, `${TOPIC} is held by one`]);
    expect(topic.holder()).toBe('one');
  });

  it('stays with a holder who could not answer in time and then does', async () => {
    const one = topic.join('one');
    await results(take(one));
    one.deaf = true;
    const two = topic.join('two');
    expect(await results(take(two))).toEqual(['seated']);
    topic.wake(one);
    await results();
    expect(topic.holder()).toBe('one');
    expect([one.lost, two.lost]).toEqual([[], ['one']]);
  });

  it('is lost to one that takes it without asking', async () => {
    const one = topic.join('one');
    await results(take(one));
    void topic.say('{"state":"online","instance":"rude"}', true);
    await results();
    expect(one.lost).toEqual(['rude']);
    expect(topic.holder()).toBe('rude');
    await one.claim.release();
    expect(topic.holder()).toBe('rude');
  });

  it('is not emptied by the last will of somebody else, nor by garbage', async () => {
    const one = topic.join('one');
    await results(take(one));
    for (const payload of [
      '',
      '{"state":"offline","instance":"old"}',
      'garbage',
      '{"state":"offline","instance":"one"}',
      '[]',
      'null',
    ]) {
      void topic.say(payload, true);
      await results();
      expect(topic.holder()).toBe('one');
    }
    expect(one.lost).toEqual([]);
  });

  it('answers only so often when two that know no rule fight over the topic', async () => {
    const one = topic.join('one');
    await results(take(one));
    topic.said = [];
    for (let i = 0; i < 500; i++) void topic.say('{"state":"offline","instance":"rude"}', true);
    await results();
    const answers = topic.said.filter((payload) => payload.includes('"one"'));
    expect(answers.length).toBeGreaterThan(0);
    expect(answers.length).toBeLessThanOrEqual(40);
  });

  it('is not lost to the newest of many that asked before it', async () => {
    const one = topic.join('one');
    await results(take(one));
    for (let i = 0; i < 40; i++) void topic.say(`{"state":"asking","instance":"poll${i}"}`, false);
    await results();
    void clock.sleep(1000); // answers are counted by the second
    await clock.runUntilIdle();
    void topic.say('{"state":"online","instance":"poll39"}', true);
    await results();
    expect(one.lost).toEqual([]);
    expect(topic.holder()).toBe('one');
  });

  it('is left empty by the one who leaves', async () => {
    const one = topic.join('one');
    await results(take(one));
    const left = one.claim.release();
    await clock.runUntilIdle();
    await left;
    expect(topic.retained).toBe('');
    const two = topic.join('two');
    expect(await results(take(two))).toEqual(['seated']);
  });

  it('is given back also where the broker never confirmed the claim', async () => {
    const say = topic.say.bind(topic);
    topic.say = async (payload, retain) => {
      await say(payload, retain);
      if (payload.includes('"online"')) throw new BeamrigError('link', 'not acknowledged', { wayOut: 'none' });
    };
    const one = topic.join('one');
    expect(await results(take(one))).toEqual(['not acknowledged']);
    expect(topic.holder()).toBe('one');
    const left = one.claim.release();
    await clock.runUntilIdle();
    await left;
    expect(topic.retained).toBe('');
  });

  it('cannot be taken where our own words do not come back', async () => {
    const one = topic.join('one');
    one.deaf = true;
    expect(await results(take(one))).toEqual(['unreadable']);
    expect(topic.holder()).toBeUndefined();
  });
});

describe('a claim of a rig with a key', () => {
  const KEY = Uint8Array.from({ length: 32 }, (_, i) => i);
  const OTHER_KEY = KEY.map((byte) => byte ^ 1);

  it('stays with the first, and goes to the next when that one has left', async () => {
    const one = topic.join('one', KEY);
    expect(await results(take(one))).toEqual(['seated']);
    const two = topic.join('two', KEY);
    expect(await results(take(two))).toEqual([`${TOPIC} is held by one`]);
    expect([one.asked, one.lost, one.strangers]).toEqual([['two'], [], 0]);
    const left = one.claim.release();
    await clock.runUntilIdle();
    await left;
    const three = topic.join('three', KEY);
    expect(await results(take(three))).toEqual(['seated']);
  });

  it('is given to the one who asked first when all come at once', async () => {
    const members = ['one', 'two', 'three'].map((name) => topic.join(name, KEY));
    const taken = await results(...members.map(take));
    expect(taken).toEqual(['seated', `${TOPIC} is held by one`, `${TOPIC} is held by one`]);
  });

  it('stays with a holder who could not answer in time and then does', async () => {
    const one = topic.join('one', KEY);
    await results(take(one));
    one.deaf = true;
    const two = topic.join('two', KEY);
    expect(await results(take(two))).toEqual(['seated']);
    topic.wake(one);
    await results();
    expect(topic.holder()).toBe('one');
    expect([one.lost, two.lost]).toEqual([[], ['one']]);
  });

  it('is not lost to whoever does not know the key, whatever he says', async () => {
    const one = topic.join('one', KEY);
    await results(take(one));
    const forged = createPresenceSeal(OTHER_KEY, TOPIC).seal({ state: 'online', instance: 'evil', answers: '00' });
    for (const payload of [
      '{"state":"online","instance":"evil"}',
      presencePayload(forged),
      '{"state":"offline","instance":"one"}',
      presencePayload(createPresenceSeal(KEY, 'beamrig/panels/OTHER/presence').seal({ state: 'online', instance: 'evil' })),
      'garbage',
      '[]',
    ]) {
      void topic.say(payload, true);
      await results();
      expect(topic.holder()).toBe('one');
    }
    expect([one.lost, one.strangers]).toEqual([[], 6]);
    // Nor is whoever comes kept out by it.
    topic.retained = '{"state":"online","instance":"evil"}';
    const left = one.claim.release();
    await clock.runUntilIdle();
    await left;
    const two = topic.join('two', KEY);
    const taking = take(two);
    void topic.say('{"state":"online","instance":"evil"}', true);
    expect(await results(taking)).toEqual(['seated']);
  });

  it('is not lost to what was sealed once and is said again', async () => {
    const recorded: string[] = [];
    const before = topic.join('before', KEY);
    const late = topic.join('late', KEY);
    await results(take(before), take(late));
    const left = before.claim.release();
    await clock.runUntilIdle();
    await left;
    recorded.push(...topic.said.filter((payload) => payload !== ''));
    expect(recorded.length).toBeGreaterThan(3);
    topic.retained = '';
    const holder = topic.join('holder', KEY);
    await results(take(holder));
    topic.said = [];
    for (let turn = 0; turn < 20; turn++) for (const payload of recorded) void topic.say(payload, true);
    await results();
    expect(holder.lost).toEqual([]);
    expect(topic.holder()).toBe('holder');
    expect(topic.said.filter((payload) => payload.includes('doubting')).length).toBeLessThanOrEqual(2);
  });

  it('stays with one of two that hold it unknown to each other and answer each other’s doubt', async () => {
    const one = topic.join('one', KEY);
    await results(take(one));
    one.deaf = true;
    const two = topic.join('two', KEY);
    expect(await results(take(two))).toEqual(['seated']);
    one.missed = []; // never heard of it
    one.deaf = false;
    void topic.say(presencePayload(createPresenceSeal(KEY, TOPIC).seal({ state: 'online', instance: 'two' })), true);
    await results();
    expect([one.lost, two.lost, topic.holder()]).toEqual([[], ['one'], 'one']);
  });
});
