import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { RecordParts } from '../../../../ledger/records.js';
import { decodeBatches, hasValidCrc, readBatchHeader } from '../../../../stream/batch/decode.js';
import { stampLog, stampProducer } from '../../../../stream/batch/stamp.js';
import { concat, decodeAll, encode, plain, text } from './support.js';

const TIME = 1_700_000_000_000n;

/** What BatchFixtures.java writes as `few`. */
const few: readonly (readonly [RecordParts, bigint])[] = [
  [{ key: text('k1'), value: text('v1'), headers: [] }, TIME],
  [
    {
      key: null,
      value: text('sealstream '.repeat(30)),
      headers: [
        { key: text('2'), value: text('a') },
        { key: text('1'), value: null },
        { key: text('2'), value: text('') },
      ],
    },
    TIME + 5n,
  ],
  [{ key: text(''), value: null, headers: [] }, TIME - 3_000_000_000n],
];

/** What BatchFixtures.java writes as `many`. */
function many(count: number): (readonly [RecordParts, bigint])[] {
  return Array.from({ length: count }, (_, index) => {
    const value = text(`record ${index} `.repeat(40));
    return [{ key: text(`key ${index}`), value, headers: [] }, TIME + BigInt(index)] as const;
  });
}

function fixture(name: string): Uint8Array {
  // Compiled tests run from dist/, fixtures stay beside their sources.
  const url = new URL(`../../../../../test/fixtures/batches/${name}.hex`, import.meta.url);
  return new Uint8Array(Buffer.from(readFileSync(url, 'utf8').replaceAll(/\s/g, ''), 'hex'));
}

for (const codec of ['none', 'gzip', 'snappy', 'lz4', 'zstd']) {
  test(`reads what the Java client wrote: ${codec}`, () => {
    const decoded = decodeAll(fixture(codec));
    assert.equal(decoded.error, null);
    assert.equal(decoded.partial, false);
    assert.equal(decoded.lastEpoch, 5);
    const expected = [few, many(codec === 'none' ? 3 : 400)];
    assert.equal(decoded.batches.length, expected.length);
    let offset = 1000n;
    expected.forEach((records, number) => {
      const batch = decoded.batches[number];
      assert.equal(batch?.count, records.length);
      records.forEach(([parts, timestamp], index) => {
        const record = batch?.record(index);
        assert.deepEqual(record && plain(record), plain(parts));
        assert.equal(record?.offset, offset++);
        assert.equal(record?.timestamp, timestamp);
      });
    });
    assert.equal(decoded.next, offset);
  });
}

test('writes an uncompressed batch byte for byte as the Java client does', () => {
  const written = [few, many(3)].map((records, index) =>
    stampLog(
      stampProducer(encode(records), {
        producerId: 77n,
        producerEpoch: 2,
        baseSequence: 9 + 3 * index,
      }),
      { baseOffset: 1000n + 3n * BigInt(index), leaderEpoch: 5, logAppendTime: null },
    ),
  );
  assert.deepEqual(concat(...written), fixture('none'));
});

test('gives every record the time of the log under LogAppendTime', () => {
  const stored = fixture('log-append-time');
  const decoded = decodeAll(stored);
  assert.equal(decoded.error, null);
  const [batch] = decoded.batches;
  assert.equal(batch?.timestampType, 1);
  assert.deepEqual(Array.from(batch?.timestamps ?? []), Array(3).fill(TIME + 1000n));
});

test('takes the records of a transaction as data and skips its marker', () => {
  const decoded = decodeAll(fixture('transaction'));
  assert.equal(decoded.error, null);
  assert.deepEqual(
    decoded.batches.map(({ count, control, nextOffset }) => ({ count, control, nextOffset })),
    [
      { count: 3, control: false, nextOffset: 1003n },
      { count: 0, control: true, nextOffset: 1004n },
    ],
  );
  assert.equal(decoded.next, 1004n);
});

test('goes over a retained empty batch', () => {
  const stored = fixture('empty');
  const decoded = decodeAll(stored);
  assert.equal(decoded.error, null);
  assert.equal(decoded.batches[0]?.count, 0);
  assert.equal(decoded.batches[0]?.control, false);
  assert.equal(decoded.next, 1010n);
  const header = readBatchHeader(stored, 0);
  assert.ok(header && hasValidCrc(stored, 0, header));
  assert.equal(header.sizeInBytes, 61);
  assert.equal(header.producerId, 77n);
});

for (const name of ['magic-0', 'magic-1']) {
  test(`names the old message format: ${name}`, () => {
    const decoded = decodeBatches(fixture(name), { from: 7n, topic: 'audit', partition: 3 });
    assert.equal(decoded.error?.code, 'unsupported');
    assert.match(decoded.error.message, /topic audit partition 3 .*message format v[01]/);
    assert.equal(decoded.next, 7n);
    const changed = fixture(name);
    changed[changed.length - 1] = (changed[changed.length - 1] as number) ^ 1;
    assert.equal(decodeAll(changed).error?.code, 'batch-corrupt');
  });
}
