import { SealstreamError } from '../../ledger/error.js';

/** The batch may be as its producer wrote it, so this is no evidence of a change. */
export function tooLarge(limit: number): SealstreamError {
  return new SealstreamError(
    'unsupported',
    `the records decompress to more than ${limit} bytes, which none of them may: see "a producer ` +
      'that means harm" in docs/threat-model.md; compression.type=uncompressed on the topic makes ' +
      'the broker refuse such batches from then on',
  );
}
