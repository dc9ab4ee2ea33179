import { SealstreamError } from '../../../ledger/error.js';
import type { KafkaSecurity, Logger } from '../../stream.js';
import { chooseVersion } from '../protocol/api-versions.js';
import { KAFKA_ERROR, protocolError, requestError } from '../protocol/error-codes.js';
import {
  decodeMetadata,
  encodeMetadataRequest,
  METADATA,
  type Metadata,
} from '../protocol/metadata.js';
import {
  type BrokerAddress,
  type BrokerConnection,
  type ConnectionSettings,
  openConnection,
} from './connection.js';

const CLIENT_ID = 'sealstream';
/** One silent broker must leave time to ask the others. */
const ATTEMPTS_PER_DEADLINE = 3;

export interface ClusterOptions {
  readonly bootstrap: readonly BrokerAddress[];
  readonly security: KafkaSecurity;
  readonly timeoutMs: number;
  readonly logger: Logger | null;
}

/** A reader, an appender or an ownership: lives until it or the stream is closed. */
export interface Part {
  close(): Promise<void>;
}

/** One API as this side speaks it; `flexible` holds for all versions from oldest to newest. */
export interface KafkaApi {
  readonly key: number;
  readonly name: string;
  readonly oldest: number;
  readonly newest: number;
}

/**
 * What all parts of the adapter share: the addresses, the settings and the metadata connections.
 * Every connection opened here is closed here at the latest.
 */
export class Cluster {
  readonly bootstrap: readonly BrokerAddress[];
  readonly security: KafkaSecurity;
  /** After this a request counts as unanswered. */
  readonly timeoutMs: number;
  readonly logger: Logger | null;
  /** What is open now; who is closed takes itself out. */
  readonly parts = new Set<Part>();
  readonly #settings: ConnectionSettings;
  readonly #open = new Set<BrokerConnection>();
  readonly #administrative = new Map<string, BrokerConnection>();
  #brokers: ReadonlyMap<number, BrokerAddress> = new Map();
  #preferred: string | null = null;
  #closed = false;

  constructor(options: ClusterOptions) {
    this.bootstrap = options.bootstrap;
    this.security = options.security;
    this.timeoutMs = options.timeoutMs;
    this.logger = options.logger;
    this.#settings = {
      clientId: CLIENT_ID,
      security: options.security,
      logger: options.logger,
    };
  }

  /**
   * A dedicated connection: the caller owns it and releases it. Not connected yet. `recycle`: as in
   * ConnectionSettings.
   */
  open(broker: BrokerAddress, recycle = false): BrokerConnection {
    if (this.#closed) throw new SealstreamError('closed', 'the stream is closed');
    const connection = openConnection(broker, { ...this.#settings, recycle });
    this.#open.add(connection);
    return connection;
  }

  release(connection: BrokerConnection): void {
    connection.close();
    this.#open.delete(connection);
  }

  /** Where a broker is, by the latest metadata; undefined: metadata does not list it now. */
  broker(nodeId: number): BrokerAddress | undefined {
    return this.#brokers.get(nodeId);
  }

  /**
   * Asks one broker after another, until one answers, about a topic, or with null about none.
   * `topic: null` is an answer.
   * Throws the last broker's error where none answers within `timeoutMs`, and at once what another
   * broker would say too (`unauthorized`, `unsupported`). One that cannot be connected to for good (its
   * certificate is another, as while certificates are changed) is passed over; that is thrown where
   * every one is so, since one in an outage may yet answer.
   */
  async metadata(topic: string | null, timeoutMs = this.timeoutMs): Promise<Metadata> {
    return this.ask(timeoutMs, (connection, remainingMs) =>
      this.metadataFrom(connection, topic, remainingMs),
    );
  }

  /** What this one broker says about a topic. */
  async metadataFrom(
    connection: BrokerConnection,
    topic: string | null,
    timeoutMs: number,
  ): Promise<Metadata> {
    const encode = () => encodeMetadataRequest(topic);
    const response = await this.call(connection, METADATA, encode, timeoutMs);
    const { bytes, version, what } = response;
    const { errorCode, metadata } = decodeMetadata(bytes, version, topic, what);
    const where = `${connection.name}: ${topic === null ? 'metadata' : `topic ${topic}`}`;
    if (errorCode !== KAFKA_ERROR.NONE) throw protocolError(errorCode, where);
    const topicError = metadata.topic?.errorCode ?? KAFKA_ERROR.NONE;
    if (topicError !== KAFKA_ERROR.NONE) {
      const answer = { errorCode: topicError, errorMessage: null };
      throw requestError(answer, where, `Describe on topic ${topic}`);
    }
    this.#brokers = metadata.brokers;
    return metadata;
  }

  /** `host:port` of a broker that answers now. Throws as `metadata` does. */
  async answering(timeoutMs = this.timeoutMs): Promise<string> {
    return this.ask(timeoutMs, async (connection, remainingMs) => {
      await connection.versions(remainingMs);
      return connection.name;
    });
  }

  /** Runs `use` on the connections for metadata and administration, one broker after another, until
   * it does not throw an error of class retry. */
  async ask<T>(
    timeoutMs: number,
    use: (connection: BrokerConnection, remainingMs: number) => Promise<T>,
  ): Promise<T> {
    const deadline = performance.now() + timeoutMs;
    const attemptMs = Math.ceil(timeoutMs / ATTEMPTS_PER_DEADLINE);
    let last: SealstreamError | null = null;
    let unfit: SealstreamError | null = null;
    for (const address of this.#addresses()) {
      const remaining = deadline - performance.now();
      if (remaining <= 0) break;
      const connection = this.#administration(address);
      let isConnected = false;
      try {
        const limit = performance.now() + Math.min(remaining, attemptMs);
        await connection.versions(Math.min(remaining, attemptMs));
        isConnected = true;
        const result = await use(connection, Math.max(1, limit - performance.now()));
        this.#preferred = connection.name;
        return result;
      } catch (error) {
        if (!(error instanceof SealstreamError)) throw error;
        if (!isConnected && error.code === 'configuration') {
          unfit ??= error;
          if (this.#preferred === connection.name) this.#preferred = null;
          continue;
        }
        // Bytes that are no Kafka may come from one address of several.
        if (error.class === 'fatal') throw error;
        last = error;
      }
    }
    if (last?.class === 'retry') throw unfit === null ? last : besides(last, unfit);
    if (unfit !== null) throw unfit;
    const addresses = this.bootstrap.map(({ host, port }) => `${host}:${port}`).join(',');
    throw new SealstreamError('unreachable', `no broker of ${addresses} gave a usable answer`, {
      cause: last,
    });
  }

  /** The last broker that answered, those of the metadata, then those of the URL; each once. */
  #addresses(): BrokerAddress[] {
    const addresses = new Map<string, BrokerAddress>();
    for (const address of [...this.#brokers.values(), ...this.bootstrap]) {
      const name = `${address.host}:${address.port}`;
      if (!addresses.has(name)) addresses.set(name, address);
    }
    const preferred = this.#preferred === null ? undefined : addresses.get(this.#preferred);
    const rest = [...addresses.values()].filter((address) => address !== preferred);
    return preferred === undefined ? rest : [preferred, ...rest];
  }

  #administration(address: BrokerAddress): BrokerConnection {
    const name = `${address.host}:${address.port}`;
    const known = this.#administrative.get(name);
    if (known !== undefined) return known;
    const connection = this.open(address);
    this.#administrative.set(name, connection);
    return connection;
  }

  /** One request in the newest version that both sides speak; all of `api`'s are flexible. */
  async call(
    connection: BrokerConnection,
    api: KafkaApi,
    encode: (version: number) => Uint8Array,
    timeoutMs: number,
  ): Promise<{ readonly version: number; readonly bytes: Uint8Array; readonly what: string }> {
    const started = performance.now();
    const versions = await connection.versions(timeoutMs);
    const version = chooseVersion(versions, api, api.oldest, api.newest, connection.name);
    const bytes = await connection.request({
      apiKey: api.key,
      apiName: api.name,
      apiVersion: version,
      flexible: true,
      body: encode(version),
      timeoutMs: Math.max(1, timeoutMs - (performance.now() - started)),
    });
    return { version, bytes, what: `the ${api.name} v${version} response of ${connection.name}` };
  }

  /** Closes the parts, all of them to their end, then the connections that are left. Throws what
   * the first part that failed did. */
  async close(): Promise<void> {
    if (this.#closed) return;
    const ends = await Promise.allSettled([...this.parts].map((part) => part.close()));
    this.#closed = true;
    this.#disconnect();
    for (const end of ends) if (end.status === 'rejected') throw end.reason;
  }

  #disconnect(): void {
    for (const connection of this.#open) connection.close();
    this.#open.clear();
    this.#administrative.clear();
  }
}

/** Of several brokers: an outage of one, while another is not to be connected to for good. */
function besides(outage: SealstreamError, unfit: SealstreamError): SealstreamError {
  return new SealstreamError(outage.code, `${outage.message}; and ${unfit.message}`, {
    cause: outage,
  });
}
