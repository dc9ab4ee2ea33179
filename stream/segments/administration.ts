import { SealstreamError } from '../../ledger/error.js';
import type {
  AccessRule,
  Administration,
  ClusterState,
  PartitionState,
  Quota,
  Setting,
  TopicState,
} from '../administration.js';
import { isFolder, partitionFolder } from './folder.js';
import { folderOf } from './segments.js';
import { describeTopic } from './topic.js';

/** The one replica that a folder is. */
const REPLICA = 0;

/** What can be seen of a `file:` stream; nothing of it can be changed once a topic was created. */
export async function openSegmentsAdministration(url: string): Promise<Administration> {
  return new SegmentsAdministration(url, folderOf(url));
}

class SegmentsAdministration implements Administration {
  readonly url: string;
  readonly #root: string;
  #closed = false;

  constructor(url: string, root: string) {
    this.url = url;
    this.#root = root;
  }

  async cluster(): Promise<ClusterState> {
    this.#checkOpen();
    return { clusterId: null, controller: null, brokers: [] };
  }

  /** Without settings where a broker made the topic, which keeps them elsewhere. */
  async topic(name: string): Promise<TopicState | null> {
    this.#checkOpen();
    const found = describeTopic(this.#root, name);
    if (found === null) return null;
    const { topic, topicId } = found;
    const partitions = Array.from({ length: found.partitions }, (_, partition) =>
      partitionState(partition, isFolder(partitionFolder(this.#root, name, partition))),
    );
    const settings = new Map<string, Setting>();
    for (const [key, value] of found.settings) settings.set(key, { value, source: 'topic' });
    return { topic, topicId, partitions, settings: found.timestampType === 1 ? settings : null };
  }

  async accessRules(): Promise<readonly AccessRule[] | null> {
    this.#checkOpen();
    return null;
  }

  async quotas(): Promise<readonly Quota[]> {
    this.#checkOpen();
    return [];
  }

  async changeSettings(topic: string): Promise<void> {
    throw this.#fixed(`settings of topic ${topic}`);
  }

  async addPartitions(topic: string): Promise<void> {
    throw this.#fixed(`partitions of topic ${topic}`);
  }

  async addAccessRules(): Promise<void> {
    throw this.#fixed('access rules');
  }

  async removeAccessRules(): Promise<void> {
    throw this.#fixed('access rules');
  }

  async setQuota(): Promise<void> {
    throw this.#fixed('quotas');
  }

  async close(): Promise<void> {
    this.#closed = true;
  }

  #checkOpen(): void {
    if (this.#closed) throw new SealstreamError('closed', `stream: ${this.url} is closed`);
  }

  #fixed(what: string): SealstreamError {
    this.#checkOpen();
    return new SealstreamError(
      'unsupported',
      `stream: ${this.url}: ${what}: a file: stream cannot change them; a Kafka cluster can`,
    );
  }
}

function partitionState(partition: number, there: boolean): PartitionState {
  const present = there ? [REPLICA] : [];
  return {
    partition,
    leader: there ? REPLICA : null,
    replicas: [REPLICA],
    inSync: present,
    offline: there ? [] : [REPLICA],
  };
}
