import { SealstreamError } from '../../ledger/error.js';
import type {
  Appender,
  AppenderOptions,
  Bounds,
  Ownership,
  OwnershipOptions,
  Reader,
  ReaderOptions,
  Stream,
  StreamOptions,
  TopicDescription,
  TopicIdentity,
  TopicSpecification,
} from '../stream.js';
import { createTopic, describeTopic } from './administration/topics.js';
import { Cluster } from './connection/cluster.js';
import { checkTls } from './connection/connection.js';
import { formatKafkaUrl, parseKafkaUrl } from './connection/url.js';
import { readBounds } from './fetch/bounds.js';
import { openReader } from './fetch/reader.js';
import { ownPartitions } from './ownership.js';
import { createAppender } from './produce/appender.js';

const DEFAULT_TIMEOUT_MS = 30_000;

/**
 * A Kafka cluster, 3.7 or later, as a stream. Nothing is connected yet: what is wrong with the
 * cluster or the rights shows with the first call. Throws `configuration` on a bad URL or key.
 */
export async function openKafka(url: string, options: StreamOptions = {}): Promise<Stream> {
  return new KafkaStream(connectCluster(url, options));
}

/** What a stream and its administration share; nothing is connected yet. Throws as openKafka does. */
export function connectCluster(url: string, options: StreamOptions): Cluster {
  const security = options.kafka ?? {};
  checkTls(security);
  return new Cluster({
    bootstrap: parseKafkaUrl(url),
    security,
    timeoutMs: options.timeoutMs ?? DEFAULT_TIMEOUT_MS,
    logger: options.logger ?? null,
  });
}

/** Closing it closes the readers, appenders and ownerships that came from it. */
class KafkaStream implements Stream {
  readonly url: string;
  readonly #cluster: Cluster;
  #closed = false;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.url = formatKafkaUrl(cluster.bootstrap);
  }

  async describe(topic: string): Promise<TopicDescription | null> {
    this.#failIfClosed();
    return describeTopic(this.#cluster, topic);
  }

  async createTopic(specification: TopicSpecification): Promise<boolean> {
    this.#failIfClosed();
    return createTopic(this.#cluster, specification);
  }

  async bounds(
    topic: TopicIdentity,
    partitions: readonly number[],
  ): Promise<readonly (Bounds | SealstreamError)[]> {
    this.#failIfClosed();
    return readBounds(this.#cluster, topic, partitions);
  }

  async reader(topic: TopicIdentity, options?: ReaderOptions): Promise<Reader> {
    this.#failIfClosed();
    return openReader(this.#cluster, topic, options);
  }

  async appender(topic: TopicIdentity, options?: AppenderOptions): Promise<Appender> {
    this.#failIfClosed();
    return createAppender(this.#cluster, topic, options);
  }

  async own(topic: TopicIdentity, options: OwnershipOptions): Promise<Ownership> {
    this.#failIfClosed();
    return ownPartitions(this.#cluster, topic, options);
  }

  #failIfClosed(): void {
    if (this.#closed) throw new SealstreamError('closed', `${this.url}: the stream is closed`);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#cluster.close();
  }
}
