import { SealstreamError } from '../../../ledger/error.js';
import type { PartitionState, TopicState } from '../../administration.js';
import { left, shownByAll, throughController } from '../connection/broker-fanout.js';
import type { Cluster } from '../connection/cluster.js';
import {
  ALTER_CONFIGS,
  decodeAlterConfigs,
  encodeAlterConfigsRequest,
} from '../protocol/alter-configs.js';
import {
  CREATE_PARTITIONS,
  decodeCreatePartitions,
  encodeCreatePartitionsRequest,
} from '../protocol/create-partitions.js';
import { KAFKA_ERROR, requestError } from '../protocol/error-codes.js';
import type { PartitionMetadata } from '../protocol/metadata.js';
import { readSettings } from './cluster-state.js';
import { hasLeaders } from './topics.js';

/** null where a broker answers that there is none. */
export async function describeTopicState(
  cluster: Cluster,
  topic: string,
): Promise<TopicState | null> {
  return cluster.ask(cluster.timeoutMs, async (connection, remainingMs) => {
    const deadline = performance.now() + remainingMs;
    const metadata = await cluster.metadataFrom(connection, topic, remainingMs);
    if (metadata.topic === null) return null;
    const resource = { type: 'topic', name: topic } as const;
    const { missing, settings } = await readSettings(cluster, connection, resource, left(deadline));
    if (missing) return null;
    const { topicId, partitions } = metadata.topic;
    const states = [...partitions.values()].map(partitionState);
    return {
      topic,
      topicId,
      partitions: states.sort((a, b) => a.partition - b.partition),
      settings,
    };
  });
}

function partitionState(metadata: PartitionMetadata): PartitionState {
  const { partition, leader, replicas, inSync, offline } = metadata;
  return { partition, leader: leader < 0 ? null : leader, replicas, inSync, offline };
}

export async function changeSettings(
  cluster: Cluster,
  topic: string,
  changes: ReadonlyMap<string, string | null>,
): Promise<void> {
  if (changes.size === 0) return;
  const deadline = performance.now() + cluster.timeoutMs;
  const what = `the settings of topic ${topic}`;
  const resource = { type: 'topic', name: topic } as const;
  await throughController(cluster, what, deadline, async (connection, remainingMs) => {
    const encode = () => encodeAlterConfigsRequest(resource, changes);
    const response = await cluster.call(connection, ALTER_CONFIGS, encode, remainingMs);
    const answer = decodeAlterConfigs(response.bytes, resource, response.what);
    if (answer.errorCode === KAFKA_ERROR.NONE) return;
    if (answer.errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION) throw topicMissing(topic);
    const where = `${connection.name}: changing ${what}`;
    throw requestError(answer, where, `AlterConfigs on topic ${topic}`);
  });
  await shownByAll(cluster, `${what} were changed`, deadline, async (connection, remainingMs) => {
    const { settings } = await readSettings(cluster, connection, resource, remainingMs);
    if (settings === null) {
      throw new SealstreamError(
        'unauthorized',
        `${connection.name}: ${what} were changed, but cannot be seen: ` +
          `grant DescribeConfigs on topic ${topic}`,
      );
    }
    return [...changes].every(([name, wanted]) => {
      const found = settings.get(name);
      const own = found?.source === 'topic';
      return wanted === null ? !own : own && sameValue(found.value ?? '', wanted);
    });
  });
}

/** Brokers tell a value in a form of their own: trimmed, without leading zeros, in lower case. */
function sameValue(found: string, wanted: string): boolean {
  return found === wanted || canonicalValue(found) === canonicalValue(wanted);
}

function canonicalValue(text: string): string {
  const value = text
    .split(',')
    .map((part) => part.trim())
    .join(',');
  if (/^[+-]?[0-9]+$/.test(value)) return BigInt(value.replace('+', '')).toString();
  if (/^[+-]?[0-9.]+(?:e[+-]?[0-9]+)?$/i.test(value)) return Number(value).toString();
  return value.toLowerCase();
}

export async function addPartitions(cluster: Cluster, topic: string, total: number): Promise<void> {
  const deadline = performance.now() + cluster.timeoutMs;
  const what = `partitions of topic ${topic}`;
  await throughController(cluster, what, deadline, async (connection, remainingMs) => {
    const end = performance.now() + remainingMs;
    const encode = () => encodeCreatePartitionsRequest(topic, total, Math.floor(remainingMs));
    const response = await cluster.call(connection, CREATE_PARTITIONS, encode, remainingMs);
    const answer = decodeCreatePartitions(response.bytes, topic, response.what);
    if (answer.errorCode === KAFKA_ERROR.NONE) return;
    if (answer.errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION) throw topicMissing(topic);
    if (answer.errorCode === KAFKA_ERROR.INVALID_PARTITIONS) {
      // They may be there since an attempt whose answer was lost.
      const metadata = await cluster.metadataFrom(connection, topic, left(end));
      const count = metadata.topic?.partitions.size ?? 0;
      if (count === total) return;
      if (count > total) throw tooMany(topic, count, total);
    }
    const where = `${connection.name}: adding ${what}`;
    throw requestError(answer, where, `Alter on topic ${topic}`);
  });
  await shownByAll(cluster, `${what} were added`, deadline, async (connection, remainingMs) =>
    hasLeaders(await cluster.metadataFrom(connection, topic, remainingMs), total),
  );
}

function tooMany(topic: string, count: number, total: number): SealstreamError {
  return new SealstreamError(
    'configuration',
    `topic ${topic} has ${count} partitions, more than ${total}: partitions are never removed`,
  );
}

function topicMissing(topic: string): SealstreamError {
  return new SealstreamError('topic-missing', `topic ${topic} does not exist: apply creates it`);
}
