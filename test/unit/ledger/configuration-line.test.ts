import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  configurationHeader,
  configurationLine,
  configurationOfBody,
  configurationOfHeaders,
  encodeBase64,
  encodeBody,
  formatCheckpoint,
  formatConfigurationLine,
  isConfigurationHash,
  parseCheckpoint,
  type RecordHeader,
  sha256,
} from '../../../ledger/index.js';
import { checkpointOf, madeLog, throwsCode } from './support.js';

/** SHA-256 of "abc", FIPS 180-2 appendix B.1, in base64. */
const HASH = 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=';
const BAD = [
  '',
  HASH.slice(0, -1),
  `${HASH} `,
  `${HASH}A`,
  // Bits behind the 32 bytes: another text for the same hash.
  `${HASH.slice(0, -2)}1=`,
  HASH.replaceAll('+', '-').replaceAll('/', '_'),
  'A'.repeat(44),
  `${'A'.repeat(42)}==`,
  '='.repeat(44),
  'x'.repeat(100_000),
];

const header = (value: string | null): RecordHeader => ({
  key: Buffer.from('sealstream-config'),
  value: value === null ? null : Buffer.from(value, 'latin1'),
});
const other: RecordHeader = { key: Buffer.from('content-type'), value: Buffer.from(HASH) };

function ofRecord(headers: readonly RecordHeader[]): string | null {
  const body = encodeBody({ key: Buffer.from('configuration'), value: Buffer.from('x'), headers });
  const inMiddle = Buffer.concat([Buffer.from([0xff, 0xff]), body, Buffer.from([0xff])]);
  const found = configurationOfBody(inMiddle, 2, 2 + body.length);
  assert.equal(configurationOfHeaders(headers), found);
  return found;
}

test('a hash is the canonical base64 of 32 bytes and nothing else', () => {
  assert.equal(HASH, encodeBase64(sha256(Buffer.from('abc'))));
  assert.ok(isConfigurationHash(HASH));
  for (const bad of BAD) assert.equal(isConfigurationHash(bad), false, bad.slice(0, 60));
});

test('the line stands after time and comes back', () => {
  const extensions = [formatConfigurationLine(HASH), ['anchor', 'of some kind']] as const;
  const text = formatCheckpoint(checkpointOf(madeLog(3), { extensions }));
  assert.equal(text.split('\n')[9], `config ${HASH}`);
  assert.deepEqual(configurationLine(parseCheckpoint(text)), { hash: HASH, text: HASH });
  assert.equal(configurationLine(checkpointOf(madeLog(3), { extensions: [] })), null);
});

test('a line that names no configuration is no reason to reject the checkpoint', () => {
  for (const bad of BAD.filter((text) => text !== '' && text === text.trim())) {
    const text = formatCheckpoint(checkpointOf(madeLog(3), { extensions: [['config', bad]] }));
    assert.deepEqual(configurationLine(parseCheckpoint(text)), { hash: null, text: bad });
  }
});

test('a record names a configuration by one header with a hash', () => {
  assert.equal(ofRecord([configurationHeader(HASH)]), HASH);
  assert.equal(ofRecord([other, header(HASH), other]), HASH);
  assert.equal(ofRecord([]), null);
  assert.equal(ofRecord([other]), null);
  assert.equal(ofRecord([header(null)]), null);
  assert.equal(ofRecord([header(HASH), header(HASH)]), null);
  assert.equal(ofRecord([header(HASH), header(null)]), null);
  for (const bad of BAD) assert.equal(ofRecord([header(bad)]), null, bad.slice(0, 60));
});

test('no hash, no line and no header', () => {
  for (const bad of BAD) {
    throwsCode(() => formatConfigurationLine(bad), 'malformed');
    throwsCode(() => configurationHeader(bad), 'malformed');
  }
});

test('hostile bodies name nothing and throw nothing', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      assert.equal(configurationOfBody(bytes), null);
    }),
  );
  const body = encodeBody({ key: null, value: null, headers: [header(HASH)] });
  for (let end = 0; end < body.length; end++) {
    assert.equal(configurationOfBody(body, 0, end), null);
  }
  // 2^31 − 1 headers are claimed.
  const claim = Uint8Array.of(1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 0, 0);
  assert.equal(configurationOfBody(claim), null);
});
