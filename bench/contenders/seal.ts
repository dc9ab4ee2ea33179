/** `sealOnce` from the first record to the last checkpoint, in one thread. */
import { sealer } from '../../sealer/sealer.js';
import { contend } from '../harness/contend.js';
import { expectRecords, type LedgerTask, openSealer } from '../harness/open-ledger.js';

await contend<LedgerTask>(async (task, watch) => {
  const { options, close } = await openSealer(task);
  watch.start();
  const results = await (await sealer(options)).sealOnce();
  watch.stop();
  await close();
  let records = 0n;
  for (const result of results) {
    if (result.refusal !== null || result.error !== null) {
      throw new Error(result.refusal?.message ?? result.error?.message);
    }
    records += result.records;
  }
  expectRecords(records, task);
  return { records: task.records };
});
