import { setMaxListeners } from 'node:events';
import { asSealstreamError, SealstreamError } from '../ledger/error.js';
import type { Fetched, Ownership, Reader } from '../stream/stream.js';
import { backoffDelay, pause } from './backoff.js';
import { LogRunner } from './log-runner.js';
import type { SealerOptions, Settings } from './options.js';
import { persist, type SealedTopic } from './topic.js';

/** Longest poll: what an operator or the group changed is noticed within it. */
const POLL_MS = 500;
/** Shortest poll, and the pause where there is nothing to read. */
const PAUSE_MS = 20;
/** How often partition count and the memory of refused logs are looked at again. */
const REFRESH_MS = 3_000;

/**
 * Seals the partitions of one topic that the group gives this process: one reader for all of them,
 * and per log at most one task (recovering, publishing) beside it.
 */
export class SealLoop {
  readonly #options: SealerOptions;
  readonly #settings: Settings;
  readonly #topic: SealedTopic;
  readonly #logs = new Map<number, LogRunner>();
  readonly #read = new Set<number>();
  #wanted: ReadonlySet<number> = new Set();
  #ownershipLost: SealstreamError | null = null;
  #refreshed = Number.NEGATIVE_INFINITY;
  #refreshing: Promise<void> | null = null;

  constructor(options: SealerOptions, settings: Settings, topic: SealedTopic) {
    this.#options = options;
    this.#settings = settings;
    this.#topic = topic;
  }

  /** The logs that this process owns now. */
  get logs(): readonly LogRunner[] {
    return [...this.#logs.values()];
  }

  /**
   * Returns once `signal` has aborted, or the topic is outdated, and the last checkpoints are
   * published, or time was up.
   */
  async run(signal: AbortSignal): Promise<void> {
    const { logger } = this.#settings;
    const hardStop = new AbortController();
    // Every log may wait on it at the same time; Node would take more than ten for a leak.
    setMaxListeners(0, hardStop.signal);
    // Every batch is chained before the next poll, and nothing else of it is kept.
    const open = () => this.#options.stream.reader(this.#topic.identity, { recycle: true });
    let reader: Reader | null = null;
    let ownership: Ownership | null = null;
    try {
      reader = await persist(open, logger, signal, () => false);
      ownership = await this.#own(signal);
      while (!signal.aborted && !this.#topic.isOutdated) {
        if (this.#ownershipLost !== null) ownership = await this.#ownAgain(ownership, signal);
        await this.#turn(reader, signal, hardStop.signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      // Last checkpoints first: once the partitions are given up another sealer goes on from them.
      await this.#finish(hardStop);
      await ownership?.close();
      await reader?.close();
      await this.#topic.close();
    }
  }

  async #turn(reader: Reader, signal: AbortSignal, hardStop: AbortSignal): Promise<void> {
    this.#takeOver(hardStop);
    this.#place(reader);
    this.#refresh();
    const wait = Math.max(PAUSE_MS, Math.min(POLL_MS, ...this.logs.map((log) => log.left)));
    if (this.#read.size === 0) {
      await pause(Math.min(wait, this.#hasTasks() ? PAUSE_MS : PAUSE_MS * 5), signal);
      return;
    }
    const fetched = await this.#poll(reader, wait, signal);
    for (const one of fetched) await this.#accept(one);
    const isFailing = fetched.length > 0 && fetched.every(({ error }) => error !== null);
    if (isFailing) await pause(PAUSE_MS * 5, signal);
  }

  /** Follows the group, and starts what is due. */
  #takeOver(hardStop: AbortSignal): void {
    const lost = [...this.#logs.keys()].filter((partition) => !this.#wanted.has(partition));
    // Given up without a checkpoint: whoever has it now reads the same records.
    for (const partition of lost) this.#logs.delete(partition);
    for (const partition of this.#wanted) {
      if (this.#logs.has(partition)) continue;
      this.#logs.set(partition, new LogRunner(this.#topic.log(partition)));
    }
    for (const runner of this.#logs.values()) runner.start(hardStop);
  }

  /** Makes the reader read exactly the logs that are being sealed, from where their chain ends. */
  #place(reader: Reader): void {
    for (const partition of this.#read) {
      if (this.#logs.get(partition)?.phase === 'sealing') continue;
      reader.remove(partition);
      this.#read.delete(partition);
    }
    for (const [partition, runner] of this.#logs) {
      const position = runner.takeSeek();
      if (position === null) continue;
      reader.seek(position);
      this.#read.add(partition);
    }
  }

  async #poll(reader: Reader, wait: number, signal: AbortSignal): Promise<readonly Fetched[]> {
    try {
      return await reader.poll(this.#hasTasks() ? Math.min(wait, PAUSE_MS * 5) : wait, signal);
    } catch (error) {
      if (signal.aborted) return [];
      if (!(error instanceof SealstreamError && error.class === 'retry')) throw error;
      this.#settings.logger.warn({ topic: this.#topic.identity.topic }, error.message);
      await pause(POLL_MS, signal);
      return [];
    }
  }

  async #accept(fetched: Fetched): Promise<void> {
    const runner = this.#logs.get(fetched.partition);
    if (runner === undefined) return;
    try {
      await runner.accept(fetched);
    } catch (error) {
      runner.fail(error);
    }
  }

  #hasTasks(): boolean {
    return this.logs.some((runner) => runner.task !== null);
  }

  #refresh(): void {
    const now = this.#settings.clock.monotonic();
    const isDue =
      now - this.#refreshed >= REFRESH_MS || this.logs.some((runner) => runner.isFreshlyRefused);
    if (this.#refreshing !== null || !isDue) return;
    this.#refreshed = now;
    this.#refreshing = this.#lookAround()
      .catch((error: unknown) => {
        const { message } = asSealstreamError(error, 'internal', this.#topic.identity.topic);
        this.#settings.logger.warn({ topic: this.#topic.identity.topic }, message);
      })
      .finally(() => {
        this.#refreshing = null;
      });
  }

  async #lookAround(): Promise<void> {
    for (const runner of this.logs) await runner.lookAgain();
    await this.#topic.refresh();
  }

  async #own(signal: AbortSignal): Promise<Ownership> {
    this.#ownershipLost = null;
    // Members of one group must seal the same: kafkajs hands out the leader's topics to all of them,
    // and two ledgers over one topic would take partitions from each other.
    const group = [this.#settings.group, this.#options.ledger, this.#topic.identity.topic].join(
      '/',
    );
    const own = () =>
      this.#options.stream.own(this.#topic.identity, {
        group,
        onChange: (partitions) => {
          this.#wanted = partitions;
        },
        onError: (error) => {
          this.#wanted = new Set();
          this.#ownershipLost = error;
        },
      });
    return persist(own, this.#settings.logger, signal, () => false);
  }

  async #ownAgain(lost: Ownership | null, signal: AbortSignal): Promise<Ownership> {
    const { logger } = this.#settings;
    const error = this.#ownershipLost;
    logger.warn({ topic: this.#topic.identity.topic, error: error?.message }, 'ownership lost');
    await lost?.close();
    await pause(backoffDelay(3), signal);
    return this.#own(signal);
  }

  async #finish(hardStop: AbortController): Promise<void> {
    const timer = setTimeout(() => hardStop.abort(), this.#settings.stopWithin);
    try {
      const finished = Promise.all(this.logs.map((runner) => runner.finish(hardStop.signal)));
      await Promise.race([finished, aborted(hardStop.signal)]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
