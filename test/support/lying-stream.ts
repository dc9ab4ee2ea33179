import { setTimeout } from 'node:timers/promises';
import type { SealstreamError } from '../../ledger/error.js';
import type {
  Appender,
  Bounds,
  Fetched,
  Ownership,
  OwnershipOptions,
  Reader,
  ReaderOptions,
  Stray,
  Stream,
  TopicDescription,
  TopicIdentity,
  TopicSpecification,
} from '../../stream/stream.js';

/** What a stream says instead of the truth. Each may also throw. */
export interface Lies {
  describe?(topic: string, truth: TopicDescription | null): TopicDescription | null;
  bounds?(topic: string, truth: Bounds): Bounds | SealstreamError;
  fetched?(topic: string, truth: Fetched): Fetched;
  /** How long it takes its time before it answers a poll. */
  delayMs?(topic: string): number;
}

/** A real stream between which and its reader somebody stands. */
export class LyingStream implements Stream {
  readonly url = 'lying:stream';
  readonly #inner: Stream;
  readonly #lies: Lies;

  constructor(inner: Stream, lies: Lies) {
    this.#inner = inner;
    this.#lies = lies;
  }

  async describe(topic: string): Promise<TopicDescription | null> {
    const truth = await this.#inner.describe(topic);
    return this.#lies.describe === undefined ? truth : this.#lies.describe(topic, truth);
  }

  createTopic(specification: TopicSpecification): Promise<boolean> {
    return this.#inner.createTopic(specification);
  }

  async bounds(
    topic: TopicIdentity,
    partitions: readonly number[],
  ): Promise<readonly (Bounds | SealstreamError)[]> {
    const truth = await this.#inner.bounds(topic, partitions);
    return truth.map((one) =>
      'class' in one || this.#lies.bounds === undefined ? one : this.#lies.bounds(topic.topic, one),
    );
  }

  async reader(topic: TopicIdentity, options?: ReaderOptions): Promise<Reader> {
    const reader = await this.#inner.reader(topic, options);
    const lies = this.#lies;
    return {
      seek: (position) => reader.seek(position),
      remove: (partition) => reader.remove(partition),
      poll: async (maxWaitMs, signal) => {
        await setTimeout(lies.delayMs?.(topic.topic) ?? 0);
        const truth = await reader.poll(maxWaitMs, signal);
        return truth.map((one) => {
          const lie = lies.fetched?.(topic.topic, one) ?? one;
          // What was left out and not passed over comes again with the next poll.
          if (lie.next.offset !== one.next.offset) reader.seek(lie.next);
          return lie;
        });
      },
      close: () => reader.close(),
    };
  }

  async misleadingRanges(topic: TopicIdentity, partition: number): Promise<readonly Stray[]> {
    return (await this.#inner.misleadingRanges?.(topic, partition)) ?? [];
  }

  appender(topic: TopicIdentity): Promise<Appender> {
    return this.#inner.appender(topic);
  }

  own(topic: TopicIdentity, options: OwnershipOptions): Promise<Ownership> {
    return this.#inner.own(topic, options);
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}
