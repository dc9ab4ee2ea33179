/** `verify` of everything, in one thread. */
import { verify } from '../../consumer/verify/verify.js';
import { contend } from '../harness/contend.js';
import { expectRecords, type LedgerTask, openConsumer } from '../harness/open-ledger.js';

await contend<LedgerTask>(async (task, watch) => {
  const options = await openConsumer(task);
  watch.start();
  const report = await verify(options);
  watch.stop();
  await options.stream.close();
  if (report.verdict !== 'intact') {
    throw new Error(report.partitions.flatMap(({ findings }) => findings)[0]?.message);
  }
  expectRecords(report.records, task);
  return { records: task.records };
});
