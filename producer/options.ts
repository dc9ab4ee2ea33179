import { SealstreamError } from '../ledger/error.js';
import type { Stream } from '../stream/stream.js';
import type { KafkajsAdmin, KafkajsProducer } from './kafkajs.js';

export type PublisherOptions = PublisherSettings & (StreamTarget | KafkajsTarget);

export interface StreamTarget {
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

/** Throws `configuration`. */
export function checkSettings(
  settings: PublisherSettings,
  randomId: () => string,
): CheckedSettings {
  const clock = settings.clock ?? Date.now;
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
    const value: unknown = checked[name];
    if (typeof value !== 'string' || value === '') throw wrong(name, 'must be text');
  }
  if (/[\p{Cc}\p{Surrogate}\s]/u.test(checked.source)) throw wrong('source', 'must be a URI');
  if (checked.topic.endsWith('.checkpoints')) throw wrong('topic', 'is a checkpoint topic');
  for (const name of ['lingerMs', 'batchBytes', 'maxBufferedBytes'] as const) {
    const value = checked[name];
    if (!Number.isSafeInteger(value) || value < (name === 'lingerMs' ? 0 : 1)) {
      throw wrong(name, 'must be a whole number above zero');
    }
  }
  return checked;
}

function wrong(name: string, what: string): SealstreamError {
  return new SealstreamError('configuration', `publisher option ${name} ${what}`);
}
