/**
 * Conflicts (FORMAT §5): two checkpoints of one origin that cannot both be true, which together are
 * evidence of a fork. Some conflicts show in the two alone; the others need a proof in the larger
 * tree, and these functions say what such a proof shows. A proof that does not check shows nothing.
 */
import type { Checkpoint } from './checkpoint.js';
import { decodeEntry } from './entry.js';
import { SealstreamError } from './error.js';
import { type Hash, leafHash } from './hash.js';
import { checkConsistency, checkInclusion } from './proof.js';
import { equalBytes } from './text.js';

/** Why the two conflict, or null where they alone do not show it. Throws `usage` on two origins. */
export function checkpointConflict(a: Checkpoint, b: Checkpoint): string | null {
  const [smaller, larger] = inOrder(a, b);
  const { origin } = smaller;
  if (smaller.first !== larger.first) {
    return `${origin}: started at offset ${a.first} in one and at ${b.first} in the other`;
  }
  if (smaller.size === larger.size) {
    if (!equalBytes(smaller.root, larger.root)) return `${origin}: two roots of size ${a.size}`;
    if (!equalBytes(smaller.chain, larger.chain)) {
      return `${origin}: two chain values of size ${a.size}`;
    }
    return null;
  }
  // Each record has an offset of its own: with fewer offsets than records between the two, some
  // entry of the larger has an index ≥ the smaller's size and an offset below its `next`.
  if (larger.next - smaller.next < larger.size - smaller.size) {
    const ends = `ends at offset ${larger.next}, size ${smaller.size} at ${smaller.next} already`;
    return `${origin}: size ${larger.size} ${ends}`;
  }
  return null;
}

/**
 * Throws `proof-invalid` unless the consistency proof shows that the larger of the two extends the
 * smaller. From a proof made of the true tree of the larger, that is a conflict.
 */
export function checkExtends(a: Checkpoint, b: Checkpoint, proof: readonly Hash[]): void {
  const [smaller, larger] = inOrder(a, b);
  checkConsistency(smaller.size, smaller.root, larger.size, larger.root, proof);
}

/**
 * Why the two conflict if `leaf` is the larger tree's leaf at index smaller.size − 1, or null where
 * it is the smaller's `chain`. Throws `proof-invalid` where `proof` does not show that it is.
 */
export function leafConflict(
  a: Checkpoint,
  b: Checkpoint,
  leaf: Hash,
  proof: readonly Hash[],
): string | null {
  const [smaller, larger] = inOrder(a, b);
  const index = smaller.size - 1n;
  checkInclusion(leaf, index, larger.size, proof, larger.root);
  return equalBytes(leaf, smaller.chain)
    ? null
    : `${smaller.origin}: sizes ${smaller.size} and ${larger.size} differ in record ${index}`;
}

/**
 * Why the two conflict if `entry` is the larger's entry at `index` ≥ smaller.size, or null where
 * its offset is one that the smaller did not cover. Throws `proof-invalid` where `proof` does not
 * show that it is, `malformed` where `entry` is none.
 */
export function entryConflict(
  a: Checkpoint,
  b: Checkpoint,
  index: bigint,
  entry: Uint8Array,
  proof: readonly Hash[],
): string | null {
  const [smaller, larger] = inOrder(a, b);
  const { offset } = decodeEntry(entry);
  if (index < smaller.size) {
    throw new SealstreamError('proof-invalid', `index ${index} is within size ${smaller.size}`);
  }
  checkInclusion(leafHash(entry), index, larger.size, proof, larger.root);
  return offset >= smaller.next
    ? null
    : `${smaller.origin}: record ${index} has offset ${offset}, which size ${smaller.size} covers`;
}

function inOrder(a: Checkpoint, b: Checkpoint): [smaller: Checkpoint, larger: Checkpoint] {
  if (a.origin !== b.origin) {
    throw new SealstreamError(
      'usage',
      `checkpoints of ${a.origin} and ${b.origin} cannot conflict: compare those of one log`,
    );
  }
  return a.size <= b.size ? [a, b] : [b, a];
}
