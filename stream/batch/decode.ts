import { SealstreamError } from '../../ledger/error.js';
import type { RecordBatch } from '../stream.js';
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
   * The bytes begin with the batch that holds `from` or a later one, so that a batch which ends
   * before it is out of place. Default false: such batches are skipped.
   */
  readonly exact?: boolean;
  /** Records at or above it are dropped: the high watermark. Default: none. */
  readonly below?: bigint;
  /** Bytes that the records of one batch may decompress to. Default 64 MiB. */
  readonly maxRecordBytes?: number;
  /** Where the bytes come from, for error messages. */
  readonly topic: string;
  readonly partition: number;
}

export interface DecodedBatches {
  readonly batches: RecordBatch[];
  /** Where to go on: after the last batch, at most `below`, at least `from`. */
  readonly next: bigint;
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
  const { from, below = 2n ** 63n - 1n } = options;
  const limit = options.maxRecordBytes ?? DEFAULT_MAX_RECORD_BYTES;
  const batches: RecordBatch[] = [];
  let next = from;
  let reached = 0n;
  let lastEpoch: number | null = null;
  let at = 0;
  let decompressed = 0;
  const stopped = (partial: boolean, error: SealstreamError | null): DecodedBatches => {
    return { batches, next, lastEpoch, partial, error };
  };
  while (at < bytes.length && next < below && decompressed <= ENOUGH_DECOMPRESSED_BYTES) {
    let header: BatchHeader | null = null;
    try {
      header = readBatchHeader(bytes, at);
      if (header === null || at + header.sizeInBytes > bytes.length) return stopped(true, null);
      if (header.baseOffset < reached) {
        throw corrupt(`base offset ${header.baseOffset} after offset ${reached - 1n}`);
      }
      if (header.baseOffset >= below) break;
      reached = header.nextOffset;
      if (options.exact === true && header.nextOffset <= from) {
        throw corrupt(`it ends before offset ${from}, which was read already`);
      }
      if (header.nextOffset > from) {
        const batch = decodeBatch(bytes, at, header, { from, below, limit });
        batches.push(batch);
        if (header.compression !== 0) decompressed += batch.bytes.length;
        next = batch.nextOffset;
        lastEpoch = header.leaderEpoch < 0 ? null : header.leaderEpoch;
      }
      at += header.sizeInBytes;
    } catch (error) {
      if (!(error instanceof SealstreamError)) throw error;
      return stopped(false, placed(error, options, header?.baseOffset ?? next));
    }
  }
  return stopped(false, null);
}

function decodeBatch(
  bytes: Uint8Array,
  at: number,
  header: BatchHeader,
  { from, below, limit }: { from: bigint; below: bigint; limit: number },
): RecordBatch {
  if (!hasValidCrc(bytes, at, header)) {
    throw corrupt('the CRC-32C does not match the bytes: they changed after they were written');
  }
  let columns: Columns | null = null;
  if (!header.control) {
    // Not `subarray`: of a Buffer it would make Buffers, which are slower to slice.
    const batch = new Uint8Array(bytes.buffer, bytes.byteOffset + at, header.sizeInBytes);
    if (header.compression === 0 || batch.length === RECORDS_AT) {
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
