/**
 * The entry of a record (FORMAT §3), 81 bytes, of which the chain and the tree are made:
 *
 *     0   32  c(n−1), the chain before this record
 *     32  32  r(n), the record hash
 *     64   8  offset, big-endian
 *     72   8  timestamp in milliseconds, signed, big-endian
 *     80   1  timestamp type: 0 CreateTime, 1 LogAppendTime
 */
import { malformed } from './error.js';
import { asHash, HASH_LENGTH, type Hash } from './hash.js';
import type { TimestampType } from './records.js';
import { DECIMAL_LIMIT } from './text.js';

export const ENTRY_LENGTH = 81;

export interface Entry {
  readonly previous: Hash;
  readonly record: Hash;
  /** 0 ≤ offset < 2^63. */
  readonly offset: bigint;
  /** Milliseconds, 64 bits signed. */
  readonly timestamp: bigint;
  readonly timestampType: TimestampType;
}

/** Throws `malformed` where a number is out of its range. */
export function encodeEntry(entry: Entry): Uint8Array {
  const { offset, timestamp, timestampType } = entry;
  if (offset < 0n || offset >= DECIMAL_LIMIT) throw malformed(`${offset} is no offset`);
  if (BigInt.asIntN(64, timestamp) !== timestamp) throw malformed(`${timestamp} is no timestamp`);
  const bytes = new Uint8Array(ENTRY_LENGTH);
  bytes.set(asHash(entry.previous), 0);
  bytes.set(asHash(entry.record), HASH_LENGTH);
  const view = new DataView(bytes.buffer);
  view.setBigInt64(64, offset);
  view.setBigInt64(72, timestamp);
  view.setUint8(80, asTimestampType(timestampType));
  return bytes;
}

/** The hashes are views of `bytes`. Throws `malformed`. */
export function decodeEntry(bytes: Uint8Array): Entry {
  if (bytes.length !== ENTRY_LENGTH) {
    throw malformed(`an entry has ${ENTRY_LENGTH} bytes, these are ${bytes.length}`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, ENTRY_LENGTH);
  const offset = view.getBigInt64(64);
  if (offset < 0n) throw malformed(`the entry's offset is ${offset}`);
  return {
    previous: asHash(bytes.subarray(0, HASH_LENGTH)),
    record: asHash(bytes.subarray(HASH_LENGTH, 2 * HASH_LENGTH)),
    offset,
    timestamp: view.getBigInt64(72),
    timestampType: asTimestampType(view.getUint8(80)),
  };
}

function asTimestampType(value: number): TimestampType {
  if (value !== 0 && value !== 1) throw malformed(`the timestamp type is ${value}, not 0 or 1`);
  return value;
}
