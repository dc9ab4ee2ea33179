import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  type DecodeOptions,
  decodeBatches,
  readBatchHeader,
} from '../../../../stream/batch/decode.js';
import { type Crafted, concat, craft, decodeAll, text } from './support.js';

/** length, attributes, timestampDelta 0, offsetDelta, then key "k", value "v", no header. */
function record(offsetDelta: number): number[] {
  return [16, 0, 0, 2 * offsetDelta, 2, 0x6b, 2, 0x76, 0];
}

/** Three records with deltas 0, 1, 2 at base offset `base`. */
function three(base: bigint, fields: Crafted = {}): Uint8Array {
  const records = [...record(0), ...record(1), ...record(2)];
  return craft({ baseOffset: base, lastOffsetDelta: 2, recordsCount: 3, records, ...fields });
}

function offsets(decoded: ReturnType<typeof decodeBatches>): bigint[] {
  return decoded.batches.flatMap((batch) => Array.from(batch.offsets));
}

const at = { topic: 'audit', partition: 2 };

test('records below from and at or above the high watermark are dropped', () => {
  const bytes = concat(three(10n), three(13n), three(16n));
  const decoded = decodeBatches(bytes, { ...at, from: 12n, below: 15n });
  assert.equal(decoded.error, null);
  assert.deepEqual(offsets(decoded), [12n, 13n, 14n]);
  assert.equal(decoded.next, 15n);
  assert.equal(decoded.batches.at(-1)?.nextOffset, 16n, 'of the batch as it is stored');
  assert.equal(decoded.isWhole, false);
  assert.equal(decoded.batches[0]?.record(0).offset, 12n);
  assert.throws(() => decoded.batches[0]?.record(1), { code: 'usage' });
  assert.deepEqual(Array.from(decoded.batches[0]?.record(0).body ?? []), [2, 0x6b, 2, 0x76, 0]);
});

test('a batch wholly outside [from, below) is passed over', () => {
  const bytes = concat(three(10n), three(13n), three(16n));
  const decoded = decodeBatches(bytes, { ...at, from: 13n, below: 16n });
  assert.deepEqual(offsets(decoded), [13n, 14n, 15n]);
  assert.equal(decoded.next, 16n);
  assert.deepEqual(decodeBatches(bytes, { ...at, from: 99n }).batches, []);
  assert.equal(decodeBatches(bytes, { ...at, from: 99n }).next, 99n);
  assert.deepEqual(decodeBatches(bytes, { ...at, from: 5n, below: 5n }).batches, []);
});

test('offsets may have holes, and a batch whose tail was compacted away still spans it', () => {
  const records = [...record(1), ...record(4)];
  const batch = craft({ baseOffset: 20n, lastOffsetDelta: 9, recordsCount: 2, records });
  const decoded = decodeAll(batch);
  assert.deepEqual(offsets(decoded), [21n, 24n]);
  assert.equal(decoded.next, 30n);
  const tail = decodeBatches(batch, { ...at, from: 25n });
  assert.deepEqual(offsets(tail), []);
  assert.equal(tail.next, 30n);
});

test('a control batch counts nothing whatever it holds, and its CRC still counts', () => {
  const control = three(5n, { attributes: 0x20 });
  const decoded = decodeAll(control);
  assert.equal(decoded.error, null);
  assert.deepEqual(offsets(decoded), []);
  assert.equal(decoded.batches[0]?.control, true);
  assert.equal(decoded.next, 8n);
  control[70] = 99;
  assert.equal(decodeAll(control).error?.code, 'batch-corrupt');
});

test('decoding stops at the first broken batch and keeps what came before', () => {
  const broken = three(3n);
  broken[65] = 99;
  const bytes = concat(three(0n, { leaderEpoch: 6 }), broken, three(6n));
  const decoded = decodeBatches(bytes, { ...at, from: 0n });
  assert.deepEqual(offsets(decoded), [0n, 1n, 2n]);
  assert.equal(decoded.next, 3n);
  assert.equal(decoded.lastEpoch, 6);
  assert.equal(decoded.partial, false);
  assert.equal(decoded.error?.code, 'batch-corrupt');
  assert.match(decoded.error.message, /topic audit partition 2 batch at offset 3: .*CRC-32C/);
});

test('timestamps are base plus delta, wrapping as 64-bit integers do', () => {
  // Deltas 1 and −1.
  const records = [16, 0, 2, 0, 2, 0x6b, 2, 0x76, 0, 16, 0, 1, 2, 2, 0x6b, 2, 0x76, 0];
  const fields = { lastOffsetDelta: 1, recordsCount: 2, records };
  const stamps = (base: bigint) =>
    Array.from(decodeAll(craft({ ...fields, baseTimestamp: base })).batches[0]?.timestamps ?? []);
  assert.deepEqual(stamps(100n), [101n, 99n]);
  assert.deepEqual(stamps(2n ** 63n - 1n), [-(2n ** 63n), 2n ** 63n - 2n]);
});

test('longer varints are taken and come out in their shortest form', () => {
  // keyLength, valueLength, headerCount, headerKeyLength, headerValueLength on more bytes.
  const body = [0x82, 0x00, 0x6b, 0x82, 0x80, 0x00, 0x76, 0x82, 0x00, 0x82, 0x80, 0x80, 0x80, 0x00];
  body.push(0x68, 0x81, 0x00);
  const prefix = [0, 0x80, 0x80, 0x00, 0x82, 0x00];
  const long = [2 * (body.length + prefix.length), ...prefix, ...body];
  const records = [...record(0), ...long, ...record(2)];
  const batch = craft({ lastOffsetDelta: 2, recordsCount: 3, records });
  const decoded = decodeAll(batch);
  assert.equal(decoded.error, null);
  const plain = [2, 0x6b, 2, 0x76, 0];
  const bodies = [0, 1, 2].map((index) => Array.from(decoded.batches[0]?.record(index).body ?? []));
  assert.deepEqual(bodies, [plain, [2, 0x6b, 2, 0x76, 2, 2, 0x68, 1], plain]);
  assert.deepEqual(offsets(decoded), [0n, 1n, 2n]);
});

test('bits of a varint that do not fit fall away, as in the Java client', () => {
  const records = [24, 0, 0, 0, 0x82, 0x80, 0x80, 0x80, 0x70, 0x6b, 2, 0x76, 0];
  const decoded = decodeAll(craft({ recordsCount: 1, records }));
  assert.equal(decoded.error, null);
  assert.deepEqual(Array.from(decoded.batches[0]?.record(0).body ?? []), [2, 0x6b, 2, 0x76, 0]);
});

const broken: Record<string, Crafted> = {
  'fewer records than declared': { recordsCount: 2, records: record(0) },
  'more records than declared': { lastOffsetDelta: 1, records: [...record(0), ...record(1)] },
  'a count that the bytes cannot hold': { recordsCount: 0x7fffffff, records: record(0) },
  'a negative count': { recordsCount: -1, records: record(0) },
  'bytes after an empty batch': { recordsCount: 0, records: [0] },
  'bytes after the last record': { recordsCount: 1, records: [...record(0), 0] },
  'an offset delta beyond the last': { lastOffsetDelta: 2, recordsCount: 1, records: record(3) },
  'a repeated offset delta': {
    lastOffsetDelta: 3,
    recordsCount: 2,
    records: [...record(1), ...record(1)],
  },
  'a falling offset delta': {
    lastOffsetDelta: 3,
    recordsCount: 2,
    records: [...record(1), ...record(0)],
  },
  'a negative offset delta': {
    lastOffsetDelta: 1,
    recordsCount: 1,
    records: [16, 0, 0, 1, 2, 0x6b, 2, 0x76, 0],
  },
  'a negative last offset delta': { lastOffsetDelta: -1, recordsCount: 1, records: record(0) },
  'a negative base offset': { baseOffset: -1n, recordsCount: 1, records: record(0) },
  'offsets beyond 64 bits': {
    baseOffset: 2n ** 63n - 1n,
    recordsCount: 1,
    records: record(0),
  },
  'a record longer than the batch': { recordsCount: 1, records: [18, ...record(0).slice(1)] },
  'a record of negative length': { recordsCount: 1, records: [1, 0, 0, 0, 1, 1, 0] },
  'an empty record': { recordsCount: 1, records: [0, 0, 0, 0, 0, 0, 0] },
  'bytes after a record body': { recordsCount: 1, records: [18, 0, 0, 0, 2, 0x6b, 2, 0x76, 0, 0] },
  'a key of length −2': { recordsCount: 1, records: [16, 0, 0, 0, 3, 0x6b, 2, 0x76, 0] },
  'a value beyond its record': { recordsCount: 1, records: [16, 0, 0, 0, 2, 0x6b, 60, 0x76, 0] },
  'a negative header count': { recordsCount: 1, records: [16, 0, 0, 0, 2, 0x6b, 2, 0x76, 1] },
  'a header count that the bytes cannot hold': {
    recordsCount: 1,
    records: [24, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0],
  },
  'a null header key': { recordsCount: 1, records: [16, 0, 0, 0, 1, 1, 2, 1, 1] },
  'a varint of six bytes': {
    recordsCount: 1,
    records: [24, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0, 1, 0, 0],
  },
  'a timestamp of eleven bytes': {
    recordsCount: 1,
    records: [34, 0, ...Array(10).fill(0x80), 0, 0, 1, 1, 0],
  },
  'a magic of the future': { magic: 3, recordsCount: 1, records: record(0) },
};

for (const [name, fields] of Object.entries(broken)) {
  test(`${name} is corrupt although the CRC holds`, () => {
    for (const attributes of [0, 0x08]) {
      const decoded = decodeAll(craft({ ...fields, attributes }));
      assert.equal(decoded.error?.code, 'batch-corrupt');
      assert.deepEqual(decoded.batches, []);
      assert.equal(decoded.next, 0n);
    }
  });
}

describe('a batch out of place is a stray, and what follows is read', () => {
  const strays = (bytes: Uint8Array, options: Partial<DecodeOptions> = {}) => {
    const decoded = decodeBatches(bytes, { ...at, from: 0n, ...options });
    assert.equal(decoded.error, null);
    return [decoded.strays.map(({ from, to }) => [from, to]), offsets(decoded)];
  };

  test('where it begins before the one before it ends', () => {
    const bytes = concat(three(5n), three(7n), three(8n));
    assert.deepEqual(strays(bytes), [[[7n, 10n]], [5n, 6n, 7n, 8n, 9n, 10n]]);
  });

  test('where it repeats what was read, behind all that was wanted, and where it is cut off', () => {
    const copied = concat(three(5n), three(5n));
    for (const below of [6n, 8n, 9n]) assert.deepEqual(strays(copied, { below })[0], [[5n, 8n]]);
    assert.deepEqual(strays(copied.subarray(0, copied.length - 1))[0], [[5n, 8n]]);
  });

  test('where only later offsets were asked for, and where the batch before is known to end', () => {
    assert.deepEqual(strays(concat(three(5n), three(8n)), { from: 8n })[0], [[5n, 8n]]);
    assert.deepEqual(strays(three(5n), { from: 6n }), [[], [6n, 7n]]);
    assert.deepEqual(strays(three(5n), { from: 6n, reached: 6n }), [[[5n, 8n]], []]);
  });

  test('not where it comes whole for one who looks', () => {
    assert.deepEqual(strays(three(5n), { from: 7n, whole: true }), [[], [5n, 6n, 7n]]);
  });

  test('a broken one is corrupt, but what follows the end is nothing', () => {
    const broken = three(5n);
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1;
    const bytes = concat(three(5n), broken);
    assert.equal(decodeAll(bytes).error?.code, 'batch-corrupt');
    assert.deepEqual(strays(bytes, { below: 8n }), [[], [5n, 6n, 7n]]);
  });
});

test('a compression that nobody assigned is unsupported, not corrupt', () => {
  for (const code of [5, 6, 7]) {
    assert.equal(decodeAll(three(0n, { attributes: code })).error?.code, 'unsupported');
  }
});

test('a batch length larger than what is there is a partial batch, an absurd one is corrupt', () => {
  const large = decodeAll(three(0n, { batchLength: 1000 }));
  assert.deepEqual([large.partial, large.error], [true, null]);
  for (const batchLength of [-1, 0, 48, 0x7fffffff]) {
    const decoded = decodeAll(three(0n, { batchLength }));
    assert.equal(decoded.error?.code, 'batch-corrupt', String(batchLength));
  }
});

test('a header is read at any place, and is null where it is cut short', () => {
  const bytes = concat(text('xx'), three(40n, { leaderEpoch: 3, attributes: 0x08 }));
  const header = readBatchHeader(bytes, 2);
  assert.equal(header?.baseOffset, 40n);
  assert.equal(header?.nextOffset, 43n);
  assert.equal(header?.sizeInBytes, bytes.length - 2);
  assert.equal(header?.leaderEpoch, 3);
  assert.equal(header?.timestampType, 1);
  for (let length = 0; length < 61; length++) {
    assert.equal(readBatchHeader(bytes.subarray(0, 2 + length), 2), null);
  }
  assert.equal(readBatchHeader(bytes, bytes.length), null);
});
