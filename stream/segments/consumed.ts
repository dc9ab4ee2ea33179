import { SealstreamError } from '../../ledger/error.js';
import { type BatchHeader, readBatchHeader } from '../batch/layout.js';

/**
 * Bytes of the whole batches that end at or before offset `next`, in order: a batch that begins below
 * the end of the one before it is left for the next read to refuse.
 */
export function consumedBytes(bytes: Uint8Array, next: bigint): number {
  let at = 0;
  let reached = 0n;
  while (at < bytes.length) {
    const header = tryHeader(bytes, at);
    if (header === null || header.nextOffset > next || header.baseOffset < reached) break;
    reached = header.nextOffset;
    if (header.sizeInBytes > bytes.length - at) break;
    at += header.sizeInBytes;
  }
  return at;
}

function tryHeader(bytes: Uint8Array, at: number): BatchHeader | null {
  try {
    return readBatchHeader(bytes, at);
  } catch (error) {
    // Behind what was decoded stands something broken: the next read meets and reports it.
    if (error instanceof SealstreamError) return null;
    throw error;
  }
}
