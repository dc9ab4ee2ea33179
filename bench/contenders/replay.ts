/** Every event, decoded, once it has verified. */
import { replay } from '../../consumer/replay/replay.js';
import { contend } from '../harness/contend.js';
import { expectRecords, type LedgerTask, openConsumer } from '../harness/open-ledger.js';

await contend<LedgerTask>(async (task, watch) => {
  const options = await openConsumer(task);
  let records = 0;
  watch.start();
  for await (const { event } of replay(options)) {
    if (event === null) throw new Error('a record that is no event');
    records += 1;
  }
  watch.stop();
  await options.stream.close();
  expectRecords(records, task);
  return { records };
});
