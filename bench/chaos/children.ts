import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PROBE = new URL('./exit-probe.js', import.meta.url).href;
const PROGRAM = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const PUBLISHER = fileURLToPath(new URL('./publisher-worker.js', import.meta.url));
const KIB = 1024;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Where children write, and what is known of all of them. */
export interface ChildRoom {
  /** Holds the logs of the children. */
  readonly logs: string;
  /** One JSON line per child that ended without being killed; see exit-probe. */
  readonly exits: string;
}

/** A child process with its log in a file. */
export class Child {
  readonly name: string;
  readonly log: string;
  readonly startedAt = performance.now();
  readonly ended: Promise<Ended>;
  readonly #process: ChildProcess;
  /** What we did to it that ends it. */
  #told: 'nothing' | 'stop' | 'kill' = 'nothing';
  #frozen = false;
  end: Ended | null = null;

  private constructor(name: string, log: string, child: ChildProcess) {
    this.name = name;
    this.log = log;
    this.#process = child;
    this.ended = new Promise((resolve) => {
      const settle = (end: Ended): void => {
        this.end ??= end;
        resolve(this.end);
      };
      child.once('exit', (code, signal) => settle({ code, signal }));
      child.once('error', () => settle({ code: -1, signal: null }));
    });
  }

  static start(room: ChildRoom, name: string, script: string, words: readonly string[]): Child {
    const log = join(room.logs, `${name}.log`);
    const file = openSync(log, 'a');
    try {
      const child = spawn(process.execPath, ['--import', PROBE, script, ...words], {
        stdio: ['pipe', file, file],
        env: { ...process.env, SEALSTREAM_CHAOS_EXITS: room.exits },
      });
      return new Child(name, log, child);
    } finally {
      closeSync(file);
    }
  }

  get pid(): number {
    return this.#process.pid ?? -1;
  }

  get running(): boolean {
    return this.end === null;
  }

  /** It ended though nobody told it to. */
  get endedByItself(): boolean {
    return this.end !== null && this.#told === 'nothing';
  }

  kill(): Promise<Ended> {
    this.#told = 'kill';
    if (this.running) this.#process.kill('SIGKILL');
    return this.ended;
  }

  /** SIGTERM; null: it had not ended by itself after `patienceMs`, and was killed. */
  async stop(patienceMs: number): Promise<Ended | null> {
    if (this.running && this.#told === 'nothing') this.#told = 'stop';
    this.thaw();
    if (this.running) this.#process.kill('SIGTERM');
    const late = Symbol('late');
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<typeof late>((resolve) => {
      timer = setTimeout(() => resolve(late), patienceMs);
    });
    const end = await Promise.race([this.ended, patience]);
    clearTimeout(timer);
    if (end !== late) return end;
    await this.kill();
    return null;
  }

  freeze(): void {
    if (!this.running) return;
    this.#frozen = true;
    this.#process.kill('SIGSTOP');
  }

  thaw(): void {
    if (this.#frozen && this.running) this.#process.kill('SIGCONT');
    this.#frozen = false;
  }

  /** Resident set and open files and sockets; null where the system does not tell. */
  use(): { readonly bytes: number; readonly files: number } | null {
    const place = `/proc/${this.pid}`;
    if (!this.running || !existsSync(place)) return null;
    try {
      const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`${place}/status`, 'utf8'))?.[1];
      const files = readdirSync(`${place}/fd`).length;
      return kib === undefined ? null : { bytes: Number(kib) * KIB, files };
    } catch {
      // It ended in between.
      return null;
    }
  }
}

export function startProgram(room: ChildRoom, name: string, words: readonly string[]): Child {
  return Child.start(room, name, PROGRAM, words);
}

export function startPublisher(room: ChildRoom, name: string, options: object): Child {
  return Child.start(room, name, PUBLISHER, [JSON.stringify(options)]);
}

/** Runs one command of the program to its end and gives what it printed. */
export async function runProgram(
  words: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...words], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? -1));
  });
  return { code, stdout, stderr };
}
