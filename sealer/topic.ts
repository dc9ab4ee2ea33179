import { checkpointTopic } from '../ledger/checkpoint-record.js';
import { SealstreamError } from '../ledger/error.js';
import type { Logger, TopicDescription, TopicIdentity } from '../stream/stream.js';
import { backoffDelay, pause } from './backoff.js';
import type { ConfigurationWatch } from './configuration.js';
import { originOf, type SealContext, type Totals } from './context.js';
import { PublishedHeads } from './heads.js';
import { LogSealer } from './log-sealer.js';
import type { SealerOptions, Settings } from './options.js';
import { CheckpointPublisher } from './publisher.js';
import { Turns } from './turns.js';

/** Partitions whose ends are looked at, and that are read by `sealOnce`, at a time. */
const TAILS = 8;
const CHAINS = 4;

/** What all topics of a sealer share. */
export interface Shared {
  readonly options: SealerOptions;
  readonly settings: Settings;
  readonly configuration: ConfigurationWatch | null;
}

/** The checkpoint topic, read and written. */
interface Checkpoints {
  readonly heads: PublishedHeads;
  readonly publisher: CheckpointPublisher;
}

/** A topic that is being sealed, and what its logs share. */
export class SealedTopic {
  readonly identity: TopicIdentity;
  readonly #options: SealerOptions;
  readonly #settings: Settings;
  readonly #configuration: ConfigurationWatch | null;
  #checkpoints: Checkpoints | null = null;
  readonly #totals = new Map<number, Totals>();
  readonly #tails = new Turns(TAILS);
  readonly #chains = new Turns(CHAINS);
  #partitions: number;

  constructor(shared: Shared, topic: TopicDescription, checkpoints: TopicDescription | null) {
    const { options, settings, configuration } = shared;
    this.identity = { topic: topic.topic, topicId: topic.topicId };
    this.#options = options;
    this.#settings = settings;
    this.#configuration = configuration;
    this.#partitions = topic.partitions;
    if (checkpoints !== null) this.#publishTo(checkpoints);
  }

  get partitions(): number {
    return this.#partitions;
  }

  /**
   * Asks for the partition count, and in the background for the configuration in force, anew; and
   * for the checkpoint topic where there was none, because `apply` makes it after the topic and may
   * be at it. An outage is no reason to stop: the last answer stands.
   */
  async refresh(): Promise<void> {
    this.#configuration?.look();
    const { stream } = this.#options;
    const topic = await stream.describe(this.identity.topic);
    if (topic === null || topic.topicId !== this.identity.topicId) return;
    this.#partitions = Math.max(this.#partitions, topic.partitions);
    if (this.#checkpoints !== null) return;
    const checkpoints = await stream.describe(checkpointTopic(this.identity.topic));
    if (checkpoints !== null) this.#publishTo(checkpoints);
  }

  log(partition: number): LogSealer {
    const { stream, memory, ledger, signingKey } = this.#options;
    const checkpoints = () => this.#checkpoints;
    const context: SealContext = {
      stream,
      memory,
      ledger,
      topic: this.identity,
      partition,
      origin: originOf(ledger, this.identity, partition),
      publicKey: signingKey.publicKey,
      // Asked for each time: the checkpoint topic may come later than the log.
      get heads() {
        return checkpoints()?.heads ?? null;
      },
      get publisher() {
        return checkpoints()?.publisher ?? null;
      },
      timeout: this.#settings.timeout,
      settings: this.#settings,
      signingKey,
      partitions: () => this.#partitions,
      totals: this.#totalsOf(partition),
      configuration: this.#configuration,
      tails: this.#tails,
      chains: this.#chains,
    };
    return new LogSealer(context);
  }

  async close(): Promise<void> {
    await this.#checkpoints?.publisher.close();
  }

  #publishTo(topic: TopicIdentity): void {
    const { stream, signingKey } = this.#options;
    const { timeout, logger } = this.#settings;
    this.#checkpoints = {
      heads: new PublishedHeads(stream, topic, signingKey.publicKey, timeout),
      publisher: new CheckpointPublisher(stream, topic, timeout, logger),
    };
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
