import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeBody, encodeBody, encodeHex, recordHash } from '../../../ledger/index.js';
import {
  sizeOfVarint,
  sizeOfVarlong,
  VarintReader,
  writeVarint,
  writeVarlong,
} from '../../../ledger/varint.js';
import { anyParts, attempt, mutations, throwsCode } from './support.js';

const EDGES = [
  0,
  -1,
  1,
  63,
  64,
  -64,
  -65,
  8191,
  8192,
  2 ** 20,
  2 ** 27 - 1,
  2 ** 27,
  2 ** 31 - 1,
  -(2 ** 31),
];

test('varints of 32 bits come back, with the size foretold', () => {
  const roundTrip = (value: number) => {
    const bytes = new Uint8Array(8);
    const end = writeVarint(bytes, 1, value);
    assert.equal(end - 1, sizeOfVarint(value));
    const reader = new VarintReader(bytes, 1, end);
    assert.equal(reader.readVarint(), value);
    assert.equal(reader.position, end);
    assert.ok(reader.minimal);
  };
  EDGES.forEach(roundTrip);
  fc.assert(fc.property(fc.integer(), roundTrip));
});

test('varints of 64 bits come back, with the size foretold', () => {
  const roundTrip = (value: bigint) => {
    const bytes = new Uint8Array(12);
    const end = writeVarlong(bytes, 1, value);
    assert.equal(end - 1, sizeOfVarlong(value));
    const reader = new VarintReader(bytes, 1, end);
    assert.equal(reader.readVarlong(), value);
    assert.equal(reader.position, end);
    assert.ok(reader.minimal);
  };
  for (const edge of EDGES) roundTrip(BigInt(edge));
  for (let bit = 0n; bit < 63n; bit++)
    [1n << bit, -(1n << bit), (1n << bit) - 1n].forEach(roundTrip);
  roundTrip(-(1n << 63n));
  roundTrip((1n << 63n) - 1n);
  fc.assert(fc.property(fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n }), roundTrip));
});

test('a varint of 32 bits is also one of 64', () => {
  fc.assert(
    fc.property(fc.integer(), (value) => {
      const bytes = new Uint8Array(5);
      const end = writeVarint(bytes, 0, value);
      assert.equal(new VarintReader(bytes, 0, end).readVarlong(), BigInt(value));
    }),
  );
});

test('varints that are cut off or too large are refused; longer ones are told', () => {
  const read = (...bytes: number[]) => new VarintReader(Uint8Array.from(bytes));
  throwsCode(() => read().readVarint(), 'malformed');
  throwsCode(() => read(0x80).readVarint(), 'malformed');
  throwsCode(() => read(0xff, 0xff, 0xff, 0xff, 0x1f).readVarint(), 'malformed');
  throwsCode(() => read(0x80, 0x80, 0x80, 0x80, 0x80, 0x00).readVarint(), 'malformed');
  throwsCode(() => read(0x80).readVarlong(), 'malformed');
  const ten = new Array<number>(9).fill(0xff);
  assert.equal(read(...ten, 0x01).readVarlong(), -(1n << 63n));
  throwsCode(() => read(...ten, 0x02).readVarlong(), 'malformed');
  throwsCode(() => read(...ten, 0x81, 0x00).readVarlong(), 'malformed');
  for (const method of ['readVarint', 'readVarlong'] as const) {
    const long = read(0x82, 0x80, 0x00, 0x02);
    assert.equal(Number(long[method]()), 1);
    assert.equal(long.minimal, false);
    assert.equal(long.position, 3);
    throwsCode(() => new VarintReader(Uint8Array.of(0x82, 0x01), 0, 1)[method](), 'malformed');
  }
});

test('a body comes back as its parts, and its parts as that body', () => {
  fc.assert(
    fc.property(anyParts, (parts) => {
      const body = encodeBody(parts);
      assert.deepEqual(decodeBody(body), parts);
    }),
  );
});

test('a changed body is refused, or is the one body of other parts', () => {
  fc.assert(
    fc.property(anyParts, (parts) => {
      const body = encodeBody(parts);
      for (const mutation of mutations(body.subarray(0, 40))) {
        const bytes = Buffer.concat([mutation, body.subarray(40)]);
        const decoded = attempt(() => decodeBody(bytes));
        if (decoded === null || bytes.equals(body)) continue;
        assert.deepEqual(encodeBody(decoded), new Uint8Array(bytes));
        assert.notEqual(encodeHex(recordHash(bytes)), encodeHex(recordHash(body)));
      }
    }),
    { numRuns: 30 },
  );
});

test('any bytes are refused or are the one body of their parts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      const parts = attempt(() => decodeBody(bytes));
      if (parts !== null) assert.deepEqual(encodeBody(parts), bytes);
    }),
    { numRuns: 3000 },
  );
});

test('null and empty are not the same, nor are headers in another order', () => {
  const header = (key: string, value: Uint8Array | null) => ({ key: Buffer.from(key), value });
  const empty = new Uint8Array(0);
  const bodies = [
    { key: null, value: null, headers: [] },
    { key: empty, value: null, headers: [] },
    { key: null, value: empty, headers: [] },
    { key: null, value: null, headers: [header('a', null)] },
    { key: null, value: null, headers: [header('a', empty)] },
    { key: null, value: null, headers: [header('a', null), header('b', null)] },
    { key: null, value: null, headers: [header('b', null), header('a', null)] },
    { key: null, value: null, headers: [header('a', null), header('a', null)] },
  ];
  assert.equal(new Set(bodies.map((parts) => encodeHex(recordHash(encodeBody(parts))))).size, 8);
});

test('bodies that claim too much are refused before anything is made', () => {
  const bad = [
    '',
    '00',
    '0000',
    '000002',
    '00000000',
    '000001',
    '0000000001',
    '03',
    '05',
    '0403',
    'feffffff0f',
    '0000feffffff0f',
    '00000401',
    '0000020100',
    '000002000003',
  ];
  for (const hex of bad) throwsCode(() => decodeBody(Buffer.from(hex, 'hex')), 'malformed');
  // 800000 is 0 in three bytes: the same parts, but not the bytes that are hashed.
  throwsCode(() => decodeBody(Buffer.from('8080000000', 'hex')), 'malformed');
  throwsCode(() => decodeBody(Buffer.from('00008000', 'hex')), 'malformed');
});

test('a body of a megabyte', () => {
  const parts = { key: null, value: new Uint8Array(1 << 20).fill(1), headers: [] };
  assert.deepEqual(decodeBody(encodeBody(parts)), parts);
});
