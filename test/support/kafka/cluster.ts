import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { FramedSockets } from '../../../stream/kafka/connection/framed-sockets.js';
import { Broker, type Credentials } from './broker.js';
import { type Certificates, makeCertificates } from './certificates.js';
import { kafkaClassPath } from './jars.js';
import { freePorts, isFree } from './ports.js';
import { brokerProperties } from './settings.js';

const READY_PATIENCE = 120_000;
const ATTEMPTS = 3;

/** The principals of a cluster started with `scram`; only admin may do anything at first. */
export const SCRAM_USERS: readonly Credentials[] = [
  'admin',
  'producer',
  'sealer',
  'auditor',
  'analyst',
  'deploy',
  'watch',
  'mallory',
].map((name) => ({ name, password: `${name}-password` }));

export interface ClusterOptions {
  /** Of Kafka; default: that of pom.xml. */
  readonly version?: string;
  readonly nodes?: 1 | 3;
  /** Adds a SASL_PLAINTEXT listener with SCRAM-SHA-512, SCRAM_USERS and ACLs. */
  readonly scram?: boolean;
  /** Adds a SASL_SSL listener for client certificates, PLAIN and SCRAM; needs openssl. */
  readonly secure?: { readonly sessionMs: number };
  /** Port of the first node's plain listener; default: a free one. */
  readonly port?: number;
  /**
   * One port per node, of proxies that the caller runs on 127.0.0.1: each node gets one more plain
   * listener, whose clients are told to reach it by that port.
   */
  readonly advertisedPorts?: readonly number[];
  /** Broker properties of one's own. */
  readonly properties?: Readonly<Record<string, string>>;
  /** Options of the brokers' Java; default: small, and quick to start. */
  readonly virtualMachine?: readonly string[];
}

/** A cluster of one's own, to stop, kill, freeze and edit. */
export interface KafkaCluster {
  /** host:port[,…] of the plain listeners, super user without authentication. */
  readonly bootstrap: string;
  /** host:port[,…] of the SCRAM listeners; null without `scram`. */
  readonly scramBootstrap: string | null;
  /** localhost:port[,…] of the SASL_SSL listeners, and their files; null without `secure`. */
  readonly secure: { readonly bootstrap: string; readonly certificates: Certificates } | null;
  /** `id` from 1, as brokers are numbered in metadata. */
  node(id: number): ClusterNode;
  /** Stops every broker and removes their data. */
  close(): Promise<void>;
}

interface ClusterNode {
  readonly id: number;
  readonly port: number;
  /** The listener behind the advertised port; null without one. */
  readonly proxiedPort: number | null;
  /** `log.dirs`: one folder per partition, to be edited while the node is stopped. */
  readonly logDir: string;
  stop(): Promise<void>;
  kill(): Promise<void>;
  /** The version of Kafka that the next start runs, on the data that is there. */
  install(version: string): Promise<void>;
  /** Resolves once the cluster answers with this node in it. */
  start(): Promise<void>;
  freeze(): void;
  thaw(): void;
  /** What the broker wrote, for as long as the cluster is open. */
  readonly logFile: string;
}

/** Starts brokers from Maven's jars; `skip` says why this machine cannot. */
export async function startCluster(
  options: ClusterOptions = {},
): Promise<KafkaCluster | { skip: string }> {
  const jars = await kafkaClassPath(options.version);
  if ('skip' in jars) return jars;
  if (options.port !== undefined && !(await isFree(options.port))) {
    throw new Error(`port ${options.port} of 127.0.0.1 is in use`);
  }
  for (let attempt = 1; ; attempt++) {
    const cluster = await MavenCluster.create(jars.classPath, options);
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster.close();
      // Another process may have taken one of the ports in between.
      if (attempt === ATTEMPTS) throw error;
    }
  }
}

class MavenCluster implements KafkaCluster {
  readonly bootstrap: string;
  readonly scramBootstrap: string | null;
  readonly secure: KafkaCluster['secure'];
  readonly #folder: string;
  readonly #brokers: readonly Broker[];
  readonly #scram: boolean;
  readonly #onExit = (): void => this.#endNow();

  private constructor(
    folder: string,
    brokers: readonly Broker[],
    scramPorts: readonly number[],
    secure: KafkaCluster['secure'],
  ) {
    this.secure = secure;
    this.#folder = folder;
    this.#brokers = brokers;
    this.#scram = scramPorts.length > 0;
    this.bootstrap = brokers.map((broker) => `127.0.0.1:${broker.port}`).join(',');
    this.scramBootstrap = this.#scram
      ? scramPorts.map((port) => `127.0.0.1:${port}`).join(',')
      : null;
    process.once('exit', this.#onExit);
  }

  static async create(classPath: string, options: ClusterOptions): Promise<MavenCluster> {
    const count = options.nodes ?? 1;
    const ports = await freePorts(count * 5);
    const take = (): number => ports.pop() ?? 0;
    const nodes = Array.from({ length: count }, (_, index) => ({
      id: index + 1,
      port: index === 0 && options.port !== undefined ? options.port : take(),
      controllerPort: take(),
      saslPort: options.scram === true ? take() : null,
      securePort: take(),
      proxied: proxiedListener(options.advertisedPorts?.[index], take),
      properties: options.properties ?? {},
    }));
    const folder = await mkdtemp(join(tmpdir(), 'sealstream-kafka-'));
    // In a broker's own folder, which its guard removes.
    const place = join(folder, 'node-1');
    const certificates = options.secure === undefined ? null : await makeCertificates(place);
    const sessionMs = options.secure?.sessionMs ?? 0;
    const brokers = nodes.map((node) => {
      const own = join(folder, `node-${node.id}`);
      const secure = certificates && {
        port: node.securePort,
        keyStore: certificates.broker,
        trustStore: certificates.authority,
        users: SCRAM_USERS,
        sessionMs,
      };
      const settings = { ...node, secure, logDirectory: join(own, 'data'), voters: nodes };
      const place = { ...settings, properties: brokerProperties(settings) };
      return new Broker(own, classPath, place, options.virtualMachine);
    });
    const scramPorts = nodes.flatMap((node) => (node.saslPort === null ? [] : [node.saslPort]));
    const secure = certificates && {
      bootstrap: nodes.map(({ securePort }) => `localhost:${securePort}`).join(','),
      certificates,
    };
    return new MavenCluster(folder, brokers, scramPorts, secure);
  }

  async start(): Promise<void> {
    const clusterId = randomBytes(16).toString('base64url');
    const users = this.#scram || this.secure !== null ? SCRAM_USERS : [];
    await Promise.all(this.#brokers.map((broker) => broker.format(clusterId, users)));
    await Promise.all(this.#brokers.map((broker) => broker.start()));
    await this.#ready(this.#brokers);
  }

  node(id: number): ClusterNode {
    const broker = this.#brokers[id - 1];
    if (broker === undefined)
      throw new Error(`no node ${id} in a cluster of ${this.#brokers.length}`);
    return {
      id,
      port: broker.port,
      proxiedPort: broker.proxiedPort,
      logDir: broker.logDir,
      logFile: broker.logFile,
      stop: () => broker.stop(),
      kill: () => broker.kill(),
      install: async (version) => {
        const jars = await kafkaClassPath(version);
        if ('skip' in jars) throw new Error(`Kafka ${version}: ${jars.skip}`);
        broker.install(jars.classPath);
      },
      freeze: () => broker.freeze(),
      thaw: () => broker.thaw(),
      start: async () => {
        await broker.start();
        await this.#ready([broker]);
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.kill()));
    process.removeListener('exit', this.#onExit);
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #endNow(): void {
    for (const broker of this.#brokers) broker.killNow();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  /** An admin request to one of `brokers` succeeds and names them all. */
  async #ready(brokers: readonly Broker[]): Promise<void> {
    const end = Date.now() + READY_PATIENCE;
    for (;;) {
      const dead = brokers.find((broker) => !broker.alive);
      if (dead !== undefined) {
        throw new Error(`broker ${dead.id} ended while starting:\n${await dead.logTail()}`);
      }
      const problem = await missingBrokers(brokers);
      if (problem === null) return;
      if (Date.now() > end) throw new Error(`Kafka is not ready: ${problem}`);
      await sleep(200);
    }
  }
}

function proxiedListener(advertisedPort: number | undefined, take: () => number) {
  return advertisedPort === undefined ? null : { port: take(), advertisedPort };
}

async function missingBrokers(brokers: readonly Broker[]): Promise<string | null> {
  const client = new kafkajs.Kafka({
    clientId: 'sealstream-test-ready',
    brokers: brokers.map((broker) => `127.0.0.1:${broker.port}`),
    logLevel: kafkajs.logLevel.NOTHING,
    socketFactory: new FramedSockets().factory,
    connectionTimeout: 2000,
    requestTimeout: 5000,
    retry: { retries: 0 },
  });
  const admin = client.admin();
  try {
    await admin.connect();
    const found = new Set((await admin.describeCluster()).brokers.map((broker) => broker.nodeId));
    const missing = brokers.filter((broker) => !found.has(broker.id));
    return missing.length === 0 ? null : `${missing.length} brokers are not in the metadata`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    await admin.disconnect();
  }
}
