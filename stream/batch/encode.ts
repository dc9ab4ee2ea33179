import { sizeOfBody, writeBody } from '../../ledger/body.js';
import { SealstreamError } from '../../ledger/error.js';
import type { RecordParts } from '../../ledger/records.js';
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from '../../ledger/varint.js';
import type { EncodedBatch } from '../stream.js';
import { crc32c } from './crc32c.js';
import {
  ATTRIBUTES_AT,
  BASE_SEQUENCE_AT,
  BASE_TIMESTAMP_AT,
  BATCH_LENGTH_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LEADER_EPOCH_AT,
  LENGTH_OVERHEAD,
  MAGIC_AT,
  MAX_BATCH_BYTES,
  MAX_TIMESTAMP_AT,
  PRODUCER_EPOCH_AT,
  PRODUCER_ID_AT,
  RECORDS_AT,
  RECORDS_COUNT_AT,
} from './layout.js';

/** Kafka's default message.max.bytes. */
export const DEFAULT_MAX_BATCH_BYTES = 1_048_588;
const FIRST_CAPACITY = 16 * 1024;

export interface BatchEncoderOptions {
  /** Largest batch, header included. Default 1 048 588, Kafka's own. */
  readonly maxBytes?: number;
}

/** Collects records into one batch v2, uncompressed as publishers send them; after `finish` it starts the next. */
export class BatchEncoder {
  readonly #maxBytes: number;
  #bytes: Uint8Array<ArrayBuffer>;
  #size = RECORDS_AT;
  #count = 0;
  #baseTimestamp = 0n;
  #maxTimestamp = 0n;
  #lastTimestamp = 0n;
  #delta = 0n;
  #deltaSize = 1;

  constructor(options: BatchEncoderOptions = {}) {
    this.#maxBytes = Math.min(options.maxBytes ?? DEFAULT_MAX_BATCH_BYTES, MAX_BATCH_BYTES);
    this.#bytes = new Uint8Array(FIRST_CAPACITY);
  }

  /** Records added since the last `finish`. */
  get count(): number {
    return this.#count;
  }

  /** Of the batch so far, header included. */
  get sizeInBytes(): number {
    return this.#size;
  }

  /**
   * Adds a copy of `parts`, written at `timestamp` (milliseconds). false: it does not fit and nothing
   * was added: finish first; where `count` is 0 already, it is too large for any batch.
   */
  add(parts: RecordParts, timestamp: bigint): boolean {
    const size = sizeOfBody(parts);
    const at = this.#begin(size, timestamp);
    if (at === null) return false;
    writeBody(this.#bytes, at, parts);
    this.#added(at + size, timestamp);
    return true;
  }

  /** As add, for a whole body (FORMAT §2). */
  addBody(body: Uint8Array, timestamp: bigint): boolean {
    const at = this.#begin(body.length, timestamp);
    if (at === null) return false;
    this.#bytes.set(body, at);
    this.#added(at + body.length, timestamp);
    return true;
  }

  /** Writes what stands before a body of `size` bytes, and makes room for it; null: it does not fit. */
  #begin(size: number, timestamp: bigint): number | null {
    if (this.#count === 0 || timestamp !== this.#lastTimestamp) this.#setDelta(timestamp);
    const length = 1 + this.#deltaSize + sizeOfVarint(this.#count) + size;
    const end = this.#size + sizeOfVarint(length) + length;
    if (end > this.#maxBytes) return null;
    this.#reserve(end);
    const bytes = this.#bytes;
    let at = writeVarint(bytes, this.#size, length);
    bytes[at++] = 0;
    at = writeVarlong(bytes, at, this.#delta);
    return writeVarint(bytes, at, this.#count);
  }

  /** Kept, since most records of a batch come in few milliseconds. */
  #setDelta(timestamp: bigint): void {
    checkInt64('timestamp', timestamp);
    this.#lastTimestamp = timestamp;
    this.#delta = this.#count === 0 ? 0n : BigInt.asIntN(64, timestamp - this.#baseTimestamp);
    this.#deltaSize = sizeOfVarlong(this.#delta);
  }

  #added(end: number, timestamp: bigint): void {
    this.#size = end;
    if (this.#count === 0) this.#baseTimestamp = timestamp;
    if (this.#count === 0 || timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    this.#count++;
  }

  /** The batch of the records added. Throws `usage` where there are none. */
  finish(): EncodedBatch {
    if (this.#count === 0) throw new SealstreamError('usage', 'a batch needs a record');
    const bytes = this.#bytes.slice(0, this.#size);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    view.setInt32(BATCH_LENGTH_AT, bytes.length - LENGTH_OVERHEAD);
    view.setInt32(LEADER_EPOCH_AT, -1);
    view.setInt8(MAGIC_AT, 2);
    view.setInt16(ATTRIBUTES_AT, 0);
    view.setInt32(LAST_OFFSET_DELTA_AT, this.#count - 1);
    view.setBigInt64(BASE_TIMESTAMP_AT, this.#baseTimestamp);
    view.setBigInt64(MAX_TIMESTAMP_AT, this.#maxTimestamp);
    view.setBigInt64(PRODUCER_ID_AT, -1n);
    view.setInt16(PRODUCER_EPOCH_AT, -1);
    view.setInt32(BASE_SEQUENCE_AT, -1);
    view.setInt32(RECORDS_COUNT_AT, this.#count);
    view.setUint32(CRC_AT, crc32c(bytes.subarray(ATTRIBUTES_AT)));
    const batch = { bytes, count: this.#count };
    this.#size = RECORDS_AT;
    this.#count = 0;
    return batch;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.min(Math.max(size, 2 * this.#bytes.length), this.#maxBytes));
    bytes.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = bytes;
  }
}

/** A DataView would store another number silently. */
function checkInt64(what: string, value: bigint): void {
  if (BigInt.asIntN(64, value) !== value) {
    throw new SealstreamError('usage', `${what} ${value} is no 64-bit integer`);
  }
}
