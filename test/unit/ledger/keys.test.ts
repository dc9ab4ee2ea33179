import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import {
  decodeHex,
  encodeHex,
  generateKeyPair,
  publicKeyFromBytes,
  publicKeyFromPem,
  publicKeyToPem,
  signingKeyFromPem,
  signingKeyFromSeed,
  verifySignature,
} from '../../../ledger/index.js';
import { KEY, mutations, OTHER_KEY, throwsCode } from './support.js';

const MESSAGE = Buffer.from('message\n');

test('RFC 8032, test 1', () => {
  const seed = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
  const key = signingKeyFromSeed(decodeHex(seed));
  const publicKey = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
  assert.equal(encodeHex(key.publicKey), publicKey);
  const signature =
    'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155' +
    '5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';
  assert.equal(encodeHex(key.sign(new Uint8Array(0))), signature);
});

test('a made pair signs and verifies, as files too', () => {
  const { privatePem, publicPem } = generateKeyPair();
  const key = signingKeyFromPem(privatePem);
  assert.deepEqual(publicKeyFromPem(publicPem), key.publicKey);
  assert.equal(publicKeyToPem(key.publicKey), publicPem);
  assert.ok(verifySignature(key.publicKey, MESSAGE, key.sign(MESSAGE)));
  assert.ok(!verifySignature(OTHER_KEY.publicKey, MESSAGE, key.sign(MESSAGE)));
  assert.deepEqual(publicKeyFromPem(publicPem.replaceAll('\n', '\r\n')), key.publicKey);
});

test('no changed signature or message verifies', () => {
  const signature = KEY.sign(MESSAGE);
  for (const wrong of mutations(signature)) {
    assert.ok(!verifySignature(KEY.publicKey, MESSAGE, wrong), encodeHex(wrong));
  }
  for (const wrong of mutations(MESSAGE)) {
    assert.ok(!verifySignature(KEY.publicKey, wrong, signature), encodeHex(wrong));
  }
});

test('a signature with S + L instead of S is not a second signature', () => {
  const order = (1n << 252n) + 27742317777372353535851937790883648493n;
  const signature = KEY.sign(MESSAGE);
  const half = Buffer.from(signature.subarray(32)).reverse().toString('hex');
  const sum = (BigInt(`0x${half}`) + order).toString(16).padStart(64, '0');
  const other = Buffer.concat([signature.subarray(0, 32), Buffer.from(sum, 'hex').reverse()]);
  assert.equal(other.length, 64);
  assert.ok(!verifySignature(KEY.publicKey, MESSAGE, other));
});

test('keys in turn, and bytes that change, never verify by a key used before', () => {
  const signature = KEY.sign(MESSAGE);
  for (let turn = 0; turn < 3; turn++) {
    assert.ok(verifySignature(KEY.publicKey, MESSAGE, signature));
    assert.ok(!verifySignature(OTHER_KEY.publicKey, MESSAGE, signature));
  }
  const bytes = publicKeyFromBytes(KEY.publicKey);
  assert.ok(verifySignature(bytes, MESSAGE, signature));
  bytes.set(OTHER_KEY.publicKey);
  assert.ok(!verifySignature(bytes, MESSAGE, signature));
  assert.ok(verifySignature(bytes, MESSAGE, OTHER_KEY.sign(MESSAGE)));
});

test('a public key of any bytes verifies nothing and crashes nothing', () => {
  const signature = KEY.sign(MESSAGE);
  for (let byte = 0; byte < 256; byte++) {
    const key = publicKeyFromBytes(new Uint8Array(32).fill(byte));
    assert.ok(!verifySignature(key, MESSAGE, signature));
  }
});

test('files that are not the key asked for are refused', () => {
  const { privatePem, publicPem } = generateKeyPair();
  const pem = { type: 'pkcs8', format: 'pem' } as const;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const ed448 = generateKeyPairSync('ed448');
  // As long as Ed25519's, so only its type tells it apart.
  const x25519 = generateKeyPairSync('x25519');
  const { privateKey } = generateKeyPairSync('ed25519');
  const encrypted = { ...pem, cipher: 'aes-256-cbc', passphrase: 'secret' };
  const broken = privatePem.replace(/\n.{8}/, '\nAAAAAAAA');
  const privates = [
    '',
    'nothing',
    publicPem,
    broken,
    `${privatePem}${privatePem}`,
    `# comment\n${privatePem}`,
    privatePem.slice(0, -10),
    `${privatePem}${' '.repeat(20_000)}`,
    rsa.privateKey.export(pem).toString(),
    rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }).toString(),
    ec.privateKey.export(pem).toString(),
    ed448.privateKey.export(pem).toString(),
    x25519.privateKey.export(pem).toString(),
    privateKey.export(encrypted).toString(),
  ];
  for (const text of privates) throwsCode(() => signingKeyFromPem(text), 'key-unusable');
  const spki = { type: 'spki', format: 'pem' } as const;
  const publics = [
    '',
    privatePem,
    `${publicPem}${publicPem}`,
    publicPem.replace(/\n.{8}/, '\nAAAAAAAA'),
    rsa.publicKey.export(spki).toString(),
    ec.publicKey.export(spki).toString(),
    ed448.publicKey.export(spki).toString(),
    x25519.publicKey.export(spki).toString(),
  ];
  for (const text of publics) throwsCode(() => publicKeyFromPem(text), 'key-unusable');
  for (const length of [0, 31, 33]) {
    throwsCode(() => publicKeyFromBytes(new Uint8Array(length)), 'key-unusable');
    throwsCode(() => signingKeyFromSeed(new Uint8Array(length)), 'key-unusable');
  }
});
