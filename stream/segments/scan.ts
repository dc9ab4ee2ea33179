import { SealstreamError } from '../../ledger/error.js';
import { type BatchHeader, hasValidCrc, RECORDS_AT, readBatchHeader } from '../batch/layout.js';
import type { Stray } from '../stream.js';
import type { SegmentFile } from './segment-file.js';

/**
 * Finds where the whole batches of a segment end. What follows the last one is either torn (a write
 * that was cut short: nothing whole comes after it) or damage (a whole batch does come after it).
 */
const CHUNK_BYTES = 1024 * 1024;
/** Appends are smaller (writer.ts), so that a longer rest cannot be one that was cut short. */
export const MAX_TORN_BYTES = 64 * 1024 * 1024;
/** How many bytes of would-be batches to hash in search of a whole one; hostile bytes hold many. */
const SEARCH_BYTES = 4 * MAX_TORN_BYTES;
/** What looking at one would-be header counts, in bytes hashed. */
const HEADER_COST = 1024;
const MAX_DAMAGES = 4;
const BATCH_LENGTH_AT = 8;
const MAGIC_AT = 16;
const MAGIC = 2;

export interface ScanPoint {
  /** End of the last whole batch, in bytes. */
  readonly position: number;
  /** First offset after it. */
  readonly next: bigint;
  /** Its maxTimestamp, or −1 where there was none. */
  readonly timestamp: bigint;
}

export interface Damage {
  readonly position: number;
  readonly offset: bigint;
}

export interface Scan extends ScanPoint {
  /** Where a batch that is not whole stands before one that is; the first such place. */
  readonly damage: Damage | null;
  /**
   * First offset after all that the segment holds: `next`, or beyond damage with no end in sight,
   * so that whoever reads up to it meets the damage.
   */
  readonly end: bigint;
}

/** Follows whole batches from `start` to `size`, over damage too. */
export async function scanSegment(
  file: SegmentFile,
  start: ScanPoint & { readonly damage?: Damage | null },
  size: number,
): Promise<Scan> {
  let point: ScanPoint = start;
  let damage = start.damage ?? null;
  for (let damages = 0; ; damages += 1) {
    point = await followBatches(file, point, size);
    if (point.position >= size) break;
    const found = damages < MAX_DAMAGES ? await findBatch(file, point, size) : 'unknown';
    if (found === null) {
      const stray = await strayAt(file, point.position, point.next);
      if (stray !== null) damage ??= { position: point.position, offset: stray.from };
      break;
    }
    damage ??= { position: point.position, offset: point.next };
    if (found === 'unknown') return { ...point, damage, end: point.next + 1n };
    point = found;
  }
  return { ...point, damage, end: point.next };
}

/** As far as one whole batch follows the other: to `size`, or to where that ends. */
export async function followBatches(
  file: SegmentFile,
  start: ScanPoint,
  size: number,
): Promise<ScanPoint> {
  let { position, next, timestamp } = start;
  let wanted = CHUNK_BYTES;
  // One piece of memory for all chunks: new ones would be garbage at the speed of the disk.
  const memory = new Uint8Array(Math.min(CHUNK_BYTES, Math.max(0, size - position)));
  while (position < size) {
    const bytes = await file.read(position, Math.min(wanted, size - position), memory);
    let at = 0;
    let header = wholeHeader(bytes, at, next);
    while (header !== null && at + header.sizeInBytes <= bytes.length) {
      if (!hasValidCrc(bytes, at, header)) return { position: position + at, next, timestamp };
      ({ nextOffset: next, maxTimestamp: timestamp } = header);
      at += header.sizeInBytes;
      header = wholeHeader(bytes, at, next);
    }
    position += at;
    const needed = header?.sizeInBytes ?? RECORDS_AT;
    // No progress: the rest is too short, or no batch at all.
    if (at === 0 && (needed <= bytes.length || needed > size - position)) break;
    wanted = Math.max(CHUNK_BYTES, needed);
  }
  return { position, next, timestamp };
}

/** The header at `at`, null where there is none or it cannot follow offset `next` − 1. */
function wholeHeader(bytes: Uint8Array, at: number, next: bigint): BatchHeader | null {
  try {
    const header = readBatchHeader(bytes, at);
    return header !== null && header.baseOffset >= next ? header : null;
  } catch (error) {
    if (error instanceof SealstreamError) return null;
    throw error;
  }
}

/** The whole batch at `position`, if it begins below `reached`: no write that was cut short looks so. */
export async function strayAt(
  file: SegmentFile,
  position: number,
  reached: bigint,
): Promise<(Stray & { readonly sizeInBytes: number }) | null> {
  const header = wholeHeader(file.readNow(position, new Uint8Array(RECORDS_AT)), 0, 0n);
  if (header === null || header.baseOffset >= reached) return null;
  const { baseOffset: from, nextOffset: to, sizeInBytes } = header;
  if (sizeInBytes > (await file.size()) - position) return null;
  const bytes = await file.read(position, sizeInBytes);
  return hasValidCrc(bytes, 0, header) ? { from, to, sizeInBytes } : null;
}

/**
 * The end of the first whole batch after `from`; `unknown` where looking on would take too long.
 */
async function findBatch(
  file: SegmentFile,
  from: ScanPoint,
  size: number,
): Promise<ScanPoint | 'unknown' | null> {
  if (size - from.position > MAX_TORN_BYTES) return 'unknown';
  const bytes = await file.read(from.position, size - from.position);
  const view = new DataView(bytes.buffer);
  let budget = SEARCH_BYTES;
  for (let at = 1; at + RECORDS_AT <= bytes.length; at += 1) {
    if (bytes[at + MAGIC_AT] !== MAGIC) continue;
    const length = view.getInt32(at + BATCH_LENGTH_AT);
    if (length < 0 || length > bytes.length - at) continue;
    budget -= HEADER_COST;
    if (budget < 0) return 'unknown';
    const header = wholeHeader(bytes, at, from.next);
    if (header === null || at + header.sizeInBytes > bytes.length) continue;
    budget -= header.sizeInBytes;
    if (budget < 0) return 'unknown';
    if (!hasValidCrc(bytes, at, header)) continue;
    return {
      position: from.position + at + header.sizeInBytes,
      next: header.nextOffset,
      timestamp: header.maxTimestamp,
    };
  }
  return null;
}
