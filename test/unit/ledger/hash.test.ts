import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  asHash,
  EMPTY_ROOT,
  encodeHex,
  leafHash,
  nodeHash,
  sha256,
} from '../../../ledger/index.js';
import { digest, digestOfHash, nodeProvider, portableProvider } from '../../../ledger/sha256.js';
import { throwsCode } from './support.js';

const ABC = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';

test('both providers know the FIPS 180 example, and Node runs its own', () => {
  assert.ok(nodeProvider);
  assert.equal(digest, nodeProvider.digest);
  for (const provider of [nodeProvider, portableProvider]) {
    const value = provider.digest(Buffer.from('abc'));
    assert.equal(Buffer.from(value, 'ucs2').toString('hex'), ABC, provider.name);
  }
});

test('both providers agree on every length up to 300, and on views into a buffer', () => {
  const buffer = Uint8Array.from({ length: 700 }, (_, index) => (index * 7 + 3) & 0xff);
  for (let length = 0; length <= 300; length++) {
    const input = buffer.subarray(length, 2 * length);
    assert.equal(nodeProvider?.digest(input), portableProvider.digest(input), `${length} bytes`);
  }
});

test('both providers agree on any bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 3000 }), (input) => {
      assert.equal(nodeProvider?.digest(input), portableProvider.digest(input));
    }),
  );
});

test('sha256 gives the bytes of the digest', () => {
  const hash = sha256(Buffer.from('abc'));
  assert.equal(encodeHex(hash), ABC);
  assert.equal(digestOfHash(hash), digest(Buffer.from('abc')));
});

test('a leaf, a node and plain bytes of the same content have three hashes', () => {
  const left = sha256(Buffer.from('left'));
  const right = sha256(Buffer.from('right'));
  const joined = Buffer.concat([left, right]);
  const hashes = [leafHash(joined), nodeHash(left, right), sha256(joined)].map(encodeHex);
  assert.equal(new Set(hashes).size, 3);
  assert.equal(encodeHex(EMPTY_ROOT), encodeHex(sha256(new Uint8Array(0))));
});

test('a hash has 32 bytes', () => {
  const bytes = new Uint8Array(32);
  assert.equal(asHash(bytes), bytes);
  throwsCode(() => asHash(new Uint8Array(31)), 'malformed');
  throwsCode(() => asHash(new Uint8Array(33)), 'malformed');
});
