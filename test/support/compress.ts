/** Record batches as producers compress them, which ours do not. */
import { gzipSync } from 'node:zlib';
import lz4 from 'lz4-napi';
import snappyjs from 'snappyjs';
import { COMPRESSION_CODES, type Compression } from '../../stream/batch/compression.js';
import { crc32c } from '../../stream/batch/crc32c.js';
import {
  ATTRIBUTES_AT,
  BATCH_LENGTH_AT,
  CRC_AT,
  LENGTH_OVERHEAD,
  RECORDS_AT,
} from '../../stream/batch/layout.js';
import { compressFrame } from '../../stream/batch/zstd-library.js';
import type { EncodedBatch } from '../../stream/stream.js';

const XERIAL_HEADER = Buffer.from('\x82SNAPPY\0\0\0\0\x01\0\0\0\x01', 'latin1');
const XERIAL_BLOCK_BYTES = 32 * 1024;

/** An uncompressed batch with its records compressed. */
export function compressedBatch(batch: EncodedBatch, compression: Compression): EncodedBatch {
  const records = compress(compression, batch.bytes.subarray(RECORDS_AT));
  const bytes = Buffer.concat([batch.bytes.subarray(0, RECORDS_AT), records]);
  bytes.writeInt32BE(bytes.length - LENGTH_OVERHEAD, BATCH_LENGTH_AT);
  bytes.writeInt16BE(
    bytes.readInt16BE(ATTRIBUTES_AT) | COMPRESSION_CODES[compression],
    ATTRIBUTES_AT,
  );
  bytes.writeUInt32BE(crc32c(bytes.subarray(ATTRIBUTES_AT)), CRC_AT);
  return { ...batch, bytes: new Uint8Array(bytes) };
}

/** Compresses a batch's records. */
export function compress(compression: Compression, bytes: Uint8Array): Uint8Array {
  switch (compression) {
    case 'none':
      return bytes;
    case 'gzip':
      return gzipSync(bytes);
    case 'snappy':
      return compressSnappy(bytes, 'xerial');
    case 'lz4':
      return compressLz4(bytes);
    case 'zstd':
      return compressZstd(bytes);
  }
}

/** One frame of independent blocks without content size, as the Java client writes it. */
export function compressLz4(bytes: Uint8Array): Uint8Array {
  return lz4.compressFrameSync(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
}

/** One frame with its content size, as librdkafka writes it. */
export function compressZstd(bytes: Uint8Array): Uint8Array {
  return compressFrame(bytes);
}

/** `framing`: xerial as the Java client writes it, bare as librdkafka does. */
export function compressSnappy(bytes: Uint8Array, framing: 'xerial' | 'bare'): Uint8Array {
  const plain = new Uint8Array(bytes);
  if (framing === 'bare') return snappyjs.compress(plain);
  const parts: Uint8Array[] = [XERIAL_HEADER];
  for (let at = 0; at < plain.length; at += XERIAL_BLOCK_BYTES) {
    const block = snappyjs.compress(plain.slice(at, at + XERIAL_BLOCK_BYTES));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    parts.push(length, block);
  }
  return new Uint8Array(Buffer.concat(parts));
}
