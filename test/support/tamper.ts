import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeBody, encodeBody } from '../../ledger/body.js';
import {
  sizeOfVarint,
  sizeOfVarlong,
  VarintReader,
  writeVarint,
  writeVarlong,
} from '../../ledger/varint.js';
import { crc32c } from '../../stream/batch/crc32c.js';
import { readBatchHeader } from '../../stream/batch/decode.js';
import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  CRC_AT,
  LAST_OFFSET_DELTA_AT,
  LENGTH_OVERHEAD,
  LOG_APPEND_TIME_BIT,
  MAX_TIMESTAMP_AT,
  RECORDS_AT,
  RECORDS_COUNT_AT,
} from '../../stream/batch/layout.js';

/**
 * Changes stored records as somebody with access to the disk would: segment files are edited and
 * their CRC-32C repaired, so that nothing but the seal tells. Uncompressed batches only; works on
 * the embedded stream and on the log directory of a stopped broker.
 */
interface StoredRecord {
  readonly attributes: number;
  readonly timestampDelta: bigint;
  readonly offsetDelta: number;
  readonly body: Uint8Array;
}

interface StoredBatch {
  readonly file: string;
  bytes: Buffer;
}

export class TamperedLog {
  readonly #folder: string;
  #batches: StoredBatch[];

  /** `root`: the folder of the stream, or a broker's log directory. */
  constructor(root: string, topic: string, partition: number) {
    this.#folder = join(root, `${topic}-${partition}`);
    this.#batches = segmentFiles(this.#folder).flatMap(readBatches);
  }

  /** Offsets of the records in the log, in order. */
  get offsets(): bigint[] {
    return this.#batches.flatMap(({ bytes }) =>
      recordsOf(bytes).map((record) => baseOffset(bytes) + BigInt(record.offsetDelta)),
    );
  }

  body(offset: bigint): Uint8Array {
    const { records, index } = this.#find(offset);
    return records[index]?.body ?? new Uint8Array();
  }

  /** Changes one byte of the record: the last one of its value. CRC repaired. */
  changeByte(offset: bigint): void {
    const parts = decodeBody(this.body(offset));
    const value = Uint8Array.from(parts.value ?? []);
    const last = value.length - 1;
    if (last < 0) throw new Error(`the record at ${offset} has no value to change`);
    value[last] = (value[last] ?? 0) ^ 1;
    this.replaceBody(offset, encodeBody({ ...parts, value }));
  }

  /** Puts another record in the place of the one at `offset`. CRC repaired. */
  replaceBody(offset: bigint, body: Uint8Array): void {
    const { batch, records, index } = this.#find(offset);
    const edited = records.map((record, at) => (at === index ? { ...record, body } : record));
    this.#write(batch, edited);
  }

  /** Takes the record out; its offset becomes a hole. CRC repaired. */
  remove(offset: bigint): void {
    const { batch, records, index } = this.#find(offset);
    this.#write(batch, records.toSpliced(index, 1));
  }

  /** Exchanges the contents of two records; offsets and timestamps stay in place. CRC repaired. */
  swap(one: bigint, other: bigint): void {
    const bodies = [this.body(one), this.body(other)] as const;
    this.replaceBody(one, bodies[1]);
    this.replaceBody(other, bodies[0]);
  }

  /**
   * Moves the timestamp of the record by `milliseconds`; under LogAppendTime that of its whole
   * batch. CRC repaired.
   */
  moveTimestamp(offset: bigint, milliseconds: bigint): void {
    const { batch, records, index } = this.#find(offset);
    const { bytes } = batch;
    if ((bytes.readInt16BE(ATTRIBUTES_AT) & LOG_APPEND_TIME_BIT) !== 0) {
      bytes.writeBigInt64BE(
        bytes.readBigInt64BE(MAX_TIMESTAMP_AT) + milliseconds,
        MAX_TIMESTAMP_AT,
      );
      repairCrc(bytes);
      return;
    }
    const move = (record: StoredRecord): StoredRecord => ({
      ...record,
      timestampDelta: record.timestampDelta + milliseconds,
    });
    this.#write(
      batch,
      records.map((record, at) => (at === index ? move(record) : record)),
    );
  }

  /** Drops the record at `offset` and everything after it. */
  truncate(offset: bigint): void {
    this.#batches = this.#batches.filter(({ bytes }) => baseOffset(bytes) < offset);
    const last = this.#batches.at(-1);
    if (last === undefined) return;
    const base = baseOffset(last.bytes);
    const kept = recordsOf(last.bytes).filter((one) => base + BigInt(one.offsetDelta) < offset);
    this.#write(last, kept);
    last.bytes.writeInt32BE(kept.at(-1)?.offsetDelta ?? 0, LAST_OFFSET_DELTA_AT);
    repairCrc(last.bytes);
  }

  /** Drops everything before `offset`: the log then starts there, as after deleting records. */
  deleteBefore(offset: bigint): void {
    const kept = this.#batches.filter(({ bytes }) => nextOffset(bytes) > offset);
    const [first] = kept;
    if (first !== undefined) {
      const base = baseOffset(first.bytes);
      const by = offset > base ? Number(offset - base) : 0;
      const records = recordsOf(first.bytes)
        .filter((record) => record.offsetDelta >= by)
        .map((record) => ({ ...record, offsetDelta: record.offsetDelta - by }));
      this.#write(first, records);
      const lastDelta = first.bytes.readInt32BE(LAST_OFFSET_DELTA_AT);
      first.bytes.writeInt32BE(lastDelta - by, LAST_OFFSET_DELTA_AT);
      first.bytes.writeBigInt64BE(base + BigInt(by), 0);
      repairCrc(first.bytes);
    }
    const file = join(this.#folder, `${offset.toString().padStart(20, '0')}.log`);
    this.#batches = kept.map(({ bytes }) => ({ file, bytes }));
    if (kept.length === 0) this.#batches = [{ file, bytes: Buffer.alloc(0) }];
    for (const old of segmentFiles(this.#folder)) if (old < file) rmSync(old);
  }

  /** Changes one byte of the stored batch around `offset` and leaves its CRC: a corrupt batch. */
  corrupt(offset: bigint): void {
    const { batch } = this.#find(offset);
    const last = batch.bytes.length - 1;
    batch.bytes[last] = (batch.bytes[last] ?? 0) ^ 1;
  }

  /**
   * Writes everything back. Indexes that no longer fit are removed: a broker makes them anew, and
   * then drops what follows a corrupt batch, which it else never looks at after an orderly stop.
   */
  save(): void {
    const files = new Set([
      ...segmentFiles(this.#folder),
      ...this.#batches.map(({ file }) => file),
    ]);
    for (const file of files) {
      const batches = this.#batches.filter((batch) => batch.file === file);
      const bytes = Buffer.concat(batches.map((batch) => batch.bytes));
      const before = statSync(file, { throwIfNoEntry: false })?.size;
      writeFileSync(file, bytes);
      if (bytes.length === before) continue;
      for (const index of ['.index', '.timeindex']) {
        rmSync(file.replace(/\.log$/, index), { force: true });
      }
    }
  }

  #find(offset: bigint): { batch: StoredBatch; records: StoredRecord[]; index: number } {
    for (const batch of this.#batches) {
      const delta = offset - baseOffset(batch.bytes);
      const records = recordsOf(batch.bytes);
      const index = records.findIndex((record) => BigInt(record.offsetDelta) === delta);
      if (index >= 0) return { batch, records, index };
    }
    throw new Error(`${this.#folder} has no record at offset ${offset}`);
  }

  #write(batch: StoredBatch, records: readonly StoredRecord[]): void {
    const header = batch.bytes.subarray(0, RECORDS_AT);
    const bytes = Buffer.concat([header, ...records.map(encodeRecord)]);
    bytes.writeInt32BE(bytes.length - LENGTH_OVERHEAD, BATCH_LENGTH_AT);
    bytes.writeInt32BE(records.length, RECORDS_COUNT_AT);
    repairCrc(bytes);
    batch.bytes = bytes;
  }
}

/** Opens, changes and saves one partition. */
export function tamper(
  root: string,
  topic: string,
  partition: number,
  change: (log: TamperedLog) => void,
): void {
  const log = new TamperedLog(root, topic, partition);
  change(log);
  log.save();
}

function segmentFiles(folder: string): string[] {
  const names = readdirSync(folder).filter((name) => /^[0-9]{20}\.log$/.test(name));
  return names.sort().map((name) => join(folder, name));
}

function readBatches(file: string): StoredBatch[] {
  const bytes = readFileSync(file);
  const batches: StoredBatch[] = [];
  for (let at = 0; at < bytes.length; ) {
    const header = readBatchHeader(bytes, at);
    if (header === null) throw new Error(`${file} ends within a batch`);
    const end = at + header.sizeInBytes;
    batches.push({ file, bytes: Buffer.from(bytes.subarray(at, end)) });
    at = end;
  }
  return batches;
}

function recordsOf(bytes: Buffer): StoredRecord[] {
  const header = readBatchHeader(bytes, 0);
  if (header === null || header.compression !== 0) throw new Error('a compressed batch');
  const reader = new VarintReader(bytes, RECORDS_AT);
  return Array.from({ length: header.recordsCount }, () => {
    const end = reader.readVarint() + reader.position;
    const attributes = bytes[reader.position++] ?? 0;
    const timestampDelta = reader.readVarlong();
    const offsetDelta = reader.readVarint();
    const body = Uint8Array.from(bytes.subarray(reader.position, end));
    reader.position = end;
    return { attributes, timestampDelta, offsetDelta, body };
  });
}

function encodeRecord(record: StoredRecord): Uint8Array {
  const { timestampDelta, offsetDelta, body } = record;
  const length = 1 + sizeOfVarlong(timestampDelta) + sizeOfVarint(offsetDelta) + body.length;
  const bytes = new Uint8Array(sizeOfVarint(length) + length);
  let at = writeVarint(bytes, 0, length);
  bytes[at++] = record.attributes;
  at = writeVarlong(bytes, at, timestampDelta);
  at = writeVarint(bytes, at, offsetDelta);
  bytes.set(body, at);
  return bytes;
}

function baseOffset(bytes: Buffer): bigint {
  return bytes.readBigInt64BE(0);
}

function nextOffset(bytes: Buffer): bigint {
  return baseOffset(bytes) + BigInt(bytes.readInt32BE(LAST_OFFSET_DELTA_AT)) + 1n;
}

function repairCrc(bytes: Buffer): void {
  bytes.writeUInt32BE(crc32c(bytes.subarray(ATTRIBUTES_AT)), CRC_AT);
}
