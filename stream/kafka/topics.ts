import { SealstreamError } from '../../ledger/error.js';
import type { TopicDescription, TopicSpecification } from '../stream.js';
import { retryUntil } from './back-off.js';
import type { Cluster } from './cluster.js';
import {
  CREATE_TOPICS,
  decodeCreateTopics,
  encodeCreateTopicsRequest,
} from './protocol/create-topics.js';
import {
  DESCRIBE_CONFIGS,
  decodeDescribeConfigs,
  encodeDescribeConfigsRequest,
} from './protocol/describe-configs.js';
import { KAFKA_ERROR, protocolError } from './protocol/error-codes.js';
import type { Metadata } from './protocol/metadata.js';

/** null where a broker answers that there is none. Without the right to describe the topic's
 * configuration, which an auditor need not have, the settings are left out. */
export async function describeTopic(
  cluster: Cluster,
  topic: string,
): Promise<TopicDescription | null> {
  return cluster.ask(cluster.timeoutMs, async (connection, remainingMs) => {
    const metadata = await cluster.metadataFrom(connection, topic, remainingMs);
    if (metadata.topic === null) return null;
    const encode = () => encodeDescribeConfigsRequest(topic);
    const response = await cluster.call(connection, DESCRIBE_CONFIGS, encode, remainingMs);
    const configs = decodeDescribeConfigs(response.bytes, topic, response.what);
    if (configs.errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION) return null;
    const refused = configs.errorCode === KAFKA_ERROR.TOPIC_AUTHORIZATION_FAILED;
    if (configs.errorCode !== KAFKA_ERROR.NONE && !refused) {
      const where = `${connection.name}: the settings of topic ${topic}`;
      throw protocolError(configs.errorCode, where, configs.errorMessage ?? undefined);
    }
    const { topicId, partitions } = metadata.topic;
    const { settings } = configs;
    const logAppendTime = settings.get('message.timestamp.type') === 'LogAppendTime';
    return {
      topic,
      topicId,
      partitions: partitions.size,
      replication: Math.max(0, ...[...partitions.values()].map(({ replicas }) => replicas)),
      timestampType: refused ? null : logAppendTime ? 1 : 0,
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
  const { topic } = specification;
  const deadline = performance.now() + cluster.timeoutMs;
  const created = await retryUntil(deadline, async () => {
    const outcome = await attemptCreation(cluster, specification, deadline);
    if (outcome instanceof SealstreamError) {
      if (outcome.code === 'not-leader') return null;
      throw outcome;
    }
    return { created: outcome };
  });
  if (created === null) {
    const message = `topic ${topic}: no controller took the request in ${cluster.timeoutMs} ms`;
    throw new SealstreamError('unreachable', message);
  }
  if (!created.created) return false;
  const visible = await retryUntil(deadline, () => knownToAll(cluster, specification, deadline));
  if (visible === null) {
    throw new SealstreamError(
      'timeout',
      `topic ${topic} was created, but not all brokers know all of its leaders after ` +
        `${cluster.timeoutMs} ms: see whether every broker runs`,
    );
  }
  return true;
}

/** Asks the controller: brokers of a cluster with ZooKeeper do not pass the request on. */
async function attemptCreation(
  cluster: Cluster,
  specification: TopicSpecification,
  deadline: number,
): Promise<boolean | SealstreamError> {
  const remainingMs = Math.max(1, deadline - performance.now());
  const metadata = await cluster.metadata(specification.topic, remainingMs);
  if (metadata.topic !== null) return false;
  const controller = metadata.brokers.get(metadata.controller);
  if (controller === undefined) {
    return new SealstreamError('not-leader', 'the cluster has no controller now: try later');
  }
  const connection = cluster.open(controller);
  try {
    const encode = () => encodeCreateTopicsRequest(specification, remainingMs);
    const response = await cluster.call(connection, CREATE_TOPICS, encode, remainingMs);
    const answer = decodeCreateTopics(response.bytes, response.what);
    if (answer.errorCode === KAFKA_ERROR.NONE) return true;
    if (answer.errorCode === KAFKA_ERROR.TOPIC_ALREADY_EXISTS) return false;
    const where = `${connection.name}: creating topic ${specification.topic}`;
    return protocolError(answer.errorCode, where, answer.errorMessage ?? undefined);
  } finally {
    cluster.release(connection);
  }
}

async function knownToAll(
  cluster: Cluster,
  { topic, partitions }: TopicSpecification,
  deadline: number,
): Promise<true | null> {
  const remainingMs = () => Math.max(1, deadline - performance.now());
  const { brokers } = await cluster.metadata(topic, remainingMs());
  for (const broker of brokers.values()) {
    const connection = cluster.open(broker);
    try {
      const metadata = await cluster.metadataFrom(connection, topic, remainingMs());
      if (!hasLeaders(metadata, partitions)) return null;
    } catch (error) {
      if (error instanceof SealstreamError && error.class === 'retry') return null;
      throw error;
    } finally {
      cluster.release(connection);
    }
  }
  return true;
}

function hasLeaders({ topic }: Metadata, partitions: number): boolean {
  if (topic === null || topic.partitions.size < partitions) return false;
  return [...topic.partitions.values()].every(({ leader }) => leader >= 0);
}
