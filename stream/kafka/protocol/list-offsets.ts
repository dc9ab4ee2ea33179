/**
 * ListOffsets (key 2), versions 6 and 7, isolation 0: the log start or the high watermark of
 * partitions, asked of their leader. It addresses topics by name: callers hold the topic id against
 * the metadata before and after.
 *
 *   request  => replica_id INT32, isolation_level INT8,
 *               [name COMPACT_STRING,
 *                [partition_index INT32, current_leader_epoch INT32, timestamp INT64, TAGS], TAGS],
 *               TAGS
 *   response => throttle_time_ms INT32,
 *               [name COMPACT_STRING,
 *                [partition_index INT32, error_code INT16, timestamp INT64, offset INT64,
 *                 leader_epoch INT32, TAGS], TAGS], TAGS
 */
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const LIST_OFFSETS = { key: 2, name: 'ListOffsets', oldest: 6, newest: 7 } as const;

export const EARLIEST = -2n;
export const LATEST = -1n;

const CONSUMER = -1;
const READ_UNCOMMITTED = 0;
const TOPIC_BYTES = 3;
const PARTITION_BYTES = 27;

export interface OffsetQuestion {
  readonly partition: number;
  readonly leaderEpoch: number;
}

export interface OffsetAnswer {
  readonly errorCode: number;
  readonly offset: bigint;
}

export function encodeListOffsetsRequest(
  topic: string,
  questions: readonly OffsetQuestion[],
  timestamp: typeof EARLIEST | typeof LATEST,
): Uint8Array {
  const writer = new WireWriter().int32(CONSUMER).int8(READ_UNCOMMITTED);
  writer.compactArray([topic], (name) => {
    writer.compactString(name);
    writer.compactArray(questions, ({ partition, leaderEpoch }) => {
      writer.int32(partition).int32(leaderEpoch).int64(timestamp).noTags();
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

/** By partition. Throws `malformed`. */
export function decodeListOffsets(
  bytes: Uint8Array,
  topic: string,
  what: string,
): ReadonlyMap<number, OffsetAnswer> {
  const reader = new WireReader(bytes, what);
  const answers = new Map<number, OffsetAnswer>();
  reader.int32();
  reader.compactArray(TOPIC_BYTES, () => {
    const name = reader.compactString();
    reader.compactArray(PARTITION_BYTES, () => {
      const partition = reader.int32();
      const errorCode = reader.int16();
      reader.int64();
      const offset = reader.int64();
      reader.int32();
      reader.tags();
      if (name === topic) answers.set(partition, { errorCode, offset });
    });
    reader.tags();
  });
  reader.tags();
  return answers;
}
