import type { SealstreamError } from '../ledger/error.js';
import type { RecordColumns, RecordParts, TimestampType } from '../ledger/records.js';

/**
 * The port: topics of record batches. Everything above it (producer, sealer, consumer, policy)
 * knows a stream only by these types; every adapter passes test/contract/stream.contract.ts.
 *
 * Offsets are bigint, partitions are numbers. A stream is not trusted: what it says is checked by
 * those who read it.
 */

/** One topic in the life between its creation and its deletion; `topicId` is its 22-character UUID. */
export interface TopicIdentity {
  readonly topic: string;
  readonly topicId: string;
}

export interface TopicDescription extends TopicIdentity {
  readonly partitions: number;
  readonly replication: number;
  /** What the topic is set to now; records written before a change keep the other type. null: we
   * have no right to see the settings, which reading and verifying do without. */
  readonly timestampType: TimestampType | null;
  /** LogAppendTime is the clock of whoever appends: what it says of our own is nothing. */
  readonly ownClock?: boolean;
  /** Effective topic settings by Kafka's names (`retention.ms`, `cleanup.policy`, …); empty where
   * we have no right to see them. */
  readonly settings: ReadonlyMap<string, string>;
}

export interface TopicSpecification {
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  readonly settings: ReadonlyMap<string, string>;
}

/** [logStart, highWatermark) are the offsets that can be read. */
export interface Bounds {
  readonly partition: number;
  readonly logStart: bigint;
  readonly highWatermark: bigint;
}

/** A record taken out of a batch, for those who decode. Bytes are views: copy what you keep. */
export interface StreamRecord extends RecordParts {
  readonly offset: bigint;
  readonly timestamp: bigint;
  readonly timestampType: TimestampType;
  /** FORMAT §2 body. */
  readonly body: Uint8Array;
}

/**
 * A view over one Kafka record batch v2. Control and empty batches have count 0 and still span
 * [baseOffset, nextOffset).
 */
export interface RecordBatch extends RecordColumns {
  readonly baseOffset: bigint;
  /** First offset after this batch: base offset + lastOffsetDelta + 1. */
  readonly nextOffset: bigint;
  /** As it is stored, header included. */
  readonly sizeInBytes: number;
  readonly control: boolean;
  record(index: number): StreamRecord;
}

/** Where a reader stands in a partition. */
export interface Position {
  readonly partition: number;
  readonly offset: bigint;
  /** Leader epoch of the last batch read, so that a truncated leader cannot answer unnoticed. */
  readonly lastEpoch?: number;
  /**
   * The log is known to reach this offset, and nothing from it on is wanted: a stream need not look
   * for its end before it reads. What it then reports has no bounds.
   */
  readonly until?: bigint;
  /**
   * A look at what is handed out here: about so many bytes of it, and the first batch whole, with its
   * records below `offset`.
   */
  readonly look?: { readonly bytes: number };
}

/**
 * Offsets [from, to) of a whole batch that stands where no log can have it: behind others that hold
 * or pass these offsets, or where only later ones were asked for. Brokers never store one; somebody
 * put it there for those who come to these offsets by another way.
 */
export interface Stray {
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * What one poll brought for one partition. `batches` are in order, hold no record below the asked
 * offset and none at or above the high watermark. All that came is in it: what is no batch of the
 * log is among `strays`, or ends in an error. With an error of class `retry` the position stands and
 * the reader goes on trying; after any other class the partition is out of the reader.
 *
 * `strays` and `batch-corrupt` are reported once a second reading from the same position, over a new
 * connection or from a newly opened file, has shown such a thing too.
 */
export interface Fetched {
  readonly partition: number;
  readonly batches: readonly RecordBatch[];
  readonly strays: readonly Stray[];
  /** Where the next poll goes on; at least the position asked for. */
  readonly next: Position;
  /** null where the stream could not say. */
  readonly logStart: bigint | null;
  readonly highWatermark: bigint | null;
  readonly error: SealstreamError | null;
}

/** Reads many partitions of one topic at once, each from its own position. One poll at a time. */
export interface Reader {
  /** Adds a partition, or moves one. */
  seek(position: Position): void;
  remove(partition: number): void;
  /**
   * What has arrived, waiting at most `maxWaitMs` for something to arrive. At most one Fetched per
   * partition; empty when nothing came. A partition at its high watermark is reported with no
   * batches once the stream has answered for it, so that callers learn the bounds.
   */
  poll(maxWaitMs: number, signal?: AbortSignal): Promise<readonly Fetched[]>;
  close(): Promise<void>;
}

/**
 * Records encoded once, ready to append; see stream/batch/encode.ts. The appender adds base
 * offset, epoch, producer id, sequence and CRC, once, and re-sends the same bytes while the outcome
 * is open.
 */
export interface EncodedBatch {
  /** A whole record batch v2, with producer id −1, base offset 0, partition leader epoch −1. */
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** How an append ended. `unknown`: past its deadline; it may or may not be in the log. */
export type AppendOutcome =
  | {
      readonly kind: 'acknowledged';
      readonly baseOffset: bigint;
      /** Broker's time where the topic is LogAppendTime, else null. */
      readonly timestamp: bigint | null;
    }
  | { readonly kind: 'rejected'; readonly error: SealstreamError }
  | { readonly kind: 'unknown'; readonly error: SealstreamError };

/** Appends to one topic. Batches of a partition are written in the order of the calls. */
export interface Appender {
  /** Settles once the outcome is known or the deadline has passed; never rejects. */
  append(partition: number, batch: EncodedBatch): Promise<AppendOutcome>;
  /** Waits for what is under way, then releases everything. */
  close(): Promise<void>;
}

/** The partitions that this process seals, while it does. Others may own them by mistake for a
 * moment: determinism and the sealer's memory make that harmless. */
export interface Ownership {
  readonly partitions: ReadonlySet<number>;
  /** Gives the partitions up to others. */
  close(): Promise<void>;
}

export interface OwnershipOptions {
  readonly group: string;
  /** Called with the whole new set after every change, the first one included. */
  readonly onChange: (partitions: ReadonlySet<number>) => void;
  /** Called when ownership can no longer be kept up; the set is then empty. */
  readonly onError: (error: SealstreamError) => void;
}

export interface Stream {
  /** Scheme and place, without secrets. */
  readonly url: string;
  /** null: the stream answered and has no such topic. Throws class `retry` when it cannot be asked. */
  describe(topic: string): Promise<TopicDescription | null>;
  /** false: a topic of that name exists already (whatever its settings); nothing was changed. */
  createTopic(specification: TopicSpecification): Promise<boolean>;
  /** One answer per partition asked, in that order. */
  bounds(
    topic: TopicIdentity,
    partitions: readonly number[],
  ): Promise<readonly (Bounds | SealstreamError)[]>;
  reader(topic: TopicIdentity, options?: ReaderOptions): Promise<Reader>;
  /**
   * Offsets for which the files that a broker would find batches by lead elsewhere than to them; absent
   * where those are not to be seen.
   */
  misleadingRanges?(topic: TopicIdentity, partition: number): Promise<readonly Stray[]>;
  appender(topic: TopicIdentity, options?: AppenderOptions): Promise<Appender>;
  own(topic: TopicIdentity, options: OwnershipOptions): Promise<Ownership>;
  close(): Promise<void>;
}

export interface ReaderOptions {
  /** Bytes asked for per poll and source; a single larger batch still comes whole. Default
   * 1 MiB, on Kafka 1.5 MiB. */
  readonly maxBytes?: number;
  /** What a poll brought is looked at only until the next one: its memory may be used again. */
  readonly recycle?: boolean;
}

export interface AppenderOptions {
  /** After this an open outcome is reported as unknown. Default 120 000 ms. */
  readonly deadlineMs?: number;
  /**
   * Called when a later read has told what became of a batch whose append ended as unknown; not
   * called where it cannot be told. It can only be told once a later append was acknowledged.
   */
  readonly onLearned?: (learned: LearnedOutcome) => void;
  /**
   * The alarm: records that the stream acknowledged to this appender are gone. Called at most once
   * per partition, whose later appends are rejected as `acknowledged-lost`.
   */
  readonly onLost?: (lost: LostRecords) => void;
}

/** [from, until) is the smallest range of offsets that the evidence allows. */
export interface LostRecords {
  readonly partition: number;
  readonly from: bigint;
  readonly until: bigint;
  /** `acknowledged-lost`, naming topic, partition and offsets. */
  readonly error: SealstreamError;
}

export interface LearnedOutcome {
  readonly partition: number;
  /** The one that was appended, by identity. */
  readonly batch: EncodedBatch;
  /** null: it is not in the log and never will be. */
  readonly baseOffset: bigint | null;
}

/** What pino offers and we use. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface StreamOptions {
  /** After this a request counts as unanswered. Default 30 000 ms. */
  readonly timeoutMs?: number;
  /** TLS and SASL for kafka://; FORMAT of ledger.yaml's `kafka`. */
  readonly kafka?: KafkaSecurity;
  readonly logger?: Logger;
}

export interface KafkaSecurity {
  /** PEM texts. `true`: TLS with the system's certificate authorities. */
  readonly tls?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: SaslSettings;
}

/** Plain data: it is sent to other threads. */
export type SaslSettings =
  | {
      readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
      readonly username: string;
      readonly password: string;
    }
  | { readonly mechanism: 'oauthbearer'; readonly token: BearerToken };

/** The token, or the program and arguments that print it: run at each authentication, no shell. */
export type BearerToken = { readonly text: string } | { readonly command: readonly string[] };
