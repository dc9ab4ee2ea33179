/** What a sealer does before its first record: what is remembered, published and in the log agree. */
import { settingsOf } from '../../sealer/options.js';
import { StreamClock } from '../../sealer/stream-clock.js';
import { openTopic } from '../../sealer/topic.js';
import { contend } from '../harness/contend.js';
import { type LedgerTask, openSealer } from '../harness/open-ledger.js';

await contend<LedgerTask>(async (task, watch) => {
  const { options, close } = await openSealer(task);
  const { signal } = new AbortController();
  watch.start();
  const settings = settingsOf(options);
  const streamClock = new StreamClock(settings, async () => {});
  const shared = { options, settings, configuration: null, streamClock };
  const topic = await openTopic(shared, task.topic, signal, () => true);
  const logs = Array.from({ length: topic.partitions }, (_, partition) => topic.log(partition));
  await Promise.all(logs.map((log) => log.recover(signal)));
  watch.stop();
  const size = logs.reduce((sum, { sealed }) => sum + (sealed?.size ?? 0n), 0n);
  if (size !== BigInt(task.records)) throw new Error(`${size} records are sealed`);
  await topic.close();
  await close();
  return { records: task.records };
});
