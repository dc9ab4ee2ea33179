import { SealstreamError } from '../../../ledger/error.js';
import { hasValidCrc, readBatchHeader } from '../../batch/layout.js';
import type { TopicIdentity } from '../../stream.js';
import type { Cluster } from '../connection/cluster.js';
import type { BrokerConnection } from '../connection/connection.js';
import { KAFKA_ERROR, protocolError } from '../protocol/error-codes.js';
import {
  decodeFetch,
  encodeFetchRequest,
  FETCH,
  type FetchedPartition,
} from '../protocol/fetch.js';
import {
  decodeListOffsets,
  EARLIEST,
  encodeListOffsetsRequest,
  LIST_OFFSETS,
} from '../protocol/list-offsets.js';
import type { BatchIdentity } from './partition-producer.js';
import type { FoundBatch } from './produce-port.js';

const FETCH_BYTES = 2 * 1024 * 1024;
const FETCH_WAIT_MS = 500;
const MAX_EMPTY_ANSWERS = 20;
/** Offsets to search where no acknowledgement says where to begin. */
const LONGEST_SEARCH = 5_000_000n;

export interface SearchRange extends TopicIdentity {
  readonly partition: number;
  /** null: the log start. */
  readonly from: bigint | null;
  readonly until: bigint;
}

interface Leader {
  readonly connection: BrokerConnection;
  readonly leaderEpoch: number;
}

/**
 * Looks in [from, until) for batches by what a producer stamped on them, which no other batch of
 * the log has. Throws where the range cannot be read.
 */
export async function findBatches(
  cluster: Cluster,
  range: SearchRange,
  identities: readonly BatchIdentity[],
): Promise<readonly FoundBatch[]> {
  const leader = await openLeader(cluster, range);
  try {
    const from = range.from ?? (await logStart(cluster, range, leader));
    const found = new Map<BatchIdentity, bigint>();
    if (range.from === null && range.until - from > LONGEST_SEARCH) {
      return identities.map(() => ({ kind: 'undetermined' }));
    }
    const whole = await search(cluster, { ...range, from }, leader, identities, found);
    return identities.map((identity) => {
      const baseOffset = found.get(identity);
      if (baseOffset !== undefined) return { kind: 'found', baseOffset };
      return { kind: whole ? 'absent' : 'undetermined' };
    });
  } finally {
    cluster.release(leader.connection);
  }
}

async function openLeader(cluster: Cluster, range: SearchRange): Promise<Leader> {
  const { topic } = await cluster.metadata(range.topic);
  const place = placeOf(range);
  if (topic?.topicId !== range.topicId) {
    throw new SealstreamError('topic-recreated', `${place}: the topic is gone or another one now`);
  }
  const partition = topic.partitions.get(range.partition);
  const address = partition && cluster.broker(partition.leader);
  if (partition === undefined || address === undefined) {
    throw new SealstreamError('not-leader', `${place}: no leader now`);
  }
  return { connection: cluster.open(address), leaderEpoch: partition.leaderEpoch };
}

async function logStart(cluster: Cluster, range: SearchRange, leader: Leader): Promise<bigint> {
  const { partition } = range;
  const question = { partition, leaderEpoch: leader.leaderEpoch };
  const { bytes, what } = await cluster.call(
    leader.connection,
    LIST_OFFSETS,
    () => encodeListOffsetsRequest(range.topic, [question], EARLIEST),
    cluster.timeoutMs,
  );
  const answer = decodeListOffsets(bytes, range.topic, what).get(partition);
  if (answer === undefined) throw new SealstreamError('malformed', `${what}: no log start`);
  if (answer.errorCode !== KAFKA_ERROR.NONE) throw protocolError(answer.errorCode, placeOf(range));
  return answer.offset;
}

/** false: the beginning of the range is not in the log any more. */
async function search(
  cluster: Cluster,
  range: SearchRange & { readonly from: bigint },
  leader: Leader,
  identities: readonly BatchIdentity[],
  found: Map<BatchIdentity, bigint>,
): Promise<boolean> {
  let next = range.from;
  let empty = 0;
  while (next < range.until) {
    const answer = await fetchFrom(cluster, range, leader, next);
    if (answer?.errorCode === KAFKA_ERROR.OFFSET_OUT_OF_RANGE) return false;
    const after = answer === null ? next : scan(answer, next, range, identities, found);
    empty = after === next ? empty + 1 : 0;
    if (empty > MAX_EMPTY_ANSWERS) {
      throw new SealstreamError('busy', `${placeOf(range)}: offset ${next} cannot be read yet`);
    }
    next = after;
  }
  return true;
}

async function fetchFrom(
  cluster: Cluster,
  range: SearchRange,
  leader: Leader,
  offset: bigint,
): Promise<FetchedPartition | null> {
  const { topicId, partition } = range;
  const { leaderEpoch } = leader;
  const limits = { maxWaitMs: FETCH_WAIT_MS, maxBytes: FETCH_BYTES };
  const asked = { partition, leaderEpoch, offset, lastEpoch: -1, maxBytes: FETCH_BYTES };
  const { bytes, what } = await cluster.call(
    leader.connection,
    FETCH,
    (version) => encodeFetchRequest({ topicId, ...limits, partitions: [asked] }, version),
    cluster.timeoutMs,
  );
  const response = decodeFetch(bytes, topicId, what);
  const answer = response.partitions.find((each) => each.partition === partition) ?? null;
  const errorCode = answer === null ? response.errorCode : answer.errorCode;
  if (errorCode === KAFKA_ERROR.NONE || errorCode === KAFKA_ERROR.OFFSET_OUT_OF_RANGE)
    return answer;
  throw protocolError(errorCode, `${placeOf(range)}, offset ${offset}`);
}

/** Notes the batches looked for; the answer is where to go on. */
function scan(
  { records }: FetchedPartition,
  from: bigint,
  range: SearchRange,
  identities: readonly BatchIdentity[],
  found: Map<BatchIdentity, bigint>,
): bigint {
  let next = from;
  for (let at = 0; next < range.until; ) {
    const header = readBatchHeader(records, at);
    if (header === null || at + header.sizeInBytes > records.length) break;
    if (!hasValidCrc(records, at, header)) {
      const place = `${placeOf(range)}, offset ${header.baseOffset}`;
      throw new SealstreamError('batch-corrupt', `${place}: a batch with a wrong CRC`);
    }
    const identity = identities.find(
      (each) =>
        each.producerId === header.producerId &&
        each.producerEpoch === header.producerEpoch &&
        each.baseSequence === header.baseSequence &&
        each.count === header.lastOffsetDelta + 1,
    );
    if (identity !== undefined) found.set(identity, header.baseOffset);
    if (header.nextOffset > next) next = header.nextOffset;
    at += header.sizeInBytes;
  }
  return next;
}

function placeOf({ topic, partition }: SearchRange): string {
  return `topic ${topic}, partition ${partition}`;
}
