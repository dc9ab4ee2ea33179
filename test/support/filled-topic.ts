import { BatchEncoder } from '../../stream/batch/encode.js';
import type { Stream } from '../../stream/stream.js';

const COMPRESSIONS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;

/** Appends batches of `count` records to every partition in turn, in every compression. */
export async function fillTopic(
  stream: Stream,
  topic: string,
  batches: number,
  count: number,
): Promise<void> {
  const described = await stream.describe(topic);
  if (described === null) throw new Error(`no topic ${topic}`);
  const appender = await stream.appender(described);
  const outcomes = Array.from({ length: batches }, (_, batch) => {
    const compression = COMPRESSIONS[batch % COMPRESSIONS.length] ?? 'none';
    const encoder = new BatchEncoder({ compression });
    for (let index = 0; index < count; index += 1) {
      const value = Buffer.from(`record ${index} of batch ${batch}, as ${compression}`);
      encoder.add({ key: null, value, headers: [] }, BigInt(Date.now()));
    }
    return appender.append(batch % described.partitions, encoder.finish());
  });
  for (const outcome of await Promise.all(outcomes)) {
    if (outcome.kind !== 'acknowledged') throw outcome.error;
  }
  await appender.close();
}

/** Waits until something is in the checkpoint topic of `topic`. */
export async function firstCheckpoint(stream: Stream, topic: string): Promise<void> {
  const checkpoints = await stream.describe(`${topic}.checkpoints`);
  if (checkpoints === null) throw new Error(`no checkpoint topic of ${topic}`);
  for (;;) {
    const [bounds] = await stream.bounds(checkpoints, [0]);
    if (bounds instanceof Error) throw bounds;
    if (bounds !== undefined && bounds.highWatermark > 0n) return;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
