/** `status` of every log. */
import { sealStatus } from '../../sealer/status.js';
import { contend } from '../harness/contend.js';
import { type LedgerTask, openSealer } from '../harness/open-ledger.js';

await contend<LedgerTask>(async (task, watch) => {
  const { options, close } = await openSealer(task);
  const { signingKey, ...place } = options;
  const { publicKey } = signingKey;
  watch.start();
  const logs = await sealStatus({ ...place, publicKey });
  watch.stop();
  await close();
  for (const { refusal, error } of logs) {
    if (refusal !== null || error !== null) throw new Error(refusal?.message ?? error?.message);
  }
  return { records: task.records };
});
