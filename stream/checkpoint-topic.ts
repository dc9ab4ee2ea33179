import { type ReadOptions, readBounds, readRange } from './read.js';
import type { Stream, StreamRecord, TopicIdentity } from './stream.js';

/**
 * Every record of a checkpoint topic (FORMAT §6: one partition) from the log start to the high
 * watermark at the call, oldest first, tombstones and whatever else was written there included.
 * Bytes are views: copy what you keep. Throws as `readRange` does.
 */
export async function* readCheckpointRecords(
  stream: Stream,
  topic: TopicIdentity,
  options: ReadOptions = {},
): AsyncGenerator<StreamRecord> {
  const partition = 0;
  const { logStart, highWatermark } = await readBounds(stream, topic, partition, options);
  const range = { partition, from: logStart, until: highWatermark };
  for await (const fetched of readRange(stream, topic, range, options)) {
    for (const batch of fetched.batches) {
      for (let index = 0; index < batch.count; index += 1) yield batch.record(index);
    }
  }
}
