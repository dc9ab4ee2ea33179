import { SealstreamError } from '../../../ledger/error.js';
import type { AppenderOptions, Bounds, Logger, TopicIdentity } from '../../stream.js';
import { backOffMs } from '../connection/back-off.js';
import type { Witness } from './acknowledged-batches.js';
import type { Lane } from './partition-producer.js';
import type { ProducePort } from './produce-port.js';

/** For so long the high watermark may stand back after the leader changed. */
const REGRESSION_MS = 30_000;
/** Where it is certain that something is gone; it only keeps the range small. */
const SETTLING_MS = 3_000;

/** What was acknowledged in one partition, as it stood at one moment. */
interface Acknowledged {
  readonly partition: number;
  readonly witnesses: readonly Witness[];
  /** See Witnesses. */
  readonly firm: Witness | null;
  /** First offset after it. */
  readonly end: bigint;
}

/** What may be gone. */
interface Suspicion {
  readonly lane: Lane;
  readonly acknowledged: Acknowledged;
  /** The leader has changed again since: look at what is newer too, after this. */
  readonly again: boolean;
}

/** Offsets [from, until). */
interface Range {
  readonly from: bigint;
  readonly until: bigint;
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
  readonly #patienceMs: number;
  readonly #suspecting = new Set<Promise<void>>();
  readonly #locating = new Set<Promise<void>>();
  /** By partition: whether the leader has changed again meanwhile. */
  readonly #watched = new Map<number, boolean>();
  /** By partition: what could not be read back; the log has not yet been held against it. */
  readonly #open = new Map<number, Suspicion>();
  readonly #told = new Set<number>();
  readonly #closed = new AbortController();

  /** `patienceMs`: how long a leader may fail to answer, or its high watermark stand back. */
  constructor(
    port: ProducePort,
    topic: TopicIdentity,
    logger: Logger | null,
    onLost: AppenderOptions['onLost'],
    patienceMs = REGRESSION_MS,
  ) {
    this.#port = port;
    this.#topic = topic;
    this.#logger = logger;
    this.#onLost = onLost;
    this.#patienceMs = patienceMs;
  }

  /** Another leader, or the same one again: is what was acknowledged still there? */
  suspect(lane: Lane): void {
    const { partition } = lane;
    if (this.#watched.has(partition)) {
      this.#watched.set(partition, true);
      return;
    }
    // What is newer than an open suspicion is looked at after it.
    const open = this.#open.get(partition);
    const acknowledged = open?.acknowledged ?? whole(lane);
    if (acknowledged !== null) this.#watch({ lane, acknowledged, again: open !== undefined });
  }

  /** The leaders were looked at: what could not be read back is tried again. */
  looked(): void {
    for (const [partition, open] of this.#open) {
      if (!this.#watched.has(partition)) this.#watch(open);
    }
  }

  /** Acknowledged records are gone: which? */
  locate(lane: Lane): void {
    const acknowledged = whole(lane);
    if (acknowledged === null) return;
    this.#start(this.#locating, async () => {
      try {
        await this.#tell(lane, acknowledged, null);
      } catch (error) {
        this.#keep({ lane, acknowledged, again: false }, error);
        throw error;
      }
    });
  }

  #watch(suspicion: Suspicion): void {
    if (this.#closed.signal.aborted) return;
    const { lane, acknowledged } = suspicion;
    const { partition } = lane;
    this.#watched.set(partition, suspicion.again);
    this.#start(this.#suspecting, async () => {
      const end = (): boolean => {
        const again = this.#watched.get(partition) === true;
        this.#watched.delete(partition);
        this.#open.delete(partition);
        return again;
      };
      try {
        const gone = await this.#findGone(acknowledged);
        if (gone !== null) await this.#tell(lane, acknowledged, gone);
      } catch (error) {
        this.#keep({ lane, acknowledged, again: end() }, error);
        throw error;
      }
      if (end()) this.suspect(lane);
    });
  }

  /** Nobody else will ask again: the leader may stay the one that it is. */
  #keep(suspicion: Suspicion, error: unknown): void {
    const code = error instanceof SealstreamError ? error.code : null;
    const isFinal = code === 'closed' || code?.startsWith('topic-') === true;
    if (!isFinal) this.#open.set(suspicion.lane.partition, suspicion);
  }

  /** Waits until every loss that is certain is told; what is only suspected has a moment left, and
   * then ends with a pause. */
  async close(): Promise<void> {
    await Promise.all(this.#locating);
    this.looked();
    const timer = setTimeout(() => this.#closed.abort(), SETTLING_MS);
    while (this.#suspecting.size > 0) await Promise.all(this.#suspecting);
    clearTimeout(timer);
    this.#closed.abort();
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

  /** null: all that is looked for is there. */
  async #findGone({ partition, witnesses, firm, end }: Acknowledged): Promise<Witness | null> {
    const bounds = await this.#bounds(partition, end, this.#patienceMs);
    for (const witness of new Set([firm, witnesses.at(-1) ?? null])) {
      // What was deleted at the log's start is the sealer's to judge.
      if (witness === null || witness.baseOffset < bounds.logStart) continue;
      if (!(await this.#stands(partition, witness, bounds))) return witness;
    }
    return null;
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

  /** `gone`: one that is; null: it is certain that some are. */
  async #tell(lane: Lane, acknowledged: Acknowledged, gone: Witness | null): Promise<void> {
    const { partition } = acknowledged;
    if (this.#told.has(partition)) return;
    this.#told.add(partition);
    const lost = await this.#lostRange(acknowledged, gone).catch((error: unknown) => {
      this.#told.delete(partition);
      throw error;
    });
    if (lost === null) return;
    const { topic } = this.#topic;
    const error = new SealstreamError(
      'acknowledged-lost',
      `topic ${topic}, partition ${partition}: offsets ${lost.from} to ${lost.until - 1n}, which were ` +
        'acknowledged to this publisher, are not in the log any more; nothing more is written to ' +
        'this partition: keep the disks of its replicas and verify the ledger',
    );
    lane.halt(error);
    const range = { partition, ...lost };
    this.#logger?.error({ topic, ...range, error }, 'acknowledged records are lost');
    try {
      this.#onLost?.({ ...range, error });
    } catch (thrown) {
      this.#logger?.error({ topic, ...range, error: thrown }, 'onLost threw');
    }
  }

  /** By bisection: a log that lost its end holds every batch before some place, none behind it, and
   * again every batch from where it was written to since. */
  async #lostRange(acknowledged: Acknowledged, known: Witness | null): Promise<Range | null> {
    const { partition, witnesses, end } = acknowledged;
    const bounds = await this.#bounds(partition, end, SETTLING_MS);
    const kept = witnesses.filter(({ baseOffset }) => baseOffset >= bounds.logStart);
    // Older ones are kept sparsely.
    if (known !== null && !kept.includes(known)) kept.push(known);
    kept.sort((a, b) => (a.baseOffset < b.baseOffset ? -1 : 1));
    const stands = (index: number) => this.#stands(partition, kept[index] as Witness, bounds);
    const lost = known === null ? kept.length : kept.indexOf(known);
    let there = -1;
    for (let gone = lost; gone - there > 1; ) {
      const middle = (there + gone) >> 1;
      if (await stands(middle)) there = middle;
      else gone = middle;
    }
    let again = kept.length;
    for (let gone = lost; again - gone > 1; ) {
      const middle = (gone + again) >> 1;
      if (await stands(middle)) again = middle;
      else gone = middle;
    }
    const last = kept[there];
    const from = last === undefined ? (kept[0]?.baseOffset ?? end) : endOf(last);
    const until = kept[again]?.after ?? end;
    return from < until ? { from, until } : null;
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
    const deadline = performance.now() + this.#patienceMs;
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
  const { all, firm } = lane.witnesses;
  return { partition: lane.partition, witnesses: [...all], firm, end };
}
