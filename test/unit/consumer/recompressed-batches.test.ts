import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { COMPRESSION_CODES, type Compression } from '../../../stream/batch/compression.js';
import { readBatchHeader } from '../../../stream/batch/decode.js';
import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  LENGTH_OVERHEAD,
  RECORDS_AT,
} from '../../../stream/batch/layout.js';
import { gzipWithFields, lz4Block, lz4Frame, xerial } from '../../support/codec-forms.js';
import { compressZstd } from '../../support/compress.js';
import { checkBothWays, expectFinding } from '../../support/findings.js';
import { FolderPlace } from '../../support/folder-place.js';
import { MadeLedger } from '../../support/made-ledger.js';
import { withCrc } from '../stream/batch/support.js';

const SEGMENT = '00000000000000000000.log';

interface Form {
  readonly codec: Compression;
  /** Of the batch's records, as anyone may compress them. */
  readonly right: (records: Uint8Array) => Uint8Array;
  /** What to change in it, counted from its end where negative. */
  readonly at: number;
  readonly bit: number;
}

/** Each is one bit that some client checks; Java's checks the first four. */
const FORMS: Readonly<Record<string, Form>> = {
  "the checksum of an lz4 frame's descriptor": {
    codec: 'lz4',
    right: (records) => lz4Frame(0x60, [lz4Block(records)], records),
    at: 6,
    bit: 0x01,
  },
  'the checksum of an lz4 block': {
    codec: 'lz4',
    right: (records) => lz4Frame(0x70, [lz4Block(records)], records),
    at: -5,
    bit: 0x80,
  },
  'the checksum of a gzip header': {
    codec: 'gzip',
    right: gzipWithFields,
    at: 28,
    bit: 0x10,
  },
  'the length of a gzip member': { codec: 'gzip', right: gzipSync, at: -1, bit: 0x01 },
  'the checksum of the content of an lz4 frame': {
    codec: 'lz4',
    right: (records) => lz4Frame(0x64, [lz4Block(records)], records),
    at: -1,
    bit: 0x04,
  },
  'a reserved flag of gzip': { codec: 'gzip', right: gzipSync, at: 3, bit: 0x40 },
  'the version of a xerial stream': {
    codec: 'snappy',
    right: (records) => xerial(records, 20),
    at: 11,
    bit: 0x02,
  },
  'the reserved bit of a zstd frame': { codec: 'zstd', right: compressZstd, at: 4, bit: 0x08 },
};

function rewritten(batch: Uint8Array, codec: Compression, section: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(RECORDS_AT + section.length);
  bytes.set(batch.subarray(0, RECORDS_AT));
  bytes.set(section, RECORDS_AT);
  const view = new DataView(bytes.buffer);
  view.setInt32(BATCH_LENGTH_AT, bytes.length - LENGTH_OVERHEAD);
  view.setInt16(ATTRIBUTES_AT, view.getInt16(ATTRIBUTES_AT) | COMPRESSION_CODES[codec]);
  return withCrc(bytes);
}

describe('a sealed batch written anew, its CRC repaired', () => {
  let place: FolderPlace;
  let made: MadeLedger;
  beforeEach(async () => {
    place = await FolderPlace.open();
    made = await MadeLedger.create(place.stream, { partitions: 1 });
    const record = { key: null, value: Buffer.from('value value value'), headers: [] };
    await made.appendRecords(0, [record, record]);
    await made.appendRecords(0, [record]);
    await made.seal(0);
  });
  afterEach(() => place.close());

  /** What verify says of it once its first batch is another. */
  async function reportAfter(change: (batch: Uint8Array) => Uint8Array) {
    await place.offline((root) => {
      const file = join(root, `${made.topic}-0`, SEGMENT);
      const bytes = readFileSync(file);
      const end = readBatchHeader(bytes, 0)?.sizeInBytes ?? assert.fail('no batch');
      const batch = change(Uint8Array.from(bytes.subarray(0, end)));
      writeFileSync(file, Buffer.concat([batch, bytes.subarray(end)]));
    });
    return checkBothWays(made, place.stream, { confirmMs: 0, timeoutMs: 200 });
  }

  for (const [name, { codec, right, at, bit }] of Object.entries(FORMS)) {
    test(`${codec}: intact; with ${name} turned, tampered`, async () => {
      const sections: Uint8Array[] = [];
      const whole = await reportAfter((batch) => {
        const section = Uint8Array.from(right(batch.subarray(RECORDS_AT)));
        sections.push(section);
        return rewritten(batch, codec, section);
      });
      assert.equal(whole.verdict, 'intact');
      const report = await reportAfter((batch) => {
        const section = Uint8Array.from(sections[0] ?? []);
        const place = at < 0 ? section.length + at : at;
        section[place] = (section[place] as number) ^ bit;
        return rewritten(batch, codec, section);
      });
      assert.equal(report.verdict, 'tampered');
      expectFinding(report, 'batch-corrupt', 0n, 3n);
    });
  }

  test('null as a length of −2: tampered', async () => {
    const report = await reportAfter((batch) => {
      // length, attributes, timestampDelta, offsetDelta, then the key's length: −1.
      const at = RECORDS_AT + 4;
      assert.equal(batch[at], 1);
      batch[at] = 3;
      return withCrc(batch);
    });
    assert.equal(report.verdict, 'tampered');
    expectFinding(report, 'batch-corrupt', 0n, 3n);
  });
});
