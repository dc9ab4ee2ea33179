/**
 * DescribeAcls (key 29), version 3: every access rule.
 *
 *   request  => resource_type_filter INT8, resource_name_filter COMPACT_NULLABLE_STRING,
 *               pattern_type_filter INT8, principal_filter COMPACT_NULLABLE_STRING,
 *               host_filter COMPACT_NULLABLE_STRING, operation INT8, permission_type INT8, TAGS
 *   response => throttle_time_ms INT32, error_code INT16, error_message COMPACT_NULLABLE_STRING,
 *               [resource_type INT8, resource_name COMPACT_STRING, pattern_type INT8,
 *                [principal COMPACT_STRING, host COMPACT_STRING, operation INT8,
 *                 permission_type INT8, TAGS], TAGS], TAGS
 */
import type { AccessRule } from '../../administration.js';
import { ANY, OPERATIONS, PATTERNS, PERMISSIONS, RESOURCES, readName } from './acl-codes.js';
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const DESCRIBE_ACLS = { key: 29, name: 'DescribeAcls', oldest: 3, newest: 3 } as const;

const RESOURCE_BYTES = 5;
const RULE_BYTES = 5;

export interface DescribedAcls {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly rules: readonly AccessRule[];
}

export function encodeDescribeAclsRequest(): Uint8Array {
  return new WireWriter(32)
    .int8(ANY)
    .compactNullableString(null)
    .int8(ANY)
    .compactNullableString(null)
    .compactNullableString(null)
    .int8(ANY)
    .int8(ANY)
    .noTags()
    .finish();
}

/** Throws `malformed`. */
export function decodeDescribeAcls(bytes: Uint8Array, what: string): DescribedAcls {
  const reader = new WireReader(bytes, what);
  reader.int32();
  const errorCode = reader.int16();
  const errorMessage = reader.compactNullableString();
  const rules = reader.compactArray(RESOURCE_BYTES, () => readResource(reader)).flat();
  reader.tags();
  return { errorCode, errorMessage, rules };
}

function readResource(reader: WireReader): AccessRule[] {
  const resource = readName(reader, RESOURCES, 'resource type');
  const name = reader.compactString();
  const pattern = readName(reader, PATTERNS, 'pattern type');
  const rules = reader.compactArray(RULE_BYTES, () => {
    const principal = reader.compactString();
    const host = reader.compactString();
    const operation = readName(reader, OPERATIONS, 'operation');
    const permission = readName(reader, PERMISSIONS, 'permission');
    reader.tags();
    return { resource, pattern, name, principal, host, operation, permission };
  });
  reader.tags();
  return rules;
}
