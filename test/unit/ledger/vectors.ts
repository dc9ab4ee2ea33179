/** The vectors of test/fixtures/vectors.json, and what tests make of them. */
import { readFileSync } from 'node:fs';
import {
  type Checkpoint,
  decodeHex,
  type LogState,
  openCheckpoint,
  type PublicKey,
  publicKeyFromBytes,
  type RecordColumns,
  type RecordParts,
  type TimestampType,
} from '../../../ledger/index.js';

export interface VectorRecord {
  readonly offset: string;
  readonly timestamp: string;
  readonly timestampType: TimestampType;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [string, string | null])[];
  readonly body: string;
  readonly record: string;
  readonly entry: string;
  readonly chain: string;
}

export interface VectorCheckpoint {
  readonly size: number;
  readonly root: string;
  readonly chain: string;
  readonly next: number;
  readonly frontier: readonly string[];
  readonly note: string;
  readonly topicKey: string;
  readonly last: string;
}

export interface VectorLog {
  readonly origin: string;
  readonly genesis: string;
  readonly publicKey: string;
  readonly privateSeed: string;
  readonly vkey: string;
  readonly time: string;
  readonly records: readonly VectorRecord[];
  readonly checkpoints: readonly VectorCheckpoint[];
  readonly receipts: readonly { readonly index: number; readonly receipt: string }[];
}

export interface Vectors {
  readonly format: string;
  readonly reject: readonly { readonly why: string; readonly note: string }[];
  readonly frontiers: {
    readonly size: number;
    readonly note: string;
    readonly good: readonly string[];
    readonly reject: readonly (readonly string[])[];
  };
  readonly logs: readonly VectorLog[];
}

/** Seen from dist/test/unit/ledger. */
const FILE = new URL('../../../../test/fixtures/vectors.json', import.meta.url);

export const vectors = JSON.parse(readFileSync(FILE, 'utf8')) as Vectors;

/** The log of index 0, 1 or 2; the last one has 37 records. */
export function vectorLog(index: number): VectorLog {
  const log = vectors.logs[index];
  if (log === undefined) throw new Error(`vectors.json has no log ${index}`);
  return log;
}

export function partsOf(record: VectorRecord): RecordParts {
  const bytes = (hex: string | null) => (hex === null ? null : decodeHex(hex));
  return {
    key: bytes(record.key),
    value: bytes(record.value),
    headers: record.headers.map(([key, value]) => ({ key: decodeHex(key), value: bytes(value) })),
  };
}

export function publicKeyOf(log: VectorLog): PublicKey {
  return publicKeyFromBytes(decodeHex(log.publicKey));
}

export function openVector(log: VectorLog, checkpoint: VectorCheckpoint): Checkpoint {
  return openCheckpoint(checkpoint.note, log.origin, publicKeyOf(log));
}

/** Record bodies as one batch would hold them, `padding` bytes apart. */
export function columnsOf(
  records: readonly { body: Uint8Array; offset: bigint; timestamp: bigint }[],
  timestampType: TimestampType,
  padding = 0,
): RecordColumns {
  const total = records.reduce((sum, { body }) => sum + padding + body.length, padding);
  // Away from the start of its buffer, as a slice of a fetched response is.
  const bytes = new Uint8Array(total + 16).subarray(7, 7 + total).fill(0xee);
  const bodyStart = new Int32Array(records.length);
  const bodyEnd = new Int32Array(records.length);
  let position = 0;
  records.forEach(({ body }, index) => {
    position += padding;
    bytes.set(body, position);
    bodyStart[index] = position;
    position += body.length;
    bodyEnd[index] = position;
  });
  return {
    bytes,
    count: records.length,
    bodyStart,
    bodyEnd,
    offsets: BigInt64Array.from(records, ({ offset }) => offset),
    timestamps: BigInt64Array.from(records, ({ timestamp }) => timestamp),
    timestampType,
  };
}

/** Appends records one batch each. */
export function appendVectors(state: LogState, records: readonly VectorRecord[]): void {
  for (const record of records) {
    const { offset, timestamp, timestampType } = record;
    const row = {
      body: decodeHex(record.body),
      offset: BigInt(offset),
      timestamp: BigInt(timestamp),
    };
    state.append(columnsOf([row], timestampType, 3));
  }
}
