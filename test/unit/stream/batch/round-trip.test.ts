import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeBody } from '../../../../ledger/body.js';
import type { RecordParts } from '../../../../ledger/records.js';
import { COMPRESSION_CODES, type Compression } from '../../../../stream/batch/compression.js';
import { crc32c, crc32cOfChanged } from '../../../../stream/batch/crc32c.js';
import { decodeBatches } from '../../../../stream/batch/decode.js';
import { BatchEncoder } from '../../../../stream/batch/encode.js';
import { stampLog, stampProducer } from '../../../../stream/batch/stamp.js';
import { arbitraryParts, decodeAll, encode, plain, text } from './support.js';

const compressions = Object.keys(COMPRESSION_CODES) as Compression[];
const timestamps = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

test('what is decoded is what was encoded, with every compression', () => {
  const records = fc.array(fc.tuple(arbitraryParts, timestamps), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(records, fc.constantFrom(...compressions), (input, compression) => {
      const decoded = decodeAll(encode(input, { compression }).bytes);
      assert.equal(decoded.error, null);
      assert.equal(decoded.batches.length, 1);
      const [batch] = decoded.batches;
      assert.equal(batch?.count, input.length);
      input.forEach(([parts, timestamp], index) => {
        const record = batch?.record(index);
        assert.deepEqual(record && plain(record), plain(parts));
        assert.equal(record?.offset, BigInt(index));
        assert.equal(record?.timestamp, timestamp);
        assert.equal(record?.timestampType, 0);
      });
    }),
  );
});

test('records added as bodies make the same batch, and end it at the same record', () => {
  const records = fc.array(fc.tuple(arbitraryParts, timestamps), { minLength: 1, maxLength: 30 });
  fc.assert(
    fc.property(records, fc.integer({ min: 100, max: 3000 }), (input, maxBytes) => {
      const [byParts, byBody] = [new BatchEncoder({ maxBytes }), new BatchEncoder({ maxBytes })];
      for (const [parts, timestamp] of input) {
        const added = byParts.add(parts, timestamp);
        assert.equal(byBody.addBody(encodeBody(parts), timestamp), added);
        assert.equal(byBody.sizeInBytes, byParts.sizeInBytes);
        if (!added && byParts.count > 0) assert.deepEqual(byBody.finish(), byParts.finish());
      }
      if (byParts.count > 0) assert.deepEqual(byBody.finish(), byParts.finish());
    }),
  );
});

test('a record of 1 MB, an empty record and repeated or integer-like header names survive', () => {
  const records: RecordParts[] = [
    { key: null, value: new Uint8Array(1_000_000).fill(7), headers: [] },
    { key: null, value: null, headers: [] },
    { key: text(''), value: text(''), headers: [] },
    {
      key: text('k'),
      value: text('v'),
      headers: [
        { key: text('2'), value: text('a') },
        { key: text('1'), value: null },
        { key: text('2'), value: text('') },
        { key: text(''), value: text('b') },
        { key: text('__proto__'), value: text('c') },
      ],
    },
  ];
  for (const compression of compressions) {
    const decoded = decodeAll(
      encode(
        records.map((parts) => [parts, 5n]),
        { compression },
      ).bytes,
    );
    assert.equal(decoded.error, null);
    records.forEach((parts, index) => {
      const record = decoded.batches[0]?.record(index);
      assert.deepEqual(record && plain(record), plain(parts), `${compression} record ${index}`);
    });
  }
});

test('lengths at the edges of their varints survive', () => {
  for (const length of [0, 1, 63, 64, 127, 128, 8191, 8192, 16383, 16384]) {
    const parts = { key: new Uint8Array(length), value: new Uint8Array(length), headers: [] };
    const record = decodeAll(encode([[parts, 0n]]).bytes).batches[0]?.record(0);
    assert.equal(record?.key?.length, length);
    assert.equal(record?.value?.length, length);
  }
});

test('a stamped batch carries the producer, the offset and the broker time', () => {
  const encoded = encode([
    [{ key: null, value: text('a'), headers: [] }, 10n],
    [{ key: null, value: text('b'), headers: [] }, 20n],
  ]);
  const sent = stampProducer(encoded, { producerId: 7n, producerEpoch: 3, baseSequence: 9 });
  const stored = stampLog(sent, { baseOffset: 100n, leaderEpoch: 4, logAppendTime: 50n });
  const decoded = decodeBatches(stored, { from: 0n, topic: 'audit', partition: 0 });
  assert.equal(decoded.error, null);
  assert.equal(decoded.next, 102n);
  assert.equal(decoded.lastEpoch, 4);
  const [batch] = decoded.batches;
  assert.deepEqual(Array.from(batch?.offsets ?? []), [100n, 101n]);
  assert.deepEqual(Array.from(batch?.timestamps ?? []), [50n, 50n]);
  assert.equal(batch?.timestampType, 1);
  const asCreated = stampLog(sent, { baseOffset: 0n, leaderEpoch: -1, logAppendTime: null });
  assert.deepEqual(asCreated, sent);
});

test('a CRC follows a change of the first bytes without the others', () => {
  const lengths = fc.oneof(fc.nat(300), fc.constantFrom(0, 1, 4095, 65_536, 1_000_000));
  const bytes = fc.uint8Array({ minLength: 40, maxLength: 40 });
  fc.assert(
    fc.property(bytes, bytes, lengths, fc.nat(255), (before, after, following, value) => {
      const rest = new Uint8Array(following).fill(value);
      const whole = (start: Uint8Array): number => crc32c(Buffer.concat([start, rest]));
      assert.equal(crc32cOfChanged(whole(before), before, after, following), whole(after));
    }),
  );
});

test('a record damaged after its batch was encoded stays damaged when the batch is stamped', () => {
  const { bytes, count } = encode([[{ key: null, value: text('a'), headers: [] }, 10n]]);
  const damaged = Uint8Array.from(bytes);
  damaged[damaged.length - 2] = 98;
  const sent = stampProducer(
    { bytes: damaged, count },
    { producerId: 7n, producerEpoch: 3, baseSequence: 9 },
  );
  const stored = stampLog(sent, { baseOffset: 100n, leaderEpoch: 4, logAppendTime: 50n });
  for (const batch of [sent, stored]) assert.equal(decodeAll(batch).error?.code, 'batch-corrupt');
});

test('add refuses what does not fit, and finish starts the next batch', () => {
  const encoder = new BatchEncoder({ maxBytes: 200 });
  const parts = { key: null, value: new Uint8Array(60), headers: [] };
  assert.equal(encoder.add(parts, 1n), true);
  assert.equal(encoder.add(parts, 2n), true);
  assert.equal(encoder.add(parts, 3n), false);
  assert.equal(encoder.count, 2);
  const first = encoder.finish();
  assert.equal(first.count, 2);
  assert.ok(first.bytes.length <= 200);
  assert.equal(encoder.count, 0);
  assert.equal(encoder.add({ ...parts, value: new Uint8Array(200) }, 1n), false);
  assert.throws(() => encoder.finish(), { code: 'usage' });
  assert.equal(encoder.add(parts, 3n), true);
  const second = decodeAll(encoder.finish().bytes).batches[0];
  assert.deepEqual(Array.from(second?.timestamps ?? []), [3n]);
});
