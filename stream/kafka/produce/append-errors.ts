import { SealstreamError } from '../../../ledger/error.js';
import type { TopicIdentity } from '../../stream.js';

/** Past its deadline; `sent`: a broker may have it. */
export function expired(place: string, deadlineMs: number, sent: boolean): SealstreamError {
  if (!sent) {
    return new SealstreamError(
      'timeout',
      `${place}: not sent within ${deadlineMs} ms, so it is not in the log: append it again`,
    );
  }
  return new SealstreamError(
    'outcome-unknown',
    `${place}: no answer within ${deadlineMs} ms: it may or may not be in the log; read before you ` +
      'append it again',
  );
}

export function noPartition(topic: string, partition: number, partitions: number): SealstreamError {
  return new SealstreamError(
    'partition-missing',
    `topic ${topic} has ${partitions} partitions and no ${partition}`,
  );
}

export function recreated(topic: TopicIdentity, topicId: string): SealstreamError {
  return new SealstreamError(
    'topic-recreated',
    `topic ${topic.topic} was deleted and created again: its id is ${topicId}, not ` +
      `${topic.topicId}; what was written to the old one is gone`,
  );
}
