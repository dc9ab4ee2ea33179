import { sizeOfVarint } from '../ledger/varint.js';

const BATCH_HEADER = 61;

/**
 * Size of a record batch that holds one record alone: attributes, two deltas of 0, and its body of
 * `bodyBytes`.
 */
export function batchSizeOf(bodyBytes: number): number {
  const length = 3 + bodyBytes;
  return BATCH_HEADER + sizeOfVarint(length) + length;
}
