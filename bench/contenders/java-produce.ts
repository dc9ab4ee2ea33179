/** Kafka's ProducerPerformance: from its first record to the last acknowledgement. */
import { contend } from '../harness/contend.js';
import { runJava } from '../harness/java.js';

interface ProduceTask {
  readonly classPath: string;
  readonly bootstrap: string;
  readonly topic: string;
  readonly records: number;
  readonly bytes: number;
  readonly payload: string;
  readonly lingerMs: number;
  readonly batchBytes: number;
}

await contend<ProduceTask>(async (task) => {
  const properties = [
    'acks=all',
    `linger.ms=${task.lingerMs}`,
    `batch.size=${task.batchBytes}`,
    'compression.type=none',
  ];
  const { stdout, cpuSeconds, peakRssBytes } = await runJava(task.classPath, [
    'org.apache.kafka.tools.ProducerPerformance',
    ...['--bootstrap-server', task.bootstrap, '--topic', task.topic, '--throughput', '-1'],
    ...['--num-records', String(task.records), '--payload-file', task.payload],
    ...['--command-property', ...properties],
  ]);
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  const found = /^(\d+) records sent, ([\d.]+) records\/sec/.exec(line);
  const [records, rate] = [Number(found?.[1]), Number(found?.[2])];
  if (records !== task.records || !(rate > 0)) throw new Error(`ProducerPerformance: ${stdout}`);
  return { records, seconds: records / rate, cpuSeconds, peakRssBytes };
});
