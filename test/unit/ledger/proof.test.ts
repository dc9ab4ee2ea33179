import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import {
  appendLeaf,
  asHash,
  checkConsistency,
  checkInclusion,
  consistencyProof,
  decodeFrontier,
  EMPTY_ROOT,
  encodeFrontier,
  encodeHex,
  frontierRoot,
  type Hash,
  InclusionBuilder,
  inclusionProof,
  treeRoot,
} from '../../../ledger/index.js';
import { changed, hashOf, throwsCode } from './support.js';

const LARGEST = 128;
const leaves = Array.from({ length: LARGEST + 1 }, (_, index) => hashOf(index));
const leaf = (index: bigint) => leaves[Number(index)] as Hash;

/** RFC 6962 §2.1 word for word, and slowly; shares nothing with the code under test. */
function split(length: number): number {
  let power = 1;
  while (power * 2 < length) power *= 2;
  return power;
}

function naiveRoot(list: readonly Uint8Array[]): Buffer {
  if (list.length === 0) return createHash('sha256').digest();
  if (list.length === 1) return Buffer.from(list[0] as Uint8Array);
  const k = split(list.length);
  const hash = createHash('sha256').update(Buffer.of(1));
  return hash
    .update(naiveRoot(list.slice(0, k)))
    .update(naiveRoot(list.slice(k)))
    .digest();
}

function naivePath(index: number, list: readonly Uint8Array[]): Buffer[] {
  if (list.length === 1) return [];
  const k = split(list.length);
  return index < k
    ? [...naivePath(index, list.slice(0, k)), naiveRoot(list.slice(k))]
    : [...naivePath(index - k, list.slice(k)), naiveRoot(list.slice(0, k))];
}

function naiveSubproof(m: number, list: readonly Uint8Array[], whole: boolean): Buffer[] {
  if (m === list.length) return whole ? [] : [naiveRoot(list)];
  const k = split(list.length);
  return m <= k
    ? [...naiveSubproof(m, list.slice(0, k), whole), naiveRoot(list.slice(k))]
    : [...naiveSubproof(m - k, list.slice(k), false), naiveRoot(list.slice(0, k))];
}

const roots = Array.from({ length: LARGEST + 1 }, (_, size) =>
  asHash(new Uint8Array(naiveRoot(leaves.slice(0, size)))),
);
const root = (size: number) => roots[size] as Hash;
const hex = (hashes: readonly Uint8Array[]) => hashes.map(encodeHex);

test('the root and the frontier of every size', () => {
  const frontier: Hash[] = [];
  for (let size = 0; size <= LARGEST; size++) {
    assert.equal(encodeHex(treeRoot(leaf, BigInt(size))), encodeHex(root(size)));
    assert.equal(encodeHex(frontierRoot(frontier)), encodeHex(root(size)));
    assert.deepEqual(decodeFrontier(encodeFrontier(frontier), BigInt(size)), frontier);
    appendLeaf(frontier, BigInt(size), leaf(BigInt(size)));
  }
  assert.deepEqual(frontierRoot([]), EMPTY_ROOT);
});

test('every inclusion proof up to size 128, made at random access and in one pass', () => {
  for (let size = 1; size <= LARGEST; size++) {
    for (let index = 0; index < size; index++) {
      const proof = inclusionProof(leaf, BigInt(index), BigInt(size));
      assert.deepEqual(hex(proof), hex(naivePath(index, leaves.slice(0, size))));
      checkInclusion(leaf(BigInt(index)), BigInt(index), BigInt(size), proof, root(size));
      const builder = new InclusionBuilder(BigInt(index), BigInt(size));
      for (let at = 0; at < size; at++) builder.add(leaf(BigInt(at)));
      assert.deepEqual(hex(builder.proof()), hex(proof));
    }
  }
});

test('every consistency proof between two sizes up to 128', () => {
  for (let second = 0; second <= LARGEST; second++) {
    for (let first = 0; first <= second; first++) {
      const proof = consistencyProof(leaf, BigInt(first), BigInt(second));
      const naive = first === 0 ? [] : naiveSubproof(first, leaves.slice(0, second), true);
      assert.deepEqual(hex(proof), hex(naive));
      checkConsistency(BigInt(first), root(first), BigInt(second), root(second), proof);
    }
  }
});

/** Every list of hashes one step away from `proof`. */
function* wrongProofs(proof: readonly Hash[]): Generator<Hash[]> {
  for (let at = 0; at < proof.length; at++) {
    yield proof.with(at, changed(proof[at] as Hash));
    yield proof.toSpliced(at, 1);
    yield proof.toSpliced(at, 0, proof[at] as Hash);
    if (at > 0) yield proof.with(at, proof[at - 1] as Hash).with(at - 1, proof[at] as Hash);
  }
  yield [...proof, hashOf(999)];
  yield [hashOf(999), ...proof];
}

test('no other proof, leaf, index, size or root passes for an inclusion', () => {
  for (let size = 1; size <= 33; size++) {
    for (let index = 0; index < size; index++) {
      const n = BigInt(index);
      const of = BigInt(size);
      const proof = inclusionProof(leaf, n, of);
      const refused = (l: Hash, i: bigint, s: bigint, p: readonly Hash[], r: Hash) =>
        throwsCode(() => checkInclusion(l, i, s, p, r), 'proof-invalid');
      for (const wrong of wrongProofs(proof)) refused(leaf(n), n, of, wrong, root(size));
      refused(changed(leaf(n)), n, of, proof, root(size));
      refused(leaf(n), n, of, proof, changed(root(size)));
      for (let other = 0; other < size; other++) {
        if (other !== index) refused(leaf(n), BigInt(other), of, proof, root(size));
      }
      refused(leaf(n), -1n, of, proof, root(size));
      refused(leaf(n), of, of, proof, root(size));
      refused(leaf(n), n, 1n << 63n, proof, root(size));
    }
  }
});

test('no other proof, root or size passes for consistency', () => {
  for (let second = 0; second <= 33; second++) {
    for (let first = 0; first <= second; first++) {
      const from = BigInt(first);
      const to = BigInt(second);
      const proof = consistencyProof(leaf, from, to);
      const refused = (fr: Hash, sr: Hash, p: readonly Hash[], f = from, s = to) =>
        throwsCode(() => checkConsistency(f, fr, s, sr, p), 'proof-invalid');
      for (const wrong of wrongProofs(proof)) refused(root(first), root(second), wrong);
      refused(changed(root(first)), root(second), proof);
      // From the empty tree every tree follows: only the first root can be wrong then.
      if (first > 0) refused(root(first), changed(root(second)), proof);
      refused(root(first), root(second), proof, to + 1n, to);
      refused(root(first), root(second), proof, -1n, to);
      refused(root(first), root(second), proof, from, 1n << 63n);
      if (first < second) {
        refused(root(second), root(first), proof, to, from);
        refused(root(first + 1), root(second), proof);
      }
    }
  }
});

test('proofs that cannot be made are refused', () => {
  throwsCode(() => inclusionProof(leaf, 0n, 0n), 'malformed');
  throwsCode(() => inclusionProof(leaf, 3n, 3n), 'malformed');
  throwsCode(() => inclusionProof(leaf, -1n, 3n), 'malformed');
  throwsCode(() => inclusionProof(leaf, 0n, 1n << 63n), 'malformed');
  throwsCode(() => consistencyProof(leaf, 4n, 3n), 'malformed');
  throwsCode(() => consistencyProof(leaf, -1n, 3n), 'malformed');
  throwsCode(() => treeRoot(leaf, -1n), 'malformed');
  const builder = new InclusionBuilder(1n, 3n);
  throwsCode(() => builder.proof(), 'malformed');
  for (let index = 0n; index < 3n; index++) builder.add(leaf(index));
  throwsCode(() => builder.add(leaf(3n)), 'malformed');
});

test('a proof of the largest tree is checked with bigints', () => {
  const size = (1n << 63n) - 1n;
  const proof = Array.from({ length: 63 }, (_, level) => hashOf(level));
  throwsCode(() => checkInclusion(hashOf(0), 0n, size, proof, hashOf(1)), 'proof-invalid');
  throwsCode(() => checkInclusion(hashOf(0), size - 1n, size, proof, hashOf(1)), 'proof-invalid');
});

test('a frontier has one hash per set bit of the size', () => {
  for (let size = 0n; size < 20n; size++) {
    const bits = size.toString(2).replaceAll('0', '').length;
    for (let count = 0; count < 6; count++) {
      const bytes = new Uint8Array(32 * count);
      if (count === bits) assert.equal(decodeFrontier(bytes, size).length, bits);
      else throwsCode(() => decodeFrontier(bytes, size), 'malformed');
    }
  }
  throwsCode(() => decodeFrontier(new Uint8Array(31), 1n), 'malformed');
  throwsCode(() => decodeFrontier(new Uint8Array(33), 1n), 'malformed');
  throwsCode(() => decodeFrontier(new Uint8Array(0), -1n), 'malformed');
  throwsCode(() => decodeFrontier(new Uint8Array(32), 1n << 63n), 'malformed');
  throwsCode(() => appendLeaf([], 1n, hashOf(1)), 'malformed');
});
