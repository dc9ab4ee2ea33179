/**
 * Fetch (key 1), versions 13 to 17, by topic id, isolation 0, without sessions and rack.
 *
 *   request  => replica_id INT32 (up to version 14), max_wait_ms INT32, min_bytes INT32,
 *               max_bytes INT32, isolation_level INT8, session_id INT32, session_epoch INT32,
 *               [topic_id UUID,
 *                [partition INT32, current_leader_epoch INT32, fetch_offset INT64,
 *                 last_fetched_epoch INT32, log_start_offset INT64, partition_max_bytes INT32,
 *                 TAGS], TAGS],
 *               forgotten_topics_data [], rack_id COMPACT_STRING, TAGS
 *   response => throttle_time_ms INT32, error_code INT16, session_id INT32,
 *               [topic_id UUID,
 *                [partition_index INT32, error_code INT16, high_watermark INT64,
 *                 last_stable_offset INT64, log_start_offset INT64,
 *                 aborted_transactions [producer_id INT64, first_offset INT64, TAGS],
 *                 preferred_read_replica INT32, records COMPACT_RECORDS,
 *                 TAGS (0: diverging_epoch => epoch INT32, end_offset INT64, TAGS)], TAGS],
 *               TAGS
 */
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const FETCH = { key: 1, name: 'Fetch', oldest: 13, newest: 17 } as const;

const CONSUMER = -1;
const READ_UNCOMMITTED = 0;
const LAST_WITH_REPLICA_ID = 14;
const NO_SESSION = 0;
const FINAL_SESSION_EPOCH = -1;
const NO_LOG_START = -1n;
const TOPIC_BYTES = 18;
const PARTITION_BYTES = 37;
const ABORTED_BYTES = 17;
const DIVERGING_EPOCH_TAG = 0;

interface FetchPartition {
  readonly partition: number;
  readonly leaderEpoch: number;
  readonly offset: bigint;
  /** −1: nothing was read yet. */
  readonly lastEpoch: number;
  readonly maxBytes: number;
}

export interface FetchRequest {
  readonly topicId: string;
  readonly maxWaitMs: number;
  readonly maxBytes: number;
  readonly partitions: readonly FetchPartition[];
}

export interface FetchedPartition {
  readonly partition: number;
  readonly errorCode: number;
  /** −1 where unknown. */
  readonly highWatermark: bigint;
  /** −1 where unknown. */
  readonly logStart: bigint;
  /** Record batches, the last of which may be cut off. A view of the response. */
  readonly records: Uint8Array;
  /** The leader's log holds something else where this reader has been: the largest epoch that both
   * have in common and where it ends. */
  readonly diverging: { readonly epoch: number; readonly endOffset: bigint } | null;
  /** Where the broker would have us read, answering with no records; −1: here. */
  readonly preferredReplica: number;
}

export interface FetchResponse {
  readonly throttleMs: number;
  readonly errorCode: number;
  /** Of the topic asked for. Empty when throttled. */
  readonly partitions: readonly FetchedPartition[];
}

export function encodeFetchRequest(request: FetchRequest, version: number): Uint8Array {
  const writer = new WireWriter();
  if (version <= LAST_WITH_REPLICA_ID) writer.int32(CONSUMER);
  writer.int32(request.maxWaitMs).int32(1).int32(request.maxBytes).int8(READ_UNCOMMITTED);
  writer.int32(NO_SESSION).int32(FINAL_SESSION_EPOCH);
  writer.compactArray([request.topicId], (topicId) => {
    writer.uuid(topicId);
    writer.compactArray(request.partitions, (each) => {
      writer.int32(each.partition).int32(each.leaderEpoch).int64(each.offset);
      writer.int32(each.lastEpoch).int64(NO_LOG_START).int32(each.maxBytes).noTags();
    });
    writer.noTags();
  });
  writer.compactArray([], () => {});
  return writer.compactString('').noTags().finish();
}

/** Throws `malformed`. Answers about other topics are passed over. */
export function decodeFetch(bytes: Uint8Array, topicId: string, what: string): FetchResponse {
  const reader = new WireReader(bytes, what);
  const throttleMs = reader.int32();
  const errorCode = reader.int16();
  reader.int32();
  const partitions: FetchedPartition[] = [];
  reader.compactArray(TOPIC_BYTES, () => {
    const asked = reader.uuid() === topicId;
    const answers = reader.compactArray(PARTITION_BYTES, () => readPartition(reader));
    reader.tags();
    if (asked) partitions.push(...answers);
  });
  reader.tags();
  return { throttleMs, errorCode, partitions };
}

function readPartition(reader: WireReader): FetchedPartition {
  const partition = reader.int32();
  const errorCode = reader.int16();
  const highWatermark = reader.int64();
  reader.int64();
  const logStart = reader.int64();
  reader.compactArray(ABORTED_BYTES, () => {
    reader.int64();
    reader.int64();
    reader.tags();
  });
  const preferredReplica = reader.int32();
  const records = reader.compactNullableBytes() ?? new Uint8Array(0);
  let diverging: FetchedPartition['diverging'] = null;
  reader.tags((tag, field) => {
    if (tag === DIVERGING_EPOCH_TAG) {
      diverging = { epoch: field.int32(), endOffset: field.int64() };
    }
  });
  const answer = { partition, errorCode, highWatermark, logStart, records };
  return { ...answer, diverging, preferredReplica };
}
