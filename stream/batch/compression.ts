import { gunzipSync, gzipSync } from 'node:zlib';
import { SealstreamError } from '../../ledger/error.js';
import { corrupt } from './layout.js';

export type Compression = 'none' | 'gzip';

/** The codes of the batch attributes. */
export const COMPRESSION_CODES: Readonly<Record<Compression, number>> = { none: 0, gzip: 1 };

/**
 * Undoes the compression of a batch's records.
 * @param codec 1 gzip
 * @param limit bytes that the result may have
 * Throws `batch-corrupt`, or `unsupported` for another codec or a result beyond `limit`.
 */
export function decompress(codec: number, bytes: Uint8Array, limit: number): Uint8Array {
  switch (codec) {
    case 1:
      return gunzip(bytes, limit);
    default:
      throw new SealstreamError('unsupported', `compression ${codec} is not known`);
  }
}

/** Compresses a batch's records. */
export function compress(compression: Compression, bytes: Uint8Array): Uint8Array {
  return compression === 'gzip' ? gzipSync(bytes) : bytes;
}

function gunzip(bytes: Uint8Array, limit: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: limit });
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(limit);
    throw corrupt(`gzip: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The batch may be as its producer wrote it, so this is no evidence of a change. */
export function tooLarge(limit: number): SealstreamError {
  return new SealstreamError(
    'unsupported',
    `the records decompress to more than ${limit} bytes; raise maxRecordBytes if that is expected`,
  );
}
