import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { decodeBatches } from '../../stream/batch/decode.js';
import { BatchEncoder, stampProducer } from '../../stream/batch/encode.js';
import { createAppender } from '../../stream/kafka/appender.js';
import { Cluster } from '../../stream/kafka/cluster.js';
import type { BrokerAddress } from '../../stream/kafka/connection.js';
import { requestProducerId } from '../../stream/kafka/producer-id.js';
import { decodeFetch, encodeFetchRequest, FETCH } from '../../stream/kafka/protocol/fetch.js';
import {
  decodeProduceResponse,
  encodeProduceRequest,
  PRODUCE,
} from '../../stream/kafka/protocol/produce.js';
import type {
  AppenderOptions,
  AppendOutcome,
  EncodedBatch,
  LearnedOutcome,
  TopicIdentity,
} from '../../stream/stream.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { clusterTest, kafkaTest } from '../support/kafka.js';

const AUDIT = { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '-1' };
const READ_BYTES = 8 * 1024 * 1024;

function connect(bootstrap: string, timeoutMs = 30_000): Cluster {
  return new Cluster({ bootstrap: addresses(bootstrap), security: {}, timeoutMs, logger: null });
}

function addresses(bootstrap: string): BrokerAddress[] {
  return bootstrap.split(',').map((each) => {
    const [host = '', port] = each.split(':');
    return { nodeId: -1, host, port: Number(port) };
  });
}

async function withAdmin<T>(bootstrap: string, body: (admin: kafkajs.Admin) => Promise<T>) {
  const admin = new kafkajs.Kafka({
    brokers: bootstrap.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    return await body(admin);
  } finally {
    await admin.disconnect();
  }
}

interface TopicWish {
  readonly partitions?: number;
  readonly replication?: number;
  readonly settings?: Record<string, string>;
}

async function createTopic(bootstrap: string, name: string, wish: TopicWish = {}) {
  const configEntries = Object.entries({ ...AUDIT, ...wish.settings }).map(([key, value]) => {
    return { name: key, value };
  });
  const topic = {
    topic: name,
    numPartitions: wish.partitions ?? 1,
    replicationFactor: wish.replication ?? 1,
    configEntries,
  };
  await withAdmin(bootstrap, (admin) => admin.createTopics({ topics: [topic] }));
}

async function identify(cluster: Cluster, topic: string): Promise<TopicIdentity> {
  const { topic: found } = await cluster.metadata(topic);
  return { topic, topicId: found?.topicId ?? assert.fail(`no topic ${topic}`) };
}

/** Every record's value, with its offset as its place. */
async function readAll(cluster: Cluster, topic: TopicIdentity, partition: number) {
  const { topic: found } = await cluster.metadata(topic.topic);
  const meta = found?.partitions.get(partition) ?? assert.fail('no partition');
  const connection = cluster.open(cluster.broker(meta.leader) ?? assert.fail('no leader'));
  const values: string[] = [];
  try {
    for (let offset = 0n; ; ) {
      const asked = { partition, leaderEpoch: -1, offset, lastEpoch: -1, maxBytes: READ_BYTES };
      const request = { topicId: topic.topicId, maxWaitMs: 100, maxBytes: READ_BYTES };
      const { bytes, what } = await cluster.call(
        connection,
        FETCH,
        (version) => encodeFetchRequest({ ...request, partitions: [asked] }, version),
        cluster.timeoutMs,
      );
      const answer = decodeFetch(bytes, topic.topicId, what).partitions[0] ?? assert.fail('empty');
      assert.equal(answer.errorCode, 0);
      const place = { from: offset, topic: topic.topic, partition };
      const decoded = decodeBatches(answer.records, place);
      assert.equal(decoded.error, null);
      for (const batch of decoded.batches) {
        for (let index = 0; index < batch.count; index++) {
          const record = batch.record(index);
          assert.equal(record.offset, BigInt(values.length));
          values.push(Buffer.from(record.value ?? []).toString());
        }
      }
      if (decoded.next === offset) return values;
      offset = decoded.next;
    }
  } finally {
    cluster.release(connection);
  }
}

function batchOf(...texts: string[]): EncodedBatch {
  const encoder = new BatchEncoder();
  for (const text of texts) {
    assert.ok(encoder.add({ key: null, value: Buffer.from(text), headers: [] }, 1n));
  }
  return encoder.finish();
}

function offsetOf(outcome: AppendOutcome): bigint {
  if (outcome.kind !== 'acknowledged') throw outcome.error;
  return outcome.baseOffset;
}

interface Fixture {
  readonly cluster: Cluster;
  readonly topic: TopicIdentity;
  open(options?: AppenderOptions): ReturnType<typeof createAppender>;
}

async function withTopic(
  bootstrap: string,
  wish: TopicWish,
  body: (fixture: Fixture) => Promise<void>,
  cluster = connect(bootstrap),
): Promise<void> {
  const name = `append-${randomUUID()}`;
  await createTopic(bootstrap, name, wish);
  try {
    const topic = await identify(cluster, name);
    await body({ cluster, topic, open: (options) => createAppender(cluster, topic, options) });
  } finally {
    cluster.close();
  }
}

kafkaTest('batches of many partitions arrive once, in order, with their offsets', (bootstrap) =>
  withTopic(bootstrap, { partitions: 5 }, async ({ cluster, topic, open }) => {
    const appender = await open();
    const before = BigInt(Date.now()) - 60_000n;
    const outcomes: Promise<AppendOutcome>[] = [];
    for (let round = 0; round < 40; round++) {
      for (let partition = 0; partition < 5; partition++) {
        outcomes.push(appender.append(partition, batchOf(`${round}a`, `${round}b`)));
      }
    }
    const settled = await Promise.all(outcomes);
    await appender.close();
    settled.forEach((outcome, index) => {
      assert.equal(offsetOf(outcome), BigInt(Math.floor(index / 5) * 2));
      assert.ok(outcome.kind === 'acknowledged' && (outcome.timestamp ?? 0n) > before);
    });
    const expected = Array.from({ length: 40 }, (_, round) => [`${round}a`, `${round}b`]).flat();
    for (let partition = 0; partition < 5; partition++) {
      assert.deepEqual(await readAll(cluster, topic, partition), expected);
    }
  }),
);

kafkaTest('every version of Produce that the broker speaks gives one answer', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ cluster, topic }) => {
    const { topic: found } = await cluster.metadata(topic.topic);
    const leader = found?.partitions.get(0)?.leader ?? -1;
    const connection = cluster.open(cluster.broker(leader) ?? assert.fail('no leader'));
    const range = (await connection.versions(10_000)).get(PRODUCE.key);
    const newest = Math.min(range?.maxVersion ?? 0, PRODUCE.newest);
    const producer = await requestProducerId(cluster);
    const bytes = stampProducer(batchOf('once'), { ...producer, baseSequence: 0 });
    for (let version = PRODUCE.oldest; version <= newest; version++) {
      const api = { ...PRODUCE, oldest: version, newest: version };
      const encode = () => encodeProduceRequest(version, topic, 10_000, [{ partition: 0, bytes }]);
      const answer = await cluster.call(connection, api, encode, 10_000);
      const response = decodeProduceResponse(answer.bytes, version, topic, answer.what);
      // The same bytes again: acknowledged with the original offset, written once.
      assert.equal(response.partitions.get(0)?.errorCode, 0);
      assert.equal(response.partitions.get(0)?.baseOffset, 0n);
      connection.reset();
    }
    cluster.release(connection);
    assert.deepEqual(await readAll(cluster, topic, 0), ['once']);
  }),
);

kafkaTest('a connection cut before the answer: the resend gets the original offset', async (b) => {
  const proxy = await CuttingProxy.start();
  class BehindProxy extends Cluster {
    override broker(nodeId: number): BrokerAddress | undefined {
      const address = super.broker(nodeId);
      return address && { nodeId, ...proxy.to(address) };
    }
  }
  const options = { bootstrap: addresses(b), security: {}, timeoutMs: 10_000, logger: null };
  await withTopic(
    b,
    {},
    async ({ cluster, topic, open }) => {
      const appender = await open();
      const expected: string[] = [];
      for (let index = 0n; index < 20n; index++) {
        if (index % 4n === 1n) proxy.cutAnswers(Number(index % 3n) + 1);
        expected.push(`${index}`);
        assert.equal(offsetOf(await appender.append(0, batchOf(`${index}`))), index);
      }
      await appender.close();
      assert.ok(proxy.cuts >= 5);
      assert.deepEqual(await readAll(cluster, topic, 0), expected);
    },
    new BehindProxy(options),
  ).finally(() => proxy.close());
});

kafkaTest('a batch that is too large is rejected and the next one is not', (bootstrap) =>
  withTopic(bootstrap, { settings: { 'max.message.bytes': '1000' } }, async (fixture) => {
    const appender = await fixture.open();
    const outcomes = await Promise.all([
      appender.append(0, batchOf('first')),
      appender.append(0, batchOf('x'.repeat(5000))),
      appender.append(0, batchOf('last')),
    ]);
    await appender.close();
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['acknowledged', 'rejected', 'acknowledged'],
    );
    const refused = outcomes[1];
    assert.equal(refused?.kind === 'rejected' && refused.error.code, 'record-too-large');
    assert.deepEqual(await readAll(fixture.cluster, fixture.topic, 0), ['first', 'last']);
  }),
);

kafkaTest('a missing topic, a missing partition, a re-created topic', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ cluster, topic, open }) => {
    const missing = { topic: `missing-${randomUUID()}`, topicId: topic.topicId };
    await assert.rejects(createAppender(cluster, missing), { code: 'topic-missing' });
    const appender = await open();
    const elsewhere = await appender.append(7, batchOf('x'));
    assert.equal(elsewhere.kind === 'rejected' && elsewhere.error.code, 'partition-missing');
    offsetOf(await appender.append(0, batchOf('old')));
    await withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [topic.topic] }));
    await createTopic(bootstrap, topic.topic);
    const gone = await appender.append(0, batchOf('new'));
    assert.notEqual(gone.kind, 'acknowledged');
    assert.equal('error' in gone && gone.error.code, 'topic-recreated');
    await appender.close();
    await assert.rejects(open(), { code: 'topic-recreated' });
    assert.deepEqual(await readAll(cluster, await identify(cluster, topic.topic), 0), []);
  }),
);

clusterTest('a broker that freezes, and one that is killed', {}, async (kafka) => {
  const cluster = connect(kafka.bootstrap, 2000);
  await withTopic(
    kafka.bootstrap,
    { partitions: 2 },
    async ({ topic, open }) => {
      const learned: LearnedOutcome[] = [];
      const options = { deadlineMs: 1500, onLearned: (each: LearnedOutcome) => learned.push(each) };
      const hasty = await open(options);
      const patient = await open();
      const node = kafka.node(1);
      offsetOf(await hasty.append(0, batchOf('before')));
      offsetOf(await patient.append(1, batchOf('before')));
      node.freeze();
      const frozen = batchOf('frozen');
      const [open1, during] = [hasty.append(0, frozen), patient.append(1, batchOf('frozen'))];
      assert.equal((await open1).kind, 'unknown');
      node.thaw();
      assert.equal(offsetOf(await during), 1n);
      let fence = await hasty.append(0, batchOf('fence'));
      while (fence.kind !== 'acknowledged') fence = await hasty.append(0, batchOf('fence'));
      await hasty.close();
      const values = await readAll(cluster, topic, 0);
      const place = values.indexOf('frozen');
      const about = learned.find(({ batch }) => batch === frozen);
      assert.equal(about?.baseOffset, place < 0 ? null : BigInt(place));
      const afterKill = patient.append(1, batchOf('killed'));
      await node.kill();
      await node.start();
      assert.equal(offsetOf(await afterKill), 2n);
      await patient.close();
      assert.deepEqual(await readAll(cluster, topic, 1), ['before', 'frozen', 'killed']);
    },
    cluster,
  );
});
