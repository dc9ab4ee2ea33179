import { SealstreamError } from '../../../ledger/error.js';
import type { AccessRule, Operation, ResourceType } from '../../administration.js';
import type { WireReader } from './reader.js';

/** Kafka's numbers for the parts of an access rule; 0 is unknown and 1 any, which no rule has. */
export const ANY = 1;

export const RESOURCES = {
  topic: 2,
  group: 3,
  cluster: 4,
  'transactional-id': 5,
  'delegation-token': 6,
  user: 7,
} as const satisfies Record<ResourceType, number>;

export const OPERATIONS = {
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  'cluster-action': 9,
  'describe-configs': 10,
  'alter-configs': 11,
  'idempotent-write': 12,
  'create-tokens': 13,
  'describe-tokens': 14,
  'two-phase-commit': 15,
} as const satisfies Record<Operation, number>;

export const PATTERNS = {
  literal: 3,
  prefixed: 4,
} as const satisfies Record<AccessRule['pattern'], number>;

export const PERMISSIONS = {
  deny: 2,
  allow: 3,
} as const satisfies Record<AccessRule['permission'], number>;

/** The next INT8 by its name. Throws `unsupported`: a rule passed over would make a cluster look
 * tighter than it is. */
export function readName<T extends string>(
  reader: WireReader,
  names: Readonly<Record<T, number>>,
  part: string,
): T {
  const code = reader.int8();
  for (const name in names) if (names[name] === code) return name;
  const { message } = reader.fail(`an access rule with ${part} ${code}`);
  throw new SealstreamError('unsupported', `${message}: this version does not know what it allows`);
}
