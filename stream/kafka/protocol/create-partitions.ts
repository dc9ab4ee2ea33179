/**
 * CreatePartitions (key 37), versions 2 and 3, which are the same on the wire.
 *
 *   request  => [name COMPACT_STRING, count INT32, assignments [] (null: the controller chooses),
 *                TAGS], timeout_ms INT32, validate_only BOOLEAN, TAGS
 *   response => throttle_time_ms INT32,
 *               [name COMPACT_STRING, error_code INT16, error_message COMPACT_NULLABLE_STRING, TAGS],
 *               TAGS
 */
import type { ChangeAnswer } from './alter-configs.js';
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const CREATE_PARTITIONS = {
  key: 37,
  name: 'CreatePartitions',
  oldest: 2,
  newest: 3,
} as const;

const RESULT_BYTES = 5;

/** `total`: how many there are then. */
export function encodeCreatePartitionsRequest(
  topic: string,
  total: number,
  timeoutMs: number,
): Uint8Array {
  const writer = new WireWriter();
  writer.compactArray([topic], (name) => {
    writer.compactString(name).int32(total).unsignedVarint(0).noTags();
  });
  return writer.int32(timeoutMs).boolean(false).noTags().finish();
}

/** The answer about the topic. Throws `malformed`, also where there is none. */
export function decodeCreatePartitions(
  bytes: Uint8Array,
  topic: string,
  what: string,
): ChangeAnswer {
  const reader = new WireReader(bytes, what);
  reader.int32();
  const results = reader.compactArray(RESULT_BYTES, () => {
    const name = reader.compactString();
    const errorCode = reader.int16();
    const errorMessage = reader.compactNullableString();
    reader.tags();
    return { name, errorCode, errorMessage };
  });
  reader.tags();
  const found = results.find((each) => each.name === topic);
  if (found === undefined) throw reader.fail(`no answer about topic ${topic}`);
  return { errorCode: found.errorCode, errorMessage: found.errorMessage };
}
