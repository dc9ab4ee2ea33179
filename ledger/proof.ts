/**
 * Merkle proofs, RFC 6962 §2.1 (FORMAT §4). A proof is the list of the roots of those ranges of
 * leaves that the verifier does not know; `ranges` below says which. Making one needs the leaves,
 * checking one needs none.
 */
import { malformed, SealstreamError } from './error.js';
import { appendLeaf, frontierRoot } from './frontier.js';
import { EMPTY_ROOT, type Hash, nodeHash } from './hash.js';
import { DECIMAL_LIMIT, equalBytes } from './text.js';

/** The leaf at an index: c(index). */
export type LeafSource = (index: bigint) => Hash;

/** Leaves [from, to), which RFC 6962 hashes as a tree of their own. */
export interface LeafRange {
  readonly from: bigint;
  readonly to: bigint;
}

/** The root over the first `size` leaves; reads each once, in order. */
export function treeRoot(leaf: LeafSource, size: bigint): Hash {
  checkSize(size);
  return rangeRoot(leaf, { from: 0n, to: size });
}

/** The proof that leaf `index` is in the tree of `size`. Throws `malformed` unless index < size. */
export function inclusionProof(leaf: LeafSource, index: bigint, size: bigint): Hash[] {
  return inclusionRanges(index, size).map((range) => rangeRoot(leaf, range));
}

/** The proof that the tree of `second` begins with `first`; `malformed` if first > second. */
export function consistencyProof(leaf: LeafSource, first: bigint, second: bigint): Hash[] {
  return consistencyRanges(first, second).map((range) => rangeRoot(leaf, range));
}

/** What an inclusion proof is made of, from the leaf's sibling upwards. */
export function inclusionRanges(index: bigint, size: bigint): LeafRange[] {
  checkSize(size);
  if (index < 0n || index >= size) throw malformed(`no leaf ${index} in a tree of ${size}`);
  const ranges: LeafRange[] = [];
  let from = 0n;
  let to = size;
  while (to - from > 1n) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return ranges.reverse();
}

/** What a consistency proof is made of. Nothing for equal sizes, and from the empty tree. */
export function consistencyRanges(first: bigint, second: bigint): LeafRange[] {
  checkSize(second);
  if (first < 0n || first > second) throw malformed(`no tree of ${second} begins with ${first}`);
  if (first === 0n) return [];
  const ranges: LeafRange[] = [];
  let from = 0n;
  let to = second;
  while (to !== first) {
    const middle = from + largestPowerBelow(to - from);
    if (first <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  // The verifier knows the root of the whole first tree, but not of a part of it.
  if (from > 0n) ranges.push({ from, to });
  return ranges.reverse();
}

/** RFC 9162 §2.1.3.2. Throws `proof-invalid` unless the proof leads from the leaf to the root. */
export function checkInclusion(
  leaf: Hash,
  index: bigint,
  size: bigint,
  proof: readonly Hash[],
  root: Hash,
): void {
  if (index < 0n || index >= size || size >= DECIMAL_LIMIT) {
    throw invalid(`there is no leaf ${index} in a tree of ${size}`);
  }
  let node = index;
  let last = size - 1n;
  let computed = leaf;
  for (const sibling of proof) {
    if (last === 0n) throw invalid(`${proof.length} hashes are too many for a tree of ${size}`);
    if ((node & 1n) === 1n || node === last) {
      computed = nodeHash(sibling, computed);
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      computed = nodeHash(computed, sibling);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw invalid(`${proof.length} hashes are too few for a tree of ${size}`);
  if (!equalBytes(computed, root)) {
    throw invalid(`the proof of leaf ${index} does not lead to the root of size ${size}`);
  }
}

/** RFC 9162 §2.1.4.2. Throws `proof-invalid` unless the second tree begins with the first. */
export function checkConsistency(
  first: bigint,
  firstRoot: Hash,
  second: bigint,
  secondRoot: Hash,
  proof: readonly Hash[],
): void {
  if (first < 0n || first > second || second >= DECIMAL_LIMIT) {
    throw invalid(`a tree of ${second} cannot begin with one of ${first}`);
  }
  if (first === 0n || first === second) {
    if (proof.length > 0) throw invalid(`a proof from ${first} to ${second} has no hashes`);
    const expected = first === second ? secondRoot : EMPTY_ROOT;
    if (!equalBytes(firstRoot, expected)) throw invalid(`the roots of size ${first} differ`);
    return;
  }
  // A power of two is one perfect subtree, whose root the verifier has: the proof leaves it out.
  const hashes = (first & (first - 1n)) === 0n ? [firstRoot, ...proof] : [...proof];
  const start = hashes.shift();
  if (start === undefined) throw invalid(`the proof from ${first} to ${second} is empty`);
  let node = first - 1n;
  let last = second - 1n;
  while ((node & 1n) === 1n) {
    node >>= 1n;
    last >>= 1n;
  }
  let computedFirst = start;
  let computedSecond = start;
  for (const hash of hashes) {
    if (last === 0n) throw invalid(`the proof from ${first} to ${second} has too many hashes`);
    if ((node & 1n) === 1n || node === last) {
      computedFirst = nodeHash(hash, computedFirst);
      computedSecond = nodeHash(hash, computedSecond);
      while ((node & 1n) === 0n && node !== 0n) {
        node >>= 1n;
        last >>= 1n;
      }
    } else {
      computedSecond = nodeHash(computedSecond, hash);
    }
    node >>= 1n;
    last >>= 1n;
  }
  if (last !== 0n) throw invalid(`the proof from ${first} to ${second} has too few hashes`);
  if (!equalBytes(computedFirst, firstRoot) || !equalBytes(computedSecond, secondRoot)) {
    throw invalid(`the tree of ${second} does not begin with the tree of ${first}`);
  }
}

/**
 * Makes the inclusion proof of one leaf while all leaves go by, in order: memory is O(log size),
 * for logs whose leaves are not kept.
 */
export class InclusionBuilder {
  readonly index: bigint;
  readonly size: bigint;
  readonly #ranges: readonly { readonly range: LeafRange; readonly at: number }[];
  readonly #proof: Hash[] = [];
  #added = 0n;
  #current = 0;
  #frontier: Hash[] = [];

  /** Throws `malformed` unless index < size. */
  constructor(index: bigint, size: bigint) {
    this.index = index;
    this.size = size;
    this.#ranges = inclusionRanges(index, size)
      .map((range, at) => ({ range, at }))
      .sort((a, b) => (a.range.from < b.range.from ? -1 : 1));
  }

  /** The next leaf; the hash is kept, so it must not change. Throws `malformed` beyond `size`. */
  add(leaf: Hash): void {
    const index = this.#added;
    if (index >= this.size) throw malformed(`leaf ${index} is beyond the tree of ${this.size}`);
    this.#added += 1n;
    if (index === this.index) return;
    const { range, at } = this.#ranges[this.#current] as { range: LeafRange; at: number };
    appendLeaf(this.#frontier, index - range.from, leaf);
    if (this.#added === range.to) {
      this.#proof[at] = frontierRoot(this.#frontier);
      this.#frontier = [];
      this.#current++;
    }
  }

  /** Throws `malformed` until all leaves were added. */
  proof(): Hash[] {
    if (this.#added !== this.size) {
      throw malformed(`${this.#added} of ${this.size} leaves were added`);
    }
    return this.#proof.slice();
  }
}

function rangeRoot(leaf: LeafSource, range: LeafRange): Hash {
  const frontier: Hash[] = [];
  for (let index = range.from; index < range.to; index++) {
    appendLeaf(frontier, index - range.from, leaf(index));
  }
  return frontierRoot(frontier);
}

/** The largest power of two below `size`, which is at least 2. */
function largestPowerBelow(size: bigint): bigint {
  return 1n << BigInt((size - 1n).toString(2).length - 1);
}

function checkSize(size: bigint): void {
  if (size < 0n || size >= DECIMAL_LIMIT) throw malformed(`${size} is no size of a tree`);
}

function invalid(message: string): SealstreamError {
  return new SealstreamError('proof-invalid', message);
}
