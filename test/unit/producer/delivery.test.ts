import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SealstreamError } from '../../../ledger/error.js';
import { Room } from '../../../producer/byte-budget.js';
import type { Learned } from '../../../producer/options.js';
import { publisher } from '../../../producer/publisher.js';
import { decodeEvent } from '../../../schemas/codec.js';
import type {
  AppenderOptions,
  AppendOutcome,
  EncodedBatch,
  Stream,
} from '../../../stream/stream.js';
import { auditStream, interposed, recordsOf } from './support.js';

const LONG = 10 * 60 * 1000;

test('close delivers what waits, and later publishes are refused', async (t) => {
  const stream = await auditStream(t);
  const out = await publisher({ stream, topic: 'audit', source: '/test', lingerMs: LONG });
  const waiting = Array.from({ length: 50 }, (_, at) =>
    out.publish({ action: 'a', tenant_id: `t${at}` }),
  );
  const closing = out.close();
  await assert.rejects(out.publish({ action: 'a' }), { code: 'closed' });
  await assert.rejects(out.publishRaw({ key: null, value: null }), { code: 'closed' });
  await closing;
  await out.close();
  const settled = await Promise.allSettled(waiting);
  assert.ok(settled.every(({ status }) => status === 'fulfilled'));
  assert.equal((await recordsOf(stream)).flat().length, 50);
});

test('flush sends what waits and leaves the publisher open', async (t) => {
  const stream = await auditStream(t);
  const out = await publisher({ stream, topic: 'audit', source: '/test', lingerMs: LONG });
  const first = out.publish({ action: 'a' });
  await out.flush();
  assert.equal((await recordsOf(stream)).flat().length, 1);
  await first;
  const second = out.publish({ action: 'b' });
  await out.close();
  await second;
});

test('the next batch is sent before callers are told of the last one, and all in order', async (t) => {
  for (const failing of [[], [0], [1], [0, 1, 2]]) {
    const log: string[] = [];
    let appended = 0;
    let start = () => {};
    const started = new Promise<void>((resolve) => {
      start = resolve;
    });
    const stream = interposed(
      await auditStream(t, { partitions: 1 }),
      async (at, batch, append) => {
        const number = appended++;
        if (number === 0) await started;
        // As an appender does that sends what is ready within one turn of the event loop.
        await new Promise((resolve) => setImmediate(resolve));
        log.push(`sent ${number}`);
        const outcome = await append(at, batch);
        if (!failing.includes(number)) return outcome;
        return { kind: 'rejected', error: new SealstreamError('record-rejected', 'refused') };
      },
    );
    const out = await publisher({ stream, topic: 'audit', source: '/test', batchBytes: 1 });
    const told: Promise<void>[] = [];
    for (let number = 0; number < 3; number++) {
      const tell = () => void log.push(`told ${number}`);
      told.push(out.publish({ action: 'a', attributes: { number: `${number}` } }).then(tell, tell));
      // A batch of its own: the first is under way, the others are closed behind it.
      void out.flush();
      await new Promise((resolve) => setImmediate(resolve));
    }
    start();
    await out.close();
    await Promise.all(told);
    const sent = log.filter((entry) => entry.startsWith('sent'));
    assert.deepEqual(sent, ['sent 0', 'sent 1', 'sent 2']);
    const alone = (number: number) => log.indexOf(`told ${number}`);
    assert.ok(alone(0) < alone(1) && alone(1) < alone(2), log.join());
    if (failing.length > 0) continue;
    assert.ok(log.indexOf('sent 1') < alone(0), log.join());
    assert.ok(log.indexOf('sent 2') < alone(1), log.join());
  }
});

test('publishes beyond the buffer wait, keep their order, and are all delivered', async (t) => {
  const real = await auditStream(t, { partitions: 1 });
  let bytesUnderWay = 0;
  let most = 0;
  const stream = interposed(real, async (partition, batch, append) => {
    bytesUnderWay += batch.bytes.length;
    most = Math.max(most, bytesUnderWay);
    const outcome = await append(partition, batch);
    bytesUnderWay -= batch.bytes.length;
    return outcome;
  });
  const out = await publisher({
    stream,
    topic: 'audit',
    source: '/test',
    lingerMs: LONG,
    maxBufferedBytes: 5000,
  });
  const published = Array.from({ length: 200 }, (_, at) =>
    out.publish({ action: 'a', attributes: { at: String(at) } }),
  );
  // The last few find room and no company: with this linger only a flush sends them.
  await out.flush();
  await Promise.all(published);
  await out.close();
  const records = (await recordsOf(real)).flat();
  const order = records.map(({ value }) => decodeEvent(value ?? new Uint8Array()));
  assert.deepEqual(
    order.map(({ attributes }) => Number(attributes['at'])),
    Array.from({ length: 200 }, (_, at) => at),
  );
  assert.deepEqual(
    order.map(({ origin }) => origin.sequence),
    Array.from({ length: 200 }, (_, at) => BigInt(at + 1)),
  );
  assert.ok(most <= 5000, `${most} bytes were under way`);
});

test('close includes those who wait for room', async (t) => {
  const stream = await auditStream(t);
  const options = {
    stream,
    topic: 'audit',
    source: '/test',
    lingerMs: LONG,
    maxBufferedBytes: 900,
  };
  const out = await publisher(options);
  const waiting = Array.from({ length: 30 }, () => out.publish({ action: 'a' }));
  await out.close();
  assert.equal((await recordsOf(stream)).flat().length, 30);
  await Promise.all(waiting);
});

test('one batch of a partition is under way at a time', async (t) => {
  const real = await auditStream(t, { partitions: 2 });
  const underWay = new Set<number>();
  let twice = 0;
  const stream = interposed(real, async (partition, batch, append) => {
    if (underWay.has(partition)) twice++;
    underWay.add(partition);
    const outcome = await append(partition, batch);
    underWay.delete(partition);
    return outcome;
  });
  const out = await publisher({ stream, topic: 'audit', source: '/test', batchBytes: 500 });
  await Promise.all(
    Array.from({ length: 60 }, (_, at) => out.publish({ action: 'a', tenant_id: `t${at % 5}` })),
  );
  await out.close();
  assert.equal((await recordsOf(real)).flat().length, 60);
  assert.equal(twice, 0);
});

test('an outcome that is not known is said to be unknown, a refusal is passed on', async (t) => {
  const real = await auditStream(t, { partitions: 1 });
  const answers: (AppendOutcome | Error)[] = [
    { kind: 'unknown', error: new SealstreamError('timeout', 'no answer for 120 s') },
    { kind: 'rejected', error: new SealstreamError('unauthorized', 'Write is not allowed') },
    new Error('an appender that breaks its word'),
  ];
  const stream = interposed(real, async (partition, batch, append) => {
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? append(partition, batch);
  });
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  const event_id = '11111111-2222-4333-8444-555555555555';
  const where = `event ${event_id}, topic audit partition 0`;
  await assert.rejects(out.publish({ action: 'a', event_id }), (error) => {
    assert.ok(error instanceof SealstreamError);
    assert.equal(error.code, 'outcome-unknown');
    assert.ok(error.message.startsWith(where) && error.message.endsWith('no answer for 120 s'));
    return true;
  });
  await assert.rejects(out.publish({ action: 'a', event_id }), {
    code: 'unauthorized',
    message: `${where}: Write is not allowed`,
  });
  await assert.rejects(out.publish({ action: 'a' }), { code: 'outcome-unknown' });
  assert.equal((await out.publish({ action: 'a' })).offset, 0n);
  await out.close();
});

test('what becomes of an unknown outcome is told when the stream learns it', async (t) => {
  const real = await auditStream(t, { partitions: 1 });
  const batches: EncodedBatch[] = [];
  const base = interposed(real, async (_partition, batch) => {
    batches.push(batch);
    return { kind: 'unknown', error: new SealstreamError('timeout', 'no answer') };
  });
  const tellers: AppenderOptions['onLearned'][] = [];
  const stream: Stream = {
    ...base,
    appender: (topic, options) => {
      tellers.push(options?.onLearned);
      return base.appender(topic, options);
    },
  };
  const told: Learned[] = [];
  const out = await publisher({
    stream,
    topic: 'audit',
    source: '/test',
    onLearned: (learned) => told.push(learned),
  });
  const event_id = '11111111-2222-4333-8444-555555555555';
  const both = [out.publish({ action: 'a', event_id }), out.publishRaw({ key: null, value: null })];
  await Promise.all(both.map((one) => assert.rejects(one, { code: 'outcome-unknown' })));
  await assert.rejects(out.publish({ action: 'b', event_id }), { code: 'outcome-unknown' });
  const [first, second] = batches;
  const [tell] = tellers;
  assert.ok(first && second && tell);
  tell({ partition: 0, batch: first, baseOffset: 40n });
  tell({ partition: 0, batch: second, baseOffset: null });
  tell({ partition: 0, batch: { ...first }, baseOffset: 7n });
  const where = { topic: 'audit', partition: 0 };
  assert.deepEqual(told, [
    { event_id, ...where, offset: 40n },
    { event_id: null, ...where, offset: 41n },
    { event_id, ...where, offset: null },
  ]);
  await out.close();
});

test('a topic that turns to CreateTime stops the publisher', async (t) => {
  const real = await auditStream(t, { partitions: 1 });
  let isTurned = false;
  const appending = interposed(real, async (partition, batch, append) => {
    const outcome = await append(partition, batch);
    return outcome.kind === 'acknowledged' ? { ...outcome, timestamp: null } : outcome;
  });
  const describe = async (topic: string) => {
    const found = await real.describe(topic);
    return found === null || !isTurned ? found : { ...found, timestampType: 0 as const };
  };
  const stream = { ...appending, describe };
  const out = await publisher({ stream, topic: 'audit', source: '/test' });
  isTurned = true;
  await out.publish({ action: 'a' });
  await assert.rejects(out.publish({ action: 'a' }), { code: 'topic-unfit', message: /apply/ });
  await out.close();
});

test('room: first come, first served; what is larger than the room enters alone', () => {
  const entered: string[] = [];
  let waits = 0;
  const room = new Room(10, () => {
    waits++;
  });
  room.take(6, () => entered.push('a'));
  room.take(6, () => entered.push('b'));
  room.take(1, () => entered.push('c'));
  assert.deepEqual(entered, ['a']);
  assert.ok(waits > 0);
  room.give(6);
  assert.deepEqual(entered, ['a', 'b', 'c']);
  room.take(50, () => entered.push('d'));
  room.give(6);
  assert.deepEqual(entered, ['a', 'b', 'c']);
  room.give(1);
  assert.deepEqual(entered, ['a', 'b', 'c', 'd']);
});
