import { SealstreamError } from '../../../ledger/error.js';
import type { TopicIdentity } from '../../stream.js';
import type { Metadata, TopicMetadata } from '../protocol/metadata.js';

/** The topic in `metadata` if it is still the one in `identity`; else why not: `topic-missing` or
 * `topic-recreated`. */
export function sameTopic(
  metadata: Metadata,
  identity: TopicIdentity,
): TopicMetadata | SealstreamError {
  const { topic, topicId } = identity;
  const found = metadata.topic;
  if (found === null) {
    return new SealstreamError(
      'topic-missing',
      `topic ${topic} (id ${topicId}) does not exist: it was deleted, or the cluster is another one`,
    );
  }
  if (found.topicId !== topicId) {
    return new SealstreamError(
      'topic-recreated',
      `topic ${topic} has id ${found.topicId}, not ${topicId}: it was deleted and created again`,
    );
  }
  return found;
}

export function partitionMissing(
  { topic }: TopicIdentity,
  partition: number,
  count: number,
): SealstreamError {
  return new SealstreamError(
    'partition-missing',
    `topic ${topic} has no partition ${partition}: it has ${count}, from 0`,
  );
}

export function noLeader({ topic }: TopicIdentity, partition: number): SealstreamError {
  return new SealstreamError(
    'not-leader',
    `topic ${topic} partition ${partition} has no leader now: start its brokers, or try later`,
  );
}
