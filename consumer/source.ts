/** One partition as a verifier reads it: every bad answer is asked for a second time. */
import { SealstreamError } from '../ledger/error.js';
import { type ReadOptions, readBounds, readRange } from '../stream/read.js';
import type { Bounds, Fetched, Stream, TopicIdentity } from '../stream/stream.js';
import type { Timing } from './options.js';

export class Source {
  readonly partition: number;
  readonly identity: TopicIdentity;
  /** How far the last read came. */
  position = 0n;
  readonly #stream: Stream;
  readonly #options: Timing & Pick<ReadOptions, 'recycle'>;

  /** `recycle`: whoever reads looks at what was read only until it asks for more. */
  constructor(
    stream: Stream,
    identity: TopicIdentity,
    partition: number,
    options: Timing & Pick<ReadOptions, 'recycle'>,
  ) {
    this.#stream = stream;
    this.identity = identity;
    this.partition = partition;
    this.#options = options;
  }

  /** Names the partition in messages. */
  get place(): string {
    return `${this.identity.topic}/${this.partition}`;
  }

  /**
   * The bounds; where the high watermark is below `sealed`, those of a second look. After a leader
   * change a high watermark goes back for about a second, and that alone proves nothing.
   */
  async bounds(sealed: bigint): Promise<Bounds> {
    const options = this.#options;
    const { partition, identity } = this;
    const first = await readBounds(this.#stream, identity, partition, options);
    if (first.highWatermark >= sealed) return first;
    await pause(this.#options.confirmMs, this.#options.signal);
    return readBounds(this.#stream, identity, partition, options);
  }

  /**
   * [from, until) in order. A corrupt batch is thrown only when a second reader, on another
   * connection, found it corrupt at the same place: the first may have been damaged on its way. The
   * second comes from the batch before: a forged batch behind it may be met only on that way.
   */
  async *read(from: bigint, until: bigint): AsyncGenerator<Fetched> {
    // Its own, because another reading may go on between two answers of this one.
    let position = from;
    let corruptAt: bigint | null = null;
    this.position = position;
    while (position < until) {
      const before = corruptAt !== null && position > from ? position - 1n : position;
      const range = { partition: this.partition, from: before, until };
      try {
        for await (const fetched of readRange(this.#stream, this.identity, range, this.#options)) {
          const fresh = behind(fetched, position);
          if (fetched.next.offset <= position) continue;
          position = fetched.next.offset;
          this.position = position;
          yield fresh;
        }
        return;
      } catch (error) {
        this.position = position;
        if (!(error instanceof SealstreamError) || error.code !== 'batch-corrupt') throw error;
        if (corruptAt === position) throw error;
        corruptAt = position;
      }
    }
  }
}

/** Without the batches that end at or before `position`: those were handed out already. */
function behind(fetched: Fetched, position: bigint): Fetched {
  const batches = fetched.batches.filter((batch) => batch.nextOffset > position);
  return batches.length === fetched.batches.length ? fetched : { ...fetched, batches };
}

/** Waits; rejects with the signal's reason when it is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
