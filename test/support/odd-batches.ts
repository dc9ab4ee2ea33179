import { gzipSync } from 'node:zlib';
import type { EncodedBatch } from '../../stream/stream.js';
import { concat, craft, text } from '../unit/stream/batch/support.js';
import { lz4Block, lz4Frame } from './codec-forms.js';
import { compressLz4, compressSnappy } from './compress.js';

const GZIP = 1;
const SNAPPY = 2;
const LZ4 = 3;

/** length, attributes, timestampDelta 0, offsetDelta, then key, value of one byte, no header. */
function record(value: string, odd: { delta?: number; key?: number; length?: number } = {}) {
  const { delta = 0, key = 1, length = 16 } = odd;
  const [first = 0] = text(value);
  return [length, 0, 0, delta, ...(key % 2 === 1 ? [key] : [key, 0x6b]), 2, first, 0];
}

const PAIR = [...record('a', { length: 14 }), ...record('b', { length: 14, delta: 2 })];

function batch(records: Uint8Array | readonly number[], attributes = 0): EncodedBatch {
  const count = 2;
  const bytes = craft({ attributes, lastOffsetDelta: count - 1, recordsCount: count, records });
  return { bytes, count };
}

function withByte(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[at] = value;
  return changed;
}

const gzipped = gzipSync(Uint8Array.from(PAIR));
const lz4 = compressLz4(Uint8Array.from(PAIR));

/**
 * Batches of two records with the values "a" and "b" and no key, as no client would write them, and
 * which a broker stores all the same.
 */
export const ODD_BATCHES: Readonly<Record<string, EncodedBatch>> = {
  'two gzip members': batch(
    concat(gzipSync(Uint8Array.from(PAIR.slice(0, 5))), gzipSync(Uint8Array.from(PAIR.slice(5)))),
    GZIP,
  ),
  'a few bytes after a gzip member': batch(concat(gzipped, text('xy')), GZIP),
  'many bytes after a gzip member': batch(
    concat(gzipped, text('many bytes that start no other member')),
    GZIP,
  ),
  'many bytes after an lz4 frame': batch(concat(lz4, text('many bytes')), LZ4),
};

/**
 * Batches that a broker stores as well, whose records some other clients would place elsewhere, or
 * not find at all.
 */
export const MISPLACED_BATCHES: Readonly<Record<string, EncodedBatch>> = {
  'repeated offset deltas': batch([...PAIR.slice(0, 8), ...record('b', { length: 14 })]),
  'an offset delta beyond the last': batch([
    ...PAIR.slice(0, 8),
    ...record('b', { length: 14, delta: 40 }),
  ]),
  'a negative offset delta': batch([...record('a', { length: 14, delta: 9 }), ...PAIR.slice(8)]),
  'a compressed record that says it is longer': batch(
    gzipSync(Uint8Array.from([...record('a', { length: 100 }), ...PAIR.slice(8)])),
    GZIP,
  ),
  'a compressed record that says it is shorter': batch(
    gzipSync(Uint8Array.from([...record('a', { length: 4 }), ...PAIR.slice(8)])),
    GZIP,
  ),
  // The zigzag varint 3 is −2.
  'a key of length −2': batch([...record('a', { length: 14, key: 3 }), ...PAIR.slice(8)]),
  'an lz4 end mark of an uncompressed block': batch(
    concat(lz4.subarray(0, lz4.length - 4), Uint8Array.of(0, 0, 0, 0x80), text('rest')),
    LZ4,
  ),
  'a wrong checksum of the content of an lz4 frame': batch(
    lz4Frame(0x64, [lz4Block(Uint8Array.from(PAIR))], text('other')),
    LZ4,
  ),
  'a reserved flag of a gzip member': batch(withByte(gzipped, 3, 0x20), GZIP),
  'a xerial stream of version 2': batch(
    withByte(compressSnappy(Uint8Array.from(PAIR), 'xerial'), 11, 2),
    SNAPPY,
  ),
};
