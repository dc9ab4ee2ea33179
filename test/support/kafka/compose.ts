/**
 * docker-compose.yml without Docker: its brokers from Maven's jars, its containers' commands as
 * processes, its hosts, ports and paths those of this machine.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { parse } from 'yaml';
import { FramedSockets } from '../../../stream/kafka/connection/framed-sockets.js';
import { Desk } from '../cli.js';
import { Broker } from './broker.js';
import { PROJECT } from './jars.js';
import { freePorts } from './ports.js';

const run = promisify(execFile);
const READY_PATIENCE = 120_000;
const ATTEMPTS = 3;
const LISTENER_PORTS = [9092, 9093, 9094, 9095];

type Environment = Readonly<Record<string, string | number>>;

interface Service {
  readonly image?: string;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment?: Environment;
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
}

interface ComposeFile {
  readonly services: Readonly<Record<string, Service>>;
  readonly configs: Readonly<Record<string, { readonly content: string }>>;
}

/** docker-compose.yml with `${NAME:-}` replaced as Docker Compose would. */
async function readCompose(variables: ReadonlyMap<string, string>): Promise<ComposeFile> {
  const text = await readFile(join(PROJECT, 'docker-compose.yml'), 'utf8');
  const whole = text.replace(/\$\{([A-Z_]+)(?::-([^}]*))?\}/g, (_all, name: string, other = '') =>
    String(variables.get(name) ?? other),
  );
  return parse(whole, { merge: true }) as ComposeFile;
}

/** The lines of a .env file. */
async function readVariables(file: string): Promise<Map<string, string>> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '');
  return new Map(
    lines.map((line): [string, string] => {
      const at = line.indexOf('=');
      return [line.slice(0, at), line.slice(at + 1)];
    }),
  );
}

/** The three brokers and what their neighbours run, in the folder of a desk. */
export class ComposedCluster {
  readonly file: ComposeFile;
  readonly variables: ReadonlyMap<string, string>;
  readonly desk: Desk;
  readonly #classPath: string;
  /** `kafka-1:9092` → port here. */
  readonly #ports: ReadonlyMap<string, number>;
  readonly #brokers: Broker[] = [];

  private constructor(
    desk: Desk,
    classPath: string,
    file: ComposeFile,
    variables: ReadonlyMap<string, string>,
    ports: ReadonlyMap<string, number>,
  ) {
    this.desk = desk;
    this.#classPath = classPath;
    this.file = file;
    this.variables = variables;
    this.#ports = ports;
  }

  /** With the secrets that compose/secrets.sh makes, and the brokers running. */
  static async open(classPath: string): Promise<ComposedCluster> {
    for (let attempt = 1; ; attempt++) {
      const cluster = await ComposedCluster.#prepare(await Desk.open(), classPath);
      try {
        await cluster.#start();
        return cluster;
      } catch (error) {
        await cluster.close();
        // Another process may have taken one of the ports in between.
        if (attempt === ATTEMPTS) throw error;
      }
    }
  }

  static async #prepare(desk: Desk, classPath: string): Promise<ComposedCluster> {
    await run('sh', [join(PROJECT, 'compose', 'secrets.sh'), desk.path('.env')]);
    const variables = await readVariables(desk.path('.env'));
    const file = await readCompose(variables);
    const hosts = Object.keys(file.services).filter((name) => /^kafka-\d$/.test(name));
    const names = hosts.flatMap((host) => LISTENER_PORTS.map((port) => `${host}:${port}`));
    const free = await freePorts(names.length);
    const ports = new Map(names.map((name, index) => [name, free[index] ?? 0]));
    const cluster = new ComposedCluster(desk, classPath, file, variables, ports);
    const client = file.configs['broker-client']?.content ?? '';
    await writeFile(desk.path('broker-client.properties'), client);
    const ledger = await readFile(join(PROJECT, 'compose', 'ledger.yaml'), 'utf8');
    await writeFile(desk.path('ledger.yaml'), cluster.here(ledger));
    for (const name of ['sealer', 'public', 'verified', 'bin']) await mkdir(desk.path(name));
    await cluster.#writePrograms();
    return cluster;
  }

  /** A text of a container, for this machine. */
  here(text: string): string {
    return text
      .replace(/kafka-\d:\d+/g, (name) => `127.0.0.1:${this.#ports.get(name) ?? name}`)
      .replaceAll('/var/lib/sealstream/', `${this.desk.folder}/`)
      .replace(/\/(etc\/sealstream|work)\//g, () => `${this.desk.folder}/`)
      .replaceAll('/compose/', `${join(PROJECT, 'compose')}/`);
  }

  async #start(): Promise<void> {
    const hosts = Object.keys(this.file.services).filter((name) => /^kafka-\d$/.test(name));
    for (const host of hosts) this.#brokers.push(await this.#broker(host));
    await Promise.all(this.#brokers.map((broker) => broker.start()));
    await this.#ready();
  }

  async close(): Promise<void> {
    await Promise.all(this.#brokers.map((broker) => broker.kill()));
    await this.desk.close();
  }

  service(name: string): Service {
    const service = this.file.services[name];
    if (service === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
    return service;
  }

  /** Of a service of one of our images, or of another user of compose/users.sh. */
  environment(name: string, user?: string): Record<string, string> {
    const given = Object.entries(this.service(name).environment ?? {});
    const own = Object.fromEntries(given.map(([key, value]) => [key, this.here(String(value))]));
    if (user === undefined) return own;
    const password = this.variables.get(`${user.toUpperCase()}_PASSWORD`) ?? '';
    return { ...own, KAFKA_USERNAME: user, KAFKA_PASSWORD: password };
  }

  command(name: string): string[] {
    return (this.service(name).command ?? []).map((word) => this.here(word));
  }

  /** Runs the script that a one-shot service is; its output. */
  async script(name: string): Promise<string> {
    const [program = '', ...words] = (this.service(name).entrypoint ?? []).map((word) =>
      this.here(word),
    );
    const path = `${this.desk.path('bin')}:${process.env['PATH'] ?? ''}`;
    const env = { ...process.env, ...this.environment(name), PATH: path };
    const { stdout, stderr } = await run(program, words, { env });
    return stdout + stderr;
  }

  /** What the containers have on their path. */
  async #writePrograms(): Promise<void> {
    const java = `exec java -Xmx256m -XX:TieredStopAtLevel=1 -cp '${this.#classPath}'`;
    const programs = {
      'kafka-configs.sh': `${java} kafka.admin.ConfigCommand "$@"`,
      'kafka-acls.sh': `${java} org.apache.kafka.tools.AclCommand "$@"`,
      sealstream: `exec '${process.execPath}' '${join(PROJECT, 'dist', 'cli', 'main.js')}' "$@"`,
    };
    for (const [name, text] of Object.entries(programs)) {
      const file = this.desk.path('bin', name);
      await writeFile(file, `#!/bin/sh\n${text}\n`);
      await chmod(file, 0o755);
    }
  }

  /** Its properties as the image's own program makes them, which formats the log directory too. */
  async #broker(host: string): Promise<Broker> {
    const folder = this.desk.path('cluster', host);
    const logDirectory = join(folder, 'data');
    const folders = ['default', 'mounted', 'final'].map((name) => join(folder, 'config', name));
    for (const each of folders) await mkdir(each, { recursive: true });
    for (const name of ['server.properties', 'log4j2.yaml', 'tools-log4j2.yaml']) {
      for (const each of [folders[0] ?? '', folders[2] ?? ''])
        await writeFile(join(each, name), '');
    }
    const { environment = {}, ports = [] } = this.service(host);
    const published = ports[0]?.replace(/:\d+$/, '') ?? '';
    const local = (value: string): string =>
      this.here(value.replaceAll(published, `${host}:9095`))
        .replace(/:\/\/:(\d+)/g, (_, port) => `://127.0.0.1:${this.#ports.get(`${host}:${port}`)}`)
        .replaceAll('/var/lib/kafka/data', logDirectory);
    const own = Object.entries(environment).map(([key, value]) => [key, local(String(value))]);
    const [defaults = '', mounted = '', final = ''] = folders;
    await run(
      'java',
      [
        ...['-cp', this.#classPath, 'kafka.docker.KafkaDockerWrapper', 'setup'],
        ...['--default-configs-dir', defaults, '--mounted-configs-dir', mounted],
        ...['--final-configs-dir', final],
      ],
      { env: { PATH: process.env['PATH'] ?? '', ...Object.fromEntries(own) } },
    );
    const properties = await readFile(join(final, 'server.properties'), 'utf8');
    const id = Number(environment['KAFKA_NODE_ID']);
    const port = this.#ports.get(`${host}:9094`) ?? 0;
    const place = { id, port, proxied: null, logDirectory, properties };
    const broker = new Broker(folder, this.#classPath, place);
    await broker.write();
    return broker;
  }

  /** As the brokers' health checks ask. */
  async #ready(): Promise<void> {
    const end = Date.now() + READY_PATIENCE;
    for (;;) {
      const dead = this.#brokers.find((broker) => !broker.alive);
      if (dead !== undefined) throw new Error(`broker ${dead.id} ended:\n${await dead.logTail()}`);
      const found = await this.#count();
      if (found === this.#brokers.length) return;
      if (Date.now() > end) throw new Error(`Kafka is not ready: ${found}`);
      await sleep(200);
    }
  }

  async #count(): Promise<number | string> {
    const password = this.variables.get('BROKER_PASSWORD') ?? '';
    const admin = new kafkajs.Kafka({
      brokers: this.#brokers.map((broker) => `127.0.0.1:${broker.port}`),
      sasl: { mechanism: 'plain', username: 'broker', password },
      logLevel: kafkajs.logLevel.NOTHING,
      socketFactory: new FramedSockets().factory,
      retry: { retries: 0 },
    }).admin();
    try {
      await admin.connect();
      return (await admin.describeCluster()).brokers.length;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    } finally {
      await admin.disconnect();
    }
  }
}
