import { SealstreamError } from '../../../ledger/error.js';
import type {
  Bounds,
  Fetched,
  Position,
  Reader,
  ReaderOptions,
  TopicIdentity,
} from '../../stream.js';
import type { Cluster } from '../connection/cluster.js';
import { sameTopic } from '../connection/identity.js';
import type { FetchedPartition } from '../protocol/fetch.js';
import { readBounds } from './bounds.js';
import { judge, judgeRefusal } from './fetch-outcome.js';
import { type FetchArrival, FetchSource } from './fetch-source.js';
import { Leaders } from './leaders.js';
import { PartitionState } from './partition-state.js';

/** Sealing in two threads is a fifth slower with 1 MiB, and with 4: see docs/performance.md. */
const DEFAULT_MAX_BYTES = 1536 * 1024;
/** Below the limit of one response, with room for what surrounds the batch. */
const LARGEST_BATCH = 100 * 1024 * 1024;
const MAX_CUT_OFFS = 32;
const UNANSWERED_PAUSE_MS = 100;
/** How long a poll sleeps at most before it looks whether a pause is over. */
const LONGEST_SLEEP_MS = 1_000;

/** Throws `topic-missing`, `topic-recreated` at once; class retry where no broker answers. */
export async function openReader(
  cluster: Cluster,
  topic: TopicIdentity,
  options: ReaderOptions = {},
): Promise<Reader> {
  const metadata = sameTopic(await cluster.metadata(topic.topic), topic);
  if (metadata instanceof SealstreamError) throw metadata;
  const { maxBytes = DEFAULT_MAX_BYTES, recycle = false } = options;
  return new KafkaReader(cluster, topic, { maxBytes, recycle });
}

/**
 * Fetches ahead: while the caller works on what a poll brought, the next request of every broker is
 * under way, so at most one response per broker waits in memory, beside the one that is worked on.
 */
class KafkaReader implements Reader {
  readonly #cluster: Cluster;
  readonly #topic: TopicIdentity;
  readonly #options: Required<ReaderOptions>;
  readonly #leaders: Leaders;
  readonly #states = new Map<number, PartitionState>();
  readonly #sources = new Map<number, FetchSource>();
  /** What came in since the last look, to be dealt with by the poll that is or comes next. */
  #arrivals: (() => void)[] = [];
  #wake: () => void = () => {};
  #reports = new Map<number, Fetched>();
  #news = false;
  #polling = false;
  #closed = false;

  constructor(cluster: Cluster, topic: TopicIdentity, options: Required<ReaderOptions>) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#options = options;
    this.#leaders = new Leaders(cluster, topic);
    cluster.parts.add(this);
  }

  seek(position: Position): void {
    this.#failIfClosed();
    if (!Number.isInteger(position.partition) || position.partition < 0 || position.offset < 0n) {
      const place = `partition ${position.partition} offset ${position.offset}`;
      throw new SealstreamError('usage', `topic ${this.#topic.topic}: no position: ${place}`);
    }
    this.#states.set(position.partition, new PartitionState(position));
    this.#reports.delete(position.partition);
    this.#wake();
  }

  remove(partition: number): void {
    this.#states.delete(partition);
    this.#reports.delete(partition);
  }

  async poll(maxWaitMs: number, signal?: AbortSignal): Promise<readonly Fetched[]> {
    this.#failIfClosed();
    if (this.#polling) {
      throw new SealstreamError('usage', `topic ${this.#topic.topic}: a poll is under way already`);
    }
    this.#polling = true;
    try {
      const deadline = performance.now() + maxWaitMs;
      for (;;) {
        const arrivals = this.#arrivals;
        this.#arrivals = [];
        for (const arrival of arrivals) arrival();
        this.#ask();
        const remaining = deadline - performance.now();
        if (this.#news || this.#closed || remaining <= 0 || signal?.aborted) break;
        if (this.#arrivals.length === 0) await this.#sleep(remaining, signal);
      }
      const reports = [...this.#reports.values()];
      this.#reports = new Map();
      this.#news = false;
      return reports;
    } finally {
      this.#polling = false;
    }
  }

  async #sleep(remainingMs: number, signal: AbortSignal | undefined): Promise<void> {
    const now = performance.now();
    const times = [...this.#states.values()].map((state) => state.retryAt);
    for (const source of this.#sources.values()) times.push(source.quietUntil);
    times.push(this.#leaders.retryAt);
    const pauses = times.filter((time) => time > now).map((time) => time - now);
    await new Promise<void>((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(done, Math.min(remainingMs, LONGEST_SLEEP_MS, ...pauses));
      signal?.addEventListener('abort', done, { once: true });
      this.#wake = done;
    });
  }

  #later(arrival: () => void): void {
    this.#arrivals.push(arrival);
    this.#wake();
  }

  /** Sends what can be sent now: one metadata request, and one Fetch per idle broker. */
  #ask(): void {
    if (this.#closed) return;
    const now = performance.now();
    const ready = new Map<number, PartitionState[]>();
    let settled = true;
    for (const state of this.#states.values()) {
      this.#leaders.assign(state);
      if (state.failures > 0) settled = false;
      if (state.asked || state.isDone || state.retryAt > now || state.leader < 0) continue;
      if (state.failures > 0 && this.#leaders.stale) continue;
      ready.set(state.leader, [...(ready.get(state.leader) ?? []), state]);
    }
    if (settled && !this.#leaders.stale) this.#leaders.settled();
    this.#leaders.refreshIfStale((error) => this.#later(() => this.#metadataArrived(error)));
    for (const [leader, states] of ready) {
      const source = this.#source(leader);
      if (source === null || source.busy || source.quietUntil > now) continue;
      source.fetch(states, (arrival) => this.#later(() => this.#fetchArrived(arrival)));
    }
  }

  #source(leader: number): FetchSource | null {
    const address = this.#cluster.broker(leader);
    const known = this.#sources.get(leader);
    if (address === undefined) {
      this.#leaders.invalidate();
      return null;
    }
    if (known !== undefined) {
      const moved = known.broker.host !== address.host || known.broker.port !== address.port;
      if (!moved || known.busy) return known;
      known.close();
    }
    const source = new FetchSource(this.#cluster, this.#topic, address, this.#options);
    this.#sources.set(leader, source);
    return source;
  }

  #report(state: PartitionState, fetched: Fetched): void {
    if (fetched.error !== null && fetched.error.class !== 'retry') {
      this.#states.delete(state.partition);
    }
    if (state.isNews(fetched)) this.#news = true;
    const earlier = this.#reports.get(state.partition);
    const batches = earlier?.batches.length ? earlier.batches : fetched.batches;
    const strays = [...(earlier?.strays ?? []), ...fetched.strays];
    this.#reports.set(state.partition, { ...fetched, batches, strays });
  }

  #fail(state: PartitionState, error: SealstreamError, bounds: Bounds | null = null): void {
    state.failed();
    this.#report(state, state.report(NOTHING, bounds, error));
  }

  /** `error`: no broker told the leaders, or all partitions are lost with the topic. */
  #metadataArrived(error: SealstreamError | null): void {
    for (const state of [...this.#states.values()]) {
      const problem = error ?? this.#leaders.problem(state.partition);
      if (problem === null) continue;
      // A partition that is being read goes on while no broker tells who leads the others.
      const reads = state.failures === 0 && state.leader >= 0;
      if (problem.class !== 'retry' || !reads) this.#fail(state, problem);
    }
  }

  #fetchArrived({ source, asked, result }: FetchArrival): void {
    const current = asked.filter((state) => this.#states.get(state.partition) === state);
    if (result instanceof SealstreamError) {
      this.#leaders.invalidate();
      for (const state of current) this.#fail(state, result);
      return;
    }
    const answers = new Map(result.partitions.map((each) => [each.partition, each]));
    for (const state of current) {
      const answer = answers.get(state.partition);
      if (result.errorCode !== 0) {
        const stand = { highWatermark: -1n, logStart: -1n, records: new Uint8Array(0) };
        const { partition } = state;
        const { errorCode } = result;
        const nothing = { diverging: null, preferredReplica: -1 };
        this.#partitionArrived(source, state, { ...stand, partition, errorCode, ...nothing });
      } else if (answer !== undefined) {
        this.#partitionArrived(source, state, answer);
      } else {
        // Throttled, as a rule; asking again at once would not help in any case.
        state.retryAt = performance.now() + UNANSWERED_PAUSE_MS;
      }
    }
  }

  #partitionArrived(source: FetchSource, state: PartitionState, answer: FetchedPartition): void {
    const outcome = judge(this.#topic, answer, state, source.name);
    switch (outcome.kind) {
      case 'read':
        if (outcome.decoded.strays.length > 0 && !state.isDoubted) {
          doubt(source, state);
          return;
        }
        state.advance(outcome.decoded);
        this.#report(state, state.report(outcome.decoded, answer, null));
        return;
      case 'cut-off':
        if (outcome.decoded.strays.length > 0) {
          if (!state.isDoubted) {
            doubt(source, state);
            return;
          }
          this.#report(state, state.report(outcome.decoded, answer, null));
        }
        this.#enlarge(state, outcome.neededBytes);
        return;
      case 'corrupt':
        if (!state.isDoubted) {
          doubt(source, state);
          return;
        }
        if (outcome.decoded.batches.length > 0) state.advance(outcome.decoded);
        this.#report(state, state.report(outcome.decoded, answer, outcome.error));
        return;
      case 'out-of-range':
        this.#askBounds(state, source.name);
        return;
      case 'retry':
        this.#leaders.invalidate();
        this.#fail(state, outcome.error);
        return;
      case 'fatal':
        this.#report(state, state.report(NOTHING, answer, outcome.error));
    }
  }

  #enlarge(state: PartitionState, neededBytes: number): void {
    const { partition, offset } = state;
    const where = `topic ${this.#topic.topic} partition ${partition} offset ${offset}`;
    if (neededBytes > LARGEST_BATCH) {
      const message = `${where}: a batch of ${neededBytes} bytes, at most ${LARGEST_BATCH} are read`;
      this.#fail(state, new SealstreamError('record-too-large', message));
      return;
    }
    state.neededBytes = neededBytes;
    state.cutOffs++;
    if (state.cutOffs > MAX_CUT_OFFS) {
      const message = `${where}: the broker goes on cutting off a batch of ${neededBytes} bytes`;
      this.#fail(state, new SealstreamError('busy', message));
    }
  }

  /** Error 1 brings no bounds. */
  #askBounds(state: PartitionState, broker: string): void {
    state.asked = true;
    const finish = (answer: Bounds | SealstreamError | undefined) =>
      this.#later(() => {
        state.asked = false;
        if (this.#states.get(state.partition) === state) this.#refused(state, broker, answer);
      });
    readBounds(this.#cluster, this.#topic, [state.partition]).then(
      ([answer]) => finish(answer),
      () => finish(undefined),
    );
  }

  #refused(
    state: PartitionState,
    broker: string,
    answer: Bounds | SealstreamError | undefined,
  ): void {
    const where = `${broker}: topic ${this.#topic.topic} partition ${state.partition}`;
    state.refusals++;
    if (answer === undefined || answer instanceof SealstreamError) {
      this.#fail(state, answer ?? new SealstreamError('busy', `${where}: refused: try again`));
    } else {
      this.#fail(state, judgeRefusal(where, state, answer), answer);
    }
  }

  #failIfClosed(): void {
    if (!this.#closed) return;
    throw new SealstreamError('closed', `topic ${this.#topic.topic}: the reader is closed`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#cluster.parts.delete(this);
    for (const source of this.#sources.values()) source.close();
    this.#sources.clear();
    this.#states.clear();
    this.#wake();
  }
}

const NOTHING = { batches: [], strays: [] };

/**
 * Reads once more over a new connection, from the same offset: from another one the broker might
 * begin elsewhere in its files, and what was met here would not be met again.
 */
function doubt(source: FetchSource, state: PartitionState): void {
  state.isDoubted = true;
  source.renewConnection();
}
