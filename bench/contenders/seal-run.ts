/** A sealer that goes on, from its start to the checkpoint that covers everything there is. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Sealer, sealer } from '../../sealer/sealer.js';
import { contend } from '../harness/contend.js';
import { expectRecords, type LedgerTask, openSealer } from '../harness/open-ledger.js';

const LOOK_MS = 100;

function sealed(running: Sealer): bigint {
  let records = 0n;
  for (const log of running.report()) {
    if (log.refusal !== null) throw new Error(log.refusal.message);
    records += log.sealed?.size ?? 0n;
  }
  return records;
}

await contend<LedgerTask>(async (task, watch) => {
  const { options, close } = await openSealer(task);
  const stop = new AbortController();
  watch.start();
  const running = await sealer(options);
  const ended = running.run(stop.signal);
  while (sealed(running) < BigInt(task.records)) {
    await Promise.race([sleep(LOOK_MS), ended]);
  }
  watch.stop();
  expectRecords(sealed(running), task);
  stop.abort();
  await ended;
  await close();
  return { records: task.records };
});
