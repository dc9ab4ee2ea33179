/**
 * The columns of a run of records, as the hash path reads them: slices of one buffer, and no object
 * per record. The stream's RecordBatch is one of these.
 */
export type TimestampType = 0 | 1;

export interface RecordColumns {
  /** The bytes that `bodyStart` and `bodyEnd` index. */
  readonly bytes: Uint8Array;
  /** Number of data records; every column has this length. */
  readonly count: number;
  /** FORMAT §2 body of record i: bytes[bodyStart[i] … bodyEnd[i]), minimal varints throughout. */
  readonly bodyStart: Int32Array;
  readonly bodyEnd: Int32Array;
  /** Absolute offsets, strictly increasing. Native-endian, so hot loops may read 32-bit halves. */
  readonly offsets: BigInt64Array;
  /** Milliseconds, FORMAT §3: maxTimestamp under LogAppendTime, base + delta under CreateTime. */
  readonly timestamps: BigInt64Array;
  /** 0 CreateTime, 1 LogAppendTime; one value for all records of a batch. */
  readonly timestampType: TimestampType;
}

/** A header as stored: order and repetitions kept; a value may be null, a key never is. */
export interface RecordHeader {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** The parts of a record that its body (FORMAT §2) holds. */
export interface RecordParts {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}
