import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { publisher } from '../../producer/publisher.js';
import { decodeEvent } from '../../schemas/codec.js';
import { partitionFor } from '../../stream/default-partitioner.js';
import { openStream } from '../../stream/open.js';
import { readRange } from '../../stream/read.js';
import type { Stream, StreamRecord } from '../../stream/stream.js';
import { kafkaTest } from '../support/kafka.js';

async function recordsOf(stream: Stream, name: string, partitions: number) {
  const topic = await stream.describe(name);
  assert.ok(topic !== null);
  const records = new Map<string, StreamRecord>();
  for (let partition = 0; partition < partitions; partition++) {
    for await (const { batches } of readRange(stream, topic, { partition, from: 0n })) {
      for (const batch of batches) {
        for (let at = 0; at < batch.count; at++) {
          const record = batch.record(at);
          records.set(`${partition}/${record.offset}`, record);
        }
      }
    }
  }
  return records;
}

kafkaTest('events are written to a real Kafka where publish says', async (bootstrap, t) => {
  const stream = await openStream(`kafka://${bootstrap}`);
  t.after(() => stream.close());
  const topic = `publisher-${randomUUID()}`;
  await stream.createTopic({
    topic,
    partitions: 3,
    replication: 1,
    settings: new Map([['message.timestamp.type', 'LogAppendTime']]),
  });
  const out = await publisher({ stream, topic, source: '/test' });
  const published = await Promise.all(
    Array.from({ length: 1000 }, (_, at) =>
      out.publish({ action: 'a', tenant_id: `t${at % 5}`, attributes: { at: String(at) } }),
    ),
  );
  const largest = new Uint8Array(1_048_588 - 72).fill(7);
  const { partition: where, offset: large } = await out.publishRaw({ key: null, value: largest });
  const more = new Uint8Array(largest.length + 1);
  await assert.rejects(out.publishRaw({ key: null, value: more }), { code: 'record-too-large' });
  await out.close();
  const records = await recordsOf(stream, topic, 3);
  assert.equal(records.size, 1001);
  for (const [at, { partition, offset, event_id }] of published.entries()) {
    assert.equal(partition, partitionFor(Buffer.from(`t${at % 5}`), 3));
    const event = decodeEvent(records.get(`${partition}/${offset}`)?.value ?? new Uint8Array());
    assert.equal(event.event_id, event_id);
    assert.equal(event.attributes['at'], String(at));
  }
  assert.equal(records.get(`${where}/${large}`)?.value?.length, largest.length);
});

kafkaTest('a CreateTime topic on a real Kafka is refused', async (bootstrap, t) => {
  const stream = await openStream(`kafka://${bootstrap}`);
  t.after(() => stream.close());
  const topic = `publisher-${randomUUID()}`;
  await stream.createTopic({ topic, partitions: 1, replication: 1, settings: new Map() });
  await assert.rejects(publisher({ stream, topic, source: '/test' }), {
    code: 'topic-unfit',
    message: /sealstream apply/,
  });
});
