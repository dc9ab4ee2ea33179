import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import kafkajs from 'kafkajs';
import { publisher } from '../../producer/publisher.js';
import { decodeEvent } from '../../schemas/codec.js';
import { partitionFor } from '../../stream/default-partitioner.js';
import { kafkaTest } from '../support/kafka.js';
import { createTopics } from '../support/kafka-admin.js';

interface Service {
  readonly kafka: kafkajs.Kafka;
  readonly admin: kafkajs.Admin;
  readonly producer: kafkajs.Producer;
}

/** What a service that uses kafkajs already has. */
async function service(bootstrap: string, t: TestContext): Promise<Service> {
  const kafka = new kafkajs.Kafka({
    brokers: bootstrap.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
    retry: { retries: 2 },
  });
  const admin = kafka.admin();
  const producer = kafka.producer({
    allowAutoTopicCreation: false,
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
  });
  t.after(async () => {
    await producer.disconnect();
    await admin.disconnect();
  });
  await admin.connect();
  await producer.connect();
  return { kafka, admin, producer };
}

async function createTopic(admin: kafkajs.Admin, settings: Record<string, string>) {
  const topic = `kafkajs-${randomUUID()}`;
  const configEntries = Object.entries(settings).map(([name, value]) => ({ name, value }));
  await createTopics(admin, [{ topic, numPartitions: 3, configEntries }]);
  return topic;
}

/** `count` messages from the beginning, by `partition/offset`. */
async function consume(kafka: kafkajs.Kafka, topic: string, count: number) {
  const consumer = kafka.consumer({ groupId: randomUUID() });
  const messages = new Map<string, kafkajs.KafkaMessage>();
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        eachMessage: async ({ partition, message }) => {
          messages.set(`${partition}/${message.offset}`, message);
          if (messages.size === count) resolve();
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return messages;
}

const AUDIT = { 'message.timestamp.type': 'LogAppendTime' };

kafkaTest('a kafkajs producer publishes: placed, keyed and headed alike', async (bootstrap, t) => {
  const { kafka, admin, producer } = await service(bootstrap, t);
  const topic = await createTopic(admin, AUDIT);
  const out = await publisher({ kafkajs: producer, admin, topic, source: '/test' });
  const published = await Promise.all(
    Array.from({ length: 300 }, (_, at) =>
      out.publish({ action: 'a.b', tenant_id: `t${at % 7}`, attributes: { at: String(at) } }),
    ),
  );
  const raw = await out.publishRaw({
    key: null,
    value: null,
    headers: [
      ['x', 'a'],
      ['x', 'b'],
    ],
  });
  await out.close();
  await assert.rejects(out.publish({ action: 'a' }), { code: 'closed' });
  const messages = await consume(kafka, topic, 301);
  const last = new Map<number, bigint>();
  for (const [at, { partition, offset, event_id }] of published.entries()) {
    assert.equal(partition, partitionFor(Buffer.from(`t${at % 7}`), 3));
    const message = messages.get(`${partition}/${offset}`);
    const event = decodeEvent(message?.value ?? new Uint8Array());
    assert.equal(event.event_id, event_id);
    assert.equal(event.attributes['at'], String(at));
    assert.equal(String(message?.key), `t${at % 7}`);
    assert.equal(String(message?.headers?.['ce_id']), event_id);
    assert.ok(offset > (last.get(partition) ?? -1n));
    last.set(partition, offset);
  }
  const message = messages.get(`${raw.partition}/${raw.offset}`);
  assert.equal(message?.key, null);
  assert.equal(message?.value, null);
  assert.deepEqual(String(message?.headers?.['x']), 'a,b');
});

kafkaTest('kafkajs: unfit topics and idempotent producers are refused', async (bootstrap, t) => {
  const { kafka, admin, producer } = await service(bootstrap, t);
  const open = (topic: string, kafkajsProducer = producer): Promise<unknown> =>
    publisher({ kafkajs: kafkajsProducer, admin, topic, source: '/test' });
  const createTime = await createTopic(admin, {});
  await assert.rejects(open(createTime), { code: 'topic-unfit', message: /sealstream apply/ });
  const compacted = await createTopic(admin, { ...AUDIT, 'cleanup.policy': 'compact' });
  await assert.rejects(open(compacted), { code: 'topic-unfit', message: /compacted/ });
  await assert.rejects(open(`absent-${randomUUID()}`), { code: 'topic-missing', message: /apply/ });
  const idempotent = kafka.producer({ idempotent: true });
  await assert.rejects(open(await createTopic(admin, AUDIT), idempotent), {
    code: 'configuration',
    message: /idempotent: false/,
  });
});

kafkaTest(
  'kafkajs: what the broker refuses is rejected, the rest unknown',
  async (bootstrap, t) => {
    const { admin, producer } = await service(bootstrap, t);
    const topic = await createTopic(admin, { ...AUDIT, 'max.message.bytes': '5000' });
    const out = await publisher({ kafkajs: producer, admin, topic, source: '/test' });
    const value = new Uint8Array(4000);
    await out.publishRaw({ key: 'k', value });
    await assert.rejects(out.publishRaw({ key: 'k', value: new Uint8Array(5000) }), {
      code: 'record-too-large',
      message: /takes 5000/,
    });
    // The limit falls after the publisher has read it.
    await admin.alterConfigs({
      validateOnly: false,
      resources: [
        {
          type: kafkajs.ConfigResourceTypes.TOPIC,
          name: topic,
          configEntries: [
            { name: 'message.timestamp.type', value: 'LogAppendTime' },
            { name: 'max.message.bytes', value: '1000' },
          ],
        },
      ],
    });
    let refused: unknown = null;
    const deadline = performance.now() + 60_000;
    while (refused === null && performance.now() < deadline) {
      await out.publishRaw({ key: 'k', value }).catch((error: unknown) => {
        refused = error;
      });
    }
    assert.ok(refused instanceof Error && 'code' in refused);
    assert.equal(refused.code, 'record-rejected', refused.message);
    await producer.disconnect();
    await assert.rejects(out.publishRaw({ key: 'k', value: null }), { code: 'outcome-unknown' });
    await out.close();
  },
);
