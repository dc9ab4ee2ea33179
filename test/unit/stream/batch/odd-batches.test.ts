import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decodeBatches } from '../../../../stream/batch/decode.js';
import { compressZstd } from '../../../support/compress.js';
import { MISPLACED_BATCHES, ODD_BATCHES } from '../../../support/odd-batches.js';
import { concat, craft, decodeAll, text } from './support.js';

const GZIP = 1;
const ZSTD = 4;

for (const [name, { bytes }] of Object.entries(ODD_BATCHES)) {
  test(`${name}: read as the broker counts it, in the one form that is sealed`, () => {
    const decoded = decodeAll(bytes);
    assert.equal(decoded.error, null);
    assert.equal(decoded.next, 2n);
    const [batch] = decoded.batches;
    assert.deepEqual(Array.from(batch?.offsets ?? []), [0n, 1n]);
    const bodies = [0, 1].map((index) => Array.from(batch?.record(index).body ?? []));
    assert.deepEqual(bodies, [
      [1, 2, 0x61, 0],
      [1, 2, 0x62, 0],
    ]);
  });
}

for (const [name, { bytes }] of Object.entries(MISPLACED_BATCHES)) {
  test(`${name}: corrupt, for other clients would read something else`, () => {
    const decoded = decodeAll(bytes);
    assert.equal(decoded.error?.code, 'batch-corrupt');
    assert.deepEqual(decoded.batches, []);
  });
}

test('no length below −1 is null: other clients than Java refuse it', () => {
  // Key, value and header value: null as −1, then one of them as −2, −3 or −64.
  const records = [18, 0, 0, 0, 1, 1, 2, 2, 0x68, 1];
  const decoded = decodeAll(craft({ recordsCount: 1, records }));
  assert.equal(decoded.error, null);
  assert.deepEqual(Array.from(decoded.batches[0]?.record(0).body ?? []), [1, 1, 2, 2, 0x68, 1]);
  for (const at of [4, 5, 9]) {
    for (const length of [3, 5, 0x7f]) {
      const changed = records.with(at, length);
      const { error } = decodeAll(craft({ recordsCount: 1, records: changed }));
      assert.equal(error?.code, 'batch-corrupt');
      assert.match(error.message, /of -\d+ bytes/);
    }
  }
});

test('a gzip member with every optional field of its header is read', () => {
  const record = [14, 0, 0, 0, 1, 2, 0x61, 0];
  const plain = gzipSync(Uint8Array.from(record));
  const header = Uint8Array.from(plain.subarray(0, 10));
  // FEXTRA, FNAME, FCOMMENT.
  header[3] = 0x1c;
  const fields = concat(Uint8Array.of(3, 0, 9, 9, 9), text('name\0'), text('comment\0'));
  const records = concat(header, fields, plain.subarray(10));
  const decoded = decodeAll(craft({ attributes: GZIP, recordsCount: 1, records }));
  assert.equal(decoded.error, null);
  assert.equal(decoded.batches[0]?.count, 1);
});

test('a gzip member whose checksum or length is wrong is corrupt', () => {
  for (const place of [1, 5]) {
    const records = Uint8Array.from(gzipSync(Uint8Array.from([14, 0, 0, 0, 1, 2, 0x61, 0])));
    records[records.length - place] = 0x55;
    const decoded = decodeAll(craft({ attributes: GZIP, recordsCount: 1, records }));
    assert.equal(decoded.error?.code, 'batch-corrupt');
  }
});

test('a fetch full of batches that decompress to much is decoded a few at a time', () => {
  const size = 8 * 1024 * 1024;
  const value = new Uint8Array(size);
  const length = (bytes: number) => {
    const digits: number[] = [];
    let rest = 2 * bytes;
    for (; rest > 127; rest = Math.floor(rest / 128)) digits.push((rest % 128) + 128);
    return [...digits, rest];
  };
  const head = [0, 0, 0, 1, ...length(size)];
  const plain = concat(
    Uint8Array.from([...length(head.length + size + 1), ...head]),
    value,
    Uint8Array.of(0),
  );
  const records = compressZstd(plain);
  const batches = Array.from({ length: 20 }, (_, index) =>
    craft({ baseOffset: BigInt(index), attributes: ZSTD, recordsCount: 1, records }),
  );
  const bytes = concat(...batches);
  assert.ok(bytes.length < 1024 * 1024);
  let next = 0n;
  while (next < 20n) {
    const decoded = decodeAllFrom(bytes, next);
    assert.equal(decoded.error, null);
    assert.ok(decoded.next > next && decoded.batches.length <= 3);
    next = decoded.next;
  }
});

function decodeAllFrom(bytes: Uint8Array, from: bigint) {
  return decodeBatches(bytes, { from, topic: 'audit', partition: 0 });
}
