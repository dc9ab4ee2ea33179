import { sizeOfBody } from '../ledger/body.js';
import type { RecordParts } from '../ledger/records.js';
import { sizeOfVarint } from '../ledger/varint.js';

const BATCH_HEADER = 61;

/** Size of a record batch that holds this record alone: attributes, two deltas of 0, and its body. */
export function batchSizeOf(parts: RecordParts): number {
  const length = 3 + sizeOfBody(parts);
  return BATCH_HEADER + sizeOfVarint(length) + length;
}
