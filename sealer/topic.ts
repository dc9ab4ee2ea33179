import { checkpointTopic } from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import type { Logger, TopicDescription, TopicIdentity } from '../stream/stream.js';
import { backoffDelay, pause } from './backoff.js';
import { CheckpointPublisher } from './checkpoint-publisher.js';
import type { ConfigurationWatch } from './configuration.js';
import { originOf, type SealContext, type Totals } from './context.js';
import { PublishedHeads } from './heads.js';
import { LogSealer } from './log-sealer.js';
import type { SealerOptions, Settings } from './options.js';
import type { StreamClock } from './stream-clock.js';
import { Turns } from './turns.js';

/** Partitions whose ends are looked at, and that are read by `sealOnce`, at a time. */
const TAILS = 8;
const CHAINS = 4;

/** What all topics of a sealer share. */
export interface Shared {
  readonly options: SealerOptions;
  readonly settings: Settings;
  readonly configuration: ConfigurationWatch | null;
  readonly streamClock: StreamClock;
}

/** A topic that is being sealed, and what its logs share. */
export class SealedTopic {
  readonly identity: TopicIdentity;
  readonly #options: SealerOptions;
  readonly #settings: Settings;
  readonly #configuration: ConfigurationWatch | null;
  readonly #streamClock: StreamClock;
  readonly #heads: PublishedHeads | null;
  readonly #publisher: CheckpointPublisher | null;
  readonly #totals = new Map<number, Totals>();
  readonly #tails = new Turns(TAILS);
  readonly #chains = new Turns(CHAINS);
  #partitions: number;
  #isOutdated = false;

  constructor(shared: Shared, topic: TopicDescription, checkpoints: TopicDescription | null) {
    const { options, settings, configuration, streamClock } = shared;
    const { stream, signingKey } = options;
    const { timeout } = settings;
    this.identity = { topic: topic.topic, topicId: topic.topicId };
    this.#options = options;
    this.#settings = settings;
    this.#configuration = configuration;
    this.#streamClock = streamClock;
    this.#partitions = topic.partitions;
    this.#heads =
      checkpoints && new PublishedHeads(stream, checkpoints, signingKey.publicKey, timeout);
    this.#publisher =
      checkpoints && new CheckpointPublisher(stream, checkpoints, settings, streamClock);
  }

  get partitions(): number {
    return this.#partitions;
  }

  /**
   * The topic is another one by now, or its checkpoint topic was not there and is (`apply` makes it
   * after the topic): both are to be opened anew, and every log inspected. Not where the checkpoint topic
   * is another one: whoever deletes it and makes it again must not end the refusal that tells of it.
   */
  get isOutdated(): boolean {
    return this.#isOutdated;
  }

  /**
   * Asks for the partition count, and in the background for the configuration in force, anew. An
   * outage is no reason to stop: the last answer stands.
   */
  async refresh(): Promise<void> {
    this.#configuration?.look();
    const { stream } = this.#options;
    const topic = await stream.describe(this.identity.topic);
    if (topic === null) return;
    const isOther = topic.topicId !== this.identity.topicId;
    this.#isOutdated = isOther || (await this.#hasCheckpointsNow());
    if (!isOther) this.#partitions = Math.max(this.#partitions, topic.partitions);
  }

  async #hasCheckpointsNow(): Promise<boolean> {
    if (this.#heads !== null) return false;
    const { stream } = this.#options;
    return (await stream.describe(checkpointTopic(this.identity.topic))) !== null;
  }

  log(partition: number): LogSealer {
    const { stream, memory, ledger, signingKey } = this.#options;
    const context: SealContext = {
      stream,
      memory,
      ledger,
      topic: this.identity,
      partition,
      origin: originOf(ledger, this.identity, partition),
      publicKey: signingKey.publicKey,
      heads: this.#heads,
      timeout: this.#settings.timeout,
      settings: this.#settings,
      signingKey,
      publisher: this.#publisher,
      partitions: () => this.#partitions,
      totals: this.#totalsOf(partition),
      configuration: this.#configuration,
      streamClock: this.#streamClock,
      tails: this.#tails,
      chains: this.#chains,
    };
    return new LogSealer(context);
  }

  async close(): Promise<void> {
    await this.#publisher?.close();
  }

  #totalsOf(partition: number): Totals {
    const totals = this.#totals.get(partition) ?? { records: 0n, bytes: 0n, checkpoints: 0 };
    this.#totals.set(partition, totals);
    return totals;
  }
}

/**
 * Asks the stream for a topic and its checkpoint topic. Throws `topic-missing`; an outage is waited
 * out until `giveUp` says that it has lasted too long.
 */
export async function openTopic(
  shared: Shared,
  topic: string,
  signal: AbortSignal,
  giveUp: () => boolean,
): Promise<SealedTopic> {
  const { stream } = shared.options;
  const { logger } = shared.settings;
  const described = await persist(() => stream.describe(topic), logger, signal, giveUp);
  if (described === null) {
    throw new SealstreamError(
      'topic-missing',
      `${stream.url} has no topic ${topic}: run apply, or correct the topic's name`,
    );
  }
  const checkpoints = await persist(
    () => stream.describe(checkpointTopic(topic)),
    logger,
    signal,
    giveUp,
  );
  return new SealedTopic(shared, described, checkpoints);
}

/** Tries again, after a growing pause, what fails by an outage. */
export async function persist<T>(
  action: () => Promise<T>,
  logger: Logger,
  signal: AbortSignal,
  giveUp: () => boolean,
): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await action();
    } catch (error) {
      const isOutage = error instanceof SealstreamError && error.class === 'retry';
      if (!isOutage || signal.aborted || giveUp()) throw error;
      logger.warn({ attempt, error: error.message }, 'the stream does not answer');
      await pause(backoffDelay(attempt), signal);
    }
  }
}
