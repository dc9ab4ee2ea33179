/**
 * The hashes of a log in native code (append.c, whose comment lays out the state): a batch in one
 * call, where JavaScript crosses into Node's OpenSSL three times a record. It is there where
 * `build.ts` found a C compiler; nothing else needs it.
 */
import { ENTRY_LENGTH } from '../entry.js';
import { asSealstreamError } from '../error.js';
import { frontierLength, MAX_FRONTIER_HASHES } from '../frontier.js';
import { asHash, HASH_LENGTH, type Hash } from '../hash.js';
import type { RecordColumns } from '../records.js';
import { copyBytes } from '../text.js';
import type { Hashing, LogHashes, LogPosition } from './hashing.js';

const CHAIN = 8;
const LAST = CHAIN + HASH_LENGTH;
const FRONTIER = LAST + ENTRY_LENGTH;
const STATE_LENGTH = FRONTIER + MAX_FRONTIER_HASHES * HASH_LENGTH;

/** What append.c exports. Throws a RangeError, and changes nothing, on a bad argument. */
export interface NativeModule {
  append(
    state: Uint8Array,
    bytes: Uint8Array,
    bodyStart: Int32Array,
    bodyEnd: Int32Array,
    offsets: BigInt64Array,
    timestamps: BigInt64Array,
    timestampType: number,
    from: number,
    to: number,
  ): void;
}

class NativeHashes implements LogHashes {
  readonly #module: NativeModule;
  readonly #state: Uint8Array<ArrayBuffer>;
  readonly #size: BigUint64Array;

  constructor(module: NativeModule, state: Uint8Array<ArrayBuffer>) {
    this.#module = module;
    this.#state = state;
    this.#size = new BigUint64Array(state.buffer, 0, 1);
  }

  get size(): bigint {
    return this.#size[0] as bigint;
  }

  get chain(): Hash {
    return asHash(copyBytes(this.#state, CHAIN, LAST));
  }

  append(records: RecordColumns, from: number, to: number): void {
    const { bytes, bodyStart, bodyEnd, offsets, timestamps, timestampType } = records;
    const columns = [bodyStart, bodyEnd, offsets, timestamps] as const;
    try {
      this.#module.append(this.#state, bytes, ...columns, timestampType, from, to);
    } catch (error) {
      throw asSealstreamError(error, 'internal', 'native hashing');
    }
  }

  frontier(): Uint8Array {
    return copyBytes(this.#state, FRONTIER, FRONTIER + frontierLength(this.size) * HASH_LENGTH);
  }

  last(): Uint8Array {
    return this.size === 0n ? new Uint8Array(0) : copyBytes(this.#state, LAST, FRONTIER);
  }

  clone(): LogHashes {
    return new NativeHashes(this.#module, this.#state.slice());
  }
}

export function nativeHashing(module: NativeModule): Hashing {
  return {
    name: 'native',
    hashesAt: ({ size, chain, last, frontier }: LogPosition) => {
      const state = new Uint8Array(STATE_LENGTH);
      state.set(chain, CHAIN);
      state.set(last, LAST);
      state.set(frontier, FRONTIER);
      const hashes = new NativeHashes(module, state);
      new BigUint64Array(state.buffer, 0, 1)[0] = size;
      return hashes;
    },
  };
}
