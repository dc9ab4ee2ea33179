/**
 * What the records of a log hash to, and the two ways to compute it: in JavaScript, one call of
 * SHA-256 a hash, or in native code, one call a batch. Both give the same bytes (FORMAT §3, §4).
 */
import type { Hash } from '../hash.js';
import type { RecordColumns } from '../records.js';

export interface LogHashes {
  /** Number of records. */
  readonly size: bigint;
  /** c(size−1), the genesis value where size is 0; a copy. */
  readonly chain: Hash;
  /**
   * Appends the records [from, to): the caller has checked the columns and that offsets increase.
   * Each column holds `to` numbers, and each body lies within `bytes`.
   */
  append(records: RecordColumns, from: number, to: number): void;
  /** FORMAT §4 frontier, joined; a copy. */
  frontier(): Uint8Array;
  /** entry(size−1), a copy; empty where size is 0. */
  last(): Uint8Array;
  clone(): LogHashes;
}

/** Where the hashes of a log stand. Its maker has checked that its parts belong together. */
export interface LogPosition {
  readonly size: bigint;
  readonly chain: Hash;
  /** entry(size−1); empty where size is 0. */
  readonly last: Uint8Array;
  readonly frontier: Uint8Array;
}

export interface Hashing {
  readonly name: 'javascript' | 'native';
  hashesAt(position: LogPosition): LogHashes;
}
