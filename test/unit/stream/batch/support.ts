import fc from 'fast-check';
import type { RecordParts } from '../../../../ledger/records.js';
import { type DecodedBatches, decodeBatches } from '../../../../stream/batch/decode.js';
import { BatchEncoder, type BatchEncoderOptions } from '../../../../stream/batch/encode.js';
import type { EncodedBatch } from '../../../../stream/stream.js';

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
  options: BatchEncoderOptions = {},
): EncodedBatch {
  const encoder = new BatchEncoder({ maxBytes: 4_000_000, ...options });
  for (const [parts, timestamp] of records) {
    if (!encoder.add(parts, timestamp)) throw new Error('a test record does not fit');
  }
  return encoder.finish();
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
