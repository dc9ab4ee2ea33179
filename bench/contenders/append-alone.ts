/** One batch of one record at a time: the round trip that every publish needs. */
import { BatchEncoder } from '../../stream/batch/encode.js';
import { openStream } from '../../stream/open.js';
import { contend } from '../harness/contend.js';
import { latencies } from '../harness/latencies.js';
import type { BenchTopic } from '../harness/ledger.js';
import { readSamples } from '../harness/samples.js';

interface RoundTripTask extends BenchTopic {
  readonly records: number;
  readonly bytes: number;
  readonly samples: string;
}

await contend<RoundTripTask>(async (task) => {
  const samples = await readSamples(task.samples);
  const stream = await openStream(task.url);
  const topic = await stream.describe(task.topic);
  if (topic === null) throw new Error(`no topic ${task.topic}`);
  const appender = await stream.appender(topic);
  const measured = await latencies(task.records, async (index) => {
    const parts = samples[index % samples.length];
    if (parts === undefined) throw new Error('no samples');
    const encoder = new BatchEncoder();
    encoder.add(parts, BigInt(Date.now()));
    const outcome = await appender.append(index % task.partitions, encoder.finish());
    if (outcome.kind !== 'acknowledged') throw outcome.error;
  });
  await appender.close();
  await stream.close();
  return { records: 1, ...measured };
});
