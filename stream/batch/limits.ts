import { SealstreamError } from '../../ledger/error.js';

/** The batch may be as its producer wrote it, so this is no evidence of a change. */
export function tooLarge(limit: number): SealstreamError {
  return new SealstreamError(
    'unsupported',
    `the records decompress to more than ${limit} bytes; raise maxRecordBytes if that is expected`,
  );
}
