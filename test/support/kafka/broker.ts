import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, open, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { RESOURCES } from './jars.js';

const run = promisify(execFile);
const SMALL = ['-Xms64m', '-Xmx384m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
const STOP_PATIENCE = 30_000;

/**
 * Runs a command beside a guard that kills it when our end of standard input closes, which it does
 * however this process ends, SIGKILL included. Then the guard removes the broker's folder, and the last guard the cluster's.
 * Descriptor 3 brings the command's process id.
 */
const GUARD = `
folder=$1; shift
exec 4<&0
"$@" </dev/null 3>&- 4<&- &
child=$!
echo "$child" >&3
exec 3>&-
{ read -r line <&4; kill -9 "$child" && rm -rf "$folder"; rmdir "$(dirname "$folder")"; } 2>/dev/null &
guard=$!
exec 4<&-
wait "$child"
status=$?
kill "$guard" 2>/dev/null
exit "$status"
`;

export interface Credentials {
  readonly name: string;
  readonly password: string;
}

interface Running {
  readonly child: ChildProcess;
  readonly processId: number;
  readonly ended: Promise<void>;
}

export interface BrokerPlace {
  readonly id: number;
  readonly port: number;
  readonly proxied: { readonly port: number } | null;
  readonly logDirectory: string;
  /** The whole properties file. */
  readonly properties: string;
}

/** One broker process; its log directory can be read and edited while it is stopped. */
export class Broker {
  readonly id: number;
  readonly port: number;
  readonly proxiedPort: number | null;
  readonly logFile: string;
  /** Holds one folder per partition. */
  readonly logDir: string;
  readonly #folder: string;
  readonly #properties: string;
  #classPath: string;
  readonly #options: readonly string[];
  #running: Running | null = null;

  constructor(
    folder: string,
    classPath: string,
    place: BrokerPlace,
    options: readonly string[] = SMALL,
  ) {
    this.#options = options;
    this.#folder = folder;
    this.#classPath = classPath;
    this.#properties = place.properties;
    this.id = place.id;
    this.port = place.port;
    this.proxiedPort = place.proxied?.port ?? null;
    this.logFile = join(folder, 'broker.log');
    this.logDir = place.logDirectory;
  }

  /** The properties file alone, where the log directory is formatted already. */
  async write(): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    await writeFile(this.#propertiesFile, this.#properties);
  }

  async format(clusterId: string, users: readonly Credentials[]): Promise<void> {
    await this.write();
    const scram = users.flatMap(({ name, password }) =>
      ['256', '512'].flatMap((bits) => [
        '-S',
        `SCRAM-SHA-${bits}=[name=${name},password=${password}]`,
      ]),
    );
    const tool = ['kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', this.#propertiesFile];
    await run('java', [...this.#virtualMachine(), ...tool, ...scram]);
  }

  /** What the next start runs, on the data that is there. */
  install(classPath: string): void {
    this.#classPath = classPath;
  }

  /** Starts the process; whoever calls waits for it to be ready. */
  async start(): Promise<void> {
    if (this.#running !== null) return;
    const log = await open(this.logFile, 'a');
    try {
      this.#running = await spawnGuarded(
        this.#folder,
        ['java', ...this.#virtualMachine(), 'kafka.Kafka', this.#propertiesFile],
        log.fd,
      );
    } finally {
      await log.close();
    }
  }

  get alive(): boolean {
    return this.#running !== null && this.#running.child.exitCode === null;
  }

  /** Controlled shutdown; by force after half a minute. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** As by kill -9: nothing is flushed or handed over. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** As by a long pause of the machine: connections stay open and nothing answers. */
  freeze(): void {
    this.#signal('SIGSTOP');
  }

  thaw(): void {
    this.#signal('SIGCONT');
  }

  /** For process exit handlers: nothing to wait for. */
  killNow(): void {
    if (this.alive) this.#signal('SIGKILL');
  }

  /** The last lines that the broker wrote, for failure messages. */
  async logTail(): Promise<string> {
    const log = await readFile(this.logFile, 'utf8').catch(() => '(no log)');
    return log.split('\n').slice(-20).join('\n');
  }

  get #propertiesFile(): string {
    return join(this.#folder, 'broker.properties');
  }

  #virtualMachine(): string[] {
    const log4j = `-Dlog4j2.configurationFile=${join(RESOURCES, 'log4j2.xml')}`;
    return [...this.#options, log4j, '-cp', this.#classPath];
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#running === null) throw new Error(`broker ${this.id} is not running`);
    process.kill(this.#running.processId, signal);
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    if (this.alive) {
      this.thaw();
      this.#signal(signal);
    }
    const timer = setTimeout(() => this.killNow(), STOP_PATIENCE);
    await running.ended;
    clearTimeout(timer);
    this.#running = null;
  }
}

async function spawnGuarded(
  folder: string,
  command: readonly string[],
  output: number,
): Promise<Running> {
  const child = spawn('sh', ['-c', GUARD, 'guard', folder, ...command], {
    stdio: ['pipe', output, output, 'pipe'],
    detached: true,
  });
  const ended = new Promise<void>((resolve, reject) => {
    child.once('exit', () => resolve());
    child.once('error', reject);
  });
  const processId = await firstNumber(child.stdio[3] as Readable, ended);
  // A test process that is otherwise done may end; the guard then ends the broker.
  child.unref();
  const input = child.stdin as unknown as { unref(): void };
  input.unref();
  return { child, processId, ended };
}

async function firstNumber(source: Readable, ended: Promise<void>): Promise<number> {
  let text = '';
  const read = (async () => {
    for await (const chunk of source) text += String(chunk);
  })();
  await Promise.race([read, ended]);
  const number = Number(text);
  if (!Number.isInteger(number) || number <= 0) throw new Error('the broker process did not start');
  return number;
}
