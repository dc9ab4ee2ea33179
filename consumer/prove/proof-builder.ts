/**
 * The inclusion proof of one record, made while the log is hashed past it. All its siblings on the
 * left are the frontier where the record is reached; those on the right are the records behind it.
 */
import { SealstreamError } from '../../ledger/error.js';
import { appendLeaf, decodeFrontier, frontierRoot } from '../../ledger/frontier.js';
import type { Hash } from '../../ledger/hash.js';
import type { LogState } from '../../ledger/log.js';
import { inclusionRanges, type LeafRange } from '../../ledger/proof.js';
import type { RecordBatch } from '../../stream/stream.js';

interface Found {
  readonly index: bigint;
  readonly entry: Uint8Array;
  readonly body: Uint8Array;
  /** From the record's sibling upwards. */
  readonly ranges: readonly LeafRange[];
  readonly onRight: readonly LeafRange[];
  /** Smallest last. */
  readonly left: readonly Hash[];
  /** One for each range right of the record, in their order. */
  readonly right: Hash[];
}

export interface BuiltProof {
  readonly index: bigint;
  readonly entry: Uint8Array;
  readonly body: Uint8Array;
  readonly proof: readonly Hash[];
}

export class ProofBuilder {
  readonly #state: LogState;
  readonly #offset: bigint;
  readonly #size: bigint;
  #found: Found | null = null;
  /** The frontier of the range right of the record that is being filled. */
  #filling: Hash[] = [];
  #filled = 0n;

  /** `state` stands at or before `offset` and is consumed; `size` is that of the tree. */
  constructor(state: LogState, offset: bigint, size: bigint) {
    this.#state = state;
    this.#offset = offset;
    this.#size = size;
  }

  /** Hashes record `index` of the batch, the next of the log. */
  add(batch: RecordBatch, index: number): void {
    const state = this.#state;
    const number = state.size;
    // More records than were sealed: the comparison with the checkpoint will say so.
    if (batch.offsets[index] !== this.#offset || number >= this.#size) {
      state.append(batch, index, index + 1);
      this.#fill(state.chain);
      return;
    }
    const left = decodeFrontier(state.frontier(), number);
    const ranges = inclusionRanges(number, this.#size);
    state.append(batch, index, index + 1);
    this.#found = {
      index: number,
      entry: state.last(),
      body: batch.record(index).body.slice(),
      ranges,
      onRight: ranges.filter(({ from }) => from > number),
      left,
      right: [],
    };
  }

  #fill(leaf: Hash): void {
    if (this.#found === null) return;
    const { onRight, right } = this.#found;
    const range = onRight[right.length];
    if (range === undefined) return;
    appendLeaf(this.#filling, this.#filled, leaf);
    this.#filled++;
    if (this.#filled < range.to - range.from) return;
    right.push(frontierRoot(this.#filling));
    this.#filling = [];
    this.#filled = 0n;
  }

  /** Throws `not-sealed` where no record had the offset. */
  finish(place: string): BuiltProof {
    if (this.#found === null) {
      throw new SealstreamError(
        'not-sealed',
        `${place}: there is no record at offset ${this.#offset}: it is a control record's or a gap`,
      );
    }
    const { index, entry, body, ranges } = this.#found;
    const left = [...this.#found.left];
    const right = [...this.#found.right];
    const proof: Hash[] = [];
    for (const { from } of ranges) {
      const hash = from > index ? right.shift() : left.pop();
      if (hash === undefined) {
        throw new SealstreamError('internal', `${place}: the proof of record ${index} has a hole`);
      }
      proof.push(hash);
    }
    return { index, entry, body, proof };
  }
}
