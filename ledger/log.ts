/**
 * The running state of one log: what a sealer and a verifier both compute from the records, and
 * nothing else (FORMAT §3, §4). `append` is the hot path: it checks what it is given, and `hashing/`
 * hashes it. Offsets are compared as two halves of 32 bits, because every bigint is an allocation.
 */
import type { Checkpoint } from './checkpoint.js';
import { decodeEntry } from './entry.js';
import { malformed, SealstreamError } from './error.js';
import { foldFrontier } from './frontier.js';
import { asHash, type Hash, leafHash } from './hash.js';
import { hashing } from './hashing/choose.js';
import { HIGH, halves, LOW } from './hashing/halves.js';
import type { LogHashes } from './hashing/hashing.js';
import { genesis, parseOrigin } from './origin.js';
import type { RecordColumns } from './records.js';
import { copyBytes, DECIMAL_LIMIT, encodeDecimal, equalBytes } from './text.js';

const NOTHING = new Uint8Array(0);

/** What a checkpoint says of a state. */
export type LogHead = Pick<Checkpoint, 'origin' | 'size' | 'root' | 'first' | 'next' | 'chain'>;

export class LogState {
  readonly origin: string;
  /** The log start offset when this log was started. */
  readonly first: bigint;
  readonly #hashes: LogHashes;
  #nextLow = 0;
  #nextHigh = 0;

  private constructor(origin: string, first: bigint, next: bigint, hashes: LogHashes) {
    this.origin = origin;
    this.first = first;
    this.#hashes = hashes;
    this.#setNext(next);
  }

  /** A log without records, started at offset `first`. Throws `malformed` on a bad argument. */
  static start(origin: string, first: bigint): LogState {
    encodeDecimal(first);
    const position = { size: 0n, chain: genesis(origin), last: NOTHING, frontier: NOTHING };
    return new LogState(origin, first, first, hashing().hashesAt(position));
  }

  /**
   * The state that `checkpoint` speaks of, from the last entry and the frontier published with it
   * (FORMAT §6). Both come unsigned: throws `malformed` unless they lead to the signed chain and
   * root.
   */
  static resume(checkpoint: LogHead, last: Uint8Array, frontier: Uint8Array): LogState {
    checkEvidence(checkpoint, last, frontier);
    const { origin, size, first, next, chain } = checkpoint;
    const position = { size, chain: asHash(copyBytes(chain)), last, frontier };
    return new LogState(origin, first, next, hashing().hashesAt(position));
  }

  /** Number of records. */
  get size(): bigint {
    return this.#hashes.size;
  }

  /** First offset not covered. */
  get next(): bigint {
    return (BigInt(this.#nextHigh) << 32n) | BigInt(this.#nextLow);
  }

  /** c(size−1), the genesis value where size is 0; a copy. */
  get chain(): Hash {
    return this.#hashes.chain;
  }

  /**
   * Appends the records [from, to) of the columns. Throws `malformed`, and appends none of them,
   * where an offset is below `next` or below the one before it.
   */
  append(records: RecordColumns, from = 0, to = records.count): void {
    checkColumns(records, from, to);
    this.#checkOffsets(records.offsets, from, to);
    if (from === to) return;
    this.#hashes.append(records, from, to);
    this.#setNext((records.offsets[to - 1] as bigint) + 1n);
  }

  /**
   * Counts the offsets below `next` as seen: those of control records and empty batches. Throws
   * `malformed` backwards.
   */
  skipTo(next: bigint): void {
    encodeDecimal(next);
    if (next < this.next) {
      throw malformed(`${this.origin}: cannot go back from offset ${this.next} to ${next}`);
    }
    this.#setNext(next);
  }

  root(): Hash {
    return foldFrontier(this.frontier(), this.size);
  }

  /** FORMAT §4 frontier, joined; a copy. */
  frontier(): Uint8Array {
    return this.#hashes.frontier();
  }

  /** entry(size−1), a copy; empty where size is 0. */
  last(): Uint8Array {
    return this.#hashes.last();
  }

  clone(): LogState {
    return new LogState(this.origin, this.first, this.next, this.#hashes.clone());
  }

  #setNext(next: bigint): void {
    this.#nextLow = Number(next & 0xffffffffn);
    this.#nextHigh = Number(next >> 32n);
  }

  #checkOffsets(column: BigInt64Array, from: number, to: number): void {
    const offsets = halves(column);
    let high = this.#nextHigh;
    let low = this.#nextLow;
    for (let i = from; i < to; i++) {
      const offsetHigh = offsets[2 * i + HIGH] as number;
      const offsetLow = (offsets[2 * i + LOW] as number) >>> 0;
      if (offsetHigh < high || (offsetHigh === high && offsetLow < low)) {
        const expected = (BigInt(high) << 32n) | BigInt(low);
        throw malformed(
          `${this.origin}: offset ${column[i]} where ${expected} or a later one must come`,
        );
      }
      low = (offsetLow + 1) >>> 0;
      high = low === 0 ? offsetHigh + 1 : offsetHigh;
    }
    // The offset 2^63 − 1 leaves no `next` that a checkpoint could hold.
    if (high > 0x7fffffff)
      throw malformed(`${this.origin}: offset ${DECIMAL_LIMIT - 1n} is too large`);
  }
}

/**
 * c after the records [from, to), which follow the record of `chain` (FORMAT §3): the chain alone,
 * for who knows it at both ends. Throws `internal` on columns that cannot be.
 */
export function chainOver(chain: Hash, records: RecordColumns, from: number, to: number): Hash {
  checkColumns(records, from, to);
  const hashes = hashing().hashesAt({ size: 0n, chain, last: NOTHING, frontier: NOTHING });
  if (from < to) hashes.append(records, from, to);
  return hashes.chain;
}

/** What LogState.resume checks, without making a state. Throws as it does. */
export function checkEvidence(checkpoint: LogHead, last: Uint8Array, frontier: Uint8Array): void {
  const { origin, size, first, next, root } = checkpoint;
  parseOrigin(origin);
  encodeDecimal(first);
  encodeDecimal(next);
  if (!equalBytes(foldFrontier(frontier, size), root)) {
    throw malformed(`${origin}: the frontier does not fold to the signed root of size ${size}`);
  }
  if (next < first) throw malformed(`${origin}: ends at ${next}, before its start at ${first}`);
  if (!equalBytes(chainOf(checkpoint, last), checkpoint.chain)) {
    throw malformed(`${origin}: the last entry does not hash to the signed chain of size ${size}`);
  }
}

/** The chain that the last entry of this checkpoint's log leads to. */
function chainOf({ origin, size, first, next }: LogHead, last: Uint8Array): Hash {
  if (size === 0n) {
    if (last.length > 0) throw malformed(`${origin}: a last entry where size is 0`);
    return genesis(origin);
  }
  const entry = decodeEntry(last);
  // `size` records from `first` on end at offset first + size − 1 or later, and before `next`.
  if (entry.offset >= next || entry.offset - first < size - 1n) {
    throw malformed(
      `${origin}: offset ${entry.offset} cannot be the last of ${size} before ${next}`,
    );
  }
  if (size === 1n && !equalBytes(entry.previous, genesis(origin))) {
    throw malformed(`${origin}: the only entry does not follow the genesis value`);
  }
  return leafHash(last);
}

/** A slice outside `bytes` would hash other memory of its buffer: a caller's fault, not data. */
function checkColumns(records: RecordColumns, from: number, to: number): void {
  const { bytes, count, bodyStart, bodyEnd, offsets, timestamps, timestampType } = records;
  const shortest = Math.min(bodyStart.length, bodyEnd.length, offsets.length, timestamps.length);
  const isRange = Number.isInteger(from) && Number.isInteger(to) && from >= 0 && from <= to;
  if (!(isRange && to <= count && count <= shortest)) {
    throw new SealstreamError(
      'internal',
      `records ${from} to ${to} of ${count} (${shortest} held)`,
    );
  }
  if (timestampType !== 0 && timestampType !== 1) {
    throw new SealstreamError('internal', `the timestamp type ${timestampType}, not 0 or 1`);
  }
  for (let i = from; i < to; i++) {
    const start = bodyStart[i] as number;
    const end = bodyEnd[i] as number;
    if (start < 0 || end < start || end > bytes.length) {
      throw new SealstreamError(
        'internal',
        `the body of record ${i} is at ${start} to ${end} of ${bytes.length} bytes`,
      );
    }
  }
}
