import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameReader } from '../../../../stream/kafka/connection/frame-reader.js';
import { WireReader } from '../../../../stream/kafka/protocol/reader.js';
import { WireWriter } from '../../../../stream/kafka/protocol/writer.js';
import { fuzzProtocol, newCounts } from '../../../support/protocol-fuzz.js';

const malformed = { code: 'malformed' };

test('20,000 mutated responses: each an error, unfinished, or an answer', () => {
  const counts = newCounts();
  fuzzProtocol(20_000, 4, counts);
  const { mutations, errors, waiting, unchanged, otherValues } = counts;
  assert.equal(mutations, 20_000);
  assert.equal(errors + waiting + unchanged + otherValues, mutations);
  for (const each of [errors, waiting, unchanged, otherValues]) assert.ok(each > 0);
});

test('a length takes no memory before the bytes that it claims come in', () => {
  const longest = 2 ** 30;
  const reader = new FrameReader(longest);
  const claim = Buffer.alloc(4);
  claim.writeInt32BE(longest);
  const before = process.memoryUsage().arrayBuffers;
  reader.read(claim, () => assert.fail('not whole'));
  const drop = Buffer.alloc(1);
  for (let sent = 0; sent < 3_000_000; sent++) reader.read(drop, () => assert.fail('not whole'));
  assert.ok(process.memoryUsage().arrayBuffers - before < 32 * 1024 * 1024);
});

test('lengths that no response has are refused, and one within the limit is read', () => {
  for (const length of [-1, 0, 3, 101]) {
    const claim = Buffer.alloc(4);
    claim.writeInt32BE(length);
    assert.throws(() => new FrameReader(100).read(claim, () => {}), malformed);
  }
  const got: string[] = [];
  const frame = Buffer.from('000000046162636400000005ABCDEF0102', 'hex');
  const reader = new FrameReader(100);
  for (const byte of frame) reader.read(Buffer.of(byte), (one) => got.push(one.toString('hex')));
  assert.deepEqual(got, ['61626364', 'abcdef0102']);
});

test('more elements or longer strings than brokers send are refused', () => {
  const count = 250_001;
  const bytes = new WireWriter().unsignedVarint(count + 1).raw(new Uint8Array(count));
  const reader = new WireReader(bytes.finish(), 'test');
  assert.throws(() => reader.compactArray(1, () => reader.int8()), malformed);
  const text = new WireWriter().compactString('x'.repeat(32_768)).finish();
  assert.throws(() => new WireReader(text, 'test').compactString(), malformed);
});
