/**
 * A kafkajs consumer that does nothing but count, as one sets it up without further thought, or
 * without commits; from joining its group to the last record.
 */
import { randomUUID } from 'node:crypto';
import kafkajs from 'kafkajs';
import { contend } from '../harness/contend.js';

interface ConsumeTask {
  readonly bootstrap: string;
  readonly topic: string;
  readonly records: number;
  readonly bytes: number;
  readonly commits: boolean;
}

await contend<ConsumeTask>(async (task, watch) => {
  const client = new kafkajs.Kafka({
    brokers: task.bootstrap.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const consumer = client.consumer({ groupId: randomUUID() });
  consumer.on(consumer.events.GROUP_JOIN, () => watch.start());
  await consumer.connect();
  await consumer.subscribe({ topics: [task.topic], fromBeginning: true });
  let records = 0;
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    const running = consumer.run({
      autoCommit: task.commits,
      eachBatch: async ({ batch }) => {
        records += batch.messages.length;
        if (records < task.records) return;
        watch.stop();
        resolve();
      },
    });
    running.catch(reject);
  });
  await consumer.disconnect();
  return { records };
});
