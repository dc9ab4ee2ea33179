import fc from 'fast-check';
import type { RecordParts } from '../../../../ledger/records.js';
import type { Compression } from '../../../../stream/batch/compression.js';
import { crc32c } from '../../../../stream/batch/crc32c.js';
import { type DecodedBatches, decodeBatches } from '../../../../stream/batch/decode.js';
import { BatchEncoder, type BatchEncoderOptions } from '../../../../stream/batch/encode.js';
import type { EncodedBatch } from '../../../../stream/stream.js';
import { compressedBatch } from '../../../support/compress.js';

const bytes = fc.uint8Array({ maxLength: 300 });
const headerKeys = fc.oneof(
  bytes,
  fc.constantFrom('1', '2', '__proto__', 'traceparent').map((name) => text(name)),
);

export const arbitraryParts: fc.Arbitrary<RecordParts> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.record({ key: headerKeys, value: fc.option(bytes) }), { maxLength: 6 }),
});

export function text(value: string): Uint8Array {
  return new TextEncoder().encode(value);
}

export function encode(
  records: readonly (readonly [RecordParts, bigint])[],
  { compression = 'none', ...options }: BatchEncoderOptions & { compression?: Compression } = {},
): EncodedBatch {
  const encoder = new BatchEncoder({ maxBytes: 4_000_000, ...options });
  for (const [parts, timestamp] of records) {
    if (!encoder.add(parts, timestamp)) throw new Error('a test record does not fit');
  }
  return compressedBatch(encoder.finish(), compression);
}

export function decodeAll(batches: Uint8Array, maxRecordBytes?: number): DecodedBatches {
  const limit = maxRecordBytes === undefined ? {} : { maxRecordBytes };
  return decodeBatches(batches, { from: 0n, topic: 'audit', partition: 0, ...limit });
}

/** Parts in a form that deepEqual compares by content, whatever the class of the arrays. */
export function plain(parts: RecordParts): unknown {
  return {
    key: hex(parts.key),
    value: hex(parts.value),
    headers: parts.headers.map((header) => [hex(header.key), hex(header.value)]),
  };
}

function hex(value: Uint8Array | null): string | null {
  return value === null ? null : Buffer.from(value).toString('hex');
}

/** The fields of a batch made by hand; whatever is not given is that of a batch without records. */
export interface Crafted {
  readonly baseOffset?: bigint;
  readonly batchLength?: number;
  readonly leaderEpoch?: number;
  readonly magic?: number;
  readonly attributes?: number;
  readonly lastOffsetDelta?: number;
  readonly baseTimestamp?: bigint;
  readonly maxTimestamp?: bigint;
  readonly recordsCount?: number;
  readonly records?: readonly number[] | Uint8Array;
}

/** A batch of exactly these fields with a CRC-32C that holds, written without the encoder. */
export function craft(fields: Crafted): Uint8Array {
  const records = fields.records ?? [];
  const batch = new Uint8Array(61 + records.length);
  const view = new DataView(batch.buffer);
  view.setBigInt64(0, fields.baseOffset ?? 0n);
  view.setInt32(8, fields.batchLength ?? batch.length - 12);
  view.setInt32(12, fields.leaderEpoch ?? 0);
  view.setInt8(16, fields.magic ?? 2);
  view.setInt16(21, fields.attributes ?? 0);
  view.setInt32(23, fields.lastOffsetDelta ?? 0);
  view.setBigInt64(27, fields.baseTimestamp ?? 0n);
  view.setBigInt64(35, fields.maxTimestamp ?? 0n);
  view.setBigInt64(43, -1n);
  view.setInt16(51, -1);
  view.setInt32(53, -1);
  view.setInt32(57, fields.recordsCount ?? 0);
  batch.set(records, 61);
  return withCrc(batch);
}

/** Sets the CRC-32C right, as someone with access to the disk would. */
export function withCrc(batch: Uint8Array): Uint8Array {
  new DataView(batch.buffer, batch.byteOffset).setUint32(17, crc32c(batch.subarray(21)));
  return batch;
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}
