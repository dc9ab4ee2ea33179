import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  asHash,
  checkExtends,
  checkpointConflict,
  consistencyProof,
  decodeEntry,
  encodeEntry,
  entryConflict,
  type Hash,
  inclusionProof,
  LogState,
  leafConflict,
  leafHash,
} from '../../../ledger/index.js';
import {
  appendMade,
  changed,
  checkpointOf,
  hashOf,
  madeLog,
  ORIGIN,
  throwsCode,
} from './support.js';

/** The entries of the made-up log, those from `fork` on of another history. */
function entriesOf(size: number, fork = size): Uint8Array[] {
  const state = LogState.start(ORIGIN, 0n);
  return Array.from({ length: size }, (_, index) => {
    appendMade(state, index + 1, index < fork ? '' : ' forged');
    return state.last();
  });
}

/** The checkpoint and the leaves after these entries. */
function headOf(entries: readonly Uint8Array[], fork = entries.length) {
  const state = madeLog(Math.min(fork, entries.length));
  appendMade(state, entries.length, ' forged');
  const leaves = entries.map((entry) => leafHash(entry));
  return {
    checkpoint: checkpointOf(state),
    leaf: (index: bigint) => leaves[Number(index)] as Hash,
  };
}

test('two checkpoints of one history do not conflict', () => {
  for (let a = 0; a <= 12; a++) {
    for (let b = 0; b <= 12; b++) {
      assert.equal(checkpointConflict(checkpointOf(madeLog(a)), checkpointOf(madeLog(b))), null);
    }
  }
});

test('the same size may reach further, be later and know more partitions', () => {
  const state = madeLog(5);
  const earlier = checkpointOf(state);
  state.skipTo(1000n);
  const later = checkpointOf(state, { time: earlier.time + 1, partitions: 13 });
  assert.equal(checkpointConflict(earlier, later), null);
  assert.equal(checkpointConflict(later, earlier), null);
});

test('conflicts that the two alone show, in either order', () => {
  const base = checkpointOf(madeLog(5));
  const more = checkpointOf(madeLog(8));
  const pairs = [
    [base, { ...base, first: 0n + base.first + 1n, next: base.next + 1n }],
    [base, { ...more, first: 1n }],
    [base, { ...base, root: hashOf(1) }],
    [base, { ...base, chain: hashOf(1) }],
    [base, { ...more, next: base.next }],
    [base, { ...more, next: base.next + 2n }],
    [{ ...base, next: more.next }, more],
  ] as const;
  for (const [a, b] of pairs) {
    assert.match(checkpointConflict(a, b) ?? '', /audit\.example\.com/);
    assert.match(checkpointConflict(b, a) ?? '', /audit\.example\.com/);
  }
  assert.equal(checkpointConflict(base, { ...more, next: base.next + 3n }), null);
});

test('checkpoints of two logs are not compared', () => {
  const a = checkpointOf(madeLog(1));
  const b = checkpointOf(LogState.start(ORIGIN.replace('/11', '/10'), 0n));
  throwsCode(() => checkpointConflict(a, b), 'usage');
  throwsCode(() => checkExtends(a, b, []), 'usage');
});

test('a consistency proof tells an extension from a fork', () => {
  for (let size = 1; size < 9; size++) {
    const honest = headOf(entriesOf(9));
    const forged = headOf(entriesOf(9, size - 1), size - 1);
    const smaller = checkpointOf(madeLog(size));
    const proof = consistencyProof(honest.leaf, BigInt(size), 9n);
    checkExtends(smaller, honest.checkpoint, proof);
    checkExtends(honest.checkpoint, smaller, proof);
    const other = consistencyProof(forged.leaf, BigInt(size), 9n);
    throwsCode(() => checkExtends(smaller, forged.checkpoint, other), 'proof-invalid');
    throwsCode(() => checkExtends(smaller, honest.checkpoint, other), 'proof-invalid');
  }
});

test('another leaf where the smaller ends is a conflict, if its proof holds', () => {
  const smaller = checkpointOf(madeLog(4));
  for (const fork of [0, 3, 4, 9]) {
    const { checkpoint, leaf } = headOf(entriesOf(9, fork), fork);
    const proof = inclusionProof(leaf, 3n, 9n);
    const conflict = leafConflict(smaller, checkpoint, leaf(3n), proof);
    assert.equal(conflict === null, fork >= 4, conflict ?? 'no conflict');
    throwsCode(() => leafConflict(smaller, checkpoint, changed(leaf(3n)), proof), 'proof-invalid');
    throwsCode(() => leafConflict(smaller, checkpoint, leaf(3n), []), 'proof-invalid');
  }
  const none = checkpointOf(madeLog(0));
  const { checkpoint, leaf } = headOf(entriesOf(9));
  const proof = inclusionProof(leaf, 0n, 9n);
  throwsCode(() => leafConflict(none, checkpoint, leaf(0n), proof), 'proof-invalid');
});

test('a later entry at an offset the smaller covers is a conflict, if its proof holds', () => {
  const entries = entriesOf(9);
  const { checkpoint, leaf } = headOf(entries);
  const honest = checkpointOf(madeLog(4));
  const state = madeLog(4);
  state.skipTo(15n);
  const skipped = checkpointOf(state);
  for (let index = 4; index < 9; index++) {
    const n = BigInt(index);
    const entry = entries[index] as Uint8Array;
    const proof = inclusionProof(leaf, n, 9n);
    assert.equal(entryConflict(honest, checkpoint, n, entry, proof), null);
    const before = decodeEntry(entry).offset < 15n;
    assert.equal(entryConflict(checkpoint, skipped, n, entry, proof) !== null, before);
    const changedEntry = encodeEntry({ ...decodeEntry(entry), offset: 2n });
    throwsCode(() => entryConflict(honest, checkpoint, n, changedEntry, proof), 'proof-invalid');
  }
  const early = inclusionProof(leaf, 3n, 9n);
  throwsCode(
    () => entryConflict(honest, checkpoint, 3n, entries[3] as Uint8Array, early),
    'proof-invalid',
  );
  throwsCode(
    () => entryConflict(honest, checkpoint, 4n, asHash(new Uint8Array(32)), []),
    'malformed',
  );
});
