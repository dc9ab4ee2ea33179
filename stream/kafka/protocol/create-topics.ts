/**
 * CreateTopics (key 19), version 7.
 *
 *   request  => [name COMPACT_STRING, num_partitions INT32, replication_factor INT16,
 *                assignments [], configs [name COMPACT_STRING, value COMPACT_NULLABLE_STRING, TAGS],
 *                TAGS],
 *               timeout_ms INT32, validate_only BOOLEAN, TAGS
 *   response => throttle_time_ms INT32,
 *               [name COMPACT_STRING, topic_id UUID, error_code INT16,
 *                error_message COMPACT_NULLABLE_STRING, num_partitions INT32,
 *                replication_factor INT16, configs […], TAGS], TAGS
 */
import type { TopicSpecification } from '../../stream.js';
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const CREATE_TOPICS = { key: 19, name: 'CreateTopics', oldest: 7, newest: 7 } as const;

const CONFIG_BYTES = 6;

export interface CreatedTopic {
  readonly topicId: string;
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export function encodeCreateTopicsRequest(
  specification: TopicSpecification,
  timeoutMs: number,
): Uint8Array {
  const writer = new WireWriter();
  writer.compactArray([specification], ({ topic, partitions, replication, settings }) => {
    writer.compactString(topic).int32(partitions).int16(replication);
    writer.compactArray([], () => {});
    writer.compactArray([...settings], ([name, value]) => {
      writer.compactString(name).compactNullableString(value).noTags();
    });
    writer.noTags();
  });
  return writer.int32(timeoutMs).boolean(false).noTags().finish();
}

/** The answer about the one topic asked for. Throws `malformed`. */
export function decodeCreateTopics(bytes: Uint8Array, what: string): CreatedTopic {
  const reader = new WireReader(bytes, what);
  reader.int32();
  // A count of one: then what follows is the topic, and nothing behind it matters.
  if (reader.unsignedVarint() !== 2) throw reader.fail('not the answer about one topic');
  reader.compactString();
  const topicId = reader.uuid();
  const errorCode = reader.int16();
  const errorMessage = reader.compactNullableString();
  reader.int32();
  reader.int16();
  reader.compactArray(CONFIG_BYTES, () => {
    reader.compactString();
    reader.compactNullableString();
    reader.boolean();
    reader.int8();
    reader.boolean();
    reader.tags();
  });
  reader.tags();
  reader.tags();
  return { topicId, errorCode, errorMessage };
}
