import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { chooseHashing, hashing, NATIVE_FILE } from '../../../ledger/hashing/choose.js';
import type { Hashing } from '../../../ledger/hashing/hashing.js';
import { javascriptHashing } from '../../../ledger/hashing/javascript.js';
import { type NativeModule, nativeHashing } from '../../../ledger/hashing/native.js';
import {
  appendLeaf,
  asHash,
  encodeEntry,
  encodeFrontier,
  type Hash,
  leafHash,
  type RecordColumns,
  recordHash,
} from '../../../ledger/index.js';
import { hashOf, throwsCode } from './support.js';
import { columnsOf } from './vectors.js';

const HASHING = new URL('../../../ledger/hashing/choose.js', import.meta.url);
const NONE = new Uint8Array(0);
const MAX = (1n << 63n) - 1n;
const MOST = (1n << 63n) - 1n;

/** What `npm run build` made; null on a machine without a C compiler. */
function builtModule(): NativeModule | null {
  const require = createRequire(HASHING);
  try {
    return require(NATIVE_FILE) as NativeModule;
  } catch (error) {
    if (process.env['SEALSTREAM_NATIVE'] === 'required') throw error;
    return null;
  }
}

const module = builtModule();
const every: Hashing[] = [javascriptHashing, ...(module === null ? [] : [nativeHashing(module)])];

const anyRow = fc.record({
  body: fc.uint8Array({ maxLength: 300 }),
  offset: fc.bigInt({ min: 0n, max: MAX }),
  timestamp: fc.bigInt({ min: -(1n << 63n), max: MAX }),
});
const anyBatch = fc.record({
  type: fc.constantFrom(0 as const, 1 as const),
  padding: fc.nat(9),
  rows: fc.array(anyRow, { maxLength: 12 }),
  from: fc.nat(3),
});

/** A log of `size` records as the plain functions have it, made up where it is long. */
class PlainLog {
  chain: Hash = hashOf(1);
  last: Uint8Array = NONE;
  readonly frontier: Hash[] = [];
  size: bigint;

  constructor(size: bigint) {
    this.size = size;
    for (let rest = size; rest > 0n; rest >>= 1n) {
      if ((rest & 1n) === 1n) this.frontier.push(hashOf(rest));
    }
    if (size > 0n) this.last = new Uint8Array(81).fill(9);
  }

  append(body: Uint8Array, offset: bigint, timestamp: bigint, timestampType: 0 | 1): void {
    const record = recordHash(body);
    this.last = encodeEntry({ previous: this.chain, record, offset, timestamp, timestampType });
    this.chain = leafHash(this.last);
    appendLeaf(this.frontier, this.size++, this.chain);
  }
}

for (const one of every) {
  suite(`hashing: ${one.name}`, () => {
    test('is what the plain functions compute, from any size on, for any columns', () => {
      const sizes = fc.oneof(
        fc.bigInt({ min: 0n, max: 70n }),
        fc.constantFrom((1n << 32n) - 1n, (1n << 32n) - 3n, 1n << 32n, (1n << 53n) - 1n),
        fc.bigInt({ min: 0n, max: MOST - 1000n }),
      );
      fc.assert(
        fc.property(sizes, fc.array(anyBatch, { maxLength: 6 }), (size, batches) => {
          const plain = new PlainLog(size);
          const { chain, last, frontier } = plain;
          let hashes = one.hashesAt({ size, chain, last, frontier: encodeFrontier(frontier) });
          for (const { type, padding, rows, from } of batches) {
            const start = Math.min(from, rows.length);
            hashes.append(columnsOf(rows, type, padding), start, rows.length);
            for (const { body, offset, timestamp } of rows.slice(start)) {
              plain.append(body, offset, timestamp, type);
            }
            assert.equal(hashes.size, plain.size);
            assert.deepEqual(Buffer.from(hashes.chain), Buffer.from(plain.chain));
            assert.deepEqual(Buffer.from(hashes.last()), Buffer.from(plain.last));
            assert.deepEqual(
              Buffer.from(hashes.frontier()),
              Buffer.from(encodeFrontier(plain.frontier)),
            );
            hashes = hashes.clone();
          }
        }),
      );
    });

    test('a clone goes its own way, and what is handed out is a copy', () => {
      const hashes = one.hashesAt({ size: 0n, chain: hashOf(1), last: NONE, frontier: NONE });
      const row = { body: Uint8Array.of(1, 2, 3), offset: 4n, timestamp: 5n };
      hashes.append(columnsOf([row, row, row], 1), 0, 3);
      const seen = () => [hashes.size, hashes.chain, hashes.last(), hashes.frontier()];
      const before = structuredClone(seen());
      hashes.clone().append(columnsOf([row], 0), 0, 1);
      for (const bytes of [hashes.chain, hashes.last(), hashes.frontier()]) bytes.fill(0);
      assert.deepEqual(structuredClone(seen()), before);
    });
  });
}

suite('the choice of hashing', () => {
  test('native where it was built, JavaScript where not or where told so', () => {
    assert.equal(chooseHashing('off', () => assert.fail('was loaded')).name, 'javascript');
    assert.equal(chooseHashing(undefined, () => null).name, 'javascript');
    assert.equal(chooseHashing('', () => module).name, every.at(-1)?.name);
    if (process.env['SEALSTREAM_NATIVE'] !== 'off')
      assert.equal(hashing().name, every.at(-1)?.name);
  });

  test('required and not built, another setting: refused', () => {
    throwsCode(() => chooseHashing('required', () => null), 'internal');
    throwsCode(() => chooseHashing('on', () => module), 'configuration');
  });

  test('one that hashes otherwise is not used', () => {
    const lie: NativeModule = { append: (state) => void state.fill(1, 0, 1) };
    throwsCode(() => chooseHashing(undefined, () => lie), 'internal');
    throwsCode(() => chooseHashing(undefined, () => ({}) as NativeModule), 'internal');
  });
});

/** In a process of its own: what reads where it must not would end it. */
const HOSTILE = `
  const { append } = require(process.argv[1]);
  const state = () => new Uint8Array(2137);
  const good = () => [state(), new Uint8Array(30), Int32Array.of(0, 10, 20),
    Int32Array.of(10, 20, 30), new BigInt64Array(3), new BigInt64Array(3), 1, 0, 3];
  const full = state().fill(0xff, 0, 8);
  const almost = state().fill(0xff, 0, 8); almost[7] = 0x7f;
  const detached = new Uint8Array(30); structuredClone(detached, { transfer: [detached.buffer] });
  const bad = [
    [0, [undefined, null, 'x', new Uint8Array(2136), new Uint8Array(2138), new Int8Array(2137),
      new ArrayBuffer(2137), new DataView(new ArrayBuffer(2137)), full, almost]],
    [1, [undefined, new Uint8Array(29), new Uint16Array(30), new ArrayBuffer(30), detached, '0']],
    [2, [Int32Array.of(0, 10), Int32Array.of(0, -1, 20), Int32Array.of(0, 21, 20),
      Int32Array.of(-2147483648, 10, 20), new Uint32Array(3), new Float64Array(3), [0, 10, 20]]],
    [3, [Int32Array.of(10, 20), Int32Array.of(10, 20, 31), Int32Array.of(10, 9, 30),
      Int32Array.of(10, 2147483647, 30), Int32Array.of(-1, 20, 30), new Int16Array(3)]],
    [4, [new BigInt64Array(2), new BigUint64Array(3), new Float64Array(3), 1n]],
    [5, [new BigInt64Array(2), new BigUint64Array(3), undefined]],
    [6, [2, -1, 256, 2 ** 32 - 1, '1', undefined]],
    [7, [4, 2 ** 31, -1, 2 ** 32 - 1, undefined, {}]],
    [8, [4, 2 ** 31, -1, 2 ** 32 - 1, undefined, 3n]],
  ];
  append(...good());
  let refused = 0;
  const refuse = (values) => {
    const before = values[0] instanceof Uint8Array ? values[0].slice() : null;
    try { append(...values); } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (before !== null && Buffer.compare(before, values[0]) !== 0) throw new Error('changed');
      refused++;
      return;
    }
    throw new Error('taken: ' + require('node:util').inspect(values));
  };
  for (const [at, values] of bad) for (const value of values) refuse(good().with(at, value));
  // Columns that overlap the state: what is written must not become what was checked.
  const shared = new ArrayBuffer(2144);
  const overlapping = new Int32Array(shared, 124, 100);
  const longs = () => new BigInt64Array(100);
  append(new Uint8Array(shared, 0, 2137), new Uint8Array(30), new Int32Array(100), overlapping,
    longs(), longs(), 1, 0, 3);
  for (let count = 0; count < 9; count++) refuse(good().slice(0, count));
  console.log(JSON.stringify({ refused, of: bad.flatMap(([, values]) => values).length + 9 }));
`;

test('native code is called with anything: it refuses, and touches nothing', () => {
  if (module === null) {
    assert.equal(hashing().name, 'javascript');
    return;
  }
  const file = fileURLToPath(new URL(NATIVE_FILE, HASHING));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['-e', HOSTILE, file], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const { refused, of } = JSON.parse(stdout) as { refused: number; of: number };
  assert.equal(refused, of);
  assert.ok(of > 50);
});

test('columns that are views into larger buffers', () => {
  const rows = [0, 1, 2].map((index) => ({
    body: Uint8Array.of(index, 7),
    offset: BigInt(index),
    timestamp: 1n,
  }));
  const columns = columnsOf(rows, 1);
  const shifted: RecordColumns = {
    ...columns,
    bytes: new Uint8Array([9, 9, 9, ...columns.bytes, 9]).subarray(3, 3 + columns.bytes.length),
    bodyStart: Int32Array.of(77, ...columns.bodyStart).subarray(1),
    bodyEnd: Int32Array.of(77, ...columns.bodyEnd).subarray(1),
    offsets: BigInt64Array.of(77n, ...columns.offsets).subarray(1),
    timestamps: BigInt64Array.of(77n, ...columns.timestamps).subarray(1),
  };
  const chains = every.flatMap((one) =>
    [columns, shifted].map((each) => {
      const hashes = one.hashesAt({
        size: 0n,
        chain: asHash(new Uint8Array(32)),
        last: NONE,
        frontier: NONE,
      });
      hashes.append(each, 0, 3);
      return Buffer.from(hashes.chain).toString('hex');
    }),
  );
  assert.equal(new Set(chains).size, 1);
});
