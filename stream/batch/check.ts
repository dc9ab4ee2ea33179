import { asSealstreamError, SealstreamError } from '../../ledger/error.js';
import type { EncodedBatch } from '../stream.js';
import { type BatchHeader, hasValidCrc, readBatchHeader } from './layout.js';

/** Why these bytes are not one whole, intact batch of `count` records, as the encoder makes them:
 * `malformed` or `batch-corrupt`, at `place`; null: they are. */
export function checkBatch(batch: EncodedBatch, place: string): SealstreamError | null {
  const { bytes, count } = batch;
  let header: BatchHeader | null;
  try {
    header = readBatchHeader(bytes, 0);
  } catch (error) {
    return asSealstreamError(error, 'malformed', place);
  }
  const whole =
    header !== null &&
    header.sizeInBytes === bytes.length &&
    header.recordsCount === count &&
    header.lastOffsetDelta === count - 1 &&
    hasValidCrc(bytes, 0, header);
  if (whole) return null;
  return new SealstreamError('malformed', `${place}: not one whole batch of ${count} records`);
}
