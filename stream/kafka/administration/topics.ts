import type { TopicDescription, TopicSpecification } from '../../stream.js';
import { left, shownByAll, throughController } from '../connection/broker-fanout.js';
import type { Cluster } from '../connection/cluster.js';
import type { BrokerConnection } from '../connection/connection.js';
import {
  CREATE_TOPICS,
  decodeCreateTopics,
  encodeCreateTopicsRequest,
} from '../protocol/create-topics.js';
import { KAFKA_ERROR, requestError } from '../protocol/error-codes.js';
import type { Metadata } from '../protocol/metadata.js';
import { readSettings } from './cluster-state.js';

/** null where a broker answers that there is none. Without the right to describe the topic's
 * configuration, which an auditor need not have, the settings are left out. */
export async function describeTopic(
  cluster: Cluster,
  topic: string,
): Promise<TopicDescription | null> {
  return cluster.ask(cluster.timeoutMs, async (connection, remainingMs) => {
    const end = performance.now() + remainingMs;
    const metadata = await cluster.metadataFrom(connection, topic, remainingMs);
    if (metadata.topic === null) return null;
    const resource = { type: 'topic', name: topic } as const;
    const read = await readSettings(cluster, connection, resource, left(end));
    if (read.missing) return null;
    const { topicId, partitions } = metadata.topic;
    const settings = new Map<string, string>();
    for (const [name, { value }] of read.settings ?? []) {
      if (value !== null) settings.set(name, value);
    }
    const logAppendTime = settings.get('message.timestamp.type') === 'LogAppendTime';
    return {
      topic,
      topicId,
      partitions: partitions.size,
      replication: Math.max(0, ...[...partitions.values()].map(({ replicas }) => replicas.length)),
      timestampType: read.settings === null ? null : logAppendTime ? 1 : 0,
      settings,
    };
  });
}

/**
 * false: it existed. Where the answer to a first attempt was lost, a second one may find the topic
 * that the first one made and say false: a topic is never taken for ours by mistake. Returns once
 * every broker knows the topic and each partition has a leader.
 */
export async function createTopic(
  cluster: Cluster,
  specification: TopicSpecification,
): Promise<boolean> {
  const { topic, partitions } = specification;
  const deadline = performance.now() + cluster.timeoutMs;
  const created = await throughController(
    cluster,
    `topic ${topic}`,
    deadline,
    (connection, remainingMs) => attemptCreation(cluster, connection, specification, remainingMs),
  );
  if (!created) return false;
  const done = `topic ${topic} was created`;
  await shownByAll(cluster, done, deadline, async (connection, remainingMs) =>
    hasLeaders(await cluster.metadataFrom(connection, topic, remainingMs), partitions),
  );
  return true;
}

async function attemptCreation(
  cluster: Cluster,
  connection: BrokerConnection,
  specification: TopicSpecification,
  remainingMs: number,
): Promise<boolean> {
  const { topic } = specification;
  const end = performance.now() + remainingMs;
  const metadata = await cluster.metadataFrom(connection, topic, remainingMs);
  if (metadata.topic !== null) return false;
  const encode = () => encodeCreateTopicsRequest(specification, Math.floor(left(end)));
  const response = await cluster.call(connection, CREATE_TOPICS, encode, left(end));
  const answer = decodeCreateTopics(response.bytes, response.what);
  if (answer.errorCode === KAFKA_ERROR.NONE) return true;
  if (answer.errorCode === KAFKA_ERROR.TOPIC_ALREADY_EXISTS) return false;
  const where = `${connection.name}: creating topic ${topic}`;
  throw requestError(answer, where, `Create on topic ${topic}`);
}

export function hasLeaders({ topic }: Metadata, partitions: number): boolean {
  if (topic === null || topic.partitions.size < partitions) return false;
  return [...topic.partitions.values()].every(({ leader }) => leader >= 0);
}
