import { SealstreamError } from '../../../ledger/error.js';
import type {
  AccessRule,
  Administration,
  ClusterState,
  Quota,
  TopicState,
} from '../../administration.js';
import type { StreamOptions } from '../../stream.js';
import type { Cluster } from '../connection/cluster.js';
import { formatKafkaUrl } from '../connection/url.js';
import { connectCluster } from '../kafka.js';
import { addAccessRules, readAccessRules, removeAccessRules } from './access-rules.js';
import { describeCluster } from './cluster-state.js';
import { readQuotas, setQuota } from './quotas.js';
import { addPartitions, changeSettings, describeTopicState } from './topic-state.js';

/**
 * What the operator of a Kafka cluster, 3.7 or later, sets and sees. Nothing is connected yet. Throws
 * `configuration` on a bad URL or key. Every call ends within `timeoutMs`: `unreachable`, `timeout`
 * or another error of class retry where brokers do not answer or not show a change, `unauthorized`
 * naming the right that is missing, `topic-missing`, `configuration` where the cluster refuses what
 * is asked, `unsupported` where it has no authorizer to give rules to.
 */
export async function openKafkaAdministration(
  url: string,
  options: StreamOptions = {},
): Promise<Administration> {
  return new KafkaAdministration(connectCluster(url, options));
}

class KafkaAdministration implements Administration {
  readonly url: string;
  readonly #cluster: Cluster;
  #closed = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.url = formatKafkaUrl(cluster.bootstrap);
  }

  async cluster(): Promise<ClusterState> {
    return describeCluster(this.#open());
  }

  async topic(name: string): Promise<TopicState | null> {
    return describeTopicState(this.#open(), name);
  }

  async accessRules(): Promise<readonly AccessRule[] | null> {
    return readAccessRules(this.#open());
  }

  async quotas(): Promise<readonly Quota[]> {
    return readQuotas(this.#open());
  }

  async changeSettings(topic: string, changes: ReadonlyMap<string, string | null>): Promise<void> {
    await changeSettings(this.#open(), topic, changes);
  }

  async addPartitions(topic: string, total: number): Promise<void> {
    await addPartitions(this.#open(), topic, total);
  }

  async addAccessRules(rules: readonly AccessRule[]): Promise<void> {
    await addAccessRules(this.#open(), rules);
  }

  async removeAccessRules(rules: readonly AccessRule[]): Promise<void> {
    await removeAccessRules(this.#open(), rules);
  }

  async setQuota(quota: Quota): Promise<void> {
    await setQuota(this.#open(), quota);
  }

  #open(): Cluster {
    if (this.#closed) throw new SealstreamError('closed', `${this.url}: already closed`);
    return this.#cluster;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#cluster.close();
  }
}
