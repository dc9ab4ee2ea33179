import type { Consumer } from 'kafkajs';
import { asSealstreamError, SealstreamError } from '../../ledger/error.js';
import type { Ownership, OwnershipOptions, TopicIdentity } from '../stream.js';
import type { Cluster } from './cluster.js';
import { classify } from './connection.js';
import { sameTopic } from './identity.js';
import { createKafkaClient } from './kafkajs-client.js';

const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 15_000;
const HEARTBEAT_MS = 1_000;
/** An idle kafkajs consumer heartbeats only between sleeps of this length. */
const IDLE_SLEEP_MS = 500;
/** kafkajs's own default, which naming one setting of `retry` would take away. */
const RETRIES = 5;
/** How soon partitions that were added are noticed. */
const METADATA_AGE_MS = 5_000;

/**
 * Membership of a consumer group without consuming: every partition is paused as soon as it is
 * assigned, so kafkajs heartbeats and never fetches, and nothing is committed.
 */
export async function ownPartitions(
  cluster: Cluster,
  topic: TopicIdentity,
  options: OwnershipOptions,
): Promise<Ownership> {
  const metadata = sameTopic(await cluster.metadata(topic.topic), topic);
  if (metadata instanceof SealstreamError) throw metadata;
  let ownership: GroupOwnership | null = null;
  const consumer = createKafkaClient(cluster).consumer({
    groupId: options.group,
    // What was closed while kafkajs was between two attempts must not come back as a silent member.
    retry: { retries: RETRIES, restartOnFailure: async () => ownership?.closed === false },
    sessionTimeout: SESSION_TIMEOUT_MS,
    rebalanceTimeout: REBALANCE_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_MS,
    maxWaitTimeInMs: IDLE_SLEEP_MS,
    metadataMaxAge: METADATA_AGE_MS,
    allowAutoTopicCreation: false,
  });
  ownership = new GroupOwnership(cluster, consumer, topic, options);
  const what = `joining group ${options.group} on topic ${topic.topic}`;
  try {
    await ownership.join();
  } catch (error) {
    const reason = classify(error, options.group, what);
    await ownership.close().catch((cause: unknown) => {
      cluster.logger?.warn({ error: cause }, `${what}: cannot leave it`);
    });
    throw reason;
  }
  if (ownership.closed) throw new SealstreamError('closed', `${what}: the stream is closed`);
  return ownership;
}

class GroupOwnership implements Ownership {
  readonly #cluster: Cluster;
  readonly #consumer: Consumer;
  readonly #topic: TopicIdentity;
  readonly #options: OwnershipOptions;
  #partitions: ReadonlySet<number> = new Set();
  #closed = false;
  #joining: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(
    cluster: Cluster,
    consumer: Consumer,
    topic: TopicIdentity,
    options: OwnershipOptions,
  ) {
    this.#cluster = cluster;
    cluster.parts.add(this);
    this.#consumer = consumer;
    this.#topic = topic;
    this.#options = options;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
      this.#assigned(payload.memberAssignment[topic.topic] ?? []);
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => {
      // kafkajs joins again by itself after most errors; it tells which.
      if (!payload.restart) this.#lost(payload.error);
    });
  }

  get partitions(): ReadonlySet<number> {
    return this.#partitions;
  }

  get closed(): boolean {
    return this.#closed;
  }

  join(): Promise<void> {
    this.#joining = this.#join();
    return this.#joining;
  }

  async #join(): Promise<void> {
    const { topic } = this.#topic;
    await this.#consumer.connect();
    await this.#consumer.subscribe({ topics: [topic], fromBeginning: true });
    await this.#consumer.run({ autoCommit: false, eachBatch: async () => {} });
  }

  /** Runs before kafkajs goes on to fetch. */
  #assigned(partitions: readonly number[]): void {
    if (this.#closed) return;
    const { topic } = this.#topic;
    if (partitions.length > 0) {
      this.#consumer.pause([{ topic, partitions: [...partitions] }]);
    }
    this.#partitions = new Set(partitions);
    this.#options.onChange(this.#partitions);
  }

  #lost(error: unknown): void {
    if (this.#closed) return;
    this.#partitions = new Set();
    const { group } = this.#options;
    const what = `membership of group ${group} on topic ${this.#topic.topic} ended`;
    // kafkajs drops what each broker said; a missing right shows as this, too.
    const hidden = error instanceof Error && error.name === 'KafkaJSGroupCoordinatorNotFound';
    const advice = hidden ? '; where the brokers answer, grant Read on the group' : '';
    this.#options.onError(classify(error, group, what + advice));
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#closed = true;
    this.#partitions = new Set();
    // kafkajs forgets a member that is stopped while it joins, and the broker does not.
    await this.#joining?.catch(() => undefined);
    try {
      await this.#consumer.disconnect();
    } catch (error) {
      const context = `leaving group ${this.#options.group}`;
      throw asSealstreamError(error, 'unreachable', context);
    } finally {
      this.#cluster.parts.delete(this);
    }
  }
}
