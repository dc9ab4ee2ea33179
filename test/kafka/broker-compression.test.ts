import assert from 'node:assert/strict';
import type { RecordParts } from '../../ledger/records.js';
import { COMPRESSION_CODES, type Compression } from '../../stream/batch/compression.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import { openKafka } from '../../stream/kafka/kafka.js';
import type { Appender, EncodedBatch, TopicIdentity } from '../../stream/stream.js';
import { withTopic } from '../support/append-fixture.js';
import { compressedBatch } from '../support/compress.js';
import { kafkaTest } from '../support/kafka.js';
import { pollUntil } from '../support/kafka-reading.js';
import { type ExpectedRecord, listRecord, listRecords } from '../support/librdkafka.js';
import { storedCompressions } from '../support/stored-compressions.js';

const CODECS = Object.keys(COMPRESSION_CODES) as Compression[];
const MAX_BYTES = 8_000_000;
/** Kafka's max.message.bytes is 1 048 588. */
const LARGE = 900_000;
const TOO_LARGE = 2_000_000;

const text = (value: string) => Buffer.from(value);

const GROUPS: readonly (readonly RecordParts[])[] = [
  [
    { key: null, value: null, headers: [] },
    { key: text(''), value: text(''), headers: [{ key: text('h'), value: null }] },
    { key: text('k'), value: text('value '.repeat(50)), headers: [] },
  ],
  Array.from({ length: 300 }, (_, index) => {
    return { key: text(`k${index % 7}`), value: text(`record ${index}`), headers: [] };
  }),
  [{ key: null, value: Buffer.alloc(LARGE, 'many bytes '), headers: [] }],
  [{ key: null, value: text('last'), headers: [] }],
];

function encode(records: readonly RecordParts[], compression: Compression): EncodedBatch {
  const encoder = new BatchEncoder({ maxBytes: MAX_BYTES });
  for (const [index, record] of records.entries()) {
    // Up and down: a broker that recompresses writes the deltas anew.
    assert.ok(encoder.add(record, 1_700_000_000_000n + BigInt((index * 7919) % 1000)));
  }
  return compressedBatch(encoder.finish(), compression);
}

/** Appends every group; what must be read then. */
async function appendAll(appender: Appender, partition: number, compression: Compression) {
  const expected: ExpectedRecord[] = [];
  for (const records of GROUPS) {
    const outcome = await appender.append(partition, encode(records, compression));
    assert.ok(outcome.kind === 'acknowledged', 'error' in outcome ? outcome.error.message : '');
    const { baseOffset, timestamp } = outcome;
    assert.ok(timestamp !== null);
    for (const [index, parts] of records.entries()) {
      const offset = baseOffset + BigInt(index);
      expected.push(listRecord({ ...parts, offset, timestamp, timestampType: 1 }));
    }
  }
  return expected;
}

/** All partitions at once; the limit is below most batches, which come whole and one by one. */
async function readAll(bootstrap: string, topic: TopicIdentity, count: number) {
  const stream = await openKafka(`kafka://${bootstrap}`);
  try {
    const reader = await stream.reader(topic, { maxBytes: 1000 });
    for (const partition of CODECS.keys()) reader.seek({ partition, offset: 0n });
    const read = CODECS.map((): ExpectedRecord[] => []);
    const all = await pollUntil(reader, (reports) => {
      const batches = reports.flatMap((report) => report.batches);
      return batches.reduce((sum, batch) => sum + batch.count, 0) >= count;
    });
    for (const { partition, batches, error } of all) {
      assert.equal(error, null);
      read[partition]?.push(...listRecords(batches));
    }
    return read;
  } finally {
    await stream.close();
  }
}

for (const kept of ['uncompressed', ...CODECS.slice(1)]) {
  const settings = { 'compression.type': kept };
  kafkaTest(`a topic kept ${kept}: every codec comes back, record by record`, (bootstrap) =>
    withTopic(bootstrap, { partitions: CODECS.length, settings }, async ({ topic, open }) => {
      const appender = await open();
      const expected: ExpectedRecord[][] = [];
      for (const [partition, codec] of CODECS.entries()) {
        expected.push(await appendAll(appender, partition, codec));
      }
      await appender.close();
      const stored = kept === 'uncompressed' ? 'none' : kept;
      assert.deepEqual(await storedCompressions(bootstrap, topic.topic), [stored]);
      const count = expected.flat().length;
      assert.deepEqual(await readAll(bootstrap, topic, count), expected);
    }),
  );
}

kafkaTest('a topic kept uncompressed refuses what only compression made small', (bootstrap) =>
  withTopic(bootstrap, { settings: { 'compression.type': 'uncompressed' } }, async ({ open }) => {
    const appender = await open();
    const bomb = { key: null, value: Buffer.alloc(TOO_LARGE), headers: [] };
    for (const codec of CODECS.slice(1)) {
      const outcome = await appender.append(0, encode([bomb], codec));
      assert.equal(outcome.kind === 'rejected' && outcome.error.code, 'record-too-large', codec);
    }
    const after = await appender.append(0, encode([{ ...bomb, value: null }], 'zstd'));
    assert.equal(after.kind === 'acknowledged' && after.baseOffset, 0n);
    await appender.close();
  }),
);
