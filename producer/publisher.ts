import { randomInt, randomUUID } from 'node:crypto';
import { encodeBody } from '../ledger/body.js';
import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import { type Kind, members, typeName, usage } from '../ledger/given.js';
import type { RecordHeader, RecordParts } from '../ledger/records.js';
import { Allowance, type Largest, type Limits, USUAL_LIMITS } from '../schemas/allowance.js';
import type { AuditEventInput } from '../schemas/generated.js';
import { largestField } from '../schemas/size.js';
import { Room } from './byte-budget.js';
import { type Headers, readBytes, readHeaders } from './headers.js';
import { kafkajsSink } from './kafkajs.js';
import {
  type CheckedSettings,
  checkSettings,
  type Learned,
  type PublisherOptions,
  readOptions,
} from './options.js';
import { Lane } from './partition-batcher.js';
import { Partitioner } from './partitioner.js';
import { Pending, type Placed, type Published, type Shared } from './pending.js';
import {
  NO_OPTIONS,
  type PublishOptions,
  type ReadOptions,
  RecordWriter,
  readPublishOptions,
} from './record-writer.js';
import { createTime, type OnLearned, type Sink, streamSink } from './sink.js';
import { batchSizeOf } from './size.js';
import { SecondLook } from './topic-recheck.js';

export interface RawRecord {
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | null;
  readonly headers?: Headers;
}

/** By the batch's identity, for as long as the stream may still tell of it. */
type UnknownBatches = WeakMap<object, readonly Pending[]>;

/**
 * What is given is looked at up to so many times what the topic takes, as far as is known: it may take
 * more by now. What is larger is refused at once.
 */
const LOOKED_AT = 4;

/**
 * Opens a topic for publishing. Throws usage, configuration, topic-missing, topic-unfit, or what the
 * stream throws when it cannot be asked.
 */
export async function publisher(given: PublisherOptions): Promise<Publisher> {
  const options = readOptions(given);
  const settings = checkSettings(options, randomUUID);
  if (options.kafkajs !== undefined) {
    return new Publisher(
      settings,
      await kafkajsSink(options.kafkajs, options.admin, options.topic),
    );
  }
  const { stream, topic, deadlineMs, onLearned, onLost } = options;
  const unknown: UnknownBatches = new WeakMap();
  const learned: OnLearned = (identity, baseOffset) => {
    unknown.get(identity)?.forEach((record, at) => {
      record.learned(baseOffset === null ? null : baseOffset + BigInt(at));
    });
  };
  const sink = await streamSink(stream, topic, {
    deadlineMs,
    onLearned: onLearned === undefined ? null : learned,
    onLost: onLost === undefined ? null : (lost) => onLost({ topic, ...lost }),
  });
  return new Publisher(settings, sink, unknown, onLearned);
}

/**
 * Publishes to one topic. Records of one key keep the order of the calls. What the topic takes is
 * asked again, at most every few seconds, before a publish is refused by it; partitions that are
 * added to the topic are used by publishers that are opened after.
 */
export class Publisher {
  readonly #settings: CheckedSettings;
  readonly #sink: Sink;
  readonly #shared: Shared;
  readonly #partitioner: Partitioner;
  readonly #lanes = new Map<number, Lane>();
  readonly #unknown: UnknownBatches;
  readonly #writer: RecordWriter;
  #sequence = 0;
  #milliseconds = 0;
  #timestamp = 0n;
  #unfit: SealstreamError | null = null;
  #limit: Limits = USUAL_LIMITS;
  readonly #look = new SecondLook(() => this.#lookAgain());
  #closing: Promise<void> | null = null;

  /** Use `publisher()`. */
  constructor(
    settings: CheckedSettings,
    sink: Sink,
    unknown: UnknownBatches = new WeakMap(),
    onLearned?: (learned: Learned) => void,
  ) {
    this.#unknown = unknown;
    this.#settings = settings;
    this.#sink = sink;
    this.#writer = new RecordWriter(settings);
    const { topic } = settings;
    const room = new Room(settings.maxBufferedBytes, () => {
      for (const lane of this.#lanes.values()) lane.hurry();
    });
    const onUnfit = (): void => {
      this.#unfit ??= createTime(topic);
    };
    this.#shared = { topic, room, onUnfit, onLearned };
    this.#partitioner = new Partitioner(sink.partitions, randomInt(2 ** 31));
  }

  /**
   * Resolves once the stream has the event. event_id and occurred_at are filled in where absent,
   * origin always, but for a source that the event names. Waits for room while too much is under
   * way, so await it or bound your own calls. Rejects before anything is sent with event-invalid
   * (names the field), record-too-large, closed or topic-unfit; later with record-rejected (or what
   * the stream says), or with outcome-unknown: it may or may not be in the log.
   */
  publish(input: AuditEventInput, options?: PublishOptions): Promise<Published> {
    try {
      this.#checkOpen();
      const limits = this.#limits();
      const read = options === undefined ? NO_OPTIONS : readPublishOptions(options, limits);
      if (this.#unfit !== null || this.#look.isHolding) return this.#publishLater(input, read);
      return this.#publishNow(input, read, true);
    } catch (error) {
      return Promise.reject(asSealstreamError(error, 'internal', 'publish'));
    }
  }

  /** `mayLook`: before it is too large, the topic may be asked again. */
  #publishNow(input: AuditEventInput, options: ReadOptions, mayLook: boolean): Promise<Published> {
    const timestamp = this.#now();
    const [sequence, milliseconds] = [this.#sequence + 1, this.#milliseconds];
    const limits = this.#limits();
    const { event_id, body } = this.#writer.write(input, options, sequence, milliseconds, limits);
    const bytes = batchSizeOf(body.length);
    if (bytes > this.#sink.maxBatchBytes) {
      if (mayLook && this.#look.isDue) return this.#publishLater(input, options);
      const event = this.#writer.complete(input, sequence, milliseconds, limits);
      throw this.#tooLarge(bytes, largestField(event));
    }
    // Only what will be sent takes a number: a hole in the sequence shows a loss.
    if (this.#sequence !== sequence - 1) throw publishedWithin();
    this.#sequence = sequence;
    // With an event_id it is one.
    return this.#send(body, bytes, event_id, timestamp) as Promise<Published>;
  }

  /** Once the topic was asked again: the event as it is now, whatever becomes of the caller's. */
  #publishLater(input: AuditEventInput, options: ReadOptions): Promise<Published> {
    this.#now();
    const [sequence, milliseconds] = [this.#sequence + 1, this.#milliseconds];
    const event = this.#writer.complete(input, sequence, milliseconds, this.#limits());
    return this.#later(() => this.#publishNow(event, options, false));
  }

  /** As publish, for bytes of one's own. */
  async publishRaw(record: RawRecord): Promise<Placed> {
    this.#checkOpen();
    const body = encodeBody(readRecord(record, this.#limits()));
    const bytes = batchSizeOf(body.length);
    const isTooLarge = () => bytes > this.#sink.maxBatchBytes;
    const send = (): Promise<Placed> => {
      if (isTooLarge()) throw this.#tooLarge(bytes, null);
      return this.#send(body, bytes, null, this.#now());
    };
    const mustWait = this.#unfit !== null || this.#look.isHolding;
    return await (mustWait || (isTooLarge() && this.#look.isDue) ? this.#later(send) : send());
  }

  /** Sends what is collected and waits until everything published so far has its outcome. */
  async flush(): Promise<void> {
    if (this.#look.isHolding) await this.#look.done;
    await this.#shared.room.entered();
    await Promise.all(Array.from(this.#lanes.values(), (lane) => lane.flush()));
  }

  /** Waits until every publish has its outcome, then releases the topic. Later publishes reject. */
  close(): Promise<void> {
    this.#closing ??= this.flush().then(() => this.#sink.close());
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new SealstreamError('closed', 'the publisher is closed');
  }

  /** `publish` once the topic was asked again; refused where it is unfit and was asked just now. */
  #later<P extends Placed>(publish: () => Promise<P>): Promise<P> {
    if (this.#unfit !== null && !this.#look.isHolding && !this.#look.isDue) throw this.#unfit;
    return new Promise((resolve, reject) => {
      this.#look.hold(() => {
        try {
          if (this.#unfit !== null) throw this.#unfit;
          resolve(publish());
        } catch (error) {
          reject(error);
        }
      });
    });
  }

  async #lookAgain(): Promise<void> {
    try {
      await this.#sink.lookAgain();
      this.#unfit = null;
    } catch (failure) {
      const error = asSealstreamError(failure, 'internal', this.#settings.topic);
      // Where the topic does not tell, what was known of it stands, and is what refuses.
      if (error.code === 'topic-unfit') this.#unfit = error;
    }
  }

  #send(
    body: Uint8Array,
    bytes: number,
    event_id: string | null,
    timestamp: bigint,
  ): Promise<Placed> {
    const promise = new Promise<Placed>(keepSettlers);
    const pending = new Pending(this.#shared, bytes, event_id, settlers.resolve, settlers.reject);
    if (this.#shared.room.enter(bytes)) {
      this.#enter(body, timestamp, pending);
    } else {
      const copy = Uint8Array.from(body);
      this.#shared.room.take(bytes, () => this.#enter(copy, timestamp, pending));
    }
    return promise;
  }

  #enter(body: Uint8Array, timestamp: bigint, pending: Pending): void {
    const partition = this.#partitioner.choose(body);
    pending.placeIn(partition);
    this.#lane(partition).add(body, timestamp, pending);
  }

  /** Most publishes come within the same millisecond as the one before. */
  #now(): bigint {
    const milliseconds = this.#settings.clock();
    if (milliseconds !== this.#milliseconds) {
      this.#timestamp = BigInt(milliseconds);
      this.#milliseconds = milliseconds;
    }
    return this.#timestamp;
  }

  #lane(partition: number): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      lane = new Lane(this.#sink.lane(partition), this.#settings, {
        onFull: () => this.#partitioner.batchFull(partition),
        onUnknown: (identity, records) => this.#unknown.set(identity, records),
      });
      this.#lanes.set(partition, lane);
    }
    return lane;
  }

  /** How much of a caller's is looked at; what is beyond it is refused, and the topic asked again. */
  #limits(): Limits {
    const { maxBatchBytes } = this.#sink;
    if (this.#limit.bytes !== LOOKED_AT * maxBatchBytes) {
      const bytes = LOOKED_AT * maxBatchBytes;
      const refuse = (largest: Largest): SealstreamError => {
        if (this.#look.isDue) this.#look.hold(() => {});
        return this.#tooLarge(`at least ${bytes}`, largest);
      };
      this.#limit = { bytes, refuse };
    }
    return this.#limit;
  }

  /** `bytes` in words, of the record. */
  #tooLarge(bytes: string | number, largest: Largest | null): SealstreamError {
    const limit = this.#sink.maxBatchBytes;
    const where =
      largest === null ? '' : `; its largest field is ${largest.path}, ${largest.bytes} bytes`;
    return new SealstreamError(
      'record-too-large',
      `the record takes ${bytes} bytes, topic ${this.#settings.topic} takes ${limit} ` +
        `(max.message.bytes)${where}`,
    );
  }
}

/** As bytes of our own. Throws `usage`, or what `limits` refuse with. */
function readRecord(given: RawRecord, limits: Limits): RecordParts {
  const allowance = new Allowance(limits);
  const field: Kind<Uint8Array | null> = (value, where) => readBytes(value, where, allowance);
  const value: Kind<Uint8Array | null> = (bytes, where) => {
    if (typeof bytes === 'string')
      throw usage(where, `must be bytes or null, not ${typeName(bytes)}`);
    return readBytes(bytes, where, allowance);
  };
  const headers: Kind<RecordHeader[]> = (all) => readHeaders(all, allowance);
  const kinds = { key: field, value, headers };
  return members<RecordParts>({ ...kinds, ...REFUSED })(given, 'a raw record');
}

/**
 * What the records of other clients say where they go and when they are of: it would be passed over.
 * What else an object holds that has the parts of a record is no wish.
 */
const REFUSED = Object.fromEntries(
  ['topic', 'partition', 'offset', 'timestamp'].map((name) => [name, absent(name)]),
);

function absent(name: string): Kind<undefined> {
  return (value) => {
    if (value === undefined) return value;
    throw usage('a raw record', `has no "${name}": there are key, value, headers`);
  };
}

/** The other one has taken the number that this one was written with. */
function publishedWithin(): SealstreamError {
  return new SealstreamError('usage', 'a getter of the event has published another event');
}

/** Of the promise made last: one function for all of them, instead of a closure for each. */
const settlers = {
  resolve: (_placed: Placed): void => {},
  reject: (_error: SealstreamError): void => {},
};

function keepSettlers(
  resolve: (placed: Placed) => void,
  reject: (error: SealstreamError) => void,
): void {
  settlers.resolve = resolve;
  settlers.reject = reject;
}
