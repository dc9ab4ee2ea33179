import { asSealstreamError, SealstreamError } from '../../../ledger/error.js';
import type { Bounds, TopicIdentity } from '../../stream.js';
import { retryUntil } from '../connection/back-off.js';
import type { Cluster } from '../connection/cluster.js';
import type { BrokerConnection } from '../connection/connection.js';
import { noLeader, partitionMissing, sameTopic } from '../connection/identity.js';
import { KAFKA_ERROR, protocolError } from '../protocol/error-codes.js';
import {
  decodeListOffsets,
  EARLIEST,
  encodeListOffsetsRequest,
  LATEST,
  LIST_OFFSETS,
  type OffsetAnswer,
  type OffsetQuestion,
} from '../protocol/list-offsets.js';
import type { PartitionMetadata, TopicMetadata } from '../protocol/metadata.js';

type Answers = Map<number, Bounds | SealstreamError>;

/**
 * Log start and high watermark, asked of the leaders. ListOffsets knows topics by name only, so the
 * topic id is compared before and after: an answer about another topic never gets through. Retries
 * for `cluster.timeoutMs` where leaders move; then the partition's answer is its last error.
 */
export async function readBounds(
  cluster: Cluster,
  topic: TopicIdentity,
  partitions: readonly number[],
): Promise<readonly (Bounds | SealstreamError)[]> {
  const answers: Answers = new Map();
  const deadline = performance.now() + cluster.timeoutMs;
  const open = () => partitions.filter((partition) => mayChange(answers.get(partition)));
  await retryUntil(deadline, async () => {
    try {
      await askOnce(cluster, topic, open(), answers, Math.max(1, deadline - performance.now()));
    } catch (error) {
      const known = asSealstreamError(error, 'internal', `topic ${topic.topic}: reading bounds`);
      for (const partition of open()) answers.set(partition, known);
    }
    return open().length === 0 ? true : null;
  });
  return partitions.map((partition) => answers.get(partition) ?? noLeader(topic, partition));
}

function mayChange(answer: Bounds | SealstreamError | undefined): boolean {
  return answer === undefined || (answer instanceof SealstreamError && answer.class === 'retry');
}

async function askOnce(
  cluster: Cluster,
  topic: TopicIdentity,
  partitions: readonly number[],
  answers: Answers,
  timeoutMs: number,
): Promise<void> {
  const before = sameTopic(await cluster.metadata(topic.topic, timeoutMs), topic);
  if (before instanceof SealstreamError) {
    for (const partition of partitions) answers.set(partition, before);
    return;
  }
  const byLeader = groupByLeader(topic, before, partitions, answers);
  const found: Answers = new Map();
  await Promise.all(
    [...byLeader].map(([leader, questions]) =>
      askLeader(cluster, topic, leader, questions, found, timeoutMs),
    ),
  );
  const after = sameTopic(await cluster.metadata(topic.topic, timeoutMs), topic);
  for (const [partition, answer] of found) {
    answers.set(partition, after instanceof SealstreamError ? after : answer);
  }
}

function groupByLeader(
  topic: TopicIdentity,
  metadata: TopicMetadata,
  partitions: readonly number[],
  answers: Answers,
): Map<number, PartitionMetadata[]> {
  const byLeader = new Map<number, PartitionMetadata[]>();
  for (const partition of partitions) {
    const known = metadata.partitions.get(partition);
    if (known === undefined) {
      answers.set(partition, partitionMissing(topic, partition, metadata.partitions.size));
    } else if (known.leader < 0) {
      answers.set(partition, noLeader(topic, partition));
    } else {
      byLeader.set(known.leader, [...(byLeader.get(known.leader) ?? []), known]);
    }
  }
  return byLeader;
}

async function askLeader(
  cluster: Cluster,
  topic: TopicIdentity,
  leader: number,
  questions: readonly OffsetQuestion[],
  found: Answers,
  timeoutMs: number,
): Promise<void> {
  const address = cluster.broker(leader);
  if (address === undefined) {
    for (const { partition } of questions) found.set(partition, noLeader(topic, partition));
    return;
  }
  const connection = cluster.open(address);
  try {
    // The start first: it only grows, so start ≤ high watermark holds in the answer.
    const starts = await askOffsets(cluster, connection, topic, questions, EARLIEST, timeoutMs);
    const ends = await askOffsets(cluster, connection, topic, questions, LATEST, timeoutMs);
    for (const { partition } of questions) {
      const where = `${connection.name}: topic ${topic.topic} partition ${partition}`;
      found.set(partition, combine(partition, starts.get(partition), ends.get(partition), where));
    }
  } catch (error) {
    const known = asSealstreamError(error, 'internal', `topic ${topic.topic}: reading bounds`);
    for (const { partition } of questions) found.set(partition, known);
  } finally {
    cluster.release(connection);
  }
}

async function askOffsets(
  cluster: Cluster,
  connection: BrokerConnection,
  { topic }: TopicIdentity,
  questions: readonly OffsetQuestion[],
  timestamp: typeof EARLIEST | typeof LATEST,
  timeoutMs: number,
): Promise<ReadonlyMap<number, OffsetAnswer>> {
  const encode = () => encodeListOffsetsRequest(topic, questions, timestamp);
  const response = await cluster.call(connection, LIST_OFFSETS, encode, timeoutMs);
  return decodeListOffsets(response.bytes, topic, response.what);
}

function combine(
  partition: number,
  start: OffsetAnswer | undefined,
  end: OffsetAnswer | undefined,
  where: string,
): Bounds | SealstreamError {
  if (start === undefined || end === undefined) {
    return new SealstreamError('malformed', `${where}: the broker left out an answer`);
  }
  for (const { errorCode } of [start, end]) {
    // The metadata names the partition; this leader has not heard of it yet, or no longer.
    if (errorCode === KAFKA_ERROR.UNKNOWN_TOPIC_OR_PARTITION) {
      return new SealstreamError('not-leader', `${where}: not known to the broker: try again`);
    }
    if (errorCode !== KAFKA_ERROR.NONE) return protocolError(errorCode, where);
  }
  if (start.offset < 0n || end.offset < start.offset) {
    // The high watermark may fall back for a moment when another broker takes over.
    const claim = `log start ${start.offset}, high watermark ${end.offset}`;
    return new SealstreamError('busy', `${where}: impossible bounds: ${claim}: try again`);
  }
  return { partition, logStart: start.offset, highWatermark: end.offset };
}
