import { type ErrorCode, SealstreamError } from '../../../ledger/error.js';

/** Error codes of Kafka's protocol that we act on or name; the rest is fatal by its number. */
export const KAFKA_ERROR = {
  NONE: 0,
  OFFSET_OUT_OF_RANGE: 1,
  CORRUPT_MESSAGE: 2,
  UNKNOWN_TOPIC_OR_PARTITION: 3,
  LEADER_NOT_AVAILABLE: 5,
  NOT_LEADER_OR_FOLLOWER: 6,
  REQUEST_TIMED_OUT: 7,
  BROKER_NOT_AVAILABLE: 8,
  REPLICA_NOT_AVAILABLE: 9,
  MESSAGE_TOO_LARGE: 10,
  NETWORK_EXCEPTION: 13,
  INVALID_TOPIC_EXCEPTION: 17,
  TOPIC_AUTHORIZATION_FAILED: 29,
  CLUSTER_AUTHORIZATION_FAILED: 31,
  UNSUPPORTED_VERSION: 35,
  TOPIC_ALREADY_EXISTS: 36,
  INVALID_PARTITIONS: 37,
  INVALID_REPLICATION_FACTOR: 38,
  INVALID_REPLICA_ASSIGNMENT: 39,
  INVALID_CONFIG: 40,
  NOT_CONTROLLER: 41,
  INVALID_REQUEST: 42,
  POLICY_VIOLATION: 44,
  SECURITY_DISABLED: 54,
  KAFKA_STORAGE_ERROR: 56,
  REASSIGNMENT_IN_PROGRESS: 60,
  FETCH_SESSION_ID_NOT_FOUND: 70,
  INVALID_FETCH_SESSION_EPOCH: 71,
  FENCED_LEADER_EPOCH: 74,
  UNKNOWN_LEADER_EPOCH: 75,
  UNSUPPORTED_COMPRESSION_TYPE: 76,
  OFFSET_NOT_AVAILABLE: 78,
  THROTTLING_QUOTA_EXCEEDED: 89,
  UNKNOWN_TOPIC_ID: 100,
  INCONSISTENT_TOPIC_ID: 103,
} as const;

type ErrorName = keyof typeof KAFKA_ERROR;

const NAMES = new Map<number, string>(
  Object.entries(KAFKA_ERROR).map(([name, code]) => [code, name]),
);

/** `code` as "6 NOT_LEADER_OR_FOLLOWER", or "error 123" where we have no name. */
export function errorName(code: number): string {
  const name = NAMES.get(code);
  return name === undefined ? `error ${code}` : `${code} ${name}`;
}

const codesOf = (...names: readonly ErrorName[]) => new Set(names.map((n) => KAFKA_ERROR[n]));

/** Another broker leads now, or will soon: ask the metadata who, after a pause. */
const LEADER_MOVED: ReadonlySet<number> = codesOf(
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'BROKER_NOT_AVAILABLE',
  'REPLICA_NOT_AVAILABLE',
  'NOT_CONTROLLER',
  'KAFKA_STORAGE_ERROR',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
);

/** The same broker will answer after a pause. */
const BUSY: ReadonlySet<number> = codesOf(
  'REQUEST_TIMED_OUT',
  'NETWORK_EXCEPTION',
  'FETCH_SESSION_ID_NOT_FOUND',
  'INVALID_FETCH_SESSION_EPOCH',
  'OFFSET_NOT_AVAILABLE',
  'REASSIGNMENT_IN_PROGRESS',
);

const FATAL = new Map<number, readonly [ErrorCode, string]>([
  [KAFKA_ERROR.CORRUPT_MESSAGE, ['batch-corrupt', 'the broker finds its own batch corrupt']],
  [KAFKA_ERROR.MESSAGE_TOO_LARGE, ['record-too-large', 'raise max.message.bytes or split it']],
  [KAFKA_ERROR.INVALID_TOPIC_EXCEPTION, ['usage', 'use another topic name']],
  [KAFKA_ERROR.TOPIC_AUTHORIZATION_FAILED, ['unauthorized', 'grant the rights on the topic']],
  [KAFKA_ERROR.CLUSTER_AUTHORIZATION_FAILED, ['unauthorized', 'grant the rights on the cluster']],
  [
    KAFKA_ERROR.SECURITY_DISABLED,
    ['unsupported', 'the cluster has no authorizer: set authorizer.class.name on its brokers'],
  ],
  [KAFKA_ERROR.UNSUPPORTED_VERSION, ['unsupported', 'use Kafka 3.7 or later']],
  [KAFKA_ERROR.UNSUPPORTED_COMPRESSION_TYPE, ['unsupported', 'use Kafka 3.7 or later']],
  [KAFKA_ERROR.INVALID_PARTITIONS, ['configuration', 'correct the number of partitions']],
  [KAFKA_ERROR.INVALID_REPLICATION_FACTOR, ['configuration', 'lower the replication']],
  [KAFKA_ERROR.INVALID_REPLICA_ASSIGNMENT, ['configuration', 'lower the replication']],
  [KAFKA_ERROR.INVALID_CONFIG, ['configuration', 'correct the settings']],
  [KAFKA_ERROR.INVALID_REQUEST, ['configuration', 'correct the settings']],
  [KAFKA_ERROR.POLICY_VIOLATION, ['configuration', "the cluster's policy forbids it"]],
]);

const REFUSED: ReadonlySet<number> = codesOf(
  'TOPIC_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
);

/** Whether the broker says that a right is missing. */
export function isRefusal(code: number): boolean {
  return REFUSED.has(code);
}

/** The same as protocolError, naming the right that a refused request needs. */
export function requestError(
  { errorCode, errorMessage }: { readonly errorCode: number; readonly errorMessage: string | null },
  where: string,
  right: string,
): SealstreamError {
  if (!isRefusal(errorCode)) return protocolError(errorCode, where, errorMessage ?? undefined);
  return new SealstreamError('unauthorized', `${where}: ${errorName(errorCode)}: grant ${right}`);
}

/**
 * An error code as a SealstreamError: `not-leader`, `busy` and `throttled` (class retry), or what
 * KAFKA.md's "an error code not listed is fatal and named" asks for. Codes 1, 3 and 100 depend on
 * what metadata and bounds say: callers look at them before they come here.
 * `where` starts the message; `detail` is the broker's own text.
 */
export function protocolError(code: number, where: string, detail?: string): SealstreamError {
  const said = detail ? `${errorName(code)} (${detail})` : errorName(code);
  if (LEADER_MOVED.has(code)) {
    return new SealstreamError('not-leader', `${where}: ${said}: the leader is moving`);
  }
  if (BUSY.has(code)) return new SealstreamError('busy', `${where}: ${said}: try again`);
  if (code === KAFKA_ERROR.THROTTLING_QUOTA_EXCEEDED) {
    return new SealstreamError('throttled', `${where}: ${said}: a quota is used up, try later`);
  }
  const known = FATAL.get(code);
  if (known !== undefined) return new SealstreamError(known[0], `${where}: ${said}: ${known[1]}`);
  // Not `internal`: it is the broker's doing, and a verifier reports it as "could not check".
  return new SealstreamError(
    'unsupported',
    `${where}: the broker answered ${said}, which is fatal`,
  );
}
