import { SealstreamError } from '../ledger/error.js';
import {
  bigint,
  callable,
  checkOptions,
  having,
  type Kinds,
  number,
  optional,
  text,
  typeName,
  usage,
  wholeNumber,
} from '../ledger/given.js';
import { streamKind } from '../stream/given.js';
import type { Stream } from '../stream/stream.js';
import type { KafkajsAdmin, KafkajsProducer } from './kafkajs.js';

const LONE_SURROGATE = /\p{Surrogate}/u;

export type PublisherOptions = PublisherSettings & (StreamTarget | KafkajsTarget);

export interface StreamTarget {
  readonly kafkajs?: undefined;
  readonly admin?: undefined;
  /** Stays open: whoever opened it closes it, after the publisher. */
  readonly stream: Stream;
  /** After this an open outcome is reported as unknown. Default: the stream's, two minutes. */
  readonly deadlineMs?: number;
  /** Called where a later read shows what became of a publish that ended as outcome-unknown. */
  readonly onLearned?: (learned: Learned) => void;
  /**
   * The alarm: records that were acknowledged to this publisher are gone from the log. Called at
   * most once per partition, whose later publishes reject as acknowledged-lost.
   */
  readonly onLost?: (lost: Lost) => void;
}

/** [from, until) is the smallest range of offsets that the evidence allows. */
export interface Lost {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly until: bigint;
  /** `acknowledged-lost`, naming topic, partition and offsets. */
  readonly error: SealstreamError;
}

export interface Learned {
  /** null: a raw record. */
  readonly event_id: string | null;
  readonly topic: string;
  readonly partition: number;
  /** null: it is not in the log and never will be, so it may be published again. */
  readonly offset: bigint | null;
}

/**
 * A connected kafkajs producer that the service already has, with `idempotent: false`: kafkajs's
 * idempotence can acknowledge a record that is not in the log. It retries by its own settings, so a
 * record may be in the log twice (same event_id); headers with one name twice lose their order.
 * The admin tells the topic's partitions and settings. Both stay open.
 */
export interface KafkajsTarget {
  readonly stream?: undefined;
  readonly deadlineMs?: undefined;
  readonly onLearned?: undefined;
  readonly onLost?: undefined;
  readonly kafkajs: KafkajsProducer;
  readonly admin: KafkajsAdmin;
}

export interface PublisherSettings {
  readonly topic: string;
  /** URI-reference of the emitting service: origin.source, where an event does not name its own. */
  readonly source: string;
  /** Durable id of this instance: origin.instance_id. Default: a random UUID for each publisher. */
  readonly instanceId?: string;
  /** Must grow at every start of the instance: origin.epoch. Default: milliseconds since 1970. */
  readonly epoch?: bigint;
  /** How long a record waits for others. Default 5 ms. */
  readonly lingerMs?: number;
  /** A batch of this size is sent at once. Default 262 144. */
  readonly batchBytes?: number;
  /** Records not yet settled; publishes beyond it wait. Default 32 MiB. */
  readonly maxBufferedBytes?: number;
  /** Milliseconds since 1970. Default Date.now. */
  readonly clock?: () => number;
}

export interface CheckedSettings extends Required<Omit<PublisherSettings, 'topic'>> {
  readonly topic: string;
}

/** Both targets' options; each is checked to be a part of the one that was chosen. */
interface GivenTarget {
  readonly stream?: Stream;
  readonly deadlineMs?: number;
  readonly onLearned?: (learned: Learned) => void;
  readonly onLost?: (lost: Lost) => void;
  readonly kafkajs?: KafkajsProducer;
  readonly admin?: KafkajsAdmin;
}

const KINDS: Kinds<PublisherSettings & GivenTarget> = {
  topic: text,
  source: text,
  instanceId: optional(text),
  epoch: optional(bigint),
  lingerMs: optional(number),
  batchBytes: optional(number),
  maxBufferedBytes: optional(number),
  clock: optional(callable<() => number>()),
  stream: optional(streamKind),
  deadlineMs: optional(wholeNumber(1)),
  onLearned: optional(callable<(learned: Learned) => void>()),
  onLost: optional(callable<(lost: Lost) => void>()),
  kafkajs: optional(having<KafkajsProducer>('a kafkajs producer', 'isIdempotent', 'send')),
  admin: optional(having<KafkajsAdmin>('a kafkajs admin', 'fetchTopicMetadata', 'describeConfigs')),
};

/** A copy whose every value was read once. Throws `usage`. */
export function readOptions(given: PublisherOptions): PublisherOptions {
  const options = checkOptions(given, KINDS, 'publisher');
  const { kafkajs, admin, ...toStream } = options;
  const { stream, deadlineMs, onLearned, onLost, ...settings } = toStream;
  if (kafkajs === undefined) {
    if (stream === undefined) throw usage('publisher', 'needs a stream, or kafkajs with admin');
    if (admin !== undefined) throw usage('publisher: admin', 'goes with kafkajs');
    return { ...toStream, stream };
  }
  if (admin === undefined) throw usage('publisher: admin', 'is missing: kafkajs needs it');
  for (const [name, value] of Object.entries({ stream, deadlineMs, onLearned, onLost })) {
    if (value !== undefined) throw usage(`publisher: ${name}`, 'does not go with kafkajs');
  }
  return { ...settings, kafkajs, admin };
}

/** Throws `configuration`. */
export function checkSettings(
  settings: PublisherSettings,
  randomId: () => string,
): CheckedSettings {
  const clock = settings.clock === undefined ? Date.now : checkedClock(settings.clock);
  const checked = {
    topic: settings.topic,
    source: settings.source,
    instanceId: settings.instanceId ?? randomId(),
    epoch: settings.epoch ?? BigInt(clock()),
    lingerMs: settings.lingerMs ?? 5,
    batchBytes: settings.batchBytes ?? 256 * 1024,
    maxBufferedBytes: settings.maxBufferedBytes ?? 32 * 1024 * 1024,
    clock,
  };
  for (const name of ['topic', 'source', 'instanceId'] as const) {
    const value = checked[name];
    if (value === '' || LONE_SURROGATE.test(value)) throw wrong(name, 'must be text');
  }
  if (/[\p{Cc}\s]/u.test(checked.source)) throw wrong('source', 'must be a URI');
  if (checked.topic.endsWith('.checkpoints')) throw wrong('topic', 'is a checkpoint topic');
  if (BigInt.asIntN(64, checked.epoch) !== checked.epoch) throw wrong('epoch', 'has 64 bits');
  for (const name of ['lingerMs', 'batchBytes', 'maxBufferedBytes'] as const) {
    const value = checked[name];
    if (!Number.isSafeInteger(value) || value < (name === 'lingerMs' ? 0 : 1)) {
      throw wrong(name, 'must be a whole number above zero');
    }
  }
  return checked;
}

/** Whole milliseconds. */
function checkedClock(clock: () => number): () => number {
  return () => {
    let now: unknown;
    try {
      now = clock();
    } catch (cause) {
      throw usage('publisher: clock', 'threw', cause);
    }
    const milliseconds = typeof now === 'number' ? Math.floor(now) : Number.NaN;
    if (Number.isSafeInteger(milliseconds)) return milliseconds;
    throw usage('publisher: clock', `must give milliseconds since 1970, not ${typeName(now)}`);
  };
}

function wrong(name: string, what: string): SealstreamError {
  return new SealstreamError('configuration', `publisher option ${name} ${what}`);
}
