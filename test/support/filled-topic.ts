import { BatchEncoder } from '../../stream/batch/encode.js';
import type { Stream } from '../../stream/stream.js';
import { compressedBatch } from './compress.js';

/** For a sealer that starts, and for its first checkpoint. */
const PATIENCE_MS = 120_000;
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
    const encoder = new BatchEncoder();
    for (let index = 0; index < count; index += 1) {
      const value = Buffer.from(`record ${index} of batch ${batch}, as ${compression}`);
      encoder.add({ key: null, value, headers: [] }, BigInt(Date.now()));
    }
    return appender.append(
      batch % described.partitions,
      compressedBatch(encoder.finish(), compression),
    );
  });
  for (const outcome of await Promise.all(outcomes)) {
    if (outcome.kind !== 'acknowledged') throw outcome.error;
  }
  await appender.close();
}

/** The end of the checkpoint topic of `topic`; waits until it is greater than `after`. */
export async function checkpointsEnd(stream: Stream, topic: string, after = -1n): Promise<bigint> {
  const checkpoints = await stream.describe(`${topic}.checkpoints`);
  if (checkpoints === null) throw new Error(`no checkpoint topic of ${topic}`);
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    const [bounds] = await stream.bounds(checkpoints, [0]);
    if (bounds instanceof Error) throw bounds;
    if (bounds !== undefined && bounds.highWatermark > after) return bounds.highWatermark;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`${topic}: no checkpoint after offset ${after} within ${PATIENCE_MS} ms`);
}
