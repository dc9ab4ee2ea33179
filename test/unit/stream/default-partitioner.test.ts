import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, partitionFor } from '../../../stream/default-partitioner.js';

// From org.apache.kafka.common.utils.UtilsTest, testMurmur2.
const JAVA: readonly (readonly [string, number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

test('murmur2 is that of the Java client', () => {
  for (const [key, hash] of JAVA) assert.equal(murmur2(Buffer.from(key)), hash, key);
});

test('the sign is masked, not negated', () => {
  for (const [key, hash] of JAVA) {
    const expected = Number(BigInt.asUintN(31, BigInt(hash)) % 7n);
    assert.equal(partitionFor(Buffer.from(key), 7), expected, key);
  }
});

test('bytes above 127 and every length of rest are spread over all partitions', () => {
  const seen = new Set<number>();
  for (let length = 0; length < 64; length += 1) {
    const partition = partitionFor(new Uint8Array(length).fill(200 + (length % 50)), 5);
    assert.ok(Number.isInteger(partition) && partition >= 0 && partition < 5);
    seen.add(partition);
  }
  assert.equal(seen.size, 5);
});
