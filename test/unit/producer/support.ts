import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { openStream } from '../../../stream/open.js';
import { readRange } from '../../../stream/read.js';
import type {
  Appender,
  EncodedBatch,
  RecordBatch,
  Stream,
  StreamRecord,
} from '../../../stream/stream.js';

const FIT: ReadonlyMap<string, string> = new Map([
  ['message.timestamp.type', 'LogAppendTime'],
  ['cleanup.policy', 'delete'],
]);

/** An embedded stream in a new folder, with topic `audit`; gone after the test. */
export async function auditStream(
  t: TestContext,
  options: { partitions?: number; settings?: ReadonlyMap<string, string> } = {},
): Promise<Stream> {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-producer-'));
  const stream = await openStream(`file:${folder}`);
  t.after(async () => {
    await stream.close();
    await rm(folder, { recursive: true });
  });
  await stream.createTopic({
    topic: 'audit',
    partitions: options.partitions ?? 3,
    replication: 1,
    settings: options.settings ?? FIT,
  });
  return stream;
}

/** Every batch of topic `audit`, by partition. */
export async function batchesOf(stream: Stream): Promise<RecordBatch[][]> {
  const topic = await stream.describe('audit');
  if (topic === null) throw new Error('topic audit is gone');
  return Promise.all(
    Array.from({ length: topic.partitions }, async (_, partition) => {
      const batches: RecordBatch[] = [];
      for await (const fetched of readRange(stream, topic, { partition, from: 0n })) {
        batches.push(...fetched.batches);
      }
      return batches;
    }),
  );
}

export async function recordsOf(stream: Stream): Promise<StreamRecord[][]> {
  const partitions = await batchesOf(stream);
  return partitions.map((batches) =>
    batches.flatMap((batch) => Array.from({ length: batch.count }, (_, at) => batch.record(at))),
  );
}

/** `stream`, its appends going through `append`, which may hold them up or answer otherwise. */
export function interposed(
  stream: Stream,
  append: (
    partition: number,
    batch: EncodedBatch,
    real: Appender['append'],
  ) => ReturnType<Appender['append']>,
): Stream {
  return {
    url: stream.url,
    describe: (topic) => stream.describe(topic),
    createTopic: (specification) => stream.createTopic(specification),
    bounds: (topic, partitions) => stream.bounds(topic, partitions),
    reader: (topic, options) => stream.reader(topic, options),
    own: (topic, options) => stream.own(topic, options),
    close: () => stream.close(),
    appender: async (topic, options) => {
      const real = await stream.appender(topic, options);
      return {
        append: (partition, batch) =>
          append(partition, batch, (at, bytes) => real.append(at, bytes)),
        close: () => real.close(),
      };
    },
  };
}
