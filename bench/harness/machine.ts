import { execFile } from 'node:child_process';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { promisify } from 'node:util';
import { hashing } from '../../ledger/hashing/choose.js';

const run = promisify(execFile);

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryBytes: number;
  readonly system: string;
  readonly node: string;
  /** How ours hashes unless a contender's name says otherwise. */
  readonly hashing: 'javascript' | 'native';
  readonly java: string | null;
  /** Processes that wanted to run in the minute before: those of somebody else, at the start. */
  readonly loadAverage: number;
}

export async function machine(): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryBytes: totalmem(),
    system: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
    hashing: hashing().name,
    java: await javaVersion(),
    loadAverage: loadavg()[0] ?? 0,
  };
}

async function javaVersion(): Promise<string | null> {
  try {
    const { stderr } = await run('java', ['-version']);
    return /version "([^"]+)"/.exec(stderr)?.[1] ?? null;
  } catch {
    return null;
  }
}
