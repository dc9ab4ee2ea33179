/**
 * The frontier of a tree (FORMAT §4): the roots of its perfect subtrees, largest first, one per set
 * bit of the size. It is all that is needed to go on appending, and folds to the root.
 */
import { malformed } from './error.js';
import {
  asHash,
  EMPTY_ROOT,
  HASH_LENGTH,
  type Hash,
  hashFromDigest,
  NODE_PREFIX,
  nodeHash,
} from './hash.js';
import { digest, HashInput, writeDigest } from './sha256.js';
import { copyBytes, DECIMAL_LIMIT } from './text.js';

/** A size is below 2^63. */
export const MAX_FRONTIER_HASHES = 63;

/** The number of perfect subtrees of a tree of `size` leaves. */
export function frontierLength(size: bigint): number {
  let count = 0;
  for (let rest = size; rest > 0n; rest >>= 1n) count += Number(rest & 1n);
  return count;
}

/** The hashes, joined. */
export function encodeFrontier(hashes: readonly Hash[]): Uint8Array {
  const bytes = new Uint8Array(hashes.length * HASH_LENGTH);
  hashes.forEach((hash, index) => {
    bytes.set(asHash(hash), index * HASH_LENGTH);
  });
  return bytes;
}

/** Copies of the hashes. Throws `malformed` unless there is one per set bit of `size`. */
export function decodeFrontier(bytes: Uint8Array, size: bigint): Hash[] {
  const count = checkedLength(bytes, size);
  return Array.from({ length: count }, (_, index) =>
    asHash(copyBytes(bytes, index * HASH_LENGTH, (index + 1) * HASH_LENGTH)),
  );
}

function checkedLength(bytes: Uint8Array, size: bigint): number {
  const count = frontierLength(size);
  if (size < 0n || size >= DECIMAL_LIMIT || bytes.length !== count * HASH_LENGTH) {
    throw malformed(
      `the frontier of ${size} leaves has ${count} hashes, not these ${bytes.length} bytes`,
    );
  }
  return count;
}

/** Folds the frontier from the right. */
export function frontierRoot(hashes: readonly Hash[]): Hash {
  return fold(hashes.length, (index) => hashes[index] as Hash);
}

/** The root of a frontier whose hashes are joined. Throws as decodeFrontier does. */
export function foldFrontier(bytes: Uint8Array, size: bigint): Hash {
  return fold(checkedLength(bytes, size), (index) =>
    bytes.subarray(index * HASH_LENGTH, (index + 1) * HASH_LENGTH),
  );
}

const node = new HashInput(NODE_PREFIX, 1 + 2 * HASH_LENGTH);

function fold(count: number, hashAt: (index: number) => Uint8Array): Hash {
  if (count < 2) return asHash(copyBytes(count === 0 ? EMPTY_ROOT : hashAt(0)));
  node.bytes.set(hashAt(count - 1), 1 + HASH_LENGTH);
  let root = '';
  for (let index = count - 2; index >= 0; index--) {
    node.bytes.set(hashAt(index), 1);
    if (root !== '') writeDigest(root, node.units, HashInput.SECOND);
    root = digest(node.bytes);
  }
  return hashFromDigest(root);
}

/** Appends a leaf in place to the frontier of a tree that had `size` leaves. */
export function appendLeaf(frontier: Hash[], size: bigint, leaf: Hash): void {
  let root = leaf;
  for (let rest = size; (rest & 1n) === 1n; rest >>= 1n) {
    const left = frontier.pop();
    if (left === undefined) throw malformed(`the frontier is too short for ${size} leaves`);
    root = nodeHash(left, root);
  }
  frontier.push(root);
}
