import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeBase64,
  decodeDecimal,
  decodeHex,
  encodeBase64,
  encodeDecimal,
  encodeHex,
  equalBytes,
  formatTime,
  parseTime,
} from '../../../ledger/index.js';
import {
  copyBytes,
  decodeBase64Url,
  decodeSmallDecimal,
  decodeUtf8,
  encodeBase64Url,
  encodeSmallDecimal,
  encodeUtf8,
} from '../../../ledger/text.js';
import { attempt, throwsCode } from './support.js';

test('base64, base64url and hexadecimal come back as they went', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
      assert.deepEqual(decodeBase64(encodeBase64(bytes)), bytes);
      assert.deepEqual(decodeBase64Url(encodeBase64Url(bytes)), bytes);
      assert.deepEqual(decodeHex(encodeHex(bytes)), bytes);
    }),
  );
});

test('every text of base64 characters either is refused or is the only text of its bytes', () => {
  const alphabet = fc.constantFrom(...'AQgwBZ az09+/-_=\n\t'.split(''));
  fc.assert(
    fc.property(fc.string({ unit: alphabet, maxLength: 12 }), (text) => {
      const bytes = attempt(() => decodeBase64(text));
      if (bytes !== null) assert.equal(encodeBase64(bytes), text);
      const url = attempt(() => decodeBase64Url(text));
      if (url !== null) assert.equal(encodeBase64Url(url), text);
    }),
    { numRuns: 5000 },
  );
});

test('base64 that a lenient decoder takes is refused', () => {
  for (const text of [
    'QQ',
    'QQ=',
    'QR==',
    'QUI',
    'QUJ=',
    'Q Q=',
    'QQ==\n',
    '=',
    '====',
    'QQ==QQ==',
    '-_-_',
  ]) {
    throwsCode(() => decodeBase64(text), 'malformed');
  }
  for (const text of ['QQ==', 'QR', 'Q', '+/+/', 'QQ\n']) {
    throwsCode(() => decodeBase64Url(text), 'malformed');
  }
  for (const text of ['0', 'AA', 'zz', '0x00', '00 ', '00\n']) {
    throwsCode(() => decodeHex(text), 'malformed');
  }
});

test('decimals: one text for every number below 2^63', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 63n) - 1n }), (value) => {
      assert.equal(decodeDecimal(encodeDecimal(value)), value);
    }),
  );
  const others = [
    '',
    '-0',
    '-1',
    '+1',
    '00',
    '01',
    '1 ',
    ' 1',
    '1\n',
    '1n',
    '0x1',
    '1e3',
    '1.0',
    '1_0',
    '٣',
    '9223372036854775808',
    '99999999999999999999',
  ];
  for (const text of others) throwsCode(() => decodeDecimal(text), 'malformed');
  assert.equal(decodeDecimal('9223372036854775807'), (1n << 63n) - 1n);
  for (const value of [-1n, 1n << 63n]) throwsCode(() => encodeDecimal(value), 'malformed');
});

test('partition numbers and counts fit 31 bits', () => {
  assert.equal(decodeSmallDecimal(encodeSmallDecimal(0x7fffffff)), 0x7fffffff);
  throwsCode(() => decodeSmallDecimal('2147483648'), 'malformed');
  for (const value of [-1, 0.5, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY]) {
    throwsCode(() => encodeSmallDecimal(value), 'malformed');
  }
});

test('text is UTF-8 both ways, with nothing replaced and nothing dropped', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      assert.equal(decodeUtf8(encodeUtf8(text)), text);
    }),
  );
  assert.equal(decodeUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x41)), '\ufeffA');
  for (const bytes of [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x80]]) {
    throwsCode(() => decodeUtf8(Uint8Array.from(bytes)), 'malformed');
  }
  throwsCode(() => encodeUtf8('a\ud800b'), 'malformed');
});

test('times: one text for every millisecond of the years 0 to 9999', () => {
  const range = {
    min: new Date('0000-01-01T00:00:00.000Z'),
    max: new Date('9999-12-31T23:59:59.999Z'),
  };
  fc.assert(
    fc.property(fc.date({ ...range, noInvalidDate: true }), (date) => {
      assert.equal(parseTime(formatTime(date.getTime())), date.getTime());
    }),
  );
  const others = [
    '',
    '2026-11-23T23:00:00Z',
    '2026-11-23T23:00:00.0000Z',
    '2026-11-23T23:00:00.000',
    '2026-11-23T24:00:00.000Z',
    '2026-02-29T00:00:00.000Z',
    '2026-02-30T00:00:00.000Z',
    '2026-11-31T00:00:00.000Z',
    '2026-11-23t23:00:00.000z',
    '2026-11-23T23:00:60.000Z',
    '2026-11-23 23:00:00.000Z',
    '+002026-11-23T23:00:00.000Z',
    ' 2026-11-23T23:00:00.000Z',
    '2026-11-23T23:00:00.000+00:00',
    '2026-13-01T00:00:00.000Z',
    '2026-11-23T23:00:00.000Z\n',
  ];
  for (const text of others) throwsCode(() => parseTime(text), 'malformed');
  const years = [
    Date.parse('+010000-01-01T00:00:00.000Z'),
    Date.parse('-000001-12-31T23:59:59.999Z'),
  ];
  for (const time of [...years, Number.NaN, 0.5, 1e30])
    throwsCode(() => formatTime(time), 'malformed');
});

test('bytes are equal by content, and a copy of a Buffer is a copy', () => {
  const buffer = Buffer.from([1, 2, 3]);
  const copy = copyBytes(buffer);
  assert.ok(equalBytes(copy, buffer));
  assert.ok(!equalBytes(copy, buffer.subarray(1)));
  assert.ok(!equalBytes(copy, Uint8Array.of(1, 2, 4)));
  buffer[0] = 9;
  assert.equal(copy[0], 1);
});
