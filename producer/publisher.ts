import { randomInt, randomUUID } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { SealstreamError } from '../ledger/error.js';
import type { RecordHeader, RecordParts } from '../ledger/records.js';
import { completeEvent, encodeCompleted } from '../schemas/codec.js';
import type { AuditEvent, AuditEventInput } from '../schemas/generated.js';
import { largestField } from '../schemas/size.js';
import { cloudEventHeaders, header } from './cloud-event.js';
import { kafkajsSink } from './kafkajs.js';
import { Lane, type Pending } from './lane.js';
import {
  type CheckedSettings,
  checkSettings,
  type Learned,
  type PublisherOptions,
} from './options.js';
import { Partitioner } from './partitioner.js';
import { Room } from './room.js';
import { createTime, type OnLearned, type Sink, streamSink } from './sink.js';
import { batchSizeOf } from './size.js';

export interface PublishOptions {
  /** Default: the tenant, else the actor's id, else none. null: no key. */
  readonly key?: Uint8Array | string | null;
  /** After the CloudEvents headers, in this order; names that those have are refused. */
  readonly headers?: Headers;
}

export type Headers = readonly (readonly [name: string, value: string | Uint8Array | null])[];

export interface RawRecord {
  readonly key: Uint8Array | string | null;
  readonly value: Uint8Array | null;
  readonly headers?: Headers;
}

/** Where the stream has the record. */
export interface Placed {
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
}

export interface Published extends Placed {
  readonly event_id: string;
}

/** By the batch's identity, for as long as the stream may still tell of it. */
type UnknownBatches = WeakMap<object, readonly Pending[]>;

const LIBRARY = 'sealstream/0.1.0';

/**
 * Opens a topic for publishing. Throws configuration, topic-missing, topic-unfit, or what the
 * stream throws when it cannot be asked.
 */
export async function publisher(options: PublisherOptions): Promise<Publisher> {
  const settings = checkSettings(options, randomUUID);
  if ('kafkajs' in options) {
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

/** Publishes to one topic. Records of one key keep the order of the calls. */
export class Publisher {
  readonly #settings: CheckedSettings;
  readonly #sink: Sink;
  readonly #room: Room;
  readonly #partitioner: Partitioner;
  readonly #lanes = new Map<number, Lane>();
  readonly #unknown: UnknownBatches;
  readonly #onLearned: ((learned: Learned) => void) | undefined;
  #sequence = 0n;
  #unfit: SealstreamError | null = null;
  #closing: Promise<void> | null = null;

  /** Use `publisher()`. */
  constructor(
    settings: CheckedSettings,
    sink: Sink,
    unknown: UnknownBatches = new WeakMap(),
    onLearned?: (learned: Learned) => void,
  ) {
    this.#unknown = unknown;
    this.#onLearned = onLearned;
    this.#settings = settings;
    this.#sink = sink;
    this.#room = new Room(settings.maxBufferedBytes, () => {
      for (const lane of this.#lanes.values()) lane.hurry();
    });
    this.#partitioner = new Partitioner(sink.partitions, randomInt(2 ** 31));
  }

  /**
   * Resolves once the stream has the event. event_id and occurred_at are filled in where absent,
   * origin always, but for a source that the event names. Waits for room while too much is under
   * way, so await it or bound your own calls. Rejects before anything is sent with event-invalid
   * (names the field), record-too-large, closed or topic-unfit; later with record-rejected (or what
   * the stream says), or with outcome-unknown: it may or may not be in the log.
   */
  async publish(input: AuditEventInput, options: PublishOptions = {}): Promise<Published> {
    this.#checkOpen();
    const event = this.#fill(input);
    const headers = [...cloudEventHeaders(event), ...callersHeaders(options.headers)];
    const parts = { key: keyOf(event, options.key), value: encodeCompleted(event), headers };
    const bytes = batchSizeOf(parts);
    if (bytes > this.#sink.maxBatchBytes) throw this.#tooLarge(bytes, event);
    // Only what will be sent takes a number: a hole in the sequence shows a loss.
    this.#sequence++;
    const placed = await this.#send(parts, bytes, event.event_id);
    return { event_id: event.event_id, ...placed };
  }

  /** As publish, for bytes of one's own. */
  async publishRaw(record: RawRecord): Promise<Placed> {
    this.#checkOpen();
    const headers = (record.headers ?? []).map(([name, value]) => header(name, value));
    const parts = { key: bytesOf(record.key), value: record.value, headers };
    const bytes = batchSizeOf(parts);
    if (bytes > this.#sink.maxBatchBytes) throw this.#tooLarge(bytes, null);
    return await this.#send(parts, bytes, null);
  }

  /** Sends what is collected and waits until everything published so far has its outcome. */
  async flush(): Promise<void> {
    await this.#room.entered();
    await Promise.all(Array.from(this.#lanes.values(), (lane) => lane.flush()));
  }

  /** Waits until every publish has its outcome, then releases the topic. Later publishes reject. */
  close(): Promise<void> {
    this.#closing ??= this.flush().then(() => this.#sink.close());
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing !== null) throw new SealstreamError('closed', 'the publisher is closed');
    if (this.#unfit !== null) throw this.#unfit;
  }

  #fill(input: AuditEventInput): AuditEvent {
    const { source, instanceId, epoch } = this.#settings;
    return completeEvent({
      ...input,
      event_id: input.event_id ?? uuidv7(),
      occurred_at: input.occurred_at ?? this.#now() * 1000n,
      origin: {
        // Checked with the rest: a source of another type is refused with its path.
        source: input.origin?.source === '' ? source : (input.origin?.source ?? source),
        instance_id: instanceId,
        epoch,
        sequence: this.#sequence + 1n,
        library: LIBRARY,
      },
    });
  }

  #now(): bigint {
    return BigInt(Math.floor(this.#settings.clock()));
  }

  #send(parts: RecordParts, bytes: number, event_id: string | null): Promise<Placed> {
    const timestamp = this.#now();
    return new Promise((resolve, reject) => {
      this.#room.take(bytes, () => {
        const partition = this.#partitioner.choose(parts.key);
        const { topic } = this.#settings;
        const pending: Pending = {
          acknowledged: (offset, timestamp) => {
            if (timestamp === null) this.#unfit ??= createTime(topic);
            this.#room.give(bytes);
            resolve({ topic, partition, offset });
          },
          failed: (error) => {
            this.#room.give(bytes);
            const what = event_id === null ? 'record' : `event ${event_id}`;
            const message = `${what}, topic ${topic} partition ${partition}: ${error.message}`;
            reject(new SealstreamError(error.code, message, { cause: error }));
          },
          learned: (offset) => this.#onLearned?.({ event_id, topic, partition, offset }),
        };
        this.#lane(partition).add(parts, timestamp, pending);
      });
    });
  }

  #lane(partition: number): Lane {
    let lane = this.#lanes.get(partition);
    if (lane === undefined) {
      lane = new Lane(this.#sink.lane(partition), this.#settings, {
        onClosed: () => this.#partitioner.batchClosed(partition),
        onUnknown: (identity, records) => this.#unknown.set(identity, records),
      });
      this.#lanes.set(partition, lane);
    }
    return lane;
  }

  #tooLarge(bytes: number, event: AuditEvent | null): SealstreamError {
    const limit = this.#sink.maxBatchBytes;
    const largest = event === null ? null : largestField(event);
    const where =
      largest === null ? '' : `; its largest field is ${largest.path}, ${largest.bytes} bytes`;
    return new SealstreamError(
      'record-too-large',
      `the record takes ${bytes} bytes, topic ${this.#settings.topic} takes ${limit} ` +
        `(max.message.bytes)${where}`,
    );
  }
}

function keyOf(event: AuditEvent, given: PublishOptions['key']): Uint8Array | null {
  if (given !== undefined) return bytesOf(given);
  const text = event.tenant_id || event.actor.id;
  return text === '' ? null : Buffer.from(text);
}

function bytesOf(key: Uint8Array | string | null): Uint8Array | null {
  return typeof key === 'string' ? Buffer.from(key) : key;
}

/** Two values for one CloudEvents name would mean another event to some reader. */
function callersHeaders(headers: Headers = []): RecordHeader[] {
  return headers.map(([name, value]) => {
    if (/^(?:ce_.*|content-type|traceparent)$/i.test(name)) {
      throw new SealstreamError(
        'usage',
        `header ${name} is the publisher's own; use the event's fields`,
      );
    }
    return header(name, value);
  });
}
