import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { COMPRESSION_CODES, type Compression } from '../../../../stream/batch/compression.js';
import { stampLog } from '../../../../stream/batch/stamp.js';
import type { RecordBatch } from '../../../../stream/stream.js';
import { concat, decodeAll, encode, plain, text, withCrc } from './support.js';

const compressions = Object.keys(COMPRESSION_CODES) as Compression[];

function small(compression: Compression): Uint8Array {
  const encoded = encode(
    [
      [{ key: text('k'), value: text('value value value value'), headers: [] }, 1000n],
      [{ key: null, value: null, headers: [{ key: text('h'), value: text('w') }] }, 1300n],
    ],
    { compression },
  );
  const stamp = { baseOffset: 300n, leaderEpoch: 2, logAppendTime: null };
  return stampLog(encoded.bytes, stamp);
}

/** What the records say, without where they stand in the log. */
function contents(batch: RecordBatch | undefined): unknown {
  if (batch === undefined) return null;
  return Array.from({ length: batch.count }, (_, index) => {
    const record = batch.record(index);
    return [plain(record), record.timestamp, record.offset - batch.baseOffset];
  });
}

for (const compression of compressions) {
  const original = small(compression);
  const expected = contents(decodeAll(original).batches[0]);

  test(`every changed bit is noticed where the CRC covers it: ${compression}`, () => {
    for (let at = 0; at < original.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = original.slice();
        changed[at] = (changed[at] as number) ^ (1 << bit);
        const decoded = decodeAll(changed);
        const place = `byte ${at} bit ${bit}`;
        // Not covered: base offset and leader epoch, which the log sets. A length that grew asks
        // for bytes that are not there.
        const uncovered = at < 8 || (at >= 12 && at < 16);
        if (decoded.partial) assert.ok(at >= 8 && at < 12, place);
        else if (decoded.error !== null) assert.equal(decoded.error.code, 'batch-corrupt', place);
        else assert.ok(uncovered, place);
        if (decoded.error === null && !decoded.partial) {
          assert.deepEqual(contents(decoded.batches[0]), expected, place);
        } else {
          assert.deepEqual(decoded.batches, [], place);
        }
      }
    }
  });

  test(`a batch cut at any byte is partial: ${compression}`, () => {
    for (let length = 1; length < original.length; length++) {
      const decoded = decodeAll(concat(original, original.subarray(0, length)));
      const alone = decodeAll(original.slice(0, length));
      assert.deepEqual([alone.partial, alone.error, alone.batches.length], [true, null, 0]);
      assert.equal(decoded.batches.length, 1);
      // The copy repeats the offsets, which shows as soon as its header is whole.
      if (decoded.error === null) assert.equal(decoded.partial, true);
      assert.equal(decoded.next, 302n);
    }
  });

  test(`changed records with a repaired CRC never crash the decoder: ${compression}`, () => {
    const change = fc.tuple(fc.nat(original.length - 22), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const changed = original.slice();
        for (const [at, byte] of changes) changed[21 + at] = byte;
        const decoded = decodeAll(withCrc(changed), 1_000_000);
        if (decoded.error === null) contents(decoded.batches[0]);
        else assert.ok(['batch-corrupt', 'unsupported'].includes(decoded.error.code));
      }),
      { numRuns: 2000 },
    );
  });
}

test('random bytes end as partial, corrupt or unsupported', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), (bytes) => {
      const decoded = decodeAll(bytes);
      assert.ok(decoded.partial || decoded.error !== null);
    }),
  );
});

test('random records behind a header that holds are read or refused', () => {
  const header = small('none').slice(0, 61);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(7), (records, codec) => {
      const batch = concat(header, records);
      const view = new DataView(batch.buffer);
      view.setInt32(8, batch.length - 12);
      view.setInt16(21, codec);
      const decoded = decodeAll(withCrc(batch), 1_000_000);
      assert.ok(decoded.error !== null && decoded.batches.length === 0);
    }),
    { numRuns: 1000 },
  );
});
