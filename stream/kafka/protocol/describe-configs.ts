/**
 * DescribeConfigs (key 32), version 4: a topic's effective settings.
 *
 *   request  => [resource_type INT8, resource_name COMPACT_STRING,
 *                configuration_keys [COMPACT_STRING] (null: all), TAGS],
 *               include_synonyms BOOLEAN, include_documentation BOOLEAN, TAGS
 *   response => throttle_time_ms INT32,
 *               [error_code INT16, error_message COMPACT_NULLABLE_STRING, resource_type INT8,
 *                resource_name COMPACT_STRING,
 *                [name COMPACT_STRING, value COMPACT_NULLABLE_STRING, read_only BOOLEAN,
 *                 config_source INT8, is_sensitive BOOLEAN,
 *                 synonyms [name COMPACT_STRING, value COMPACT_NULLABLE_STRING, source INT8, TAGS],
 *                 config_type INT8, documentation COMPACT_NULLABLE_STRING, TAGS], TAGS], TAGS
 */
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const DESCRIBE_CONFIGS = { key: 32, name: 'DescribeConfigs', oldest: 4, newest: 4 } as const;

const TOPIC_RESOURCE = 2;
const RESULT_BYTES = 7;
const SETTING_BYTES = 9;
const SYNONYM_BYTES = 4;

export interface DescribedConfigs {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  /** Settings without a value (sensitive ones) are left out. */
  readonly settings: ReadonlyMap<string, string>;
}

export function encodeDescribeConfigsRequest(topic: string): Uint8Array {
  const writer = new WireWriter();
  writer.compactArray([topic], (name) => {
    writer.int8(TOPIC_RESOURCE).compactString(name).unsignedVarint(0).noTags();
  });
  return writer.boolean(false).boolean(false).noTags().finish();
}

/** Throws `malformed`, also where the topic is not answered for. */
export function decodeDescribeConfigs(
  bytes: Uint8Array,
  topic: string,
  what: string,
): DescribedConfigs {
  const reader = new WireReader(bytes, what);
  reader.int32();
  const results = reader.compactArray(RESULT_BYTES, () => {
    const errorCode = reader.int16();
    const errorMessage = reader.compactNullableString();
    const type = reader.int8();
    const name = reader.compactString();
    const settings = new Map<string, string>();
    reader.compactArray(SETTING_BYTES, () => {
      const [key, value] = readSetting(reader);
      if (value !== null) settings.set(key, value);
    });
    reader.tags();
    return { type, name, errorCode, errorMessage, settings };
  });
  reader.tags();
  const found = results.find((each) => each.type === TOPIC_RESOURCE && each.name === topic);
  if (found === undefined) throw reader.fail(`no answer about topic ${topic}`);
  return found;
}

function readSetting(reader: WireReader): [string, string | null] {
  const name = reader.compactString();
  const value = reader.compactNullableString();
  reader.boolean();
  reader.int8();
  reader.boolean();
  reader.compactArray(SYNONYM_BYTES, () => {
    reader.compactString();
    reader.compactNullableString();
    reader.int8();
    reader.tags();
  });
  reader.int8();
  reader.compactNullableString();
  reader.tags();
  return [name, value];
}
