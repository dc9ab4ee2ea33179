import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SealstreamError } from '../../../../ledger/error.js';
import {
  chooseVersion,
  decodeApiVersions,
} from '../../../../stream/kafka/protocol/api-versions.js';
import { decodeCreateTopics } from '../../../../stream/kafka/protocol/create-topics.js';
import { decodeDescribeConfigs } from '../../../../stream/kafka/protocol/describe-configs.js';
import { KAFKA_ERROR, protocolError } from '../../../../stream/kafka/protocol/error-codes.js';
import { decodeFetch } from '../../../../stream/kafka/protocol/fetch.js';
import { decodeListOffsets } from '../../../../stream/kafka/protocol/list-offsets.js';
import { decodeMetadata } from '../../../../stream/kafka/protocol/metadata.js';
import { WireReader } from '../../../../stream/kafka/protocol/reader.js';
import { WireWriter } from '../../../../stream/kafka/protocol/writer.js';
import { ADMINISTRATION_SAMPLES } from '../../../support/administration-samples.js';

const TOPIC_ID = Buffer.from(Uint8Array.from({ length: 16 }, (_, i) => i + 1)).toString(
  'base64url',
);
const code = (expected: string) => (error: unknown) =>
  error instanceof SealstreamError && error.code === expected;

test('what the writer writes, the reader reads', () => {
  const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
  fc.assert(
    fc.property(
      fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
      int32,
      fc.integer({ min: 0, max: 2 ** 32 - 1 }),
      fc.string({ unit: 'grapheme' }),
      fc.uint8Array({ maxLength: 2_000 }),
      fc.array(int32),
      (long, int, unsigned, text, bytes, list) => {
        const writer = new WireWriter(1).int64(long).int32(int).unsignedVarint(unsigned);
        writer.string(text).compactNullableString(text).compactNullableString(null);
        writer.compactBytes(bytes).uuid(TOPIC_ID).boolean(true).int16(-7).int8(-1);
        writer.float64(int / 3);
        writer.array(list, (each) => writer.int32(each));
        const written = writer
          .compactArray(list, (each) => writer.int32(each))
          .noTags()
          .finish();
        const reader = new WireReader(written, 'test');
        assert.equal(reader.int64(), long);
        assert.equal(reader.int32(), int);
        assert.equal(reader.unsignedVarint(), unsigned);
        assert.equal(reader.string(), text);
        assert.equal(reader.compactNullableString(), text);
        assert.equal(reader.compactNullableString(), null);
        assert.deepEqual(Buffer.from(reader.compactNullableBytes() ?? []), Buffer.from(bytes));
        assert.equal(reader.uuid(), TOPIC_ID);
        assert.equal(reader.boolean(), true);
        assert.equal(reader.int16(), -7);
        assert.equal(reader.int8(), -1);
        assert.equal(reader.float64(), int / 3);
        assert.deepEqual(
          reader.array(4, () => reader.int32()),
          list,
        );
        assert.deepEqual(
          reader.compactArray(4, () => reader.int32()),
          list,
        );
        reader.tags();
        assert.equal(reader.remaining, 0);
      },
    ),
  );
});

test('tagged fields are parsed by size: known ones read, unknown ones passed over', () => {
  const bytes = new WireWriter().unsignedVarint(3);
  bytes.unsignedVarint(0).unsignedVarint(4).int32(42);
  bytes
    .unsignedVarint(5)
    .unsignedVarint(3)
    .raw(Uint8Array.of(9, 9, 9));
  bytes.unsignedVarint(900).unsignedVarint(0).int8(77);
  const reader = new WireReader(bytes.finish(), 'test');
  const seen: number[] = [];
  reader.tags((tag, field) => seen.push(tag, tag === 0 ? field.int32() : field.remaining));
  assert.deepEqual(seen, [0, 42, 5, 3, 900, 0]);
  assert.equal(reader.int8(), 77);
});

test('a tagged field cannot read past its own bytes', () => {
  const bytes = new WireWriter().unsignedVarint(1).unsignedVarint(0).unsignedVarint(2);
  const reader = new WireReader(bytes.int64(1n).finish(), 'test');
  assert.throws(() => reader.tags((_, field) => field.int32()), code('malformed'));
});

test('counts and lengths beyond the bytes are refused before anything is read', () => {
  let reads = 0;
  const count = (bytes: WireWriter) => new WireReader(bytes.finish(), 'test');
  const read = () => reads++;
  const huge = 0xffffffff;
  assert.throws(() => count(new WireWriter().unsignedVarint(huge)).compactArray(1, read));
  assert.throws(() => count(new WireWriter().int32(2 ** 31 - 1)).array(1, read));
  assert.throws(() => count(new WireWriter().unsignedVarint(huge)).tags(read));
  assert.equal(reads, 0);
  for (const attempt of [
    () => count(new WireWriter().unsignedVarint(huge)).compactNullableBytes(),
    () => count(new WireWriter().unsignedVarint(huge)).compactString(),
    () => count(new WireWriter().int16(2)).string(),
    () => count(new WireWriter().raw(Uint8Array.of(255, 255, 255, 255, 255, 1))).unsignedVarint(),
    () => count(new WireWriter().raw(Uint8Array.of(255, 255, 255, 255, 31))).unsignedVarint(),
  ]) {
    assert.throws(attempt, code('malformed'));
  }
});

test('no bytes make a response decoder do anything but return or throw malformed', () => {
  const decoders = [
    (bytes: Uint8Array) => decodeFetch(bytes, TOPIC_ID, 'test'),
    (bytes: Uint8Array) => decodeMetadata(bytes, 12, 'audit', 'test'),
    (bytes: Uint8Array) => decodeMetadata(bytes, 13, 'audit', 'test'),
    (bytes: Uint8Array) => decodeListOffsets(bytes, 'audit', 'test'),
    (bytes: Uint8Array) => decodeCreateTopics(bytes, 'test'),
    (bytes: Uint8Array) => decodeDescribeConfigs(bytes, { type: 'topic', name: 'audit' }, 'test'),
    (bytes: Uint8Array) => decodeApiVersions(bytes, 'test'),
    ...ADMINISTRATION_SAMPLES.map(({ decode }) => decode),
  ];
  const small = fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 3, 255), fc.nat(255)), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(fc.constantFrom(...decoders), small, (decode, bytes) => {
      try {
        decode(Uint8Array.from(bytes));
      } catch (error) {
        assert.ok(error instanceof SealstreamError, String(error));
        assert.ok(['malformed', 'unsupported'].includes(error.code), error.message);
      }
    }),
    { numRuns: 2_000 },
  );
});

function fetchResponse(tags: (writer: WireWriter) => void): Uint8Array {
  const writer = new WireWriter().int32(0).int16(0).int32(0);
  writer.compactArray([1], () => {
    writer.uuid(TOPIC_ID);
    writer.compactArray([2], () => {
      writer
        .int32(2)
        .int16(0)
        .int64(50n)
        .int64(50n)
        .int64(7n)
        .compactArray([], () => {});
      writer.int32(-1).compactBytes(Uint8Array.of(1, 2, 3));
      tags(writer);
    });
    writer.noTags();
  });
  return writer.noTags().finish();
}

test('a Fetch response with divergingEpoch between other tagged fields', () => {
  const bytes = fetchResponse((writer) => {
    writer.unsignedVarint(2);
    writer.unsignedVarint(0).unsignedVarint(13).int32(4).int64(33n).noTags();
    writer.unsignedVarint(1).unsignedVarint(9).int32(8).int32(9).noTags();
  });
  assert.deepEqual(decodeFetch(bytes, TOPIC_ID, 'test'), {
    throttleMs: 0,
    errorCode: 0,
    partitions: [
      {
        partition: 2,
        errorCode: 0,
        highWatermark: 50n,
        logStart: 7n,
        records: Buffer.of(1, 2, 3),
        diverging: { epoch: 4, endOffset: 33n },
        preferredReplica: -1,
      },
    ],
  });
});

test('a Fetch response about another topic id brings nothing', () => {
  const bytes = fetchResponse((writer) => writer.noTags());
  assert.equal(decodeFetch(bytes, TOPIC_ID, 'test').partitions.length, 1);
  assert.equal(decodeFetch(bytes, 'AAAAAAAAAAAAAAAAAAAAAQ', 'test').partitions.length, 0);
});

test('a broker without topic ids is refused by name, not served otherwise', () => {
  const fetchApi = { key: 1, name: 'Fetch' };
  const versions = (minVersion: number, maxVersion: number) =>
    new Map([[1, { minVersion, maxVersion }]]);
  assert.equal(chooseVersion(versions(4, 18), fetchApi, 13, 17, 'b'), 17);
  assert.equal(chooseVersion(versions(0, 14), fetchApi, 13, 17, 'b'), 14);
  for (const theirs of [versions(0, 12), versions(18, 20), new Map()]) {
    assert.throws(() => chooseVersion(theirs, fetchApi, 13, 17, 'b'), code('unsupported'));
  }
});

test('error codes: moving leaders are retried, unlisted ones are fatal and named', () => {
  const of = (errorCode: number) => protocolError(errorCode, 'b: topic t').code;
  for (const moved of [5, 6, 9, 56, 74, 75]) assert.equal(of(moved), 'not-leader');
  for (const busy of [7, 13, 78]) assert.equal(of(busy), 'busy');
  assert.equal(of(KAFKA_ERROR.TOPIC_AUTHORIZATION_FAILED), 'unauthorized');
  assert.equal(of(KAFKA_ERROR.UNSUPPORTED_COMPRESSION_TYPE), 'unsupported');
  const unlisted = protocolError(123, 'b: topic t', 'said so');
  assert.deepEqual([unlisted.class, unlisted.code], ['fatal', 'unsupported']);
  assert.match(unlisted.message, /b: topic t.*123.*said so/);
});
