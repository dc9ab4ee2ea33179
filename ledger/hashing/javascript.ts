/**
 * The hashes of a log in JavaScript: three calls of SHA-256 a record (record, entry, and on average
 * one tree node), written from scratch buffer to scratch buffer. Numbers of 64 bits are held as two
 * halves of 32 here, because every bigint is an allocation.
 */
import { ENTRY_LENGTH } from '../entry.js';
import { MAX_FRONTIER_HASHES } from '../frontier.js';
import { HASH_LENGTH, type Hash, hashFromDigest, LEAF_PREFIX, NODE_PREFIX } from '../hash.js';
import type { RecordColumns } from '../records.js';
import { digest, digestBytes, digestOfHash, HashInput, writeDigest } from '../sha256.js';
import { HIGH, halves, LOW } from './halves.js';
import type { Hashing, LogHashes, LogPosition } from './hashing.js';

/** Bytes from the beginning of an input on, which is at byte 1 of its buffer: see HashInput. */
const RECORD_END = 1 + 2 * HASH_LENGTH;
const OFFSET = RECORD_END;
const TIMESTAMP = OFFSET + 8;
const TYPE = TIMESTAMP + 8;
const { FIRST, SECOND } = HashInput;

class JavaScriptHashes implements LogHashes {
  #sizeLow: number;
  #sizeHigh: number;
  /** c(size−1) and c(size−2), as digests. */
  #chain: string;
  #previous: string;
  /** 0x00 ‖ the last entry, but as its first hash already the chain that the next entry begins with. */
  readonly #leaf = new HashInput(LEAF_PREFIX, 1 + ENTRY_LENGTH);
  readonly #node = new HashInput(NODE_PREFIX, 1 + 2 * HASH_LENGTH);
  /** FORMAT §4 frontier, as digests; the first `#frontierLength` of them are in use. */
  readonly #frontier: string[] = new Array<string>(MAX_FRONTIER_HASHES).fill('');
  #frontierLength = 0;

  constructor({ size, chain, last, frontier }: LogPosition) {
    this.#sizeLow = Number(size & 0xffffffffn);
    this.#sizeHigh = Number(size >> 32n);
    this.#chain = digestOfHash(chain);
    this.#previous = digestOfHash(last.subarray(0, HASH_LENGTH));
    this.#leaf.bytes.set(last, 1);
    writeDigest(this.#chain, this.#leaf.units, FIRST);
    for (let at = 0; at < frontier.length; at += HASH_LENGTH) {
      const hash = frontier.subarray(at, at + HASH_LENGTH);
      this.#frontier[this.#frontierLength++] = digestOfHash(hash);
    }
  }

  get size(): bigint {
    return (BigInt(this.#sizeHigh) << 32n) | BigInt(this.#sizeLow);
  }

  get chain(): Hash {
    return hashFromDigest(this.#chain);
  }

  append(records: RecordColumns, from: number, to: number): void {
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
  }

  frontier(): Uint8Array {
    const bytes = new Uint8Array(this.#frontierLength * HASH_LENGTH);
    for (let index = 0; index < this.#frontierLength; index++) {
      bytes.set(digestBytes(this.#frontier[index] as string), index * HASH_LENGTH);
    }
    return bytes;
  }

  last(): Uint8Array {
    if (this.#frontierLength === 0) return new Uint8Array(0);
    const entry = this.#leaf.bytes.slice(1);
    entry.set(digestBytes(this.#previous));
    return entry;
  }

  clone(): LogHashes {
    return new JavaScriptHashes({
      size: this.size,
      chain: this.chain,
      last: this.last(),
      frontier: this.frontier(),
    });
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

export const javascriptHashing: Hashing = {
  name: 'javascript',
  hashesAt: (position) => new JavaScriptHashes(position),
};
