/**
 * DescribeConfigs (key 32), version 4: the effective settings of a topic or a broker.
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
import type { Setting, SettingSource } from '../../administration.js';
import { answerAbout, type ConfigResource, RESOURCE_TYPES } from './config-resource.js';
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const DESCRIBE_CONFIGS = { key: 32, name: 'DescribeConfigs', oldest: 4, newest: 4 } as const;

const RESULT_BYTES = 7;
const SETTING_BYTES = 9;
const SYNONYM_BYTES = 4;

const SOURCES = new Map<number, SettingSource>([
  [1, 'topic'],
  [2, 'broker'],
  [3, 'cluster'],
  [4, 'file'],
  [5, 'default'],
]);

export interface DescribedConfigs {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly settings: ReadonlyMap<string, Setting>;
}

/** What a broker is set to, only it can say. */
export function encodeDescribeConfigsRequest(resource: ConfigResource): Uint8Array {
  const writer = new WireWriter();
  writer.compactArray([resource], ({ type, name }) => {
    writer.int8(RESOURCE_TYPES[type]).compactString(name).unsignedVarint(0).noTags();
  });
  return writer.boolean(false).boolean(false).noTags().finish();
}

/** Throws `malformed`, also where the resource is not answered for. */
export function decodeDescribeConfigs(
  bytes: Uint8Array,
  resource: ConfigResource,
  what: string,
): DescribedConfigs {
  const reader = new WireReader(bytes, what);
  reader.int32();
  const results = reader.compactArray(RESULT_BYTES, () => {
    const errorCode = reader.int16();
    const errorMessage = reader.compactNullableString();
    const type = reader.int8();
    const name = reader.compactString();
    const settings = new Map(reader.compactArray(SETTING_BYTES, () => readSetting(reader)));
    reader.tags();
    return { type, name, errorCode, errorMessage, settings };
  });
  reader.tags();
  const { errorCode, errorMessage, settings } = answerAbout(resource, results, reader);
  return { errorCode, errorMessage, settings };
}

function readSetting(reader: WireReader): [string, Setting] {
  const name = reader.compactString();
  const value = reader.compactNullableString();
  reader.boolean();
  const source = SOURCES.get(reader.int8()) ?? 'other';
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
  return [name, { value, source }];
}
