/**
 * InitProducerId (key 22), versions 4 and 5, for an idempotent producer without transactions:
 *
 *   request  => transactional_id COMPACT_NULLABLE_STRING, transaction_timeout_ms INT32,
 *               producer_id INT64, producer_epoch INT16, TAGS
 *   response => throttle_time_ms INT32, error_code INT16, producer_id INT64, producer_epoch INT16,
 *               TAGS
 */
import { WireReader } from './reader.js';
import { WireWriter } from './writer.js';

export const INIT_PRODUCER_ID = { key: 22, name: 'InitProducerId', oldest: 4, newest: 5 } as const;

/** Without a transactional id the broker does not look at it. */
const TRANSACTION_TIMEOUT_MS = 60_000;

export interface InitProducerIdResponse {
  readonly errorCode: number;
  /** −1 with an error. */
  readonly producerId: bigint;
  readonly producerEpoch: number;
}

/** Asks for a new producer id. */
export function encodeInitProducerIdRequest(): Uint8Array {
  return new WireWriter(32)
    .compactNullableString(null)
    .int32(TRANSACTION_TIMEOUT_MS)
    .int64(-1n)
    .int16(-1)
    .noTags()
    .finish();
}

/** Throws `malformed`. */
export function decodeInitProducerIdResponse(
  bytes: Uint8Array,
  what: string,
): InitProducerIdResponse {
  const reader = new WireReader(bytes, what);
  reader.int32();
  const errorCode = reader.int16();
  const producerId = reader.int64();
  const producerEpoch = reader.int16();
  reader.tags();
  if (errorCode === 0 && (producerId < 0n || producerEpoch < 0)) {
    throw reader.fail(`producer id ${producerId}, epoch ${producerEpoch}`);
  }
  return { errorCode, producerId, producerEpoch };
}
