import { decodeBody } from '../../ledger/body.js';
import { SealstreamError } from '../../ledger/error.js';
import type { TimestampType } from '../../ledger/records.js';
import type { RecordBatch, StreamRecord } from '../stream.js';
import type { BatchHeader } from './layout.js';
import type { Columns } from './records.js';

const NO_COLUMNS: Columns = {
  bytes: new Uint8Array(0),
  bodyStart: new Int32Array(0),
  bodyEnd: new Int32Array(0),
  offsets: new BigInt64Array(0),
  timestamps: new BigInt64Array(0),
};

/** The records of one batch that lie in [from, below). */
export class BatchView implements RecordBatch {
  readonly baseOffset: bigint;
  readonly nextOffset: bigint;
  readonly sizeInBytes: number;
  readonly control: boolean;
  readonly timestampType: TimestampType;
  readonly count: number;
  readonly bytes: Uint8Array;
  readonly bodyStart: Int32Array;
  readonly bodyEnd: Int32Array;
  readonly offsets: BigInt64Array;
  readonly timestamps: BigInt64Array;

  /** `columns` is null for control batches, whose records are no data. */
  constructor(header: BatchHeader, columns: Columns | null, from: bigint, below: bigint) {
    this.baseOffset = header.baseOffset;
    this.nextOffset = header.nextOffset;
    this.sizeInBytes = header.sizeInBytes;
    this.control = header.control;
    this.timestampType = header.timestampType;
    const all = columns ?? NO_COLUMNS;
    const start = firstAtOrAbove(all.offsets, from);
    const end = firstAtOrAbove(all.offsets, below);
    const whole = start === 0 && end === all.offsets.length;
    this.count = end - start;
    this.bytes = all.bytes;
    this.bodyStart = whole ? all.bodyStart : all.bodyStart.subarray(start, end);
    this.bodyEnd = whole ? all.bodyEnd : all.bodyEnd.subarray(start, end);
    this.offsets = whole ? all.offsets : all.offsets.subarray(start, end);
    this.timestamps = whole ? all.timestamps : all.timestamps.subarray(start, end);
  }

  record(index: number): StreamRecord {
    const start = this.bodyStart[index];
    const end = this.bodyEnd[index];
    const offset = this.offsets[index];
    const timestamp = this.timestamps[index];
    if (
      start === undefined ||
      end === undefined ||
      offset === undefined ||
      timestamp === undefined
    ) {
      throw new SealstreamError('usage', `record ${index} of a batch of ${this.count}`);
    }
    const body = this.bytes.subarray(start, end);
    const { key, value, headers } = decodeBody(body);
    return { key, value, headers, offset, timestamp, timestampType: this.timestampType, body };
  }
}

/** Index of the first offset that is not below `bound`. */
function firstAtOrAbove(offsets: BigInt64Array, bound: bigint): number {
  let low = 0;
  let high = offsets.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((offsets[middle] as bigint) < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
