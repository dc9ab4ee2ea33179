import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SealstreamError } from '../../../ledger/error.js';
import type { MemoryRecord } from '../../../store/memory.js';
import { decodeMemoryRecord, encodeMemoryRecord } from '../../../store/record.js';

const text = fc.string({ unit: 'binary' });
const records: fc.Arbitrary<MemoryRecord> = fc.record({
  origin: text,
  first: fc.bigInt({ min: 0n, max: 2n ** 63n - 1n }),
  checkpoint: fc.option(
    fc.record({
      note: text,
      last: fc.uint8Array({ maxLength: 81 }),
      frontier: fc.uint8Array({ maxLength: 96 }),
      published: fc.boolean(),
    }),
  ),
  retired: fc.array(fc.record({ origin: text, note: fc.option(text) }), { maxLength: 3 }),
});
const time = fc.integer({ min: 0, max: 253_402_300_799_999 });

test('a record decodes to what was encoded', () => {
  fc.assert(
    fc.property(records, (record) => {
      assert.deepEqual(decodeMemoryRecord(encodeMemoryRecord(record)), plain(record));
    }),
  );
});

/** fast-check makes records without a prototype. */
function plain(record: MemoryRecord): MemoryRecord {
  const { checkpoint, retired } = record;
  return {
    ...record,
    checkpoint: checkpoint && { ...checkpoint },
    retired: retired.map((log) => ({ ...log })),
  };
}

test('an operator’s word is kept; without one a record is as it was before there were any', () => {
  fc.assert(
    fc.property(records, time, (record, clockCorrected) => {
      const said = { ...plain(record), clockCorrected };
      assert.deepEqual(decodeMemoryRecord(encodeMemoryRecord(said)), said);
      assert.equal(Buffer.from(encodeMemoryRecord(record)).includes('clockCorrected'), false);
    }),
  );
});

test('a changed byte is refused or is another record, spelt the one way', () => {
  fc.assert(
    fc.property(records, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, at, change) => {
      const bytes = encodeMemoryRecord(record);
      const index = at % bytes.length;
      bytes[index] = (bytes[index] ?? 0) ^ change;
      try {
        assert.deepEqual(
          Buffer.from(encodeMemoryRecord(decodeMemoryRecord(bytes))),
          Buffer.from(bytes),
        );
      } catch (error) {
        assert.ok(error instanceof SealstreamError && error.class === 'data', String(error));
      }
    }),
  );
});

test('other spellings, missing members and other versions are refused', () => {
  const good = '{"version":1,"origin":"o","first":"0","checkpoint":null,"retired":[]}';
  assert.equal(decodeMemoryRecord(Buffer.from(good)).origin, 'o');
  const bad = [
    '',
    'null',
    '[]',
    ` ${good}`,
    good.replace('"0"', '"00"'),
    good.replace('"0"', '0'),
    good.replace('"o"', '"\\u006f"'),
    good.replace(',"retired":[]', ''),
    good.replace('}', ',"more":1}'),
    good.replace('}', ',"clockCorrected":null}'),
    good.replace('}', ',"clockCorrected":"2076-11-29T10:00:00Z"}'),
    good.replace('"retired":[]', '"clockCorrected":"2076-11-29T10:00:00.000Z","retired":[]'),
    good.replace('null', '{"note":"n","last":"","frontier":"","published":1}'),
  ];
  for (const text of bad) {
    assert.throws(() => decodeMemoryRecord(Buffer.from(text)), { code: 'malformed' }, text);
  }
  const newer = Buffer.from(good.replace('1', '2'));
  assert.throws(() => decodeMemoryRecord(newer), { code: 'unknown-version' });
});
