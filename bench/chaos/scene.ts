import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import { type KafkaCluster, startCluster } from '../../test/support/kafka/cluster.js';
import { freePorts } from '../../test/support/kafka/ports.js';
import { type ChildRoom, runProgram } from './children.js';
import type { ChaosOptions } from './options.js';
import { FaultyProxy } from './proxy.js';

export const TOPIC = 'audit';
export const LEDGER = 'audit.example.com/chaos';
const BROKERS = 3;
/** Leaders go back to where they were preferred: one more way in which they move. */
const BROKER_PROPERTIES = {
  'leader.imbalance.check.interval.seconds': '20',
  'unclean.leader.election.enable': 'false',
  'min.insync.replicas': '2',
};

/** The cluster, the proxies before it, and a folder with a ledger, notes and logs. */
export class Scene implements ChildRoom {
  readonly folder: string;
  readonly cluster: KafkaCluster;
  readonly proxies: readonly FaultyProxy[];

  private constructor(folder: string, cluster: KafkaCluster, proxies: readonly FaultyProxy[]) {
    this.folder = folder;
    this.cluster = cluster;
    this.proxies = proxies;
  }

  /** `skip` says why this machine cannot. */
  static async open(options: ChaosOptions): Promise<Scene | { skip: string }> {
    const folder = await mkdtemp(join(tmpdir(), 'sealstream-chaos-'));
    const proxies: FaultyProxy[] = [];
    let cluster: Awaited<ReturnType<typeof startCluster>> | null = null;
    try {
      const ports = await freePorts(BROKERS);
      for (const port of ports) proxies.push(await FaultyProxy.start(port));
      cluster = await startCluster({
        nodes: BROKERS,
        advertisedPorts: ports,
        properties: BROKER_PROPERTIES,
      });
      if ('skip' in cluster) {
        await closeAll(null, proxies);
        await rm(folder, { recursive: true });
        return cluster;
      }
      for (const [index, proxy] of proxies.entries()) {
        proxy.forwardTo(cluster.node(index + 1).proxiedPort ?? 0);
      }
      const scene = new Scene(folder, cluster, proxies);
      for (const name of ['logs', 'notes']) await mkdir(join(folder, name));
      await scene.#makeLedger(options);
      return scene;
    } catch (error) {
      await closeAll(cluster, proxies);
      throw error;
    }
  }

  get brokers(): number {
    return this.proxies.length;
  }

  get logs(): string {
    return join(this.folder, 'logs');
  }

  get notes(): string {
    return join(this.folder, 'notes');
  }

  get exits(): string {
    return join(this.folder, 'logs', 'exits.ndjson');
  }

  get configuration(): string {
    return join(this.folder, 'ledger', 'ledger.yaml');
  }

  get publicKey(): string {
    return join(this.folder, 'ledger', 'keys', 'sealer.pub.pem');
  }

  /** Where everything that is tested connects to. */
  get url(): string {
    return `kafka://${this.proxies.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** Past the proxies: for those who look on. */
  get direct(): string {
    return this.cluster.bootstrap;
  }

  /** The brokers' data go, their logs stay. */
  async close(): Promise<void> {
    for (let id = 1; id <= this.brokers; id += 1) {
      await copyFile(this.cluster.node(id).logFile, join(this.logs, `broker-${id}.log`));
    }
    await closeAll(this.cluster, this.proxies);
  }

  async #makeLedger({ partitions }: ChaosOptions): Promise<void> {
    const place = ['--topic', TOPIC, '--partitions', String(partitions), '--replication', '3'];
    const words = ['init', join(this.folder, 'ledger'), '--ledger', LEDGER, '--stream', this.url];
    await mustRun([...words, ...place]);
    const document = parse(await readFile(this.configuration, 'utf8')) as Record<string, object>;
    const seal = { ...document['seal'], every: '2s', heartbeat: '30s' };
    await writeFile(this.configuration, stringify({ ...document, seal }));
    await mustRun(['apply', '--config', this.configuration]);
  }
}

async function mustRun(words: readonly string[]): Promise<void> {
  const { code, stderr } = await runProgram(words);
  if (code !== 0) throw new Error(`sealstream ${words[0]} ended with ${code}: ${stderr}`);
}

async function closeAll(
  cluster: KafkaCluster | { skip: string } | null,
  proxies: readonly FaultyProxy[],
): Promise<void> {
  if (cluster !== null && 'close' in cluster) await cluster.close();
  for (const proxy of proxies) await proxy.close();
}
