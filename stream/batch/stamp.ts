import { SealstreamError } from '../../ledger/error.js';
import type { EncodedBatch } from '../stream.js';
import { crc32cOfChanged } from './crc32c.js';
import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  CRC_AT,
  LEADER_EPOCH_AT,
  LOG_APPEND_TIME_BIT,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORDS_AT,
} from './layout.js';

export interface ProducerStamp {
  readonly producerId: bigint;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/** A copy of the batch as one idempotent producer sends it, once and for all re-sends. */
export function stampProducer(batch: EncodedBatch, stamp: ProducerStamp): Uint8Array {
  checkInt64('producer id', stamp.producerId);
  checkInteger('producer epoch', stamp.producerEpoch, 0x7fff);
  checkInteger('base sequence', stamp.baseSequence, 0x7fffffff);
  const { header, view } = headerOf(batch.bytes);
  view.setBigInt64(PRODUCER_ID_AT, stamp.producerId);
  view.setInt16(PRODUCER_EPOCH_AT, stamp.producerEpoch);
  view.setInt32(BASE_SEQUENCE_AT, stamp.baseSequence);
  setCrc(header, view, batch.bytes);
  // Not `slice`: of a Buffer it would be a view.
  const bytes = new Uint8Array(batch.bytes);
  bytes.set(header);
  return bytes;
}

export interface LogStamp {
  readonly baseOffset: bigint;
  readonly leaderEpoch: number;
  /** Milliseconds; null leaves CreateTime as the producer wrote it. */
  readonly logAppendTime: bigint | null;
}

/** A copy of the batch as a broker appends it to a log. */
export function stampLog(batch: Uint8Array, stamp: LogStamp): Uint8Array {
  const bytes = new Uint8Array(batch);
  bytes.set(logHeader(batch, stamp));
  return bytes;
}

/** The header alone of stampLog's copy. The records after it are those of `batch`. */
export function logHeader(batch: Uint8Array, stamp: LogStamp): Uint8Array {
  checkInt64('base offset', stamp.baseOffset);
  checkInteger('leader epoch', stamp.leaderEpoch, 0x7fffffff);
  const { header, view } = headerOf(batch);
  view.setBigInt64(0, stamp.baseOffset);
  view.setInt32(LEADER_EPOCH_AT, stamp.leaderEpoch);
  if (stamp.logAppendTime !== null) {
    checkInt64('log append time', stamp.logAppendTime);
    view.setInt16(ATTRIBUTES_AT, view.getInt16(ATTRIBUTES_AT) | LOG_APPEND_TIME_BIT);
    view.setBigInt64(MAX_TIMESTAMP_AT, stamp.logAppendTime);
    setCrc(header, view, batch);
  }
  return header;
}

function headerOf(batch: Uint8Array): { header: Uint8Array; view: DataView } {
  if (batch.length < RECORDS_AT) throw new SealstreamError('usage', 'not a whole record batch');
  const header = Uint8Array.from(batch.subarray(0, RECORDS_AT));
  return { header, view: new DataView(header.buffer) };
}

/** From the CRC that `batch` has: a record damaged since then stays damaged. */
function setCrc(header: Uint8Array, view: DataView, batch: Uint8Array): void {
  const before = batch.subarray(ATTRIBUTES_AT, RECORDS_AT);
  const after = header.subarray(ATTRIBUTES_AT);
  const following = batch.length - RECORDS_AT;
  view.setUint32(CRC_AT, crc32cOfChanged(view.getUint32(CRC_AT), before, after, following));
}

/** A DataView would store another number silently. */
function checkInt64(what: string, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) {
    throw new SealstreamError('usage', `${what} ${value} is no 64-bit integer`);
  }
}

function checkInteger(what: string, value: number, max: number): void {
  if (!Number.isInteger(value) || value < -1 || value > max) {
    throw new SealstreamError('usage', `${what} ${value} is not between -1 and ${max}`);
  }
}
