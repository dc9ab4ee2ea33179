/**
 * A sealer that goes on, from its start until it is stopped because it has read everything there is:
 * its last checkpoints cover it. Waiting for their time to come is not inside.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openCheckpoint } from '../../ledger/checkpoint.js';
import type { SealerOptions } from '../../sealer/options.js';
import { type Sealer, sealer } from '../../sealer/sealer.js';
import { contend } from '../harness/contend.js';
import { expectRecords, type LedgerTask, openSealer } from '../harness/open-ledger.js';

const LOOK_MS = 20;

/** Records that are chained, sealed or not; the logs of a bench begin at 0 and have no gaps. */
function chained(running: Sealer): bigint {
  let records = 0n;
  for (const log of running.report()) {
    if (log.refusal !== null) throw new Error(log.refusal.message);
    records += log.next ?? 0n;
  }
  return records;
}

/** As the memory has it. */
async function sealedRecords({ memory, ledger, signingKey }: SealerOptions): Promise<bigint> {
  let records = 0n;
  for (const { slot } of await memory.list(ledger)) {
    const { checkpoint, origin } = slot.record;
    if (checkpoint === null) continue;
    records += openCheckpoint(checkpoint.note, origin, signingKey.publicKey).size;
  }
  return records;
}

await contend<LedgerTask>(async (task, watch) => {
  const { options, close } = await openSealer(task);
  const stop = new AbortController();
  watch.start();
  const running = await sealer(options);
  const ended = running.run(stop.signal);
  while (chained(running) < BigInt(task.records)) {
    await Promise.race([sleep(LOOK_MS), ended]);
  }
  stop.abort();
  await ended;
  watch.stop();
  expectRecords(await sealedRecords(options), task);
  await close();
  return { records: task.records };
});
