import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Admin } from 'kafkajs';
import { stampProducer } from '../../stream/batch/stamp.js';
import { Cluster, type KafkaApi } from '../../stream/kafka/connection/cluster.js';
import type { BrokerAddress, BrokerConnection } from '../../stream/kafka/connection/connection.js';
import { createAppender } from '../../stream/kafka/produce/appender.js';
import { findBatches } from '../../stream/kafka/produce/find-batches.js';
import { requestProducerId } from '../../stream/kafka/produce/producer-id.js';
import {
  decodeProduceResponse,
  encodeProduceRequest,
  PRODUCE,
} from '../../stream/kafka/protocol/produce.js';
import type { AppendOutcome, TopicIdentity } from '../../stream/stream.js';
import {
  addresses,
  batchOf,
  createTopic,
  identify,
  offsetOf,
  readAll,
  withTopic,
} from '../support/append-fixture.js';
import { CuttingProxy } from '../support/cutting-proxy.js';
import { kafkaTest } from '../support/kafka.js';
import { withAdmin } from '../support/kafka-admin.js';

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

/** One Produce request with `bytes` for partition 0, in a version of the caller's choice. */
async function produceRaw(
  cluster: Cluster,
  topic: TopicIdentity,
  bytes: Uint8Array,
  version: number,
) {
  const { topic: found } = await cluster.metadata(topic.topic);
  const leader = found?.partitions.get(0)?.leader ?? -1;
  const connection = cluster.open(cluster.broker(leader) ?? assert.fail('no leader'));
  try {
    const api = { ...PRODUCE, oldest: version, newest: version };
    const encode = () => encodeProduceRequest(version, topic, 10_000, [{ partition: 0, bytes }]);
    const answer = await cluster.call(connection, api, encode, 10_000);
    return decodeProduceResponse(answer.bytes, version, topic, answer.what).partitions.get(0);
  } finally {
    cluster.release(connection);
  }
}

kafkaTest('the same bytes in every version of Produce: one offset, written once', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ cluster, topic }) => {
    const producer = await requestProducerId(cluster);
    const bytes = stampProducer(batchOf('once'), { ...producer, baseSequence: 0 });
    const newest = await newestProduce(cluster);
    for (let version = PRODUCE.oldest; version <= newest; version++) {
      const answer = await produceRaw(cluster, topic, bytes, version);
      assert.deepEqual([answer?.errorCode, answer?.baseOffset], [0, 0n]);
    }
    assert.deepEqual(await readAll(cluster, topic, 0), ['once']);
  }),
);

async function newestProduce(cluster: Cluster): Promise<number> {
  return cluster.ask(10_000, async (connection) => {
    const range = (await connection.versions(10_000)).get(PRODUCE.key);
    return Math.min(range?.maxVersion ?? 0, PRODUCE.newest);
  });
}

async function deleteRecords(admin: Admin, topic: string, offset: string): Promise<void> {
  // deleteTopicRecords does not load the topic's metadata itself; this does.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
}

kafkaTest('a batch is found by what its producer stamped on it', (bootstrap) =>
  withTopic(bootstrap, {}, async ({ cluster, topic }) => {
    const producer = await requestProducerId(cluster);
    const identity = (baseSequence: number) => ({ ...producer, baseSequence, count: 2 });
    const version = await newestProduce(cluster);
    for (const sequence of [0, 2, 4]) {
      const batch = batchOf(`${sequence}`, `${sequence + 1}`);
      const bytes = stampProducer(batch, { ...producer, baseSequence: sequence });
      await produceRaw(cluster, topic, bytes, version);
    }
    const range = { ...topic, partition: 0, from: null, until: 4n };
    const [found, beyond, absent] = await findBatches(cluster, range, [2, 4, 6].map(identity));
    assert.deepEqual(found, { kind: 'found', baseOffset: 2n });
    assert.deepEqual(beyond, { kind: 'absent' });
    assert.deepEqual(absent, { kind: 'absent' });
    await withAdmin(bootstrap, (admin) => deleteRecords(admin, topic.topic, '4'));
    const [deleted] = await findBatches(cluster, { ...range, from: 0n }, [identity(0)]);
    assert.deepEqual(deleted, { kind: 'undetermined' });
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

/** Speaks Produce no newer than 12, which names the topic instead of its id. */
class ByName extends Cluster {
  override call(
    connection: BrokerConnection,
    api: KafkaApi,
    encode: (version: number) => Uint8Array,
    timeoutMs: number,
  ) {
    const newest = api.key === PRODUCE.key ? 12 : api.newest;
    return super.call(connection, { ...api, newest }, encode, timeoutMs);
  }
}

kafkaTest('below Produce 13 a topic created again is noticed after the answer', async (b) => {
  const options = { bootstrap: addresses(b), security: {}, timeoutMs: 10_000, logger: null };
  await withTopic(
    b,
    {},
    async ({ cluster, topic, open }) => {
      const appender = await open();
      assert.equal(offsetOf(await appender.append(0, batchOf('old'))), 0n);
      await withAdmin(b, (admin) => admin.deleteTopics({ topics: [topic.topic] }));
      await createTopic(b, topic.topic);
      const outcome = await appender.append(0, batchOf('misplaced'));
      assert.notEqual(outcome.kind, 'acknowledged');
      assert.equal('error' in outcome && outcome.error.code, 'topic-recreated');
      const next = await appender.append(0, batchOf('next'));
      assert.equal(next.kind === 'rejected' && next.error.code, 'topic-recreated');
      await appender.close();
      assert.ok((await readAll(cluster, await identify(cluster, topic.topic), 0)).length <= 1);
    },
    new ByName(options),
  );
});
