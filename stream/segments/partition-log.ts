import { SealstreamError } from '../../ledger/error.js';
import { type DecodedBatches, type DecodeOptions, decodeBatches } from '../batch/decode.js';
import { type BatchHeader, readBatchHeader } from '../batch/layout.js';
import type { Bounds, RecordBatch, Stray, TopicIdentity } from '../stream.js';
import { brokerOffsets, isBrokerFolder } from './broker.js';
import { listSegments, MAX_INT64, partitionFolder, type Segment } from './folder.js';
import { LogEnd } from './log-end.js';
import { strayAt } from './scan.js';
import { SegmentFile, withSegment } from './segment-file.js';
import { skipBatches } from './skip.js';
import { checkPartition, readSettings } from './topic.js';

/**
 * Where a reader stands: the byte of `segment` at which the batch with `offset` or a later starts.
 */
export interface Cursor {
  readonly offset: bigint;
  readonly segment: string;
  readonly position: number;
  /** No batch that stands there may begin below it. */
  readonly reached: bigint;
}

export interface LogBounds extends Bounds {
  readonly segments: readonly Segment[];
}

export interface Piece {
  readonly batches: readonly RecordBatch[];
  readonly strays: readonly Stray[];
  readonly lastEpoch: number | null;
  readonly cursor: Cursor;
}

type Range = Pick<DecodeOptions, 'from' | 'reached' | 'whole' | 'limit'> & {
  /** The high watermark. */
  readonly below: bigint;
};

/** How much to read, and where to put it if it fits. */
interface Room {
  readonly maxBytes: number;
  readonly memory?: Uint8Array | null;
  /** As in DecodeOptions. */
  readonly whole?: boolean;
}

/** One partition's log, read and never changed. */
export class PartitionLog {
  private readonly root: string;
  private readonly topic: TopicIdentity;
  private readonly partition: number;
  private end: LogEnd | null = null;
  /** The segment that was read last, left open. */
  private held: SegmentFile | null = null;
  private heldSince = 0;
  /** One read at a time. */
  private turn: Promise<unknown> = Promise.resolve();
  private located: Cursor | null = null;
  private listed: { readonly segments: readonly Segment[]; readonly at: number } | null = null;

  constructor(root: string, topic: TopicIdentity, partition: number) {
    this.root = root;
    this.topic = topic;
    this.partition = partition;
  }

  /**
   * Throws `topic-missing`, `topic-recreated`, `partition-missing`, `unreachable`, `unreadable`.
   */
  async bounds(): Promise<LogBounds> {
    const { root, topic, partition } = this;
    checkPartition(root, topic, partition);
    const folder = partitionFolder(root, topic.topic, partition);
    const broker = isBrokerFolder(root);
    if (this.end === null) {
      const ours = !broker && readSettings(folder) !== null;
      this.end = new LogEnd(folder, { flush: ours, marks: ours ? topic.topicId : null });
    }
    const { segments, end, torn } = await this.end.find();
    const recorded = broker ? brokerOffsets(root, topic.topic, partition) : null;
    const logStart = larger(segments[0]?.baseOffset ?? 0n, recorded?.logStart ?? 0n);
    const committed = recorded?.highWatermark ?? end;
    // Below a high watermark that was recorded nothing was still being written: whoever reads up to
    // it finds what is broken there.
    const highWatermark = committed <= end || torn ? committed : end;
    return { partition, logStart, highWatermark: larger(logStart, highWatermark), segments };
  }

  /** As `bounds`, of a log that is known to reach `until`: its end is not looked for. */
  boundsTo(until: bigint): LogBounds {
    const { root, topic, partition } = this;
    const now = performance.now();
    if (this.listed === null || now - this.listed.at > LISTED_FOR_MS) {
      checkPartition(root, topic, partition);
      const segments = listSegments(partitionFolder(root, topic.topic, partition));
      this.listed = { segments, at: now };
    }
    const { segments } = this.listed;
    const logStart = segments[0]?.baseOffset ?? until;
    return { partition, logStart, highWatermark: until, segments };
  }

  /**
   * About `maxBytes` of batches from `offset` on, which is within `bounds` and below the high
   * watermark; a larger first batch comes whole. Bytes that are no batches are read once more from
   * a newly opened file before they are reported as `batch-corrupt`.
   */
  async read(bounds: LogBounds, from: Cursor | bigint, room: Room): Promise<Piece> {
    const result = this.turn.then(() => this.readTwice(bounds, from, room));
    this.turn = result.catch(() => undefined);
    return result;
  }

  /** Closes the segment that the last read left open, once what is being read is read. */
  async close(): Promise<void> {
    await this.turn;
    await this.letGo();
  }

  private async readTwice(bounds: LogBounds, from: Cursor | bigint, room: Room): Promise<Piece> {
    try {
      return await this.readOnce(bounds, from, room);
    } catch (error) {
      await this.letGo();
      this.located = null;
      this.end?.distrust();
      if (!(error instanceof SealstreamError) || error.class !== 'data') throw error;
      return this.readOnce(bounds, from, room);
    }
  }

  /** Opened once for many reads; what has the name by now may be another file after a while. */
  private async open(segment: string): Promise<SegmentFile> {
    const now = performance.now();
    if (this.held?.file === segment && now - this.heldSince < HELD_FOR_MS) return this.held;
    await this.letGo();
    const file = await SegmentFile.open(segment);
    this.held = file;
    this.heldSince = now;
    await file.identify();
    return file;
  }

  private async letGo(): Promise<void> {
    const { held } = this;
    this.held = null;
    await held?.close();
  }

  private async readOnce(bounds: LogBounds, from: Cursor | bigint, room: Room): Promise<Piece> {
    let cursor = typeof from === 'bigint' ? await this.locate(bounds, from) : from;
    let at = indexOf(bounds, cursor);
    if (at < 0) {
      cursor = await this.locate(bounds, cursor.offset);
      at = indexOf(bounds, cursor);
    }
    for (; ; at += 1) {
      const following = bounds.segments[at + 1];
      const range = {
        from: cursor.offset,
        below: room.whole === true ? MAX_INT64 : bounds.highWatermark,
        reached: cursor.reached,
        ...(room.whole === true ? { whole: true } : {}),
        ...(following === undefined ? {} : { limit: following.baseOffset }),
      };
      const file = await this.open(cursor.segment);
      const piece = await this.readSegment(file, range, cursor, room);
      if (piece !== null) return piece;
      if (following === undefined) throw this.cutWhileRead(cursor);
      const offset = larger(cursor.offset, following.baseOffset);
      const reached = larger(cursor.reached, following.baseOffset);
      cursor = { offset, segment: following.file, position: 0, reached };
      if (offset >= bounds.highWatermark) return { ...NOTHING, cursor };
    }
  }

  /** null: the segment ends at the cursor. */
  private async readSegment(
    file: SegmentFile,
    range: Range,
    cursor: Cursor,
    { maxBytes, memory = null }: Room,
  ): Promise<Piece | null> {
    let bytes = await file.read(cursor.position, Math.max(HEADER_BYTES, maxBytes), memory);
    if (bytes.length === 0) return null;
    const header = this.header(bytes, cursor);
    if (header === null || header.sizeInBytes > bytes.length) {
      const left = (await file.size()) - cursor.position;
      if (header === null || header.sizeInBytes > left) throw this.cutShort(cursor, left);
      bytes = await file.read(cursor.position, header.sizeInBytes);
    }
    const { topic, partition } = this;
    const decoded = decodeBatches(bytes, { ...range, topic: topic.topic, partition });
    if (decoded.error !== null && decoded.batches.length === 0 && decoded.strays.length === 0) {
      throw decoded.error;
    }
    const piece = this.piece(decoded, range, cursor);
    return piece.cursor.offset < range.below ? piece : this.withStraysBehind(file, piece);
  }

  private piece(decoded: DecodedBatches, range: Range, cursor: Cursor): Piece {
    const { batches, strays, next, consumed, isWhole, partial, lastEpoch } = decoded;
    const position = cursor.position + consumed;
    // The next batch starts at or above the high watermark, and nothing is left below it.
    const offset = consumed === 0 && !partial ? range.below : next;
    const reached = isWhole ? next : cursor.reached;
    const read = { ...cursor, offset, position, reached };
    // Where the log ends is found once more, by a look at all of its last segment.
    const isOdd = strays.length > 0 && this.end?.distrust() === true;
    if (isOdd || this.end?.isContradictedBy(read)) return { ...NOTHING, cursor };
    return { batches, strays, lastEpoch, cursor: read };
  }

  /** Nothing behind it is asked for again: what stands there and is none of the log's is met now. */
  private async withStraysBehind(file: SegmentFile, piece: Piece): Promise<Piece> {
    const { cursor } = piece;
    const strays = [...piece.strays];
    let { position } = cursor;
    for (;;) {
      const stray = await strayAt(file, position, cursor.reached);
      if (stray === null) return { ...piece, strays, cursor: { ...cursor, position } };
      strays.push({ from: stray.from, to: stray.to });
      position += stray.sizeInBytes;
    }
  }

  /**
   * Walks batch headers from the start of the segment that must hold `offset`, or from where the last
   * such walk ended.
   */
  private async locate(bounds: LogBounds, offset: bigint): Promise<Cursor> {
    const segment = bounds.segments.findLast(({ baseOffset }) => baseOffset <= offset);
    const first = segment ?? bounds.segments[0];
    const nowhere = { offset, segment: 'none', position: 0, reached: 0n };
    if (first === undefined) throw this.cutWhileRead(nowhere);
    const { located } = this;
    const isBefore = located?.segment === first.file && located.offset <= offset;
    return withSegment(first.file, async (file) => {
      const size = await file.size();
      let position = isBefore ? located.position : 0;
      const cursor = () => {
        return { offset, segment: first.file, position, reached: first.baseOffset };
      };
      while (position < size) {
        position = await skipBatches(file, position, size, offset);
        const bytes = await file.read(position, Math.min(WALK_BYTES, size - position));
        const header = this.header(bytes, cursor());
        if (header === null && position === size) break;
        if (header === null || header.sizeInBytes > size - position) {
          throw this.cutShort(cursor(), size - position);
        }
        if (header.nextOffset > offset) break;
        position += header.sizeInBytes;
      }
      this.located = cursor();
      return this.located;
    });
  }

  private header(bytes: Uint8Array, cursor: Cursor): BatchHeader | null {
    try {
      return bytes.length === 0 ? null : readBatchHeader(bytes, 0);
    } catch (error) {
      if (!(error instanceof SealstreamError)) throw error;
      const message = `${this.place(cursor)}: ${error.message}`;
      throw new SealstreamError(error.code, message, { cause: error });
    }
  }

  private cutShort(cursor: Cursor, left: number): SealstreamError {
    return new SealstreamError(
      'batch-corrupt',
      `${this.place(cursor)}: a batch is cut short, ${Math.max(0, left)} bytes are left of it`,
    );
  }

  private cutWhileRead(cursor: Cursor): SealstreamError {
    return new SealstreamError(
      'busy',
      `${this.place(cursor)}: the log was cut while it was read; read it again`,
    );
  }

  private place(cursor: Cursor): string {
    const { topic, partition } = this;
    const where = `${cursor.segment} byte ${cursor.position}`;
    return `topic ${topic.topic} partition ${partition} offset ${cursor.offset} (${where})`;
  }
}

const NOTHING = { batches: [], strays: [], lastEpoch: null };
const HEADER_BYTES = 61;
const LISTED_FOR_MS = 200;
const HELD_FOR_MS = 200;
const WALK_BYTES = 1024 * 1024;

function indexOf(bounds: LogBounds, cursor: Cursor): number {
  return bounds.segments.findIndex(({ file }) => file === cursor.segment);
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
