import type { Consumer } from 'kafkajs';
import { asSealstreamError, SealstreamError } from '../../ledger/error.js';
import type { Ownership, OwnershipOptions, TopicIdentity } from '../stream.js';
import type { Cluster } from './connection/cluster.js';
import { classify } from './connection/connection.js';
import { sameTopic } from './connection/identity.js';
import type { KafkaClient } from './connection/kafkajs-client.js';

const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 15_000;
const HEARTBEAT_MS = 1_000;
/** An idle kafkajs consumer heartbeats only between sleeps of this length. */
const IDLE_SLEEP_MS = 500;
/** kafkajs's own default, which naming one setting of `retry` would take away. */
const RETRIES = 5;
/** For leaving in order. A group that rebalances, or a broker that is silent, would take its own
 * time; who has not left is taken out of the group when the session ends. */
const LEAVE_PATIENCE_MS = 7_000;
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
  // Only members of a group pay for loading kafkajs's whole client.
  const { createKafkaClient } = await import('./connection/kafkajs-client.js');
  const client = createKafkaClient(cluster);
  const consumer = client.kafka.consumer({
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
  ownership = new GroupOwnership(cluster, client, consumer, topic, options);
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
  readonly #client: KafkaClient;
  readonly #consumer: Consumer;
  readonly #topic: TopicIdentity;
  readonly #options: OwnershipOptions;
  #partitions: ReadonlySet<number> = new Set();
  #closed = false;
  #joining: Promise<void> | null = null;
  #closing: Promise<void> | null = null;

  constructor(
    cluster: Cluster,
    client: KafkaClient,
    consumer: Consumer,
    topic: TopicIdentity,
    options: OwnershipOptions,
  ) {
    this.#cluster = cluster;
    this.#client = client;
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
    const leaving = this.#leave();
    // Reported below where it comes in time.
    leaving.catch(() => undefined);
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        const { group } = this.#options;
        this.#cluster.logger?.warn({ group }, 'not left in time: the session has to end');
        resolve();
      }, LEAVE_PATIENCE_MS);
    });
    try {
      await Promise.race([leaving, patience]);
    } catch (error) {
      const context = `leaving group ${this.#options.group}`;
      throw asSealstreamError(error, 'unreachable', context);
    } finally {
      clearTimeout(timer);
      this.#client.end();
      this.#cluster.parts.delete(this);
    }
  }

  async #leave(): Promise<void> {
    // kafkajs forgets a member that is stopped while it joins, and the broker does not.
    await this.#joining?.catch(() => undefined);
    await this.#consumer.disconnect();
  }
}
