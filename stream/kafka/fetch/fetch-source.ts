import { asSealstreamError, SealstreamError } from '../../../ledger/error.js';
import type { ReaderOptions, TopicIdentity } from '../../stream.js';
import type { Cluster } from '../connection/cluster.js';
import type { BrokerAddress, BrokerConnection } from '../connection/connection.js';
import { decodeFetch, encodeFetchRequest, FETCH, type FetchResponse } from '../protocol/fetch.js';
import type { PartitionState } from './partition-state.js';

/** How long a broker may hold a request when nothing arrives. */
const LONG_POLL_MS = 500;

export interface FetchArrival {
  readonly source: FetchSource;
  readonly asked: readonly PartitionState[];
  readonly result: FetchResponse | SealstreamError;
}

/**
 * Fetches from one broker on a connection of its own, one request at a time over all its
 * partitions. The broker fills a response in the order asked until it is full, so the order rotates.
 */
export class FetchSource {
  readonly #cluster: Cluster;
  readonly #topic: TopicIdentity;
  readonly #connection: BrokerConnection;
  readonly #maxBytes: number;
  #turn = 0;
  #busy = false;
  #freshConnection = false;
  #quietUntil = 0;

  constructor(
    cluster: Cluster,
    topic: TopicIdentity,
    broker: BrokerAddress,
    options: Required<ReaderOptions>,
  ) {
    this.#cluster = cluster;
    this.#topic = topic;
    this.#connection = cluster.open(broker, options.recycle);
    this.#maxBytes = options.maxBytes;
  }

  get name(): string {
    return this.#connection.name;
  }

  get broker(): BrokerAddress {
    return this.#connection.broker;
  }

  get busy(): boolean {
    return this.#busy;
  }

  /** The broker asked for silence until then (performance.now()). */
  get quietUntil(): number {
    return this.#quietUntil;
  }

  /** The next request goes over a new connection. */
  renewConnection(): void {
    this.#freshConnection = true;
  }

  /** Sends one request; `arrived` is called once, in any case. Never throws. */
  fetch(states: readonly PartitionState[], arrived: (arrival: FetchArrival) => void): void {
    const asked = this.#inTurn(states);
    for (const state of asked) state.asked = true;
    this.#busy = true;
    if (this.#freshConnection) this.#connection.reset();
    this.#freshConnection = false;
    const finish = (result: FetchResponse | SealstreamError) => {
      for (const state of asked) state.asked = false;
      this.#busy = false;
      arrived({ source: this, asked, result });
    };
    this.#exchange(asked).then(finish, (error: unknown) => {
      finish(asSealstreamError(error, 'internal', `${this.name}: Fetch`));
    });
  }

  /** Batches that were cut off come first: only the first batch of a response exceeds its limit. */
  #inTurn(states: readonly PartitionState[]): PartitionState[] {
    const ordered = [...states].sort((a, b) => a.partition - b.partition);
    const start = this.#turn++ % ordered.length;
    const rotated = [...ordered.slice(start), ...ordered.slice(0, start)];
    const isCutOff = (state: PartitionState) => state.neededBytes > 0;
    return [...rotated.filter(isCutOff), ...rotated.filter((state) => !isCutOff(state))];
  }

  async #exchange(asked: readonly PartitionState[]): Promise<FetchResponse | SealstreamError> {
    const { timeoutMs } = this.#cluster;
    // Partitions that were not heard of yet are answered at once, so that callers learn the bounds.
    const longest = Math.min(LONG_POLL_MS, Math.floor(timeoutMs / 3));
    const maxWaitMs = asked.every((state) => state.answered) ? longest : 0;
    const bytesOf = ({ look, neededBytes }: PartitionState) =>
      Math.max(look?.bytes ?? this.#maxBytes, neededBytes);
    const request = {
      topicId: this.#topic.topicId,
      maxWaitMs,
      maxBytes: Math.max(...asked.map(bytesOf)),
      partitions: asked.map((state) => ({
        partition: state.partition,
        leaderEpoch: state.leaderEpoch,
        offset: state.offset,
        lastEpoch: state.lastEpoch,
        maxBytes: bytesOf(state),
      })),
    };
    const { bytes, what } = await this.#cluster.call(
      this.#connection,
      FETCH,
      (version) => encodeFetchRequest(request, version),
      timeoutMs,
    );
    const response = this.#decode(bytes, what);
    if (response instanceof SealstreamError) return response;
    this.#quietUntil = performance.now() + Math.min(Math.max(0, response.throttleMs), timeoutMs);
    return response;
  }

  /** What cannot be parsed says nothing about the log: it counts as no answer. */
  #decode(bytes: Uint8Array, what: string): FetchResponse | SealstreamError {
    try {
      return decodeFetch(bytes, this.#topic.topicId, what);
    } catch (error) {
      if (!(error instanceof SealstreamError)) throw error;
      this.renewConnection();
      return new SealstreamError('unreachable', error.message, { cause: error });
    }
  }

  close(): void {
    this.#cluster.release(this.#connection);
  }
}
