import { SealstreamError } from '../../../ledger/error.js';
import type { Bounds, TopicIdentity } from '../../stream.js';
import { errorName, KAFKA_ERROR } from '../protocol/error-codes.js';
import type { PartitionRecords, ProducedPartition } from '../protocol/produce.js';
import { CODE_RULES, type LaneEvent } from './append-rules.js';
import type { BatchIdentity, EventDetail, ProducerIdentity } from './partition-producer.js';

export type { PartitionRecords, ProducedPartition } from '../protocol/produce.js';

/** What an appender asks of a cluster. The tests' scripted broker is one too. */
export interface ProducePort {
  /** Asks the brokers. Throws where they cannot be asked. */
  topicNow(): Promise<TopicNow>;
  /** A producer id that nobody had before. Throws where none can be had. */
  newProducer(): Promise<ProducerIdentity>;
  /** One request to one broker. Never rejects. */
  produce(leader: number, batches: readonly PartitionRecords[]): Promise<ProduceAnswer>;
  /**
   * Looks for batches among those with base offsets in [from, until); `from` null: from the log
   * start. One result per identity. Throws where the log cannot be read.
   */
  findBatches(
    partition: number,
    range: { readonly from: bigint | null; readonly until: bigint },
    identities: readonly BatchIdentity[],
  ): Promise<readonly FoundBatch[]>;
  /** Throws where no leader tells them. */
  bounds(partition: number): Promise<Bounds>;
  close(): void;
}

/** `undetermined`: the range is not wholly there any more, or too long to search. */
export type FoundBatch =
  | { readonly kind: 'found'; readonly baseOffset: bigint }
  | { readonly kind: 'absent' }
  | { readonly kind: 'undetermined' };

export interface TopicNow {
  /** null: there is no such topic now. */
  readonly topicId: string | null;
  /** By partition; null: none now. */
  readonly leaders: ReadonlyMap<number, number | null>;
  /** By partition: a number that grows with every election. */
  readonly leaderEpochs: ReadonlyMap<number, number>;
}

export type ProduceAnswer =
  | {
      readonly kind: 'answered';
      /** Of the topic that was written to; where requests name it, as read after the answer. */
      readonly topicId: string;
      /** The broker asks for a pause of this length. */
      readonly throttleMs: number;
      readonly partitions: ReadonlyMap<number, ProducedPartition>;
    }
  /** The broker may have acted on the request. */
  | { readonly kind: 'unanswered'; readonly error: SealstreamError }
  /** The broker never saw the request. */
  | { readonly kind: 'unsent'; readonly error: SealstreamError };

/** Which event an answer is for one partition. */
export function judge(
  answer: ProduceAnswer,
  partition: number,
  topic: TopicIdentity,
  acknowledgedEnd: bigint | null,
): { readonly event: LaneEvent; readonly detail: EventDetail } {
  if (answer.kind === 'unsent') {
    const event = answer.error.class === 'retry' ? 'unsent' : 'unusable';
    return { event, detail: { error: answer.error } };
  }
  if (answer.kind === 'unanswered') return { event: 'unanswered', detail: { error: answer.error } };
  const produced = answer.partitions.get(partition);
  const place = `topic ${topic.topic}, partition ${partition}`;
  if (produced === undefined) {
    const error = new SealstreamError('malformed', `${place}: the broker's answer leaves it out`);
    return { event: 'unanswered', detail: { error } };
  }
  if (produced.errorCode !== KAFKA_ERROR.NONE) return judgeError(produced, place);
  if (answer.topicId !== topic.topicId) {
    const error = new SealstreamError(
      'topic-recreated',
      `${place}: acknowledged, but the topic is now ${answer.topicId}, not ${topic.topicId}: the ` +
        'records may be in the new topic',
    );
    return { event: 'misplaced', detail: { error } };
  }
  const { baseOffset, logAppendTime } = produced;
  const timestamp = logAppendTime < 0n ? null : logAppendTime;
  const acknowledged = { baseOffset, timestamp };
  if (acknowledgedEnd === null || baseOffset >= acknowledgedEnd) {
    return { event: 'acknowledged', detail: { acknowledged } };
  }
  const error = new SealstreamError(
    'acknowledged-lost',
    `${place}: acknowledged at offset ${baseOffset}, but offsets up to ${acknowledgedEnd - 1n} were ` +
      'acknowledged before: what was there is gone; nothing more is written to this partition: ' +
      'keep the disks of its replicas and verify the ledger',
  );
  return { event: 'regressed', detail: { acknowledged, error } };
}

function judgeError(
  produced: ProducedPartition,
  place: string,
): { readonly event: LaneEvent; readonly detail: EventDetail } {
  const { errorCode, message } = produced;
  const said = message === '' ? errorName(errorCode) : `${errorName(errorCode)} (${message})`;
  const rule = CODE_RULES.get(errorCode);
  if (rule === undefined) {
    const error = new SealstreamError(
      'outcome-unknown',
      `${place}: the broker answered ${said}, which no rule knows: the batch may or may not be in ` +
        'the log',
    );
    return { event: 'unlisted', detail: { error } };
  }
  const advice = rule.advice === '' ? '' : `: ${rule.advice}`;
  const error = new SealstreamError(rule.code, `${place}: the broker answered ${said}${advice}`);
  return { event: rule.event, detail: { error } };
}
