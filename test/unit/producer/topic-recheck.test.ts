import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { SealstreamError } from '../../../ledger/error.js';
import { publisher } from '../../../producer/publisher.js';
import { SecondLook } from '../../../producer/topic-recheck.js';
import { decodeEvent } from '../../../schemas/codec.js';
import type { Stream } from '../../../stream/stream.js';
import { auditStream, interposed, recordsOf } from './support.js';

/** A topic whose settings change while it is published to. */
interface Turned {
  createTime: boolean;
  maxBytes: number;
  /** What keeps it from telling. */
  failure: SealstreamError | null;
  described: number;
}

async function turning(
  t: TestContext,
  start: Partial<Turned> = {},
): Promise<{ stream: Stream; real: Stream; topic: Turned }> {
  const real = await auditStream(t, { partitions: 1 });
  const topic = { createTime: false, maxBytes: 1_000_000, failure: null, described: 0, ...start };
  const appending = interposed(real, async (partition, batch, append) => {
    const outcome = await append(partition, batch);
    if (outcome.kind !== 'acknowledged' || !topic.createTime) return outcome;
    return { ...outcome, timestamp: null };
  });
  const describe = async (name: string) => {
    topic.described += 1;
    if (topic.failure !== null) throw topic.failure;
    const found = await real.describe(name);
    if (found === null) return null;
    const settings = new Map([...found.settings, ['max.message.bytes', String(topic.maxBytes)]]);
    return { ...found, timestampType: topic.createTime ? (0 as const) : (1 as const), settings };
  };
  return { stream: { ...appending, describe }, real, topic };
}

test('a topic that was set right is published to again', async (t) => {
  const { stream, topic } = await turning(t);
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  topic.createTime = true;
  await out.publish({ action: 'a' });
  topic.createTime = false;
  const [event, raw] = await Promise.all([
    out.publish({ action: 'b' }),
    out.publishRaw({ key: null, value: null }),
  ]);
  assert.deepEqual([event.offset, raw.offset, topic.described], [1n, 2n, 2]);
  await out.close();
});

test('a topic that stays unfit is asked once, and refuses all the same', async (t) => {
  const { stream, topic, real } = await turning(t);
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  topic.createTime = true;
  await out.publish({ action: 'a' });
  const refused = { code: 'topic-unfit', message: /CreateTime/ };
  await Promise.all([
    assert.rejects(out.publish({ action: 'b' }), refused),
    assert.rejects(out.publishRaw({ key: null, value: null }), refused),
  ]);
  assert.equal(topic.described, 2);
  await out.close();
  assert.equal((await recordsOf(real)).flat().length, 1);
});

test('a topic that does not tell stays what it was', async (t) => {
  const { stream, topic } = await turning(t, { maxBytes: 2_000 });
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  topic.failure = new SealstreamError('unreachable', 'no broker answers');
  await assert.rejects(out.publish({ action: 'a', attributes: { large: 'x'.repeat(3_000) } }), {
    code: 'record-too-large',
    message: /takes 2000 .*\/attributes\/large/,
  });
  assert.equal(topic.described, 2);
  assert.equal((await out.publish({ action: 'b' })).offset, 0n);
  await out.close();
});

test('a raised limit is found, in the order of the calls, each as it was called', async (t) => {
  const { stream, topic, real } = await turning(t, { maxBytes: 2_000 });
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  topic.maxBytes = 10_000;
  const attributes = { name: 'large', text: 'x'.repeat(5_000) };
  const header = Buffer.from('as called');
  const published = [
    out.publish({ action: 'first' }, { key: 'k' }),
    out.publish({ action: 'large', attributes }, { key: 'k', headers: [['x', header]] }),
    out.publish({ action: 'too.large', attributes: { text: 'x'.repeat(20_000) } }, { key: 'k' }),
    out.publish({ action: 'last' }, { key: 'k' }),
  ];
  attributes.text = 'changed';
  header.fill(0);
  const closing = out.close();
  const outcomes = await Promise.allSettled(published);
  await closing;
  assert.deepEqual(
    outcomes.map((outcome) =>
      outcome.status === 'fulfilled' ? outcome.value.offset : outcome.reason.code,
    ),
    [0n, 1n, 'record-too-large', 2n],
  );
  assert.equal(topic.described, 2);
  const records = (await recordsOf(real)).flat();
  const events = records.map(({ value }) => decodeEvent(value ?? new Uint8Array()));
  assert.deepEqual(
    events.map(({ action, origin }) => [action, origin.sequence]),
    [
      ['first', 1n],
      ['large', 2n],
      ['last', 3n],
    ],
  );
  assert.equal(events[1]?.attributes['text']?.length, 5_000);
  assert.equal(String(Buffer.from(records[1]?.headers.at(-1)?.value ?? [])), 'as called');
});

test('a topic is asked at most every few seconds, and not waited for much longer', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  let answer = (): void => {};
  const asked = () =>
    new Promise<void>((resolve) => {
      answer = resolve;
    });
  const look = new SecondLook(asked, () => now);
  const order: number[] = [];
  assert.equal(look.isDue, true);
  look.hold(() => {
    order.push(1);
    assert.equal(look.isHolding, true);
    look.hold(() => order.push(3));
  });
  look.hold(() => order.push(2));
  assert.deepEqual([look.isDue, order], [false, []]);
  answer();
  await look.done;
  assert.deepEqual([order, look.isHolding, look.isDue], [[1, 2, 3], false, false]);
  now = 5_000;
  assert.equal(look.isDue, true);
  look.hold(() => order.push(4));
  // It never answers.
  t.mock.timers.tick(5_000);
  await look.done;
  assert.deepEqual([order, look.isHolding], [[1, 2, 3, 4], false]);
});
