/**
 * Kafka record batch v2 as it is stored and sent, all integers big-endian:
 *
 *   at  bytes  field
 *    0    8    baseOffset             the log's: the CRC does not cover it
 *    8    4    batchLength            bytes after this field
 *   12    4    partitionLeaderEpoch   the log's: the CRC does not cover it
 *   16    1    magic                  2
 *   17    4    crc                    CRC-32C of everything from attributes to the end
 *   21    2    attributes             bits 0–2 compression, 3 timestampType, 4 transactional,
 *                                     5 control, 6 baseTimestamp is a delete horizon
 *   23    4    lastOffsetDelta        also where compaction removed the last records
 *   27    8    baseTimestamp
 *   35    8    maxTimestamp
 *   43    8    producerId
 *   51    2    producerEpoch
 *   53    4    baseSequence
 *   57    4    recordsCount
 *   61    …    records, compressed as one where attributes say so
 *
 * A record, with zigzag varints: length, attributes (1 byte, unused), timestampDelta (64-bit),
 * offsetDelta, then the body of FORMAT §2: keyLength key valueLength value headerCount
 * (headerKeyLength headerKey headerValueLength headerValue)*.
 */
import { crc32 } from '@node-rs/crc32';
import { SealstreamError } from '../../ledger/error.js';
import type { TimestampType } from '../../ledger/records.js';
import { crc32c } from './crc32c.js';

export const BATCH_LENGTH_AT = 8;
export const LEADER_EPOCH_AT = 12;
export const MAGIC_AT = 16;
export const CRC_AT = 17;
export const ATTRIBUTES_AT = 21;
export const LAST_OFFSET_DELTA_AT = 23;
export const BASE_TIMESTAMP_AT = 27;
export const MAX_TIMESTAMP_AT = 35;
export const PRODUCER_ID_AT = 43;
export const PRODUCER_EPOCH_AT = 51;
export const BASE_SEQUENCE_AT = 53;
export const RECORDS_COUNT_AT = 57;
export const RECORDS_AT = 61;

/** What batchLength does not count: baseOffset and itself. */
export const LENGTH_OVERHEAD = 12;

/** Larger than any broker's message.max.bytes in practice; a length beyond it is no length. */
export const MAX_BATCH_BYTES = 256 * 1024 * 1024;

export const LOG_APPEND_TIME_BIT = 0x08;
const CONTROL_BIT = 0x20;
const COMPRESSION_MASK = 0x07;
const MAX_INT64 = 2n ** 63n - 1n;

export interface BatchHeader {
  readonly baseOffset: bigint;
  /** base offset + lastOffsetDelta + 1. */
  readonly nextOffset: bigint;
  readonly lastOffsetDelta: number;
  /** The whole batch, header included, in bytes. */
  readonly sizeInBytes: number;
  /** −1: not known. */
  readonly leaderEpoch: number;
  /** CRC-32C as stored, not yet checked. */
  readonly crc: number;
  /** 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd; 5 to 7 are not assigned. */
  readonly compression: number;
  readonly timestampType: TimestampType;
  readonly control: boolean;
  readonly baseTimestamp: bigint;
  readonly maxTimestamp: bigint;
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
  readonly recordsCount: number;
}

/**
 * The header of the batch that starts at `at`; null where `bytes` end within the header. The rest of
 * the batch may still be missing (sizeInBytes) and its CRC wrong (hasValidCrc).
 * Throws `batch-corrupt` on what cannot be a batch, `unsupported` on an intact old-format message.
 */
export function readBatchHeader(bytes: Uint8Array, at: number): BatchHeader | null {
  const available = bytes.length - at;
  if (available <= MAGIC_AT) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, Math.min(available, RECORDS_AT));
  const batchLength = view.getInt32(BATCH_LENGTH_AT);
  const magic = view.getInt8(MAGIC_AT);
  if (magic !== 2) throw refuseMagic(bytes, at, magic, batchLength);
  if (batchLength < RECORDS_AT - LENGTH_OVERHEAD || batchLength > MAX_BATCH_BYTES) {
    throw corrupt(`batch length ${batchLength} is impossible`);
  }
  if (available < RECORDS_AT) return null;
  const baseOffset = view.getBigInt64(0);
  const lastOffsetDelta = view.getInt32(LAST_OFFSET_DELTA_AT);
  const nextOffset = baseOffset + BigInt(lastOffsetDelta) + 1n;
  if (baseOffset < 0n || lastOffsetDelta < 0 || nextOffset > MAX_INT64) {
    throw corrupt(`base offset ${baseOffset} with last offset delta ${lastOffsetDelta}`);
  }
  const attributes = view.getInt16(ATTRIBUTES_AT);
  return {
    baseOffset,
    nextOffset,
    lastOffsetDelta,
    sizeInBytes: batchLength + LENGTH_OVERHEAD,
    leaderEpoch: view.getInt32(LEADER_EPOCH_AT),
    crc: view.getUint32(CRC_AT),
    compression: attributes & COMPRESSION_MASK,
    timestampType: (attributes & LOG_APPEND_TIME_BIT) === 0 ? 0 : 1,
    control: (attributes & CONTROL_BIT) !== 0,
    baseTimestamp: view.getBigInt64(BASE_TIMESTAMP_AT),
    maxTimestamp: view.getBigInt64(MAX_TIMESTAMP_AT),
    producerId: view.getBigInt64(PRODUCER_ID_AT),
    producerEpoch: view.getInt16(PRODUCER_EPOCH_AT),
    baseSequence: view.getInt32(BASE_SEQUENCE_AT),
    recordsCount: view.getInt32(RECORDS_COUNT_AT),
  };
}

/** Whether the whole batch at `at` is there and its stored CRC-32C is that of its bytes. */
export function hasValidCrc(bytes: Uint8Array, at: number, header: BatchHeader): boolean {
  const end = at + header.sizeInBytes;
  return end <= bytes.length && crc32c(bytes.subarray(at + ATTRIBUTES_AT, end)) === header.crc;
}

/** What a broken batch is reported as; the caller that knows the place adds it. */
export function corrupt(what: string): SealstreamError {
  return new SealstreamError('batch-corrupt', what);
}

/**
 * Old messages (magic 0 and 1) carry length and magic at the same place and a CRC-32 of all from
 * magic on: one that holds is an old message, anything else a batch whose magic was changed.
 */
function refuseMagic(bytes: Uint8Array, at: number, magic: number, length: number): Error {
  const end = at + LENGTH_OVERHEAD + length;
  if ((magic === 0 || magic === 1) && length > MAGIC_AT - LENGTH_OVERHEAD && end <= bytes.length) {
    const stored = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(LEADER_EPOCH_AT);
    if (crc32(bytes.subarray(at + MAGIC_AT, end)) === stored) {
      return new SealstreamError(
        'unsupported',
        `message format v${magic}, which Kafka wrote before 0.11; only v2 can be read: copy the ` +
          'topic to a new one with a current client',
      );
    }
  }
  return corrupt(`magic ${magic} where a record batch has 2`);
}
