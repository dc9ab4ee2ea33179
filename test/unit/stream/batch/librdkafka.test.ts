import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SealstreamError } from '../../../../ledger/error.js';
import { COMPRESSION_CODES, type Compression } from '../../../../stream/batch/compression.js';
import { decodeBatches, readBatchHeader } from '../../../../stream/batch/decode.js';
import { judge } from '../../../../stream/kafka/fetch/fetch-outcome.js';
import type { RecordBatch } from '../../../../stream/stream.js';
import {
  batchPlaces,
  type ExpectedRecord,
  expectedRecords,
  FIXTURES,
  listRecords,
  markers,
  segmentOf,
} from '../../../support/librdkafka.js';
import { decodeAll, withCrc } from './support.js';

const TOPIC = { topic: 'audit', topicId: 'Qk9vVGhpbmdzQXJlSGVyZQ' };
const SAMPLES = 80;

function codeOf(fixture: string): number {
  return COMPRESSION_CODES[fixture.split('-')[0] as Compression];
}

/** A stride that meets every part of a long batch, and the whole of a short one. */
function sampled(from: number, until: number): number[] {
  const step = Math.max(1, Math.floor((until - from) / SAMPLES));
  const places: number[] = [];
  for (let at = from; at < until; at += step) places.push(at);
  return places;
}

test('there is a fixture for every codec and every kind of producer', () => {
  const kinds = ['plain', 'idempotent', 'transactional'];
  const names = Object.keys(COMPRESSION_CODES).flatMap((codec) =>
    kinds.map((kind) => `${codec}-${kind}`),
  );
  assert.deepEqual([...FIXTURES].sort(), names.sort());
});

for (const fixture of FIXTURES) {
  const segment = segmentOf(fixture);
  const expected = expectedRecords(fixture);
  const places = batchPlaces(segment);

  test(`reads what librdkafka wrote, record by record: ${fixture}`, () => {
    const { batches, error, partial, next } = decodeAll(segment);
    assert.deepEqual([error, partial], [null, false]);
    assert.deepEqual(listRecords(batches), expected);
    assert.equal(batches.filter(({ control }) => control).length, markers(fixture));
    assert.equal(next, batches.at(-1)?.nextOffset);
    const headers = places.slice(0, -1).map((at) => readBatchHeader(segment, at));
    const codecs = new Set(headers.map((header) => header?.compression));
    assert.deepEqual([...codecs].sort(), [...new Set([0, codeOf(fixture)])].sort());
    const identified = headers.map((header) => (header?.producerId ?? -1n) >= 0n);
    assert.ok(identified.every((known) => known === !fixture.endsWith('plain')));
  });

  test(`every changed byte is an error, but for what no CRC covers: ${fixture}`, () => {
    places.slice(0, -1).forEach((start, index) => {
      const batch = segment.slice(start, places[index + 1]);
      const original = listRecords(decodeAll(batch).batches);
      for (const at of [...sampled(0, 61), ...sampled(61, batch.length)]) {
        const changed = batch.slice();
        changed[at] = (changed[at] as number) ^ (1 << (at % 8));
        const { batches, partial, error } = decodeAll(changed);
        const place = `batch ${index} byte ${at}`;
        if (error !== null || partial) {
          assert.deepEqual(batches, [], place);
          assert.ok(partial ? at >= 8 && at < 12 : error?.code === 'batch-corrupt', place);
          continue;
        }
        // Base offset and leader epoch, which the log sets. The chain holds the offset.
        assert.ok(at < 8 || (at >= 12 && at < 16), place);
        checkMoved(listRecords(batches), original, at < 8);
      }
    });
  });

  test(`changed bytes with a repaired CRC are read otherwise or refused: ${fixture}`, () => {
    places.slice(0, -1).forEach((start, index) => {
      const batch = segment.slice(start, places[index + 1]);
      for (const at of sampled(21, Math.min(batch.length, 4000))) {
        const changed = batch.slice();
        changed[at] = (changed[at] as number) ^ (1 << (at % 8));
        const { batches, error } = decodeAll(withCrc(changed), 2_000_000);
        if (error === null) listRecords(batches);
        else assert.match(error.code, /^(batch-corrupt|unsupported)$/, `batch ${index} byte ${at}`);
      }
    });
  });

  test(`cut at every byte, the rest is read by the next fetch: ${fixture}`, () => {
    for (let index = 0; index + 1 < places.length; index++) {
      const [start = 0, end = 0] = places.slice(index);
      const before = places[index - 1] ?? start;
      const from = readBatchHeader(segment, before)?.baseOffset ?? assert.fail('no batch');
      const whole = listRecords(decodeFrom(segment.subarray(before, end), from).batches);
      const step = end - start > 50_000 ? 101 : 1;
      for (let cut = start + 1; cut < end; cut += step) {
        const first = decodeFrom(segment.subarray(before, cut), from);
        assert.deepEqual([first.error, first.partial], [null, true], `batch ${index} at ${cut}`);
        assert.equal(first.batches.length, index === 0 ? 0 : 1);
        if (cut % 301 !== 0 && cut + 1 !== end) continue;
        // A stream answers with the whole batch that holds the offset asked for.
        const rest = decodeFrom(segment.subarray(start, end), first.next);
        assert.deepEqual(listRecords([...first.batches, ...rest.batches]), whole);
      }
    }
  });

  for (const limit of [1, 61, 1000, 5000, 100_000]) {
    test(`fetched ${limit} bytes at a time, nothing twice and nothing missed: ${fixture}`, () => {
      assert.deepEqual(listRecords(fetchAll(segment, places, limit)), expected);
    });
  }
}

function decodeFrom(bytes: Uint8Array, from: bigint) {
  return decodeBatches(bytes, { from, ...TOPIC, partition: 0 });
}

/** Byte by byte what they were; only where they stand has changed, if anything. */
function checkMoved(
  found: readonly ExpectedRecord[],
  original: readonly ExpectedRecord[],
  moved: boolean,
): void {
  const without = (records: readonly ExpectedRecord[]) =>
    records.map((record) => ({ ...record, offset: 0n }));
  assert.deepEqual(without(found), without(original));
  if (moved)
    for (const [index, { offset }] of found.entries()) {
      assert.notEqual(offset, original[index]?.offset);
    }
  else assert.deepEqual(found, original);
}

/**
 * Asks as the Kafka reader does of a log that cuts every answer at the limit, the first batch too,
 * as a proxy or a broker before KIP-74 may.
 */
function fetchAll(segment: Uint8Array, places: readonly number[], limit: number): RecordBatch[] {
  const batches: RecordBatch[] = [];
  const highWatermark = readBatchHeader(segment, places.at(-2) ?? 0)?.nextOffset ?? -1n;
  let offset = 0n;
  let asked = limit;
  for (let round = 0; offset < highWatermark; round++) {
    assert.ok(round < 3 * places.length, `no end at offset ${offset}`);
    const holding = (at: number) => (readBatchHeader(segment, at)?.nextOffset ?? 0n) > offset;
    const start = places.find(holding) ?? assert.fail(`nothing at ${offset}`);
    const records = segment.subarray(start, start + asked);
    const answer = { partition: 0, errorCode: 0, highWatermark, logStart: 0n, records };
    const position = { offset, lastEpoch: -1, reached: 0n, look: null };
    const outcome = judge(
      TOPIC,
      { ...answer, diverging: null, preferredReplica: -1 },
      position,
      'broker',
    );
    if (outcome.kind === 'cut-off') {
      assert.ok(outcome.neededBytes > asked);
      asked = outcome.neededBytes;
      continue;
    }
    if (outcome.kind !== 'read') throw new SealstreamError('internal', outcome.kind);
    batches.push(...outcome.decoded.batches);
    offset = outcome.decoded.next;
    asked = limit;
  }
  return batches;
}
