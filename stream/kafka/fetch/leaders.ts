import { asSealstreamError, SealstreamError } from '../../../ledger/error.js';
import type { TopicIdentity } from '../../stream.js';
import { backOffMs } from '../connection/back-off.js';
import type { Cluster } from '../connection/cluster.js';
import { noLeader, partitionMissing, sameTopic } from '../connection/identity.js';
import type { PartitionState } from './partition-state.js';

/** After so many answers without success an older epoch is the truth: the cluster was set back, and
 * asking with that epoch shows what became of the records. */
const BELIEVED_AFTER = 6;

interface Leadership {
  readonly leader: number;
  readonly epoch: number;
}

/** The leaders of one topic's partitions, as far as known; refreshed from the metadata on demand. */
export class Leaders {
  readonly #cluster: Cluster;
  readonly #topic: TopicIdentity;
  #known: ReadonlyMap<number, Leadership> = new Map();
  #stale = true;
  #running = false;
  #attempts = 0;
  #retryAt = 0;

  constructor(cluster: Cluster, topic: TopicIdentity) {
    this.#cluster = cluster;
    this.#topic = topic;
  }

  get stale(): boolean {
    return this.#stale;
  }

  /** Not before then (performance.now()) is the metadata asked again. */
  get retryAt(): number {
    return this.#stale && !this.#running ? this.#retryAt : 0;
  }

  /** What is known is wrong, or soon will be. */
  invalidate(): void {
    this.#stale = true;
  }

  /** Tells a partition its leader; a partition not known makes what is known stale. */
  assign(state: PartitionState): void {
    const leadership = this.#known.get(state.partition);
    if (leadership === undefined || leadership.leader < 0) this.#stale = true;
    state.leader = leadership?.leader ?? -1;
    state.leaderEpoch = leadership?.epoch ?? -1;
  }

  /** Why a partition cannot be read, by the last answer; null: it can. */
  problem(partition: number): SealstreamError | null {
    const leadership = this.#known.get(partition);
    if (leadership === undefined) {
      return partitionMissing(this.#topic, partition, this.#known.size);
    }
    return leadership.leader < 0 ? noLeader(this.#topic, partition) : null;
  }

  /** `arrived` is called once the metadata, or an error, is there. Pauses between requests grow while
   * they do not help. */
  refreshIfStale(arrived: (error: SealstreamError | null) => void): void {
    if (!this.#stale || this.#running || performance.now() < this.#retryAt) return;
    this.#running = true;
    this.#attempts++;
    this.#retryAt = performance.now() + backOffMs(this.#attempts);
    this.#refresh().then(
      (error) => {
        this.#running = false;
        arrived(error);
      },
      (error: unknown) => {
        this.#running = false;
        arrived(asSealstreamError(error, 'internal', `topic ${this.#topic.topic}: metadata`));
      },
    );
  }

  async #refresh(): Promise<SealstreamError | null> {
    const metadata = await this.#cluster.metadata(this.#topic.topic);
    const topic = sameTopic(metadata, this.#topic);
    if (topic instanceof SealstreamError) return topic;
    const known = new Map<number, Leadership>();
    for (const { partition, leader, leaderEpoch } of topic.partitions.values()) {
      const before = this.#known.get(partition);
      // A broker that lags behind the others may still name the leader before the last.
      const older = before !== undefined && leaderEpoch < before.epoch;
      const keep = older && this.#attempts < BELIEVED_AFTER;
      const listed = metadata.brokers.has(leader) ? leader : -1;
      known.set(partition, keep ? before : { leader: listed, epoch: leaderEpoch });
    }
    this.#known = known;
    this.#stale = false;
    return null;
  }

  /** All partitions are being read: the next refresh may come at once. */
  settled(): void {
    this.#attempts = 0;
  }
}
