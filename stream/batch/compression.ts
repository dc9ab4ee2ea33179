import { SealstreamError } from '../../ledger/error.js';
import { decompressGzip } from './gzip.js';
import { decompressLz4 } from './lz4.js';
import { decompressSnappy } from './snappy.js';
import { decompressZstd } from './zstd.js';

export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** The codes of the batch attributes. */
export const COMPRESSION_CODES: Readonly<Record<Compression, number>> = {
  none: 0,
  gzip: 1,
  snappy: 2,
  lz4: 3,
  zstd: 4,
};

/** More would need more address space than the decoders have. */
const MAX_LIMIT = 512 * 1024 * 1024;

const DECODERS: Readonly<Record<number, (bytes: Uint8Array, limit: number) => Uint8Array>> = {
  1: decompressGzip,
  2: decompressSnappy,
  3: decompressLz4,
  4: decompressZstd,
};

/**
 * Undoes the compression of a batch's records. Nothing is taken for the compressed form of nothing,
 * as FORMAT §3a has it: compaction leaves such batches.
 * @param codec 1 gzip, 2 snappy, 3 lz4, 4 zstd
 * @param limit bytes that the result may have, at most 512 MiB
 * Throws `batch-corrupt`, or `unsupported` for another codec or a result beyond `limit`.
 */
export function decompress(codec: number, bytes: Uint8Array, limit: number): Uint8Array {
  const decoder = DECODERS[codec];
  if (decoder === undefined) {
    throw new SealstreamError('unsupported', `compression ${codec} is not known`);
  }
  return bytes.length === 0 ? bytes : decoder(bytes, Math.min(limit, MAX_LIMIT));
}
