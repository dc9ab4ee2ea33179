import { sizeOfBody, writeBody } from '../../ledger/body.js';
import { SealstreamError } from '../../ledger/error.js';
import type { RecordParts } from '../../ledger/records.js';
import { sizeOfVarint, sizeOfVarlong, writeVarint, writeVarlong } from '../../ledger/varint.js';
import type { EncodedBatch } from '../stream.js';
import { COMPRESSION_CODES, type Compression, compress } from './compression.js';
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
  LOG_APPEND_TIME_BIT,
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
  /** Largest batch, header included and before compression. Default 1 048 588, Kafka's own. */
  readonly maxBytes?: number;
  /** Default none: publishers send uncompressed. */
  readonly compression?: Compression;
}

/** Collects records into one batch v2; after `finish` it starts the next. */
export class BatchEncoder {
  readonly #maxBytes: number;
  readonly #compression: Compression;
  #bytes: Uint8Array<ArrayBuffer>;
  #size = RECORDS_AT;
  #count = 0;
  #baseTimestamp = 0n;
  #maxTimestamp = 0n;

  constructor(options: BatchEncoderOptions = {}) {
    this.#maxBytes = Math.min(options.maxBytes ?? DEFAULT_MAX_BATCH_BYTES, MAX_BATCH_BYTES);
    this.#compression = options.compression ?? 'none';
    this.#bytes = new Uint8Array(FIRST_CAPACITY);
  }

  /** Records added since the last `finish`. */
  get count(): number {
    return this.#count;
  }

  /** Of the batch so far, header included, before compression. */
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
    const delta = this.#deltaOf(timestamp);
    const length = 1 + sizeOfVarlong(delta) + sizeOfVarint(this.#count) + size;
    const end = this.#size + sizeOfVarint(length) + length;
    if (end > this.#maxBytes) return null;
    this.#reserve(end);
    const bytes = this.#bytes;
    let at = writeVarint(bytes, this.#size, length);
    bytes[at++] = 0;
    at = writeVarlong(bytes, at, delta);
    return writeVarint(bytes, at, this.#count);
  }

  #deltaOf(timestamp: bigint): bigint {
    checkInt64('timestamp', timestamp);
    return this.#count === 0 ? 0n : BigInt.asIntN(64, timestamp - this.#baseTimestamp);
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
    const bytes = this.#compressed();
    const view = viewOf(bytes);
    view.setInt32(BATCH_LENGTH_AT, bytes.length - LENGTH_OVERHEAD);
    view.setInt32(LEADER_EPOCH_AT, -1);
    view.setInt8(MAGIC_AT, 2);
    view.setInt16(ATTRIBUTES_AT, COMPRESSION_CODES[this.#compression]);
    view.setInt32(LAST_OFFSET_DELTA_AT, this.#count - 1);
    view.setBigInt64(BASE_TIMESTAMP_AT, this.#baseTimestamp);
    view.setBigInt64(MAX_TIMESTAMP_AT, this.#maxTimestamp);
    view.setBigInt64(PRODUCER_ID_AT, -1n);
    view.setInt16(PRODUCER_EPOCH_AT, -1);
    view.setInt32(BASE_SEQUENCE_AT, -1);
    view.setInt32(RECORDS_COUNT_AT, this.#count);
    setCrc(bytes, view);
    const batch = { bytes, count: this.#count };
    this.#size = RECORDS_AT;
    this.#count = 0;
    return batch;
  }

  /** A new array: room for the header, then the records as they are stored. */
  #compressed(): Uint8Array {
    const plain = this.#bytes.subarray(RECORDS_AT, this.#size);
    const records = compress(this.#compression, plain);
    const bytes = new Uint8Array(RECORDS_AT + records.length);
    bytes.set(records, RECORDS_AT);
    return bytes;
  }

  #reserve(size: number): void {
    if (size <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.min(Math.max(size, 2 * this.#bytes.length), this.#maxBytes));
    bytes.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = bytes;
  }
}

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
  const bytes = copyOf(batch.bytes);
  const view = viewOf(bytes);
  view.setBigInt64(PRODUCER_ID_AT, stamp.producerId);
  view.setInt16(PRODUCER_EPOCH_AT, stamp.producerEpoch);
  view.setInt32(BASE_SEQUENCE_AT, stamp.baseSequence);
  setCrc(bytes, view);
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
  checkInt64('base offset', stamp.baseOffset);
  checkInteger('leader epoch', stamp.leaderEpoch, 0x7fffffff);
  if (batch.length < RECORDS_AT) throw new SealstreamError('usage', 'not a whole record batch');
  const bytes = copyOf(batch);
  const view = viewOf(bytes);
  view.setBigInt64(0, stamp.baseOffset);
  view.setInt32(LEADER_EPOCH_AT, stamp.leaderEpoch);
  if (stamp.logAppendTime !== null) {
    checkInt64('log append time', stamp.logAppendTime);
    view.setInt16(ATTRIBUTES_AT, view.getInt16(ATTRIBUTES_AT) | LOG_APPEND_TIME_BIT);
    view.setBigInt64(MAX_TIMESTAMP_AT, stamp.logAppendTime);
    setCrc(bytes, view);
  }
  return bytes;
}

/** Not `slice`: of a Buffer it would be a view. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function setCrc(bytes: Uint8Array, view: DataView): void {
  view.setUint32(CRC_AT, crc32c(bytes.subarray(ATTRIBUTES_AT)));
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
