/**
 * Produce (key 0), versions 9 to 13, acks −1, no transaction; from version 13 a topic is named by
 * its id:
 *
 *   request  => transactional_id COMPACT_NULLABLE_STRING, acks INT16, timeout_ms INT32,
 *               [name COMPACT_STRING | topic_id UUID,
 *                [index INT32, records COMPACT_RECORDS, TAGS], TAGS], TAGS
 *   response => [name COMPACT_STRING | topic_id UUID,
 *                [index INT32, error_code INT16, base_offset INT64, log_append_time_ms INT64,
 *                 log_start_offset INT64,
 *                 [batch_index INT32, batch_index_error_message COMPACT_NULLABLE_STRING, TAGS],
 *                 error_message COMPACT_NULLABLE_STRING, TAGS], TAGS],
 *               throttle_time_ms INT32, TAGS
 */
import type { TopicIdentity } from '../../stream.js';
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const PRODUCE = { key: 0, name: 'Produce', oldest: 9, newest: 13 } as const;
/** From here on a re-created topic cannot be written to by mistake. */
export const FIRST_VERSION_WITH_TOPIC_ID = 13;

const ALL_IN_SYNC_REPLICAS = -1;
const REQUEST_OVERHEAD = 512;
const PARTITION_OVERHEAD = 16;
const TOPIC_BYTES = 3;
const PARTITION_BYTES = 33;
const RECORD_ERROR_BYTES = 6;
/** A broker's text goes into an error message, no further. */
const LONGEST_MESSAGE = 500;

export interface PartitionRecords {
  readonly partition: number;
  /** One whole record batch v2, stamped for its producer. */
  readonly bytes: Uint8Array;
}

export interface ProducedPartition {
  readonly errorCode: number;
  /** The broker's own words; '' where it said nothing. */
  readonly message: string;
  /** −1 with an error. */
  readonly baseOffset: bigint;
  /** Milliseconds; −1 where the broker did not set the time. */
  readonly logAppendTime: bigint;
}

export interface ProduceResponse {
  readonly throttleMs: number;
  readonly partitions: ReadonlyMap<number, ProducedPartition>;
}

/** All batches in one request; each partition at most once. */
export function encodeProduceRequest(
  version: number,
  topic: TopicIdentity,
  timeoutMs: number,
  batches: readonly PartitionRecords[],
): Uint8Array {
  const size = batches.reduce((sum, { bytes }) => sum + bytes.length + PARTITION_OVERHEAD, 0);
  const writer = new WireWriter(size + REQUEST_OVERHEAD);
  writer.compactNullableString(null).int16(ALL_IN_SYNC_REPLICAS).int32(timeoutMs);
  writer.compactArray([topic], ({ topic: name, topicId }) => {
    if (version >= FIRST_VERSION_WITH_TOPIC_ID) writer.uuid(topicId);
    else writer.compactString(name);
    writer.compactArray(batches, ({ partition, bytes }) => {
      writer.int32(partition).compactBytes(bytes).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

/** Throws `malformed`, also where the answer is about another topic. */
export function decodeProduceResponse(
  bytes: Uint8Array,
  version: number,
  topic: TopicIdentity,
  what: string,
): ProduceResponse {
  const reader = new WireReader(bytes, what);
  const byId = version >= FIRST_VERSION_WITH_TOPIC_ID;
  const partitions = new Map<number, ProducedPartition>();
  reader.compactArray(TOPIC_BYTES, () => {
    const named = byId ? reader.uuid() : reader.compactString();
    if (named !== (byId ? topic.topicId : topic.topic)) {
      throw reader.fail(`an answer about topic ${named}, not asked for,`);
    }
    reader.compactArray(PARTITION_BYTES, () => {
      const index = reader.int32();
      if (partitions.has(index)) throw reader.fail(`a second answer for partition ${index}`);
      partitions.set(index, readPartition(reader));
    });
    reader.tags();
  });
  const throttleMs = reader.int32();
  reader.tags();
  return { throttleMs, partitions };
}

function readPartition(reader: WireReader): ProducedPartition {
  const errorCode = reader.int16();
  const baseOffset = reader.int64();
  const logAppendTime = reader.int64();
  reader.int64();
  const messages: string[] = [];
  reader.compactArray(RECORD_ERROR_BYTES, () => {
    const record = reader.int32();
    const message = reader.compactNullableString();
    reader.tags();
    if (message !== null && messages.length < 3) messages.push(`record ${record}: ${message}`);
  });
  const message = reader.compactNullableString();
  reader.tags();
  if (errorCode === 0 && baseOffset < 0n) throw reader.fail(`base offset ${baseOffset}`);
  if (message !== null) messages.unshift(message);
  return {
    errorCode,
    message: messages.join('; ').slice(0, LONGEST_MESSAGE),
    baseOffset,
    logAppendTime,
  };
}
