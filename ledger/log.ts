/**
 * The running state of one log: what a sealer and a verifier both compute from the records, and
 * nothing else (FORMAT §3, §4). `append` is the hot path: three hashes a record (record, entry, and
 * on average one tree node), written from scratch buffer to scratch buffer. Numbers of 64 bits are
 * held as two halves of 32 there, because every bigint is an allocation.
 */
import type { Checkpoint } from './checkpoint.js';
import { decodeEntry, ENTRY_LENGTH } from './entry.js';
import { malformed, SealstreamError } from './error.js';
import { decodeFrontier, frontierRoot, MAX_FRONTIER_HASHES } from './frontier.js';
import { HASH_LENGTH, type Hash, hashFromDigest, LEAF_PREFIX, NODE_PREFIX } from './hash.js';
import { genesis } from './origin.js';
import type { RecordColumns } from './records.js';
import { digest, digestBytes, digestOfHash, writeDigest } from './sha256.js';
import { DECIMAL_LIMIT, encodeDecimal, equalBytes } from './text.js';

/** Where the low half of a native-endian 64-bit number is, in 32-bit steps. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1;
const HIGH = 1 - LOW;

/** Bytes from the beginning of an input on, which is at byte 1 of its buffer: see Input. */
const RECORD_END = 1 + 2 * HASH_LENGTH;
const OFFSET = RECORD_END;
const TIMESTAMP = OFFSET + 8;
const TYPE = TIMESTAMP + 8;
/** Units of two bytes from the beginning of a buffer on: its first and its second hash. */
const FIRST = 1;
const SECOND = FIRST + HASH_LENGTH / 2;

/**
 * What is hashed: a prefix of one byte, two hashes, more. It begins at byte 1 of its buffer, so that
 * the hashes in it can be written two bytes at a time.
 */
class Input {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly units: Uint16Array;
  readonly view: DataView;

  constructor(prefix: number, length: number) {
    const buffer = new ArrayBuffer(length + 1 + ((length + 1) % 2));
    this.bytes = new Uint8Array(buffer, 1, length);
    this.units = new Uint16Array(buffer);
    this.view = new DataView(buffer, 1, length);
    this.bytes[0] = prefix;
  }
}

/** What a checkpoint says of a state. */
export type LogHead = Pick<Checkpoint, 'origin' | 'size' | 'root' | 'first' | 'next' | 'chain'>;

export class LogState {
  readonly origin: string;
  /** The log start offset when this log was started. */
  readonly first: bigint;
  #sizeLow = 0;
  #sizeHigh = 0;
  #nextLow = 0;
  #nextHigh = 0;
  /** c(size−1) and c(size−2), as digests. */
  #chain: string;
  #previous: string;
  /** 0x00 ‖ the last entry, but as its first hash already the chain that the next entry begins with. */
  readonly #leaf = new Input(LEAF_PREFIX, 1 + ENTRY_LENGTH);
  readonly #node = new Input(NODE_PREFIX, 1 + 2 * HASH_LENGTH);
  /** FORMAT §4 frontier, as digests; the first `#frontierLength` of them are in use. */
  readonly #frontier: string[] = new Array<string>(MAX_FRONTIER_HASHES).fill('');
  #frontierLength = 0;

  private constructor(origin: string, first: bigint) {
    this.origin = origin;
    this.first = first;
    this.#chain = digestOfHash(genesis(origin));
    this.#previous = this.#chain;
    writeDigest(this.#chain, this.#leaf.units, FIRST);
    this.#setNext(first);
  }

  /** A log without records, started at offset `first`. Throws `malformed` on a bad argument. */
  static start(origin: string, first: bigint): LogState {
    encodeDecimal(first);
    return new LogState(origin, first);
  }

  /**
   * The state that `checkpoint` speaks of, from the last entry and the frontier published with it
   * (FORMAT §6). Both come unsigned: throws `malformed` unless they lead to the signed chain and
   * root.
   */
  static resume(checkpoint: LogHead, last: Uint8Array, frontier: Uint8Array): LogState {
    const { origin, size, first, next } = checkpoint;
    const state = LogState.start(origin, first);
    if (!equalBytes(frontierRoot(decodeFrontier(frontier, size)), checkpoint.root)) {
      throw malformed(`${origin}: the frontier does not fold to the signed root of size ${size}`);
    }
    for (let at = 0; at < frontier.length; at += HASH_LENGTH) {
      const hash = frontier.subarray(at, at + HASH_LENGTH);
      state.#frontier[state.#frontierLength++] = digestOfHash(hash);
    }
    state.#sizeLow = Number(size & 0xffffffffn);
    state.#sizeHigh = Number(size >> 32n);
    if (size > 0n) state.#setLast(last, next);
    else if (last.length > 0) throw malformed(`${origin}: a last entry where size is 0`);
    if (!equalBytes(state.chain, checkpoint.chain)) {
      throw malformed(
        `${origin}: the last entry does not hash to the signed chain of size ${size}`,
      );
    }
    state.skipTo(next);
    return state;
  }

  /** Number of records. */
  get size(): bigint {
    return (BigInt(this.#sizeHigh) << 32n) | BigInt(this.#sizeLow);
  }

  /** First offset not covered. */
  get next(): bigint {
    return (BigInt(this.#nextHigh) << 32n) | BigInt(this.#nextLow);
  }

  /** c(size−1), the genesis value where size is 0; a copy. */
  get chain(): Hash {
    return hashFromDigest(this.#chain);
  }

  /**
   * Appends the records [from, to) of the columns. Throws `malformed`, and appends none of them,
   * where an offset is below `next` or below the one before it.
   */
  append(records: RecordColumns, from = 0, to = records.count): void {
    checkColumns(records, from, to);
    this.#checkOffsets(records.offsets, from, to);
    if (from === to) return;
    const { bytes, bodyStart, bodyEnd, timestampType } = records;
    const { buffer, byteOffset } = bytes;
    const offsets = halves(records.offsets);
    const timestamps = halves(records.timestamps);
    const { bytes: leaf, units, view } = this.#leaf;
    leaf[TYPE] = timestampType;
    for (let i = from; i < to; i++) {
      const start = bodyStart[i] as number;
      const body = new Uint8Array(buffer, byteOffset + start, (bodyEnd[i] as number) - start);
      writeDigest(digest(body), units, SECOND);
      view.setInt32(OFFSET, offsets[2 * i + HIGH] as number);
      view.setInt32(OFFSET + 4, offsets[2 * i + LOW] as number);
      view.setInt32(TIMESTAMP, timestamps[2 * i + HIGH] as number);
      view.setInt32(TIMESTAMP + 4, timestamps[2 * i + LOW] as number);
      const chain = digest(leaf);
      this.#previous = this.#chain;
      this.#chain = chain;
      writeDigest(chain, units, FIRST);
      this.#appendLeaf(chain);
    }
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
    return frontierRoot(decodeFrontier(this.frontier(), this.size));
  }

  /** FORMAT §4 frontier, joined; a copy. */
  frontier(): Uint8Array {
    const bytes = new Uint8Array(this.#frontierLength * HASH_LENGTH);
    for (let index = 0; index < this.#frontierLength; index++) {
      bytes.set(digestBytes(this.#frontier[index] as string), index * HASH_LENGTH);
    }
    return bytes;
  }

  /** entry(size−1), a copy; empty where size is 0. */
  last(): Uint8Array {
    if (this.#frontierLength === 0) return new Uint8Array(0);
    const entry = this.#leaf.bytes.slice(1);
    entry.set(digestBytes(this.#previous));
    return entry;
  }

  clone(): LogState {
    const copy = new LogState(this.origin, this.first);
    copy.#sizeLow = this.#sizeLow;
    copy.#sizeHigh = this.#sizeHigh;
    copy.#nextLow = this.#nextLow;
    copy.#nextHigh = this.#nextHigh;
    copy.#chain = this.#chain;
    copy.#previous = this.#previous;
    copy.#leaf.bytes.set(this.#leaf.bytes);
    for (let index = 0; index < this.#frontierLength; index++) {
      copy.#frontier[index] = this.#frontier[index] as string;
    }
    copy.#frontierLength = this.#frontierLength;
    return copy;
  }

  #setNext(next: bigint): void {
    this.#nextLow = Number(next & 0xffffffffn);
    this.#nextHigh = Number(next >> 32n);
  }

  #setLast(last: Uint8Array, next: bigint): void {
    const entry = decodeEntry(last);
    // `size` records from `first` on end at offset first + size − 1 or later, and before `next`.
    if (entry.offset >= next || entry.offset - this.first < this.size - 1n) {
      throw malformed(
        `${this.origin}: offset ${entry.offset} cannot be the last of ${this.size} before ${next}`,
      );
    }
    if (this.size === 1n && !equalBytes(entry.previous, genesis(this.origin))) {
      throw malformed(`${this.origin}: the only entry does not follow the genesis value`);
    }
    this.#previous = digestOfHash(entry.previous);
    this.#leaf.bytes.set(last, 1);
    this.#chain = digest(this.#leaf.bytes);
    writeDigest(this.#chain, this.#leaf.units, FIRST);
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

  /** Merges the new leaf with the perfect subtrees it completes: one per trailing 1 of size. */
  #appendLeaf(chain: string): void {
    const { bytes: node, units } = this.#node;
    const frontier = this.#frontier;
    let length = this.#frontierLength;
    let root = chain;
    let bits = this.#sizeLow;
    let more = this.#sizeHigh;
    while ((bits & 1) === 1) {
      writeDigest(frontier[--length] as string, units, FIRST);
      writeDigest(root, units, SECOND);
      root = digest(node);
      bits = (bits >>> 1) | ((more & 1) << 31);
      more >>>= 1;
    }
    frontier[length] = root;
    this.#frontierLength = length + 1;
    this.#sizeLow = (this.#sizeLow + 1) >>> 0;
    if (this.#sizeLow === 0) this.#sizeHigh++;
  }
}

function halves(column: BigInt64Array): Int32Array {
  return new Int32Array(column.buffer, column.byteOffset, column.length * 2);
}

/** A slice outside `bytes` would hash other memory of its buffer: a caller's fault, not data. */
function checkColumns(records: RecordColumns, from: number, to: number): void {
  const { bytes, count, bodyStart, bodyEnd, offsets, timestamps } = records;
  const shortest = Math.min(bodyStart.length, bodyEnd.length, offsets.length, timestamps.length);
  if (!(from >= 0 && from <= to && to <= count && count <= shortest)) {
    throw new SealstreamError(
      'internal',
      `records ${from} to ${to} of ${count} (${shortest} held)`,
    );
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
