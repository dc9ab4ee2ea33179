/** Ready-made records: encoded into batches, appended through the port, acknowledged. */
import { BatchEncoder } from '../../stream/batch/encode.js';
import { openStream } from '../../stream/open.js';
import type { Appender } from '../../stream/stream.js';
import { contend } from '../harness/contend.js';
import type { BenchTopic } from '../harness/ledger.js';
import { readSamples } from '../harness/samples.js';

interface AppendTask extends BenchTopic {
  readonly records: number;
  readonly bytes: number;
  readonly samples: string;
  readonly batchBytes: number;
}

/** As much as Java's producer buffers by itself. */
const MOST_BUFFERED = 32 * 1024 * 1024;

/** Appends batches and holds whoever fills them back while too much is under way. */
class Outlet {
  readonly #appender: Appender;
  readonly #partitions: number;
  #turn = 0;
  #buffered = 0;
  #failed: Error | null = null;
  #waiting: (() => void) | null = null;

  constructor(appender: Appender, partitions: number) {
    this.#appender = appender;
    this.#partitions = partitions;
  }

  async send(encoder: BatchEncoder): Promise<void> {
    const batch = encoder.finish();
    const { length } = batch.bytes;
    this.#buffered += length;
    void this.#appender.append(this.#turn, batch).then((outcome) => {
      if (outcome.kind !== 'acknowledged') this.#failed = outcome.error;
      this.#buffered -= length;
      this.#waiting?.();
    });
    this.#turn = (this.#turn + 1) % this.#partitions;
    await this.until(MOST_BUFFERED);
  }

  /** At most `most` bytes are under way. */
  async until(most: number): Promise<void> {
    while (this.#buffered > most) {
      await new Promise<void>((resolve) => {
        this.#waiting = resolve;
      });
    }
    if (this.#failed !== null) throw this.#failed;
  }
}

await contend<AppendTask>(async (task, watch) => {
  const samples = await readSamples(task.samples);
  const stream = await openStream(task.url);
  const topic = await stream.describe(task.topic);
  if (topic === null) throw new Error(`no topic ${task.topic}`);
  const encoder = new BatchEncoder({ maxBytes: task.batchBytes });
  const appender = await stream.appender(topic);
  const outlet = new Outlet(appender, task.partitions);
  watch.start();
  const now = BigInt(Date.now());
  for (let index = 0; index < task.records; index += 1) {
    const parts = samples[index % samples.length];
    if (parts === undefined) throw new Error('no samples');
    if (encoder.add(parts, now)) continue;
    await outlet.send(encoder);
    encoder.add(parts, now);
  }
  if (encoder.count > 0) await outlet.send(encoder);
  await outlet.until(0);
  watch.stop();
  await appender.close();
  await stream.close();
  return { records: task.records };
});
