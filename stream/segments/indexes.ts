/**
 * What a broker finds offsets and times by, held against the batches. It trusts these files: who
 * seeks is handed what begins at the byte that they name, whatever that is.
 *
 *   <base offset>.index      offset − base offset INT32, byte in the segment INT32: who looks for this
 *                            offset or a later one looks from that byte on
 *   <base offset>.timeindex  timestamp INT64, offset − base offset INT32: nothing before that offset is
 *                            later than the timestamp; the last entry holds the latest of the segment
 *
 * Both may end in zeros, as the broker lays them out. After a crash it makes anew what its recovery
 * point does not cover, so that an entry beyond the end of the log means nothing then.
 */
import { join } from 'node:path';
import { SealstreamError } from '../../ledger/error.js';
import { type BatchHeader, RECORDS_AT, readBatchHeader } from '../batch/layout.js';
import type { Stray } from '../stream.js';
import { exists, listSegments, readSmallFile, type Segment } from './folder.js';
import { type SegmentFile, withSegment } from './segment-file.js';

const OFFSET_ENTRY = 8;
const TIME_ENTRY = 12;
/** Kafka makes them 10 MiB large by default (segment.index.bytes). */
const MAX_INDEX_BYTES = 256 * 1024 * 1024;
/** So many are evidence enough. */
const MOST_MISLED = 1000;
const CHUNK_BYTES = 1024 * 1024;

interface Entry {
  readonly offset: bigint;
  /** Of a batch, in bytes; or a timestamp. */
  readonly value: bigint;
}

/** A batch as the headers before it show it. */
interface Seen {
  readonly position: number;
  readonly header: BatchHeader;
  /** First offset after all before it, and the latest timestamp of those. */
  readonly reached: bigint;
  readonly latest: bigint;
}

/**
 * Ranges of offsets for which an index of the partition leads elsewhere than to their batches. Where
 * a segment's headers cannot be followed, only what is before that is held against its indexes.
 */
export async function misleadingRanges(root: string, folder: string): Promise<Stray[]> {
  const isOrderly = exists(join(root, '.kafka_cleanshutdown'));
  const segments = listSegments(folder);
  const ranges: Stray[] = [];
  for (const [index, segment] of segments.entries()) {
    const offsets = Entries.read(segment, '.index');
    const times = Entries.read(segment, '.timeindex');
    if (offsets === null && times === null) continue;
    const until = segments[index + 1]?.baseOffset ?? null;
    const check = new IndexCheck(segment.baseOffset, offsets, times);
    await withSegment(segment.file, async (file) => {
      for await (const seen of batchesOf(file)) check.add(seen);
    });
    ranges.push(...check.finish(until, until !== null || isOrderly));
  }
  return ranges;
}

/** An index file without the zeros at its end, of which no entry is made before it is looked at: there may be millions. */
class Entries {
  readonly count: number;
  readonly #view: DataView;
  readonly #base: bigint;
  readonly #length: number;

  private constructor(bytes: Uint8Array, base: bigint, length: number) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#base = base;
    this.#length = length;
    let end = bytes.length;
    while (end > 0 && bytes[end - 1] === 0) end--;
    this.count = Math.min(Math.floor(bytes.length / length), Math.ceil(end / length));
  }

  /** null: there is none. Throws `unreadable` on a file that is too large to be one. */
  static read({ file, baseOffset }: Segment, suffix: '.index' | '.timeindex'): Entries | null {
    const bytes = readSmallFile(file.replace(/\.log$/, suffix), MAX_INDEX_BYTES);
    const length = suffix === '.index' ? OFFSET_ENTRY : TIME_ENTRY;
    return bytes === null ? null : new Entries(bytes, baseOffset, length);
  }

  at(index: number): Entry {
    const at = index * this.#length;
    const view = this.#view;
    if (this.#length === OFFSET_ENTRY) {
      return {
        offset: this.#base + BigInt(view.getInt32(at)),
        value: BigInt(view.getInt32(at + 4)),
      };
    }
    return { offset: this.#base + BigInt(view.getInt32(at + 8)), value: view.getBigInt64(at) };
  }
}

class IndexCheck {
  readonly #base: bigint;
  readonly #offsets: Entries | null;
  readonly #times: Entries | null;
  /** Numbers of the entries that lead elsewhere. */
  readonly #misled: number[] = [];
  /** Offsets before which a time index passes over later records. */
  #passed: bigint;
  #atOffset = 0;
  #atTime = 0;
  #end: bigint;
  #endPosition = 0n;
  #latest = -1n;

  constructor(base: bigint, offsets: Entries | null, times: Entries | null) {
    this.#base = base;
    this.#offsets = offsets;
    this.#times = times;
    this.#passed = base;
    this.#end = base;
  }

  add({ position, header, reached, latest }: Seen): void {
    for (; this.#atOffset < (this.#offsets?.count ?? 0); this.#atOffset++) {
      const entry = this.#offsets?.at(this.#atOffset);
      if (entry === undefined || entry.value > BigInt(position)) break;
      // Nothing that is looked for from there stands before it.
      const leadsThere = entry.value === BigInt(position) && reached <= entry.offset;
      if (!leadsThere) this.#addMisled(this.#atOffset);
    }
    for (; this.#atTime < (this.#times?.count ?? 0); this.#atTime++) {
      const entry = this.#times?.at(this.#atTime);
      if (entry === undefined || entry.offset >= header.nextOffset) break;
      if (latest > entry.value && entry.offset > this.#passed) this.#passed = entry.offset;
    }
    this.#endPosition = BigInt(position + header.sizeInBytes);
    if (header.nextOffset > this.#end) this.#end = header.nextOffset;
    if (header.maxTimestamp > this.#latest) this.#latest = header.maxTimestamp;
  }

  /** `until`: where the next segment begins. `isClosed`: the broker has written the indexes to the end. */
  finish(until: bigint | null, isClosed: boolean): Stray[] {
    const end = until ?? this.#end;
    for (; this.#atOffset < (this.#offsets?.count ?? 0); this.#atOffset++) {
      // After a crash one beyond the end is of what was lost.
      const value = this.#offsets?.at(this.#atOffset).value ?? 0n;
      if (isClosed || value < this.#endPosition) this.#addMisled(this.#atOffset);
    }
    for (; this.#atTime < (this.#times?.count ?? 0); this.#atTime++) {
      if (this.#latest > (this.#times?.at(this.#atTime).value ?? 0n)) this.#passed = end;
    }
    const ranges = this.#misled.map((index) => {
      const from = this.#offsets?.at(index).offset ?? end;
      const next = index + 1 < (this.#offsets?.count ?? 0) ? this.#offsets?.at(index + 1) : null;
      return { from, to: next && next.offset < end ? next.offset : end };
    });
    // A segment that ends later than its index says is passed over by who looks for a later time.
    const last = this.#times === null ? null : this.#lastTime();
    const isPassed = isClosed && last !== null && last < this.#latest;
    ranges.push({ from: this.#base, to: isPassed ? end : this.#passed });
    return ranges.filter(({ from, to }) => from < to);
  }

  #addMisled(index: number): void {
    if (this.#misled.length < MOST_MISLED) this.#misled.push(index);
  }

  #lastTime(): bigint {
    const count = this.#times?.count ?? 0;
    return count === 0 ? -1n : (this.#times?.at(count - 1).value ?? -1n);
  }
}

/** Headers one after the other, as far as they can be followed. */
async function* batchesOf(file: SegmentFile): AsyncGenerator<Seen> {
  const size = await file.size();
  const memory = new Uint8Array(Math.min(CHUNK_BYTES, size));
  let reached = 0n;
  let latest = -1n;
  for (let start = 0; size - start >= RECORDS_AT; ) {
    const bytes = await file.read(start, Math.min(CHUNK_BYTES, size - start), memory);
    let at = 0;
    while (bytes.length - at >= RECORDS_AT) {
      const header = headerAt(bytes, at);
      if (header === null || header.sizeInBytes > size - start - at) return;
      yield { position: start + at, header, reached, latest };
      if (header.nextOffset > reached) reached = header.nextOffset;
      if (header.maxTimestamp > latest) latest = header.maxTimestamp;
      at += header.sizeInBytes;
    }
    start += at;
  }
}

function headerAt(bytes: Uint8Array, at: number): BatchHeader | null {
  try {
    return readBatchHeader(bytes, at);
  } catch (error) {
    // Reading the log meets it and says what it is.
    if (error instanceof SealstreamError) return null;
    throw error;
  }
}
