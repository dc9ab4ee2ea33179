import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { type Measurement, parseMeasurement } from './measurement.js';

/** One way to do the work of a bench, in a process of its own at every run. */
export interface Contender {
  readonly name: string;
  readonly ours: boolean;
  /** In dist/bench/contenders, without `.js`. */
  readonly script: string;
  /** Variables that the process gets besides those of this one. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What the process is told; made anew before every run, outside the measured time. */
  parameters(): object | Promise<object>;
  /** Removes what a run has written. */
  cleanUp?(parameters: object): Promise<void>;
}

/** A contender that cannot take part. */
export interface Absent {
  readonly name: string;
  readonly skip: string;
}

const PATIENCE_MS = 30 * 60_000;

export async function runOnce(contender: Contender): Promise<Measurement> {
  const parameters = await contender.parameters();
  try {
    return await runScript(contender.script, parameters, contender.environment);
  } catch (error) {
    throw new Error(`${contender.name}: ${error instanceof Error ? error.message : error}`);
  } finally {
    await contender.cleanUp?.(parameters);
  }
}

/** Runs one process to its end. Throws what it wrote on stderr where that is not 0. */
export async function runScript(
  script: string,
  parameters: object,
  environment: Readonly<Record<string, string>> = {},
): Promise<Measurement> {
  const path = fileURLToPath(new URL(`../contenders/${script}.js`, import.meta.url));
  const child = spawn(process.execPath, [path, JSON.stringify(parameters)], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: PATIENCE_MS,
  });
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
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
  }).finally(() => process.removeListener('exit', end));
  if (code !== 0) throw new Error(`exit code ${code}: ${stderr || stdout}`);
  return parseMeasurement(stdout);
}
