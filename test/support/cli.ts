/** Runs the built program as a person would: a process, its two streams and its exit code. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

export interface Session {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly input?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** The most that it may have open (`ulimit -n`); default: as many as we. */
  readonly descriptors?: number;
}

/** The program while it runs; `session` settles when it has ended, with code −1 by a signal. */
export interface Running {
  readonly session: Promise<Session>;
  /** What it has written to stderr so far. */
  stderr(): string;
  kill(signal: NodeJS.Signals): void;
}

/** A folder of its own, and the program run in it. */
export class Desk {
  readonly folder: string;
  readonly #running = new Set<ChildProcessWithoutNullStreams>();

  constructor(folder: string) {
    this.folder = folder;
  }

  static async open(): Promise<Desk> {
    return new Desk(await mkdtemp(join(tmpdir(), 'sealstream-cli-')));
  }

  path(...parts: string[]): string {
    return join(this.folder, ...parts);
  }

  /** Rewrites ledger.yaml. */
  async edit(change: (text: string) => string): Promise<void> {
    const file = this.path('ledger.yaml');
    await writeFile(file, change(await readFile(file, 'utf8')));
  }

  /** Takes out of ledger.yaml what `init` says of the configuration topic. */
  async undeclareConfiguration(): Promise<void> {
    await this.edit((text) => text.replace(/^configuration:.*\n {2}topic: .*\n/m, ''));
  }

  async run(words: readonly string[], options: RunOptions = {}): Promise<Session> {
    return this.start(words, options).session;
  }

  start(words: readonly string[], options: RunOptions = {}): Running {
    const { descriptors } = options;
    const line = [process.execPath, PROGRAM, ...words];
    const limited = ['sh', '-c', 'ulimit -n "$0" && exec "$@"', String(descriptors), ...line];
    const [program = '', ...rest] = descriptors === undefined ? line : limited;
    const child = spawn(program, rest, {
      cwd: this.folder,
      env: { ...process.env, NO_COLOR: '1', ...options.environment },
    });
    const collected = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      collected.stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      collected.stderr += text;
    });
    child.stdin.end(options.input ?? '');
    this.#running.add(child);
    const session = new Promise<Session>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (status) => {
        this.#running.delete(child);
        resolve({ code: status ?? -1, ...collected });
      });
    });
    return {
      session,
      stderr: () => collected.stderr,
      kill: (signal) => {
        child.kill(signal);
      },
    };
  }

  /** Runs a command that must succeed, and gives its JSON document. */
  async json(words: readonly string[], options: RunOptions = {}): Promise<unknown> {
    const { code, stdout, stderr } = await this.run([...words, '--json'], options);
    if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code}: ${stdout}${stderr}`);
    return JSON.parse(stdout);
  }

  /** Ends what still runs. */
  async close(): Promise<void> {
    const ended = [...this.#running].map(
      (child) => new Promise((resolve) => child.once('close', resolve)),
    );
    for (const child of this.#running) child.kill('SIGKILL');
    await Promise.all(ended);
    await rm(this.folder, { recursive: true, force: true });
  }
}
