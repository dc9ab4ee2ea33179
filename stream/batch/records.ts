import { writeBody } from '../../ledger/body.js';
import type { RecordHeader, RecordParts } from '../../ledger/records.js';
import { Cursor } from './cursor.js';
import { type BatchHeader, corrupt } from './layout.js';

/** The shortest record: seven fields of one byte each. */
const MIN_RECORD_BYTES = 7;

/** The columns of all records of a batch, and the bytes that bodyStart and bodyEnd index. */
export interface Columns {
  readonly bytes: Uint8Array;
  readonly bodyStart: Int32Array;
  readonly bodyEnd: Int32Array;
  readonly offsets: BigInt64Array;
  readonly timestamps: BigInt64Array;
}

/**
 * Reads the columns of `header.recordsCount` records that fill bytes[start … end) exactly. The bytes
 * are not copied, unless a body is not in FORMAT §2's only form: then all bodies are.
 *
 * Offset deltas and record lengths are held to what they must be, though brokers check neither the
 * deltas of an uncompressed batch nor the lengths of a compressed one: other clients read by them, and
 * the chain covers them only because nothing but the one right value is read. Throws `batch-corrupt`.
 */
export function readColumns(
  bytes: Uint8Array,
  start: number,
  end: number,
  header: BatchHeader,
): Columns {
  const count = header.recordsCount;
  if (count < 0 || count > Math.floor((end - start) / MIN_RECORD_BYTES)) {
    throw corrupt(`${count} records declared in ${end - start} bytes`);
  }
  const columns = allocate(bytes, count);
  const { bodyStart, bodyEnd, offsets, timestamps } = columns;
  const cursor = new Cursor(bytes, start, end);
  const logAppendTime = header.timestampType === 1;
  if (logAppendTime) timestamps.fill(header.maxTimestamp);
  let previous = -1;
  for (let index = 0; index < count; index++) {
    cursor.end = end;
    const length = cursor.varint();
    const recordStart = cursor.at;
    cursor.skip(length, 'a record');
    cursor.end = cursor.at;
    cursor.at = recordStart;
    cursor.skip(1, 'record attributes');
    if (logAppendTime) cursor.skipVarlong();
    else timestamps[index] = header.baseTimestamp + cursor.varlong();
    const delta = cursor.varint();
    if (delta <= previous || delta > header.lastOffsetDelta) {
      throw corrupt(
        `offset delta ${delta} after ${previous} where the last is ${header.lastOffsetDelta}`,
      );
    }
    previous = delta;
    offsets[index] = header.baseOffset + BigInt(delta);
    bodyStart[index] = cursor.at;
    skipBody(cursor);
    bodyEnd[index] = cursor.at;
    if (cursor.at !== cursor.end) {
      throw corrupt(`${cursor.end - cursor.at} bytes after a record`);
    }
  }
  if (cursor.at !== end) throw corrupt(`${end - cursor.at} bytes after the last record`);
  return cursor.canonical ? columns : inCanonicalForm(columns, end - start);
}

/** One allocation for all four columns. */
function allocate(bytes: Uint8Array, count: number): Columns {
  const buffer = new ArrayBuffer(24 * count);
  return {
    bytes,
    offsets: new BigInt64Array(buffer, 0, count),
    timestamps: new BigInt64Array(buffer, 8 * count, count),
    bodyStart: new Int32Array(buffer, 16 * count, count),
    bodyEnd: new Int32Array(buffer, 20 * count, count),
  };
}

function skipBody(cursor: Cursor): void {
  cursor.skipNullable('a key');
  cursor.skipNullable('a value');
  for (let left = cursor.headerCount(); left > 0; left--) {
    cursor.skip(cursor.varint(), 'a header key');
    cursor.skipNullable('a header value');
  }
}

/** The same bodies in FORMAT §2's only form, in a buffer of their own: shorter, never longer. */
function inCanonicalForm(columns: Columns, length: number): Columns {
  const bytes = new Uint8Array(length);
  let at = 0;
  for (let index = 0; index < columns.bodyStart.length; index++) {
    const start = columns.bodyStart[index] as number;
    const end = columns.bodyEnd[index] as number;
    const parts = readParts(columns.bytes, start, end);
    columns.bodyStart[index] = at;
    at = writeBody(bytes, at, parts);
    columns.bodyEnd[index] = at;
  }
  return { ...columns, bytes: bytes.subarray(0, at) };
}

/** The parts of the body bytes[start … end) as views, in whatever form they are. */
function readParts(bytes: Uint8Array, start: number, end: number): RecordParts {
  const cursor = new Cursor(bytes, start, end);
  const key = cursor.nullable('a key');
  const value = cursor.nullable('a value');
  const headers: RecordHeader[] = [];
  for (let left = cursor.headerCount(); left > 0; left--) {
    const length = cursor.varint();
    const keyStart = cursor.at;
    cursor.skip(length, 'a header key');
    const headerKey = bytes.subarray(keyStart, cursor.at);
    headers.push({ key: headerKey, value: cursor.nullable('a header value') });
  }
  return { key, value, headers };
}
