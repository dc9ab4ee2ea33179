/**
 * CreateAcls (key 30) and DeleteAcls (key 31), version 3. A deletion names one rule exactly, and it
 * is no error that there is no such rule.
 *
 *   rule     => resource_type INT8, resource_name COMPACT_STRING, pattern_type INT8,
 *               principal COMPACT_STRING, host COMPACT_STRING, operation INT8,
 *               permission_type INT8, TAGS
 *   request  => [rule], TAGS
 *   CreateAcls response => throttle_time_ms INT32,
 *               [error_code INT16, error_message COMPACT_NULLABLE_STRING, TAGS], TAGS
 *   DeleteAcls response => throttle_time_ms INT32,
 *               [error_code INT16, error_message COMPACT_NULLABLE_STRING,
 *                [error_code INT16, error_message COMPACT_NULLABLE_STRING, rule], TAGS], TAGS
 */
import type { AccessRule } from '../../administration.js';
import { OPERATIONS, PATTERNS, PERMISSIONS, RESOURCES } from './acl-codes.js';
import type { ChangeAnswer } from './alter-configs.js';
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const CREATE_ACLS = { key: 30, name: 'CreateAcls', oldest: 3, newest: 3 } as const;
export const DELETE_ACLS = { key: 31, name: 'DeleteAcls', oldest: 3, newest: 3 } as const;

const CREATED_BYTES = 4;
const DELETED_BYTES = 5;
const MATCHING_BYTES = 11;

/** Of both APIs: a filter of a deletion is written as a rule is. */
export function encodeAclsRequest(rules: readonly AccessRule[]): Uint8Array {
  const writer = new WireWriter();
  writer.compactArray(rules, (rule) => {
    writer.int8(RESOURCES[rule.resource]).compactString(rule.name).int8(PATTERNS[rule.pattern]);
    writer.compactString(rule.principal).compactString(rule.host);
    writer.int8(OPERATIONS[rule.operation]).int8(PERMISSIONS[rule.permission]).noTags();
  });
  return writer.noTags().finish();
}

/** One answer per rule, in the order asked. Throws `malformed`. */
export function decodeCreateAcls(bytes: Uint8Array, asked: number, what: string): ChangeAnswer[] {
  const reader = new WireReader(bytes, what);
  reader.int32();
  const answers = reader.compactArray(CREATED_BYTES, () => {
    const answer = readAnswer(reader);
    reader.tags();
    return answer;
  });
  reader.tags();
  return checkCount(reader, answers, asked);
}

/** One answer per rule, in the order asked: the first error among those of the rule. Throws
 * `malformed`. */
export function decodeDeleteAcls(bytes: Uint8Array, asked: number, what: string): ChangeAnswer[] {
  const reader = new WireReader(bytes, what);
  reader.int32();
  const answers = reader.compactArray(DELETED_BYTES, () => {
    const answer = readAnswer(reader);
    const matching = reader.compactArray(MATCHING_BYTES, () => {
      const each = readAnswer(reader);
      skipRule(reader);
      return each;
    });
    reader.tags();
    return [answer, ...matching].find(({ errorCode }) => errorCode !== 0) ?? answer;
  });
  reader.tags();
  return checkCount(reader, answers, asked);
}

function readAnswer(reader: WireReader): ChangeAnswer {
  const errorCode = reader.int16();
  return { errorCode, errorMessage: reader.compactNullableString() };
}

function skipRule(reader: WireReader): void {
  reader.int8();
  reader.compactString();
  reader.int8();
  reader.compactString();
  reader.compactString();
  reader.int8();
  reader.int8();
  reader.tags();
}

function checkCount(reader: WireReader, answers: ChangeAnswer[], asked: number): ChangeAnswer[] {
  if (answers.length !== asked) throw reader.fail(`${answers.length} answers about ${asked} rules`);
  return answers;
}
