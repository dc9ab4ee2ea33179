import { readFile } from 'node:fs/promises';
import { publicKeyFromPem, signingKeyFromPem } from '../../ledger/keys.js';
import { openMemory } from '../../store/folder.js';
import { openStream } from '../../stream/open.js';
import type { BenchLedger } from './ledger.js';

export interface LedgerTask extends BenchLedger {
  readonly records: number;
  readonly bytes: number;
}

/** Stream, memory and key as `sealer` wants them. */
export async function openSealer(task: LedgerTask) {
  const signingKey = signingKeyFromPem(await readFile(task.privateKey, 'utf8'));
  const stream = await openStream(task.url);
  const memory = await openMemory(task.memory);
  const options = { stream, memory, signingKey, ledger: task.ledger, topics: [task.topic] };
  const close = async (): Promise<void> => {
    await stream.close();
    await memory.close();
  };
  return { options, close };
}

const MONTH_MS = 30 * 86_400_000;

/** Stream and key as `verify` and `replay` want them. */
export async function openConsumer(task: LedgerTask) {
  const publicKey = publicKeyFromPem(await readFile(task.publicKey, 'utf8'));
  const stream = await openStream(task.url);
  const topics = [{ topic: task.topic, partitions: task.partitions }];
  return { stream, ledger: task.ledger, publicKey, topics, maxAge: MONTH_MS };
}

export function expectRecords(found: bigint | number, task: { readonly records: number }): void {
  if (BigInt(found) === BigInt(task.records)) return;
  throw new Error(`${found} records, not ${task.records}`);
}
