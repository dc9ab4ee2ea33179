import { decodeBody } from '../ledger/body.js';
import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import type { RecordParts } from '../ledger/records.js';
import type { AppendOutcome } from '../stream/stream.js';
import {
  checkFit,
  maxBatchBytes,
  type Sink,
  type SinkBatch,
  type SinkLane,
  topicMissing,
} from './sink.js';

/** What is used of a kafkajs 2 Producer; the package itself is not imported. */
export interface KafkajsProducer {
  isIdempotent(): boolean;
  send(record: {
    topic: string;
    acks: number;
    messages: KafkajsMessage[];
  }): Promise<readonly { partition: number; baseOffset?: string; logAppendTime?: string }[]>;
}

interface KafkajsMessage {
  key: Buffer | null;
  value: Buffer | null;
  partition: number;
  timestamp: string;
  headers: Record<string, Buffer | Buffer[]>;
}

/** What is used of a kafkajs 2 Admin. */
export interface KafkajsAdmin {
  fetchTopicMetadata(options: {
    topics: string[];
  }): Promise<{ topics: readonly { name: string; partitions: readonly unknown[] }[] }>;
  describeConfigs(options: {
    includeSynonyms: boolean;
    resources: { type: number; name: string; configNames?: string[] }[];
  }): Promise<{
    resources: readonly {
      configEntries: readonly { configName: string; configValue: string }[];
    }[];
  }>;
}

const TOPIC_RESOURCE = 2;
const ACKS_ALL = -1;
/**
 * Errors that every one of kafkajs's attempts would get, so none of them was written. Others may
 * follow an attempt that was written and not answered.
 */
const REJECTED = new Set([10, 17, 18, 32, 87]);
const UNKNOWN_TOPIC = 3;
/** Batch header and room for what varies per record: a bound from above, never below. */
const BATCH_OVERHEAD = 61;
const RECORD_OVERHEAD = 21;

/** Throws configuration, topic-missing, topic-unfit, or unreachable. */
export async function kafkajsSink(
  producer: KafkajsProducer,
  admin: KafkajsAdmin,
  topic: string,
): Promise<Sink> {
  if (producer.isIdempotent()) {
    throw new SealstreamError(
      'configuration',
      'the kafkajs producer is idempotent, and kafkajs can then acknowledge a record that is not in ' +
        'the log: make it with `idempotent: false`',
    );
  }
  const { partitions, settings } = await describeFit(admin, topic);
  const sink = {
    place: 'the kafkajs producer',
    partitions,
    maxBatchBytes: maxBatchBytes(settings),
    lookAgain: async () => {
      const now = await describeFit(admin, topic);
      sink.maxBatchBytes = Math.max(sink.maxBatchBytes, maxBatchBytes(now.settings));
    },
    lane: (partition: number) => new KafkajsLane(producer, topic, partition, sink),
    close: () => Promise.resolve(),
  };
  return sink;
}

async function describeFit(admin: KafkajsAdmin, topic: string): ReturnType<typeof describe> {
  const found = await describe(admin, topic);
  const { settings } = found;
  checkFit(topic, settings.get('message.timestamp.type') === 'LogAppendTime', settings);
  return found;
}

async function describe(
  admin: KafkajsAdmin,
  topic: string,
): Promise<{ partitions: number; settings: ReadonlyMap<string, string> }> {
  try {
    const metadata = await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = metadata.topics.find(({ name }) => name === topic)?.partitions.length ?? 0;
    if (partitions === 0) throw topicMissing(topic, 'the Kafka of the kafkajs producer');
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC_RESOURCE, name: topic }],
    });
    const entries = resources[0]?.configEntries ?? [];
    const settings = new Map(entries.map((entry) => [entry.configName, entry.configValue]));
    return { partitions, settings };
  } catch (error) {
    if (kafkaCode(error) === UNKNOWN_TOPIC) {
      throw topicMissing(topic, 'the Kafka of the kafkajs producer');
    }
    throw asSealstreamError(error, 'unreachable', `kafkajs cannot describe topic ${topic}`);
  }
}

class KafkajsLane implements SinkLane {
  readonly #producer: KafkajsProducer;
  readonly #topic: string;
  readonly #partition: number;
  readonly #limit: Pick<Sink, 'maxBatchBytes'>;
  #messages: KafkajsMessage[] = [];
  #size = BATCH_OVERHEAD;

  constructor(
    producer: KafkajsProducer,
    topic: string,
    partition: number,
    limit: Pick<Sink, 'maxBatchBytes'>,
  ) {
    this.#producer = producer;
    this.#topic = topic;
    this.#partition = partition;
    this.#limit = limit;
  }

  get sizeInBytes(): number {
    return this.#size;
  }

  add(body: Uint8Array, timestamp: bigint): boolean {
    const size = this.#size + RECORD_OVERHEAD + body.length;
    if (size > this.#limit.maxBatchBytes && this.#messages.length > 0) return false;
    this.#size = size;
    const parts = decodeBody(Uint8Array.from(body));
    this.#messages.push({
      key: parts.key === null ? null : Buffer.from(parts.key),
      value: parts.value === null ? null : Buffer.from(parts.value),
      partition: this.#partition,
      timestamp: timestamp.toString(),
      headers: headersOf(parts),
    });
    return true;
  }

  take(): SinkBatch {
    const messages = this.#messages;
    this.#messages = [];
    this.#size = BATCH_OVERHEAD;
    return { identity: messages, send: () => this.#send(messages) };
  }

  async #send(messages: KafkajsMessage[]): Promise<AppendOutcome> {
    const where = `topic ${this.#topic} partition ${this.#partition}`;
    try {
      const answers = await this.#producer.send({ topic: this.#topic, acks: ACKS_ALL, messages });
      const answer = answers.find(({ partition }) => partition === this.#partition);
      const offset = answer?.baseOffset ?? '';
      if (!/^\d{1,19}$/.test(offset)) {
        const error = new SealstreamError('outcome-unknown', `${where}: kafkajs told no offset`);
        return { kind: 'unknown', error };
      }
      const time = answer?.logAppendTime ?? '-1';
      const timestamp = /^\d{1,19}$/.test(time) ? BigInt(time) : null;
      return { kind: 'acknowledged', baseOffset: BigInt(offset), timestamp };
    } catch (error) {
      const code = kafkaCode(error);
      if (code !== null && REJECTED.has(code)) {
        return { kind: 'rejected', error: asSealstreamError(error, 'record-rejected', where) };
      }
      return { kind: 'unknown', error: asSealstreamError(error, 'outcome-unknown', where) };
    }
  }
}

function headersOf(parts: RecordParts): Record<string, Buffer | Buffer[]> {
  const headers = new Map<string, Buffer[]>();
  for (const { key, value } of parts.headers) {
    const name = Buffer.from(key).toString('utf8');
    const values = headers.get(name) ?? [];
    values.push(Buffer.from(value ?? []));
    headers.set(name, values);
  }
  const entries = [...headers].map(([name, values]): [string, Buffer | Buffer[]] => {
    const [first] = values;
    return [name, values.length === 1 && first !== undefined ? first : values];
  });
  return Object.fromEntries(entries);
}

/** The broker's error code in a kafkajs error, or in the last of its retries. */
function kafkaCode(error: unknown): number | null {
  for (let inner = error; inner instanceof Error; inner = inner.cause) {
    if ('code' in inner && typeof inner.code === 'number') return inner.code;
  }
  return null;
}
