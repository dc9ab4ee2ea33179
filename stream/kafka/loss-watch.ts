import { SealstreamError } from '../../ledger/error.js';
import type { AppenderOptions, Bounds, Logger, TopicIdentity } from '../stream.js';
import { backOffMs } from './back-off.js';
import type { Lane, Witness } from './lane.js';
import type { ProducePort } from './produce-port.js';

/** For so long the high watermark may stand back after the leader changed. */
const REGRESSION_MS = 30_000;
/** Where it is certain that something is gone; it only keeps the range small. */
const SETTLING_MS = 3_000;

/** What was acknowledged in one partition, as it stood at one moment. */
interface Acknowledged {
  readonly partition: number;
  readonly witnesses: readonly Witness[];
  /** First offset after it. */
  readonly end: bigint;
}

/**
 * Holds the log against what it acknowledged to this appender: after a change of leader, and where
 * a broker's answer has already shown that acknowledged records are gone. What is gone is named by
 * offsets and told once per partition.
 */
export class LossWatch {
  readonly #port: ProducePort;
  readonly #topic: TopicIdentity;
  readonly #logger: Logger | null;
  readonly #onLost: AppenderOptions['onLost'];
  readonly #suspecting = new Set<Promise<void>>();
  readonly #locating = new Set<Promise<void>>();
  readonly #watched = new Set<number>();
  readonly #told = new Set<number>();
  readonly #closed = new AbortController();

  constructor(
    port: ProducePort,
    topic: TopicIdentity,
    logger: Logger | null,
    onLost: AppenderOptions['onLost'],
  ) {
    this.#port = port;
    this.#topic = topic;
    this.#logger = logger;
    this.#onLost = onLost;
  }

  /** Another leader, or the same one again: is the last acknowledged batch still there? */
  suspect(lane: Lane): void {
    const acknowledged = whole(lane);
    if (acknowledged === null || this.#watched.has(lane.partition)) return;
    this.#watched.add(lane.partition);
    this.#start(this.#suspecting, async () => {
      try {
        if (await this.#isThere(acknowledged)) return;
        await this.#tell(lane, acknowledged);
      } finally {
        this.#watched.delete(lane.partition);
      }
    });
  }

  /** Acknowledged records are gone: which? */
  locate(lane: Lane): void {
    const acknowledged = whole(lane);
    if (acknowledged !== null) this.#start(this.#locating, () => this.#tell(lane, acknowledged));
  }

  /** Waits until every loss that is certain is told; what is only suspected ends with a pause. */
  async close(): Promise<void> {
    await Promise.all(this.#locating);
    this.#closed.abort();
    await Promise.all(this.#suspecting);
  }

  #start(set: Set<Promise<void>>, work: () => Promise<void>): void {
    const running = work()
      .catch((error: unknown) => {
        const message = 'cannot read back what was acknowledged';
        this.#logger?.warn({ topic: this.#topic.topic, error }, message);
      })
      .finally(() => set.delete(running));
    set.add(running);
  }

  async #isThere({ partition, witnesses, end }: Acknowledged): Promise<boolean> {
    const newest = witnesses.at(-1);
    const bounds = await this.#bounds(partition, end, REGRESSION_MS);
    // What was deleted at the log's start is the sealer's to judge.
    if (newest === undefined || newest.baseOffset < bounds.logStart) return true;
    return this.#stands(partition, newest, bounds);
  }

  /** Waits at most `patienceMs` for the high watermark to reach `end`. */
  async #bounds(partition: number, end: bigint, patienceMs: number): Promise<Bounds> {
    const deadline = performance.now() + patienceMs;
    for (let attempt = 1; ; attempt++) {
      const bounds = await this.#retry(() => this.#port.bounds(partition));
      if (bounds.highWatermark >= end || performance.now() >= deadline) return bounds;
      await this.#pause(attempt);
    }
  }

  async #tell(lane: Lane, acknowledged: Acknowledged): Promise<void> {
    const { partition, end } = acknowledged;
    if (this.#told.has(partition)) return;
    this.#told.add(partition);
    const from = await this.#firstLost(acknowledged).catch((error: unknown) => {
      this.#told.delete(partition);
      throw error;
    });
    if (from === null) return;
    const { topic } = this.#topic;
    const error = new SealstreamError(
      'acknowledged-lost',
      `topic ${topic}, partition ${partition}: offsets ${from} to ${end - 1n}, which were ` +
        'acknowledged to this publisher, are not in the log any more; nothing more is written to ' +
        'this partition: keep the disks of its replicas and verify the ledger',
    );
    lane.halt(error);
    const range = { partition, from, until: end };
    this.#logger?.error({ topic, ...range, error }, 'acknowledged records are lost');
    try {
      this.#onLost?.({ ...range, error });
    } catch (thrown) {
      this.#logger?.error({ topic, ...range, error: thrown }, 'onLost threw');
    }
  }

  /** By bisection: a log that lost its end holds every batch before some place and none after. */
  async #firstLost({ partition, witnesses, end }: Acknowledged): Promise<bigint | null> {
    const bounds = await this.#bounds(partition, end, SETTLING_MS);
    const kept = witnesses.filter(({ baseOffset }) => baseOffset >= bounds.logStart);
    let there = -1;
    let gone = kept.length;
    while (gone - there > 1) {
      const middle = (there + gone) >> 1;
      const stands = await this.#stands(partition, kept[middle] as Witness, bounds);
      if (stands) there = middle;
      else gone = middle;
    }
    const last = kept[there];
    const from = last === undefined ? (kept[0]?.baseOffset ?? end) : endOf(last);
    return from < end ? from : null;
  }

  async #stands(partition: number, witness: Witness, bounds: Bounds): Promise<boolean> {
    const { baseOffset, identity } = witness;
    const until = endOf(witness);
    if (until > bounds.highWatermark) return false;
    const range = { from: baseOffset, until };
    return this.#retry(async () => {
      const [found] = await this.#port.findBatches(partition, range, [identity]);
      if (found === undefined || found.kind === 'undetermined') {
        const place = `topic ${this.#topic.topic}, partition ${partition}, offset ${baseOffset}`;
        throw new SealstreamError('busy', `${place}: cannot be read back now`);
      }
      return found.kind === 'found' && found.baseOffset === baseOffset;
    });
  }

  async #retry<T>(read: () => Promise<T>): Promise<T> {
    const deadline = performance.now() + REGRESSION_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        return await read();
      } catch (error) {
        const passing = error instanceof SealstreamError && error.class === 'retry';
        if (!passing || performance.now() >= deadline) throw error;
        await this.#pause(attempt);
      }
    }
  }

  /** Throws `closed` where the appender closes meanwhile. */
  async #pause(attempt: number): Promise<void> {
    const { signal } = this.#closed;
    const ms = backOffMs(attempt);
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, signal.aborted ? 0 : ms);
      signal.addEventListener('abort', end);
    });
    if (signal.aborted) throw new SealstreamError('closed', 'the appender was closed meanwhile');
  }
}

function endOf({ baseOffset, identity }: Witness): bigint {
  return baseOffset + BigInt(identity.count);
}

function whole(lane: Lane): Acknowledged | null {
  const end = lane.acknowledgedEnd;
  if (end === null) return null;
  return { partition: lane.partition, witnesses: [...lane.witnesses], end };
}
