/**
 * DescribeClientQuotas (key 48) and AlterClientQuotas (key 49), version 1: of users without client
 * id. A null name is the default, for users that have none of their own.
 *
 *   describe: request => [entity_type COMPACT_STRING, match_type INT8,
 *                         match COMPACT_NULLABLE_STRING, TAGS], strict BOOLEAN, TAGS
 *            response => throttle_time_ms INT32, error_code INT16,
 *                        error_message COMPACT_NULLABLE_STRING,
 *                        [entity, values [key COMPACT_STRING, value FLOAT64, TAGS], TAGS], TAGS
 *   alter:    request => [entity, ops [key COMPACT_STRING, value FLOAT64, remove BOOLEAN, TAGS],
 *                         TAGS], validate_only BOOLEAN, TAGS
 *            response => throttle_time_ms INT32,
 *                        [error_code INT16, error_message COMPACT_NULLABLE_STRING, entity, TAGS],
 *                        TAGS
 *   entity => [entity_type COMPACT_STRING, entity_name COMPACT_NULLABLE_STRING, TAGS]
 */
import type { Quota } from '../../administration.js';
import type { ChangeAnswer } from './alter-configs.js';
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const DESCRIBE_QUOTAS = {
  key: 48,
  name: 'DescribeClientQuotas',
  oldest: 1,
  newest: 1,
} as const;
export const ALTER_QUOTAS = { key: 49, name: 'AlterClientQuotas', oldest: 1, newest: 1 } as const;

const USER = 'user';
/** Any name, the default among them. */
const MATCH_SPECIFIED = 2;
const ENTRY_BYTES = 3;
const ENTITY_BYTES = 3;
const LIMIT_BYTES = 10;
const ANSWER_BYTES = 5;

export interface DescribedQuotas {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly quotas: readonly Quota[];
}

/** Strict: entries that also name a client id are left out. */
export function encodeDescribeQuotasRequest(): Uint8Array {
  const writer = new WireWriter(32);
  writer.compactArray([USER], (type) => {
    writer.compactString(type).int8(MATCH_SPECIFIED).compactNullableString(null).noTags();
  });
  return writer.boolean(true).noTags().finish();
}

/** Throws `malformed`. */
export function decodeDescribeQuotas(bytes: Uint8Array, what: string): DescribedQuotas {
  const reader = new WireReader(bytes, what);
  reader.int32();
  const errorCode = reader.int16();
  const errorMessage = reader.compactNullableString();
  const quotas = reader.compactArray(ENTRY_BYTES, () => {
    const user = readUser(reader);
    const limits = new Map(reader.compactArray(LIMIT_BYTES, () => readLimit(reader)));
    reader.tags();
    return { user, limits };
  });
  reader.tags();
  return { errorCode, errorMessage, quotas };
}

function readUser(reader: WireReader): string | null {
  const entity = reader.compactArray(ENTITY_BYTES, () => {
    const type = reader.compactString();
    const name = reader.compactNullableString();
    reader.tags();
    return { type, name };
  });
  const [first] = entity;
  if (first?.type !== USER || entity.length > 1) throw reader.fail('a quota of another entity');
  return first.name;
}

function readLimit(reader: WireReader): [string, number] {
  const key = reader.compactString();
  const value = reader.float64();
  reader.tags();
  if (!Number.isFinite(value)) throw reader.fail(`a quota ${key} of ${value}`);
  return [key, value];
}

/** Limits that are not named stay as they are. */
export function encodeAlterQuotasRequest(quota: Quota): Uint8Array {
  const writer = new WireWriter();
  writer.compactArray([quota], ({ user, limits }) => {
    writer.compactArray([user], (name) => {
      writer.compactString(USER).compactNullableString(name).noTags();
    });
    writer.compactArray([...limits], ([key, value]) => {
      writer.compactString(key).float64(value).boolean(false).noTags();
    });
    writer.noTags();
  });
  return writer.boolean(false).noTags().finish();
}

/** The answer about the one quota. Throws `malformed`. */
export function decodeAlterQuotas(bytes: Uint8Array, what: string): ChangeAnswer {
  const reader = new WireReader(bytes, what);
  reader.int32();
  const answers = reader.compactArray(ANSWER_BYTES, () => {
    const errorCode = reader.int16();
    const errorMessage = reader.compactNullableString();
    readUser(reader);
    reader.tags();
    return { errorCode, errorMessage };
  });
  reader.tags();
  const [answer] = answers;
  if (answer === undefined || answers.length > 1)
    throw reader.fail('not the answer about one quota');
  return answer;
}
