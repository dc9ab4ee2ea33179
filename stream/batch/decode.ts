import { SealstreamError } from '../../ledger/error.js';
import type { RecordBatch, Stray } from '../stream.js';
import { decompress } from './compression.js';
import { type BatchHeader, corrupt, hasValidCrc, RECORDS_AT, readBatchHeader } from './layout.js';
import { type Columns, readColumns } from './records.js';
import { BatchView } from './view.js';

export { hasValidCrc, readBatchHeader } from './layout.js';

/** Bytes that the records of one compressed batch may take when the caller sets no limit. */
const DEFAULT_MAX_RECORD_BYTES = 64 * 1024 * 1024;
/**
 * Once the compressed batches of one call hold more than this, the rest waits for the next call: a
 * megabyte of fetched bytes may hold hundreds of batches that each decompress to the limit.
 */
const ENOUGH_DECOMPRESSED_BYTES = 16 * 1024 * 1024;

export interface DecodeOptions {
  /** Records below it are dropped: a stream hands out whole batches. */
  readonly from: bigint;
  /**
   * No batch may begin below it: where a batch that was read before ends, or a segment begins.
   * Default 0: the first batch may begin below `from`, as where somebody seeks.
   */
  readonly reached?: bigint;
  /** The first batch comes whole, with its records below `from`. Default false. */
  readonly whole?: boolean;
  /** Records at or above it are dropped: the high watermark. Default: none. */
  readonly below?: bigint;
  /** A batch that reaches past it is corrupt: where the next segment begins. Default: none. */
  readonly limit?: bigint;
  /** Bytes that the records of one batch may decompress to. Default 64 MiB. */
  readonly maxRecordBytes?: number;
  /** Where the bytes come from, for error messages. */
  readonly topic: string;
  readonly partition: number;
}

export interface DecodedBatches {
  readonly batches: RecordBatch[];
  /**
   * The batches that are out of place: they begin below what was reached before them, or end before
   * `from`. Their records are not decoded: no log has such a batch, whatever is in it.
   */
  readonly strays: Stray[];
  /** Where to go on: after the last batch, at most `below`, at least `from`. */
  readonly next: bigint;
  /** The last batch ends at `next`, so that none may begin below it. */
  readonly isWhole: boolean;
  /** Bytes of the batches and strays. */
  readonly consumed: number;
  /** Leader epoch of the last batch; null where there was none or it has none. */
  readonly lastEpoch: number | null;
  /** The bytes end within a batch, as a fetch of limited size does. */
  readonly partial: boolean;
  /**
   * Why decoding stopped early, else null: `batch-corrupt`, or `unsupported` where the batch is
   * intact but of an old format, an unknown compression, or larger than `maxRecordBytes`.
   */
  readonly error: SealstreamError | null;
}

/**
 * Decodes the record batches that follow one another in `bytes`, up to the first broken one, or
 * until enough was decompressed: `next` says where to go on. The result is made of views: `bytes`
 * must not change while it is in use. Hostile bytes cost at most `maxRecordBytes` and a little, and
 * end as an error.
 */
export function decodeBatches(bytes: Uint8Array, options: DecodeOptions): DecodedBatches {
  const { from, below = 2n ** 63n - 1n, limit } = options;
  const most = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
  const batches: RecordBatch[] = [];
  const strays: Stray[] = [];
  let next = from;
  let reached = options.reached ?? 0n;
  let isWhole = false;
  let lastEpoch: number | null = null;
  let at = 0;
  let decompressed = 0;
  const stopped = (partial: boolean, error: SealstreamError | null): DecodedBatches => {
    return { batches, strays, next, isWhole, consumed: at, lastEpoch, partial, error };
  };
  while (at < bytes.length) {
    let header: BatchHeader | null = null;
    try {
      header = readBatchHeader(bytes, at);
      const partial = header === null || at + header.sizeInBytes > bytes.length;
      const isStray = header !== null && (header.baseOffset < reached || header.nextOffset <= from);
      // Looked at before anything else is, also where it is cut off, or behind the last one wanted; but
      // what is both may be a write that never finished.
      if (header !== null && isStray && !(partial && next >= below)) {
        if (!partial && !hasValidCrc(bytes, at, header)) throw corrupt(CRC_DIFFERS);
        strays.push({ from: header.baseOffset, to: header.nextOffset });
      }
      if (next >= below) {
        if (!isStray || partial) break;
      } else if (header === null || partial) {
        return stopped(true, null);
      } else if (!isStray) {
        if (limit !== undefined && header.nextOffset > limit) {
          throw corrupt(`it reaches past offset ${limit}, the start of the next segment`);
        }
        if (header.baseOffset >= below || decompressed > ENOUGH_DECOMPRESSED_BYTES) break;
        const first = options.whole === true && batches.length === 0 ? header.baseOffset : from;
        const batch = decodeBatch(bytes, at, header, { from: first, below, limit: most });
        batches.push(batch);
        if (header.compression !== 0) decompressed += batch.bytes.length;
        reached = header.nextOffset;
        isWhole = reached <= below;
        next = isWhole ? reached : below;
        lastEpoch = header.leaderEpoch < 0 ? null : header.leaderEpoch;
      }
      at += header?.sizeInBytes ?? 0;
    } catch (error) {
      if (!(error instanceof SealstreamError)) throw error;
      // Nothing more is wanted: what follows may be a write that never finished.
      if (next >= below) break;
      return stopped(false, placed(error, options, header?.baseOffset ?? next));
    }
  }
  return stopped(false, null);
}

const CRC_DIFFERS = 'the CRC-32C does not match the bytes: they changed after they were written';

function decodeBatch(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  { from, below, limit }: { from: bigint; below: bigint; limit: number },
): RecordBatch {
  if (!hasValidCrc(bytes, at, header)) {
    throw corrupt(CRC_DIFFERS);
  }
  let columns: Columns | null = null;
  if (!header.control) {
    // Not `subarray`: of a Buffer it would make Buffers, which are slower to slice.
    const batch = new Uint8Array(bytes.buffer, bytes.byteOffset + at, header.sizeInBytes);
    if (header.compression === 0) {
      columns = readColumns(batch, RECORDS_AT, batch.length, header);
    } else {
      const records = decompress(header.compression, batch.subarray(RECORDS_AT), limit);
      columns = readColumns(records, 0, records.length, header);
    }
  }
  return new BatchView(header, columns, from, below);
}

function placed(error: SealstreamError, options: DecodeOptions, offset: bigint): SealstreamError {
  const place = `topic ${options.topic} partition ${options.partition} batch at offset ${offset}`;
  return new SealstreamError(error.code, `${place}: ${error.message}`, { cause: error });
}
