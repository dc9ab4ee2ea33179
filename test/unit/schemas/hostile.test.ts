import assert from 'node:assert/strict';
import { test } from 'node:test';
import avsc from 'avsc';
import { SealstreamError } from '../../../ledger/error.js';
import { decodeEvent, encodeEvent } from '../../../schemas/codec.js';
import { parseModel } from '../../../schemas/model.js';
import { scanRecord } from '../../../schemas/scan.js';
import { sampleEvent } from './sample.js';

const SCHEMA = JSON.stringify({
  type: 'record',
  name: 'R',
  fields: [
    { name: 'list', type: { type: 'array', items: 'string' } },
    { name: 'map', type: { type: 'map', values: 'string' } },
    { name: 'flag', type: 'boolean' },
    { name: 'int', type: 'int' },
    { name: 'long', type: 'long' },
    { name: 'bytes', type: ['null', 'bytes'] },
    { name: 'enum', type: { type: 'enum', name: 'E', symbols: ['A', 'B'] } },
  ],
});
const model = parseModel(SCHEMA);
const type = avsc.Type.forSchema(JSON.parse(SCHEMA));
const good = type.toBuffer({
  list: ['a', 'b'],
  map: { k: 'v' },
  flag: true,
  int: -1,
  long: 5,
  bytes: Buffer.from([1]),
  enum: 'B',
});
const tail = [1, 1, 10, 2, 2, 1, 2];

function zigzag(value: bigint): number[] {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; rest >= 0x80n; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

test('the scanner ends where the value ends', () => {
  assert.equal(scanRecord(model, good, 0), good.length);
  assert.equal(scanRecord(model, Uint8Array.of(9, 9, ...good), 2), good.length + 2);
});

test('blocks with a negative count are read when their size is right', () => {
  const list = [...zigzag(-2n), ...zigzag(4n), 2, 97, 2, 98, 0];
  const bytes = Uint8Array.of(...list, 2, 2, 107, 2, 118, 0, ...tail);
  assert.equal(scanRecord(model, bytes, 0), bytes.length);
});

test('each lie about a length or a value is refused with its path', () => {
  const cases: readonly (readonly [string, readonly number[], RegExp])[] = [
    ['count beyond the bytes', zigzag(1n << 40n), /\/list counts 1099511627776 items/],
    ['count of 2^63', zigzag((1n << 63n) - 1n), /\/list has a number that is too large/],
    ['count of −2^63', zigzag(-(1n << 63n)), /\/list has a number that is too large/],
    ['negative count, huge', [...zigzag(-(1n << 40n)), 2, 0], /\/list counts/],
    ['negative count, size too large', [...zigzag(-1n), ...zigzag(99n)], /\/list says 99 bytes/],
    ['negative count, size negative', [...zigzag(-1n), ...zigzag(-9n)], /\/list says -9 bytes/],
    ['negative count, other size', [...zigzag(-1n), 6, 2, 97, 0, 0, ...tail], /\/list has a block/],
    ['endless varint', Array(40).fill(0xff), /\/list has a number that is too large/],
    ['negative length', [2, 1], /\/list\/0 says -1 bytes/],
    ['length too large', [2, 0x7e, 97], /\/list\/0 says 63 bytes where 1 are left/],
    ['second item cut', [4, 2, 97, 2], /\/list\/1 says 1 bytes where 0/],
    ['no UTF-8', [2, 2, 0xff, 0, 0, ...tail], /\/list\/0 is no UTF-8/],
    ['__proto__', [0, 2, 18, ...Buffer.from('__proto__'), 2, 118, 0, ...tail], /\/map .*__proto__/],
    ['key twice', [0, 4, 2, 107, 2, 118, 2, 107, 2, 118, 0, ...tail], /\/map has a key twice/],
    ['boolean 2', [0, 0, 2, ...tail.slice(1)], /\/flag is no boolean/],
    ['int beyond 32 bits', [0, 0, 1, ...zigzag(1n << 31n)], /\/int is no 32-bit/],
    ['long beyond 64 bits', [0, 0, 1, 1, ...Array(9).fill(0xff), 2], /\/long is longer than 64/],
    ['eleven-byte long', [0, 0, 1, 1, ...Array(10).fill(0x80), 0], /\/long is longer than 64/],
    ['branch 2', [0, 0, 1, 1, 10, 4], /\/bytes has index 2 of 2/],
    ['symbol 2', [0, 0, 1, 1, 10, 0, 4], /\/enum has index 2 of 2/],
    ['symbol −1', [0, 0, 1, 1, 10, 0, 1], /\/enum has index -1 of 2/],
    ['nothing', [], /\/list is cut off/],
  ];
  for (const [name, bytes, message] of cases) {
    assert.throws(
      () => scanRecord(model, Uint8Array.from(bytes), 0),
      (error) => {
        assert.ok(error instanceof SealstreamError, name);
        assert.equal(error.code, 'unreadable', name);
        assert.match(error.message, message, name);
        return true;
      },
    );
  }
});

test('100 000 mutations decode to an event or are unreadable', () => {
  const bytes = encodeEvent(sampleEvent());
  const random = generator(20_261_123);
  let read = 0;
  for (let round = 0; round < 100_000; round++) {
    const mutated = mutate(bytes, random);
    try {
      const event = decodeEvent(mutated);
      // What decodes says what its bytes say: it encodes to an event that decodes alike.
      assert.equal(typeof event.occurred_at, 'bigint');
      assert.equal(Object.getPrototypeOf(event.attributes), Object.prototype);
      read++;
    } catch (error) {
      if (!(error instanceof SealstreamError) || error.code !== 'unreadable') throw error;
    }
  }
  assert.ok(read > 100 && read < 99_900, `${read} of 100000 were read`);
});

/** One to three changes: a byte flipped, set, removed, added, or a run overwritten with 0xFF. */
function mutate(bytes: Uint8Array, random: (below: number) => number): Uint8Array {
  const copy = [...bytes];
  for (let change = random(3); change >= 0; change--) {
    // The header is left alone most times, so that mutations reach the body.
    const at = random(10) === 0 ? random(copy.length) : 10 + random(copy.length - 10);
    const kind = random(5);
    if (kind === 0) copy[at] = (copy[at] ?? 0) ^ (1 << random(8));
    else if (kind === 1) copy[at] = random(256);
    else if (kind === 2) copy.splice(at, 1 + random(3));
    else if (kind === 3) copy.splice(at, 0, random(256));
    else copy.splice(at, 5, 0xff, 0xff, 0xff, 0xff, random(256));
  }
  return Uint8Array.from(copy);
}

function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}
