import { SealstreamError } from '../../ledger/error.js';
import type { Fetched, Position, Reader, ReaderOptions, TopicIdentity } from '../stream.js';
import { fileError } from './folder.js';
import { type Cursor, type LogBounds, PartitionLog, type Piece } from './partition-log.js';
import { sleep } from './sleep.js';

const DEFAULT_MAX_BYTES = 1024 * 1024;
const FIRST_PAUSE_MS = 5;
const LONGEST_PAUSE_MS = 50;

interface Place {
  readonly log: PartitionLog;
  from: Cursor | bigint;
  /** As in Position; null: not known, or not to be relied on any more. */
  until: bigint | null;
  readonly look: NonNullable<Position['look']> | null;
  lastEpoch: number | null;
  /** What the last poll reported: asked again only to tell what is new. */
  reported: LogBounds | null;
}

/** What is being read before it is asked for; null: it was not to be had that way. */
interface Ahead {
  readonly place: Place;
  readonly from: Cursor | bigint;
  readonly piece: Promise<Piece | null>;
}

/** Reads partitions of one topic by looking at their files again and again. */
export class SegmentReader implements Reader {
  private readonly root: string;
  private readonly topic: TopicIdentity;
  private readonly maxBytes: number;
  private readonly recycle: boolean;
  private rooms: Uint8Array[] = [];
  private readonly places = new Map<number, Place>();
  private ahead: Ahead | null = null;
  /** The one whose segment is left open: a topic may have more partitions than files may be open. */
  private holding: PartitionLog | null = null;
  private turn = 0;
  private closed = false;
  private polling = false;

  constructor(root: string, topic: TopicIdentity, options: ReaderOptions) {
    this.root = root;
    this.topic = topic;
    this.maxBytes = options.maxBytes ?? DEFAULT_MAX_BYTES;
    this.recycle = options.recycle ?? false;
  }

  seek(position: Position): void {
    this.checkOpen();
    const { partition, offset, lastEpoch, until = null, look = null } = position;
    const log =
      this.places.get(partition)?.log ?? new PartitionLog(this.root, this.topic, partition);
    const known = { from: offset, until, look, lastEpoch: lastEpoch ?? null, reported: null };
    this.places.set(partition, { log, ...known });
  }

  remove(partition: number): void {
    this.places.delete(partition);
  }

  async poll(maxWaitMs: number, signal?: AbortSignal): Promise<readonly Fetched[]> {
    this.checkOpen();
    if (this.polling) throw new SealstreamError('usage', 'stream: one poll at a time');
    this.polling = true;
    try {
      return await this.wait(maxWaitMs, signal);
    } finally {
      this.polling = false;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.places.clear();
    await this.ahead?.piece;
    await this.holding?.close();
  }

  private async wait(maxWaitMs: number, signal: AbortSignal | undefined): Promise<Fetched[]> {
    const deadline = performance.now() + maxWaitMs;
    for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      if (signal?.aborted || this.closed) return [];
      const { all, news } = await this.look();
      const left = deadline - performance.now();
      if (news || left <= 0) return all;
      await sleep(Math.min(pause, left), signal);
    }
  }

  /** Every partition once, beginning with another one each time, within `maxBytes` in all. */
  private async look(): Promise<{ all: Fetched[]; news: boolean }> {
    const partitions = [...this.places.keys()];
    const all: Fetched[] = [];
    let news = false;
    let budget = this.maxBytes;
    this.turn += 1;
    for (let index = 0; index < partitions.length; index += 1) {
      const partition = partitions[(index + this.turn) % partitions.length];
      const place = partition === undefined ? undefined : this.places.get(partition);
      if (partition === undefined || place === undefined) continue;
      const before = place.reported;
      const { from } = place;
      const fetched = await this.fetch(partition, place, budget);
      // Moved or removed while its files were read: the answer is to a question no longer asked.
      if (this.places.get(partition) !== place) continue;
      for (const batch of fetched.batches) budget -= batch.bytes.length;
      const final = fetched.error !== null && fetched.error.class !== 'retry';
      if (final) this.places.delete(partition);
      news ||= place.from !== from || final;
      news ||= place.reported !== null && differ(place.reported, before);
      all.push(fetched);
      if (budget <= 0) break;
    }
    this.readAhead();
    return { all, news };
  }

  /** Begins to read what the next look begins with, while the caller works on this one. */
  private readAhead(): void {
    const partitions = [...this.places.keys()];
    const partition = partitions[(this.turn + 1) % Math.max(1, partitions.length)];
    const place = partition === undefined ? undefined : this.places.get(partition);
    if (place === undefined || this.closed) return;
    const { from, until } = place;
    if (until === null || offsetOf(from) >= until) return;
    if (this.ahead?.place === place && this.ahead.from === from) return;
    this.ahead = { place, from, piece: this.readKnown(place, until, this.maxBytes) };
  }

  private async read({ log, from, look }: Place, bounds: LogBounds, maxBytes: number) {
    const held = this.holding;
    this.holding = log;
    if (held !== log) await held?.close();
    if (look !== null) return log.read(bounds, from, { maxBytes: look.bytes, whole: true });
    return log.read(bounds, from, { maxBytes, memory: this.room() });
  }

  /**
   * Two in turn: one is looked at while the other is filled. Made anew for each read, they are most
   * of the work of the garbage collector, and of the system that clears them. Where several
   * partitions are read, one poll brings several pieces.
   */
  private room(): Uint8Array | null {
    if (!this.recycle || this.places.size !== 1) return null;
    const [next = new Uint8Array(this.maxBytes), other] = this.rooms;
    this.rooms = other === undefined ? [new Uint8Array(this.maxBytes), next] : [other, next];
    return next;
  }

  /** null: the log has to be looked at as a whole, which also says what is wrong. */
  private async readKnown(place: Place, until: bigint, maxBytes: number): Promise<Piece | null> {
    try {
      const bounds = place.log.boundsTo(until);
      if (offsetOf(place.from) < bounds.logStart) return null;
      const piece = await this.read(place, bounds, maxBytes);
      // Nothing more below `until` where there should be: a changed base offset looks like that.
      const isEmpty = piece.batches.length === 0 && piece.strays.length === 0;
      return isEmpty && piece.cursor.offset >= until ? null : piece;
    } catch (error) {
      if (error instanceof SealstreamError || isSystemError(error)) return null;
      throw error;
    }
  }

  private async fetchKnown(partition: number, place: Place, budget: number) {
    const { from, until } = place;
    if (until === null || offsetOf(from) >= until) return null;
    const { ahead } = this;
    const isAhead = ahead?.place === place && ahead.from === from;
    const piece = await (isAhead ? ahead.piece : this.readKnown(place, until, budget));
    if (piece === null) {
      place.until = null;
      return null;
    }
    place.from = piece.cursor;
    place.lastEpoch = piece.lastEpoch ?? place.lastEpoch;
    return this.fetched(partition, place, null, piece, null);
  }

  private async fetch(partition: number, place: Place, budget: number): Promise<Fetched> {
    const known = await this.fetchKnown(partition, place, budget);
    if (known !== null) return known;
    const { from } = place;
    const offset = offsetOf(from);
    let bounds: LogBounds | null = null;
    try {
      bounds = await place.log.bounds();
      const { logStart, highWatermark } = bounds;
      if (offset < logStart || offset > highWatermark) throw this.outside(bounds, offset);
      place.reported = bounds;
      if (offset === highWatermark) return this.fetched(partition, place, bounds, NOTHING, null);
      const piece = await this.read(place, bounds, budget);
      place.from = piece.cursor;
      place.lastEpoch = piece.lastEpoch ?? place.lastEpoch;
      return this.fetched(partition, place, bounds, piece, null);
    } catch (error) {
      const context = `topic ${this.topic.topic} partition ${partition} offset ${offset}`;
      const reason = fileError(error, context);
      return this.fetched(partition, place, bounds, NOTHING, reason);
    }
  }

  private fetched(
    partition: number,
    place: Place,
    bounds: LogBounds | null,
    { batches, strays }: Pick<Fetched, 'batches' | 'strays'>,
    error: SealstreamError | null,
  ): Fetched {
    const { from, lastEpoch } = place;
    const next = {
      partition,
      offset: offsetOf(from),
      ...(lastEpoch === null ? {} : { lastEpoch }),
    };
    const { logStart = null, highWatermark = null } = bounds ?? {};
    return { partition, batches, strays, next, logStart, highWatermark, error };
  }

  private outside(bounds: LogBounds, offset: bigint): SealstreamError {
    const { logStart, highWatermark } = bounds;
    return new SealstreamError(
      'offset-out-of-range',
      `topic ${this.topic.topic} partition ${bounds.partition}: offset ${offset} is not in ` +
        `[${logStart}, ${highWatermark}]`,
    );
  }

  private checkOpen(): void {
    if (this.closed) throw new SealstreamError('closed', 'stream: the reader is closed');
  }
}

const NOTHING = { batches: [], strays: [] };

function offsetOf(from: Cursor | bigint): bigint {
  return typeof from === 'bigint' ? from : from.offset;
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

function differ(a: LogBounds, b: LogBounds | null): boolean {
  return a.logStart !== b?.logStart || a.highWatermark !== b.highWatermark;
}
