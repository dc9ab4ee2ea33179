import { constants, lstatSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { SealstreamError } from '../../ledger/error.js';
import { RECORDS_AT } from '../batch/layout.js';
import { logHeader } from '../batch/stamp.js';
import type { Logger, TopicIdentity } from '../stream.js';
import { flushFolder } from './create.js';
import { readMark, writeMark } from './end-mark.js';
import {
  fileError,
  listSegments,
  partitionFolder,
  type Segment,
  segmentName,
  WRITE_FLAGS,
} from './folder.js';
import { startOf } from './log-end.js';
import { type Scan, scanSegment } from './scan.js';
import { SegmentFile, withSegment } from './segment-file.js';
import { checkPartition, checkWritablePartition } from './topic.js';

interface Stamped {
  readonly baseOffset: bigint;
  readonly timestamp: bigint;
}

export interface WriterOptions {
  /** A segment is at most this large, unless one batch is larger. */
  readonly segmentBytes: number;
  readonly logger?: Logger;
}

export interface Appended {
  /** Of the batches that are in the log, from the first on. */
  readonly stamped: readonly Stamped[];
  /** Why the others are not; null: all are. */
  readonly failure: unknown;
}

/** The segment that is written to. */
interface Current {
  readonly file: SegmentFile;
  readonly segment: Segment;
  end: Scan;
  /** Where the last batch that was written and flushed begins. */
  last: { readonly position: number; readonly offset: bigint } | null;
  /** Up to where this writer has marked the segment. */
  marked: number;
}

/** How much a process that is killed leaves for the next one to check. */
const MARK_EVERY_BYTES = 4 * 1024 * 1024;

/** A write that failed where nobody can say whether its bytes will last. */
export class UnknownWrite extends Error {}

/**
 * Writes to the end of one partition's log; only under the partition's lock. What is known of the
 * end is kept between writes and checked again, since other processes append in between.
 */
export class LogWriter {
  private readonly root: string;
  private readonly topic: TopicIdentity;
  private readonly partition: number;
  private readonly options: WriterOptions;
  private readonly folder: string;
  private current: Current | null = null;

  constructor(root: string, topic: TopicIdentity, partition: number, options: WriterOptions) {
    this.root = root;
    this.topic = topic;
    this.partition = partition;
    this.options = options;
    this.folder = partitionFolder(root, topic.topic, partition);
  }

  /**
   * Appends the batches in one write and flushes it to the disk. Throws SealstreamError where
   * nothing was written, UnknownWrite where that cannot be said.
   */
  async append(batches: readonly { bytes: Uint8Array; count: number }[]): Promise<Appended> {
    checkPartition(this.root, this.topic, this.partition);
    checkWritablePartition(this.root, this.folder);
    const size = batches.reduce((sum, { bytes }) => sum + bytes.length, 0);
    const { file, end } = await this.prepare(size);
    // LogAppendTime never goes back, whatever the clock does.
    const now = BigInt(Date.now());
    const timestamp = now > end.timestamp ? now : end.timestamp;
    let next = end.next;
    const stamped: Stamped[] = [];
    const pieces = batches.flatMap((batch) => {
      const stamp = { baseOffset: next, leaderEpoch: 0, logAppendTime: timestamp };
      stamped.push({ baseOffset: next, timestamp });
      next += BigInt(batch.count);
      return [logHeader(batch.bytes, stamp), batch.bytes.subarray(RECORDS_AT)];
    });
    const written = await this.write(file, pieces, end.position);
    const { whole, failure } = await this.keep(file, batches, end.position, written);
    const position = end.position + size;
    const { current } = this;
    if (current !== null) {
      current.end = { ...end, position, next, timestamp, end: next };
      const length = batches.at(-1)?.bytes.length ?? 0;
      const offset = stamped.at(-1)?.baseOffset ?? end.next;
      current.last = { position: position - length, offset };
      if (current.last.position - current.marked >= MARK_EVERY_BYTES) this.mark(current);
    }
    return { stamped: stamped.slice(0, whole), failure };
  }

  async close(): Promise<void> {
    const { current } = this;
    if (current !== null && (current.last?.position ?? 0) > current.marked) {
      const mark = readMark(this.folder, this.topic.topicId);
      const at = current.segment.baseOffset;
      // Others may have written more since.
      if (mark === null || mark.offset < (current.last?.offset ?? at)) this.mark(current);
    }
    await this.letGo();
  }

  private async letGo(): Promise<void> {
    const file = this.current?.file;
    this.current = null;
    await file?.close();
  }

  /** Without it all is well, but the next process to open the log has more to read. */
  private mark(current: Current): void {
    const { segment, last } = current;
    if (last === null) return;
    current.marked = last.position;
    try {
      writeMark(this.folder, this.topic.topicId, { segment: segment.baseOffset, ...last });
    } catch (error) {
      const { topic, partition } = this;
      const reason = fileError(error, this.folder).message;
      const fields = { topic: topic.topic, partition, reason };
      this.options.logger?.warn(fields, 'cannot mark the end of the log: opening it takes longer');
    }
  }

  /** In one go, as a rule; `failure`: why not all of it. */
  private async write(
    file: SegmentFile,
    pieces: readonly Uint8Array[],
    position: number,
  ): Promise<{ bytes: number; failure: unknown }> {
    let bytes = 0;
    try {
      for (let rest = pieces; rest.length > 0; ) {
        const { bytesWritten } = await file.handle.writev(rest, position + bytes);
        bytes += bytesWritten;
        rest = piecesFrom(rest, bytesWritten);
      }
    } catch (failure) {
      return { bytes, failure };
    }
    return { bytes, failure: null };
  }

  /** How many of the batches are in the log now, flushed, and why not all of them. */
  private async keep(
    file: SegmentFile,
    batches: readonly { bytes: Uint8Array }[],
    position: number,
    written: { bytes: number; failure: unknown },
  ): Promise<{ whole: number; failure: unknown }> {
    const { failure } = written;
    let whole = 0;
    let kept = 0;
    for (const { bytes } of batches) {
      if (kept + bytes.length > written.bytes) break;
      kept += bytes.length;
      whole += 1;
    }
    try {
      // As on a full disk. What is whole stays: a sealer may have read it already.
      if (failure !== null) await file.handle.truncate(position + kept);
      await file.handle.datasync();
    } catch (cause) {
      await this.letGo();
      throw new UnknownWrite(`${file.file}: cannot cut or flush what was written`, { cause });
    }
    if (failure !== null) await this.letGo();
    return { whole, failure };
  }

  /** The segment to write `size` bytes to, its end found and repaired. */
  private async prepare(size: number): Promise<{ file: SegmentFile; end: Scan }> {
    const segments = listSegments(this.folder);
    const last = segments.at(-1) ?? (await this.addSegment(0n));
    let state = this.current;
    if (state === null || state.segment.file !== last.file || !(await isNamed(state.file, last))) {
      await this.letGo();
      const file = await SegmentFile.open(last.file, WRITE_FLAGS);
      const end = await this.firstEnd(segments, last);
      state = { file, segment: last, end, last: null, marked: 0 };
      this.current = state;
    }
    await this.findEnd(state);
    const { end } = state;
    if (end.position === 0 || end.position + size <= this.options.segmentBytes) return state;
    const added = await this.addSegment(end.next);
    await this.letGo();
    const file = await SegmentFile.open(added.file, WRITE_FLAGS);
    const start = { ...startOf(end.next), timestamp: end.timestamp };
    state = { file, segment: added, end: start, last: null, marked: 0 };
    this.current = state;
    return state;
  }

  /** Where to start looking for the end of `last`: with the time of the last batch before it. */
  private async firstEnd(segments: readonly Segment[], last: Segment): Promise<Scan> {
    const before = segments.filter(({ baseOffset }) => baseOffset < last.baseOffset);
    for (const { file, baseOffset } of before.reverse()) {
      const scan = await withSegment(file, async (segment) =>
        scanSegment(segment, startOf(baseOffset), await segment.size()),
      );
      if (scan.position > 0) return { ...startOf(last.baseOffset), timestamp: scan.timestamp };
    }
    return startOf(last.baseOffset);
  }

  private async findEnd(state: Current): Promise<void> {
    const { file } = state;
    let size = await file.size();
    if (size < state.end.position) {
      state.end = await this.firstEnd(listSegments(this.folder), state.segment);
      state.last = null;
      state.marked = 0;
      size = await file.size();
    }
    if (size === state.end.position) return;
    const end = await scanSegment(file, state.end, size);
    if (end.damage !== null) {
      throw new SealstreamError(
        'batch-corrupt',
        `topic ${this.topic.topic} partition ${this.partition}: ${file.file} is damaged at byte ` +
          `${end.damage.position} (offset ${end.damage.offset}), before intact batches; ` +
          'nothing is appended to it: keep it as evidence',
      );
    }
    if (end.position < size) await this.repair(file, end.position, size);
    // What another process wrote and did not live to flush is flushed before more is built on it.
    await file.attempt(() => file.handle.datasync());
    state.end = end;
  }

  /** Cuts a torn end off, and keeps its bytes beside the segment. */
  private async repair(file: SegmentFile, position: number, size: number): Promise<void> {
    const torn = await file.read(position, size - position);
    const kept = join(this.folder, `${basename(file.file, '.log')}-${position}-${Date.now()}.torn`);
    const handle = await open(kept, 'wx');
    try {
      await handle.writeFile(torn);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await flushFolder(this.folder);
    await file.attempt(() => file.handle.truncate(position));
    const fields = { topic: this.topic.topic, partition: this.partition, bytes: torn.length, kept };
    this.options.logger?.warn(fields, 'cut off a write that never finished');
  }

  private async addSegment(baseOffset: bigint): Promise<Segment> {
    const file = join(this.folder, segmentName(baseOffset));
    const flags = constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY;
    await (await open(file, flags, 0o644)).close();
    await flushFolder(this.folder);
    return { baseOffset, file };
  }
}

function piecesFrom(pieces: readonly Uint8Array[], start: number): Uint8Array[] {
  let skip = start;
  return pieces.flatMap((piece) => {
    const rest = piece.subarray(skip);
    skip = Math.max(0, skip - piece.length);
    return rest.length === 0 ? [] : [rest];
  });
}

/** Whether the open file is still the one that the segment's name leads to. */
async function isNamed(file: SegmentFile, segment: Segment): Promise<boolean> {
  const named = lstatSync(segment.file, { bigint: true, throwIfNoEntry: false });
  return named?.ino === (await file.identify()).inode;
}
