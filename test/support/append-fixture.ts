import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type kafkajs from 'kafkajs';
import { SealstreamError } from '../../ledger/error.js';
import { decodeBatches } from '../../stream/batch/decode.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import { Cluster } from '../../stream/kafka/connection/cluster.js';
import type { BrokerAddress } from '../../stream/kafka/connection/connection.js';
import { createAppender } from '../../stream/kafka/produce/appender.js';
import { decodeFetch, encodeFetchRequest, FETCH } from '../../stream/kafka/protocol/fetch.js';
import type { Metadata } from '../../stream/kafka/protocol/metadata.js';
import type {
  Appender,
  AppenderOptions,
  AppendOutcome,
  EncodedBatch,
  TopicIdentity,
} from '../../stream/stream.js';
import { createTopics, withAdmin } from './kafka-admin.js';
import { until } from './ledger-desk.js';

const AUDIT = { 'message.timestamp.type': 'LogAppendTime', 'retention.ms': '-1' };
const READ_BYTES = 8 * 1024 * 1024;

export function connect(bootstrap: string, timeoutMs = 30_000): Cluster {
  return new Cluster({ bootstrap: addresses(bootstrap), security: {}, timeoutMs, logger: null });
}

export function addresses(bootstrap: string): BrokerAddress[] {
  return bootstrap.split(',').map((each) => {
    const [host = '', port] = each.split(':');
    return { nodeId: -1, host, port: Number(port) };
  });
}

export interface TopicWish {
  readonly partitions?: number;
  readonly replication?: number;
  readonly settings?: Record<string, string>;
}

export async function createTopic(bootstrap: string, name: string, wish: TopicWish = {}) {
  const configEntries = Object.entries({ ...AUDIT, ...wish.settings }).map(([key, value]) => {
    return { name: key, value };
  });
  const topic = {
    topic: name,
    numPartitions: wish.partitions ?? 1,
    replicationFactor: wish.replication ?? 1,
    configEntries,
  };
  await withAdmin(bootstrap, (admin) => createTopics(admin, [topic]));
  await untilKnown(bootstrap, name);
}

/** Each broker of the list knows the topic and who leads it: they hear of it one after another. */
async function untilKnown(bootstrap: string, name: string): Promise<void> {
  const cluster = connect(bootstrap);
  try {
    for (const address of addresses(bootstrap)) {
      const connection = cluster.open(address);
      await until(`${connection.name} knows topic ${name}`, async () => {
        const answer = cluster.metadataFrom(connection, name, cluster.timeoutMs);
        const { topic } = await answer.catch(nothingIfRetriable);
        const partitions = [...(topic?.partitions.values() ?? [])];
        return partitions.length > 0 && partitions.every(({ leader }) => leader >= 0);
      });
    }
  } finally {
    await cluster.close();
  }
}

function nothingIfRetriable(error: unknown): Pick<Metadata, 'topic'> {
  if (error instanceof SealstreamError && error.class === 'retry') return { topic: null };
  throw error;
}

export async function identify(cluster: Cluster, topic: string): Promise<TopicIdentity> {
  const { topic: found } = await cluster.metadata(topic);
  return { topic, topicId: found?.topicId ?? assert.fail(`no topic ${topic}`) };
}

/** Every record's value, with its offset as its place. */
export async function readAll(cluster: Cluster, topic: TopicIdentity, partition: number) {
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
      if (decoded.error !== null) throw decoded.error;
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

export function batchOf(...texts: string[]): EncodedBatch {
  const encoder = new BatchEncoder();
  for (const text of texts) {
    assert.ok(encoder.add({ key: null, value: Buffer.from(text), headers: [] }, 1n));
  }
  return encoder.finish();
}

export function offsetOf(outcome: AppendOutcome): bigint {
  if (outcome.kind !== 'acknowledged') throw outcome.error;
  return outcome.baseOffset;
}

export interface Fixture {
  readonly cluster: Cluster;
  readonly topic: TopicIdentity;
  open(options?: AppenderOptions): Promise<Appender>;
}

export async function withTopic(
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
    await cluster.close();
  }
}

/** Gives a right, and waits until the broker knows it: the controller does at once. */
export async function allow(bootstrap: string, entry: kafkajs.AclEntry): Promise<void> {
  await withAdmin(bootstrap, async (admin) => {
    await admin.createAcls({ acl: [entry] });
    for (let attempt = 0; attempt < 200; attempt += 1) {
      const { resources } = await admin.describeAcls(entry);
      if (resources.length > 0) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.fail('the right was granted and does not show');
  });
}
