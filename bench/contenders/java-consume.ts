/** Kafka's ConsumerPerformance: from its assignment to the last record (`fetch.time.ms`). */
import { contend } from '../harness/contend.js';
import { runJava } from '../harness/java.js';

interface ConsumeTask {
  readonly classPath: string;
  readonly bootstrap: string;
  readonly topic: string;
  readonly records: number;
  readonly bytes: number;
}

await contend<ConsumeTask>(async ({ classPath, bootstrap, topic, records }) => {
  const tool = 'org.apache.kafka.tools.ConsumerPerformance';
  const where = ['--bootstrap-server', bootstrap, '--topic', topic];
  const what = ['--num-records', String(records), '--hide-header'];
  const { stdout, cpuSeconds, peakRssBytes } = await runJava(classPath, [tool, ...where, ...what]);
  // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
  const fields = (stdout.trimEnd().split('\n').at(-1) ?? '').split(', ');
  const [consumed, seconds] = [Number(fields[4]), Number(fields[7]) / 1000];
  if (!(consumed >= records && seconds > 0)) throw new Error(`ConsumerPerformance: ${stdout}`);
  return { records: consumed, seconds, cpuSeconds, peakRssBytes };
});
