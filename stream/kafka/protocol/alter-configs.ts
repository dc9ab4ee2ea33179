/**
 * IncrementalAlterConfigs (key 44), version 1: what is not named stays as it is.
 *
 *   request  => [resource_type INT8, resource_name COMPACT_STRING,
 *                [name COMPACT_STRING, operation INT8, value COMPACT_NULLABLE_STRING, TAGS], TAGS],
 *               validate_only BOOLEAN, TAGS
 *   response => throttle_time_ms INT32,
 *               [error_code INT16, error_message COMPACT_NULLABLE_STRING, resource_type INT8,
 *                resource_name COMPACT_STRING, TAGS], TAGS
 */
import { answerAbout, type ConfigResource, RESOURCE_TYPES } from './config-resource.js';
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const ALTER_CONFIGS = {
  key: 44,
  name: 'IncrementalAlterConfigs',
  oldest: 1,
  newest: 1,
} as const;

const OPERATION = { SET: 0, DELETE: 1 } as const;
const RESULT_BYTES = 6;

export interface ChangeAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** null takes a setting back to what it is without one. */
export function encodeAlterConfigsRequest(
  resource: ConfigResource,
  changes: ReadonlyMap<string, string | null>,
): Uint8Array {
  const writer = new WireWriter();
  writer.compactArray([resource], ({ type, name }) => {
    writer.int8(RESOURCE_TYPES[type]).compactString(name);
    writer.compactArray([...changes], ([key, value]) => {
      writer.compactString(key).int8(value === null ? OPERATION.DELETE : OPERATION.SET);
      writer.compactNullableString(value).noTags();
    });
    writer.noTags();
  });
  return writer.boolean(false).noTags().finish();
}

/** The answer about the resource. Throws `malformed`, also where there is none. */
export function decodeAlterConfigs(
  bytes: Uint8Array,
  resource: ConfigResource,
  what: string,
): ChangeAnswer {
  const reader = new WireReader(bytes, what);
  reader.int32();
  const results = reader.compactArray(RESULT_BYTES, () => {
    const errorCode = reader.int16();
    const errorMessage = reader.compactNullableString();
    const type = reader.int8();
    const name = reader.compactString();
    reader.tags();
    return { errorCode, errorMessage, type, name };
  });
  reader.tags();
  const { errorCode, errorMessage } = answerAbout(resource, results, reader);
  return { errorCode, errorMessage };
}
