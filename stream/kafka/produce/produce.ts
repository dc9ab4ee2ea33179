import { asSealstreamError, SealstreamError } from '../../../ledger/error.js';
import type { Bounds, TopicIdentity } from '../../stream.js';
import type { Cluster } from '../connection/cluster.js';
import type { BrokerConnection } from '../connection/connection.js';
import { readBounds } from '../fetch/bounds.js';
import { chooseVersion } from '../protocol/api-versions.js';
import {
  decodeProduceResponse,
  encodeProduceRequest,
  FIRST_VERSION_WITH_TOPIC_ID,
  type PartitionRecords,
  PRODUCE,
} from '../protocol/produce.js';
import { findBatches } from './find-batches.js';
import type { BatchIdentity, ProducerIdentity } from './partition-producer.js';
import type { FoundBatch, ProduceAnswer, ProducePort, TopicNow } from './produce-port.js';
import { requestProducerId } from './producer-id.js';

/** Of the request's time, what the broker may spend on replication: its answer must still arrive. */
const REPLICATION_SHARE = 2 / 3;

/** Produce over connections of its own, one per leader. */
export class KafkaProducePort implements ProducePort {
  readonly #cluster: Cluster;
  readonly #topic: TopicIdentity;
  readonly #connections = new Map<number, BrokerConnection>();

  constructor(cluster: Cluster, topic: TopicIdentity) {
    this.#cluster = cluster;
    this.#topic = topic;
  }

  async topicNow(): Promise<TopicNow> {
    const { topic } = await this.#cluster.metadata(this.#topic.topic);
    const leaders = new Map<number, number | null>();
    const leaderEpochs = new Map<number, number>();
    for (const { partition, leader, leaderEpoch } of topic?.partitions.values() ?? []) {
      leaders.set(partition, leader < 0 ? null : leader);
      leaderEpochs.set(partition, leaderEpoch);
    }
    return { topicId: topic?.topicId ?? null, leaders, leaderEpochs };
  }

  newProducer(): Promise<ProducerIdentity> {
    return requestProducerId(this.#cluster);
  }

  async produce(leader: number, batches: readonly PartitionRecords[]): Promise<ProduceAnswer> {
    const { timeoutMs } = this.#cluster;
    let connection: BrokerConnection;
    try {
      connection = this.#connection(leader);
      const versions = await connection.versions(timeoutMs);
      const { oldest, newest } = PRODUCE;
      const version = chooseVersion(versions, PRODUCE, oldest, newest, connection.name);
      if (version < FIRST_VERSION_WITH_TOPIC_ID) await this.#checkTopic(connection, timeoutMs);
    } catch (error) {
      return { kind: 'unsent', error: this.#wrap(error) };
    }
    try {
      return await this.#exchange(connection, batches, timeoutMs);
    } catch (error) {
      const wrapped = this.#wrap(error);
      // Bytes that are no answer end the trust.
      if (wrapped.class === 'data') connection.reset();
      return { kind: 'unanswered', error: wrapped };
    }
  }

  async #exchange(
    connection: BrokerConnection,
    batches: readonly PartitionRecords[],
    timeoutMs: number,
  ): Promise<ProduceAnswer> {
    const replicationMs = Math.ceil(timeoutMs * REPLICATION_SHARE);
    const { version, bytes, what } = await this.#cluster.call(
      connection,
      PRODUCE,
      (chosen) => encodeProduceRequest(chosen, this.#topic, replicationMs, batches),
      timeoutMs,
    );
    const response = decodeProduceResponse(bytes, version, this.#topic, what);
    const topicId =
      version >= FIRST_VERSION_WITH_TOPIC_ID
        ? this.#topic.topicId
        : await this.#topicIdAt(connection, timeoutMs);
    return { kind: 'answered', topicId, ...response };
  }

  /** Throws class `retry`, as for a leader that knows no such topic id. */
  async #checkTopic(leader: BrokerConnection, timeoutMs: number): Promise<void> {
    const topicId = await this.#topicIdAt(leader, timeoutMs);
    if (topicId === this.#topic.topicId) return;
    const { topic } = this.#topic;
    throw new SealstreamError('not-leader', `${leader.name}: topic ${topic} is ${topicId} there`);
  }

  /**
   * Requests that name the topic reach whichever topic has the name, so its id is compared before
   * and after. The leader itself is asked: it knows of a topic before it writes to it, while another
   * broker may not have heard of it yet.
   */
  async #topicIdAt(leader: BrokerConnection, timeoutMs: number): Promise<string> {
    const name = this.#topic.topic;
    const { topic } = await this.#cluster.metadataFrom(leader, name, timeoutMs);
    if (topic !== null) return topic.topicId;
    throw new SealstreamError('busy', `topic ${name} is gone from the metadata of ${leader.name}`);
  }

  findBatches(
    partition: number,
    range: { readonly from: bigint | null; readonly until: bigint },
    identities: readonly BatchIdentity[],
  ): Promise<readonly FoundBatch[]> {
    return findBatches(this.#cluster, { ...this.#topic, partition, ...range }, identities);
  }

  async bounds(partition: number): Promise<Bounds> {
    const [answer] = await readBounds(this.#cluster, this.#topic, [partition]);
    if (answer === undefined) throw new SealstreamError('internal', 'no bounds');
    if (answer instanceof SealstreamError) throw answer;
    return answer;
  }

  close(): void {
    for (const connection of this.#connections.values()) this.#cluster.release(connection);
    this.#connections.clear();
  }

  #connection(leader: number): BrokerConnection {
    const address = this.#cluster.broker(leader);
    if (address === undefined) {
      throw new SealstreamError('not-leader', `broker ${leader} is not in the metadata now`);
    }
    const known = this.#connections.get(leader);
    if (known?.broker.host === address.host && known.broker.port === address.port) return known;
    // A broker that came back at another address.
    if (known !== undefined) this.#cluster.release(known);
    const connection = this.#cluster.open(address);
    this.#connections.set(leader, connection);
    return connection;
  }

  #wrap(error: unknown): SealstreamError {
    return asSealstreamError(error, 'internal', `topic ${this.#topic.topic}: Produce`);
  }
}
