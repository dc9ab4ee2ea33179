import assert from 'node:assert/strict';
import { Cluster, type KafkaApi } from '../../stream/kafka/connection/cluster.js';
import type { BrokerAddress, BrokerConnection } from '../../stream/kafka/connection/connection.js';
import { PRODUCE } from '../../stream/kafka/protocol/produce.js';
import { addresses } from './append-fixture.js';
import { CuttingProxy } from './cutting-proxy.js';

/** What a restart changes to and from, without a change of the metadata version. */
export const OLDER = { version: '3.9.1', produce: 11 } as const;
export const NEWER = { version: '4.3.1', produce: 13 } as const;

/** The newest version of Produce that a broker speaks tells which binaries it runs. */
export const KAFKA_VERSIONS = [
  { version: '3.7.2', produce: 10 },
  OLDER,
  { version: '4.0.2', produce: 12 },
  { version: '4.2.1', produce: 13 },
] as const;

/** The newest version of Produce that the broker at `address` speaks now. */
export async function newestProduce(cluster: Cluster, address: BrokerAddress): Promise<number> {
  const connection = cluster.open(address);
  try {
    const range = (await connection.versions(cluster.timeoutMs)).get(PRODUCE.key);
    return range?.maxVersion ?? assert.fail('a broker without Produce');
  } finally {
    cluster.release(connection);
  }
}

/** Reaches its one broker's data plane through a proxy that loses answers to Produce when told. */
export class ProxiedCluster extends Cluster {
  /** Versions of Produce, in the order in which the requests were made. */
  readonly produced: number[] = [];
  readonly #proxy: CuttingProxy;

  private constructor(bootstrap: string, proxy: CuttingProxy) {
    const settings = { security: {}, timeoutMs: 10_000, logger: null };
    super({ ...settings, bootstrap: addresses(bootstrap) });
    this.#proxy = proxy;
  }

  static async open(bootstrap: string): Promise<ProxiedCluster> {
    return new ProxiedCluster(bootstrap, await CuttingProxy.start());
  }

  /** So many answers to Produce do not arrive; the broker has written the batches. */
  lose(count: number): void {
    this.#proxy.cutAnswers(count, PRODUCE.key);
  }

  /** Answers lost so far. */
  get lost(): number {
    return this.#proxy.cuts;
  }

  override broker(nodeId: number): BrokerAddress | undefined {
    const address = super.broker(nodeId);
    return address && { nodeId, ...this.#proxy.to(address) };
  }

  override call(
    connection: BrokerConnection,
    api: KafkaApi,
    encode: (version: number) => Uint8Array,
    timeoutMs: number,
  ) {
    const noted = (version: number): Uint8Array => {
      if (api.key === PRODUCE.key) this.produced.push(version);
      return encode(version);
    };
    return super.call(connection, api, noted, timeoutMs);
  }

  override async close(): Promise<void> {
    await super.close();
    await this.#proxy.close();
  }
}
