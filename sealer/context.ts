import type { PublicKey, SigningKey } from '../ledger/keys.js';
import { formatOrigin } from '../ledger/origin.js';
import type { Memory, MemoryKey } from '../store/memory.js';
import type { Stream, TopicIdentity } from '../stream/stream.js';
import type { CheckpointPublisher } from './checkpoint-publisher.js';
import type { ConfigurationWatch } from './configuration.js';
import type { PublishedHeads } from './heads.js';
import type { Settings } from './options.js';
import type { StreamClock } from './stream-clock.js';
import type { Turns } from './turns.js';

/** What it takes to look at one log; nothing here writes. */
export interface LogContext {
  readonly stream: Stream;
  readonly memory: Memory;
  readonly ledger: string;
  readonly topic: TopicIdentity;
  readonly partition: number;
  readonly origin: string;
  readonly publicKey: PublicKey;
  /** null: the stream has no checkpoint topic. */
  readonly heads: PublishedHeads | null;
  /** Milliseconds without an answer after which an outage counts as one. */
  readonly timeout: number;
}

/** What this process has sealed of one log, also where others owned it in between: it only grows. */
export interface Totals {
  records: bigint;
  /** Of record bodies. */
  bytes: bigint;
  checkpoints: number;
}

/** What it takes to seal one log. */
export interface SealContext extends LogContext {
  readonly settings: Settings;
  readonly signingKey: SigningKey;
  /** null: the stream has no checkpoint topic. */
  readonly publisher: CheckpointPublisher | null;
  /** The topic's partition count as last described. */
  readonly partitions: () => number;
  readonly totals: Totals;
  /** null: nothing says which configuration is in force. */
  readonly configuration: ConfigurationWatch | null;
  readonly streamClock: StreamClock;
  /** For looking at the end of the log. */
  readonly tails: Turns;
  /** For reading it to its end. */
  readonly chains: Turns;
}

export function memoryKeyOf(log: LogContext): MemoryKey {
  return { ledger: log.ledger, topic: log.topic.topic, partition: log.partition };
}

/** For messages: `audit/3`. */
export function placeOf(log: LogContext): string {
  return `${log.topic.topic}/${log.partition}`;
}

export function originOf(ledger: string, topic: TopicIdentity, partition: number): string {
  return formatOrigin({ ledger, topic: topic.topic, topicId: topic.topicId, partition });
}
