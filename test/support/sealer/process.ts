import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { TestLedger } from './ledger.js';

const CHILD = fileURLToPath(new URL('./child.js', import.meta.url));
const running = new Set<ChildProcess>();

/** A sealer in a process of its own; `step` and `nth`: where it kills itself. */
export function startSealer(
  ledger: TestLedger,
  mode: 'once' | 'run',
  step?: string,
  nth?: number,
): ChildProcess {
  const deadly = step === undefined ? [] : [step, String(nth ?? 1)];
  const place = [ledger.folder, ledger.url, ledger.topic];
  const child = spawn(process.execPath, [CHILD, ...place, mode, ...deadly], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  running.add(child);
  return child;
}

export async function ended(child: ChildProcess): Promise<{ code: unknown; signal: unknown }> {
  const [code, signal] =
    child.exitCode === null && child.signalCode === null
      ? await once(child, 'exit')
      : [child.exitCode, child.signalCode];
  running.delete(child);
  return { code, signal };
}

/** Kills what a failed test has left running. */
export function endSealers(): void {
  for (const child of running) child.kill('SIGKILL');
  running.clear();
}

/** null: every partition is sealed to its end by a published checkpoint signed after `since`. */
export async function unsealed(ledger: TestLedger, partitions: number, since = 0) {
  for (let partition = 0; partition < partitions; partition += 1) {
    const { length } = await ledger.records(partition);
    const head = (await ledger.checkpoints(partition)).at(-1);
    if (head?.size !== BigInt(length) || head.time <= since) return partition;
  }
  return null;
}
