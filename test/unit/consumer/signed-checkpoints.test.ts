import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Points } from '../../../consumer/signed-checkpoints.js';
import { sha256 } from '../../../ledger/hash.js';

const point = (size: bigint, next = size) => {
  const hash = sha256(Buffer.from(`${size}`));
  return { size, next, chain: hash, root: hash };
};

test('what is published again takes no room', () => {
  const points = new Points();
  for (let at = 0n; at < 100_000n; at++) points.add(point(at % 7n), at);
  assert.ok(points.length <= 64, `${points.length} points`);
  const sorted = points.sorted();
  const seen = Array.from({ length: sorted.length }, (_, index) => sorted.get(index));
  assert.deepEqual(
    seen.map(({ size, at }) => [size, at]),
    [0n, 1n, 2n, 3n, 4n, 5n, 6n].map((size) => {
      // The last record of each stands for all.
      const last = 99_999n - ((99_999n - size) % 7n);
      return [size, last];
    }),
  );
  for (const { size, chain, root } of seen) {
    assert.deepEqual([chain, root], [point(size).chain, point(size).root]);
  }
});

test('what differs in anything is kept, in whatever order it came', () => {
  const points = new Points();
  for (let size = 999n; size >= 0n; size--) {
    points.add(point(size), size);
    points.add(point(size, size + 1n), size + 1000n);
    points.add({ ...point(size), root: sha256(Buffer.from('other')) }, size + 2000n);
  }
  const sorted = points.sorted();
  assert.equal(sorted.length, 3000);
  for (let index = 1; index < sorted.length; index++) {
    const [a, b] = [sorted.get(index - 1), sorted.get(index)];
    assert.ok(a.size < b.size || (a.size === b.size && a.next <= b.next));
  }
});
