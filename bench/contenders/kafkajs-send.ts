/** kafkajs's producer with ready-made batches: 1,000 messages a send, four sends in flight. */
import kafkajs, { type IHeaders, type Message } from 'kafkajs';
import type { RecordParts } from '../../ledger/records.js';
import { contend } from '../harness/contend.js';
import { readSamples } from '../harness/samples.js';

interface SendTask {
  readonly bootstrap: string;
  readonly topic: string;
  readonly partitions: number;
  readonly records: number;
  readonly bytes: number;
  readonly samples: string;
}

const BATCH = 1000;
const IN_FLIGHT = 4;
/** Sends stay below the broker's largest message. */
const MOST_BYTES = 900_000;

function messageOf({ key, value, headers }: RecordParts): Message {
  const given: IHeaders = {};
  for (const one of headers) {
    given[Buffer.from(one.key).toString()] = Buffer.from(one.value ?? []);
  }
  return {
    key: key && Buffer.from(key),
    value: value && Buffer.from(value),
    ...(headers.length === 0 ? {} : { headers: given }),
  };
}

/** One list of messages for each partition, so that kafkajs need not choose. */
function readyMade(samples: readonly RecordParts[], task: SendTask): Message[][] {
  const each = Math.ceil(task.bytes / task.records);
  const count = Math.max(1, Math.min(BATCH, Math.floor(MOST_BYTES / each)));
  return Array.from({ length: task.partitions }, (_, partition) =>
    Array.from({ length: count }, (_, index) => {
      const parts = samples[index % samples.length];
      if (parts === undefined) throw new Error('no samples');
      return { ...messageOf(parts), partition };
    }),
  );
}

await contend<SendTask>(async (task, watch) => {
  const batches = readyMade(await readSamples(task.samples), task);
  const client = new kafkajs.Kafka({
    brokers: task.bootstrap.split(','),
    logLevel: kafkajs.logLevel.NOTHING,
  });
  const producer = client.producer();
  await producer.connect();
  let [left, turn] = [task.records, 0];
  const sender = async (): Promise<void> => {
    while (left > 0) {
      const whole = batches[turn % batches.length] ?? [];
      turn += 1;
      const messages = whole.length <= left ? whole : whole.slice(0, left);
      left -= messages.length;
      await producer.send({ topic: task.topic, messages, acks: -1 });
    }
  };
  watch.start();
  await Promise.all(Array.from({ length: IN_FLIGHT }, sender));
  watch.stop();
  await producer.disconnect();
  return { records: task.records };
});
