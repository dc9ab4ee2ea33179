import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import type { SealstreamError } from '../../../../ledger/error.js';
import { BatchEncoder } from '../../../../stream/batch/encode.js';
import { stampLog } from '../../../../stream/batch/stamp.js';
import { openStream } from '../../../../stream/open.js';
import type {
  EncodedBatch,
  Stream,
  StreamRecord,
  TopicDescription,
  TopicIdentity,
} from '../../../../stream/stream.js';

export const TOPIC_ID = 'Qk9vVGhpbmdzQXJlSGVyZQ';
export const FIRST_SEGMENT = '00000000000000000000.log';

const PATIENCE_MS = 30_000;

export async function until(reached: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS;
  while (!reached()) {
    assert.ok(performance.now() < deadline, 'what was waited for never came');
    await wait(10);
  }
}

export async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-segments-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function openIn(context: TestContext, root: string): Promise<Stream> {
  const stream = await openStream(`file:${root}`);
  context.after(() => stream.close());
  return stream;
}

export async function createTopic(
  stream: Stream,
  topic: string,
  partitions = 1,
  settings: ReadonlyMap<string, string> = new Map(),
): Promise<TopicDescription> {
  assert.equal(await stream.createTopic({ topic, partitions, replication: 1, settings }), true);
  const found = await stream.describe(topic);
  assert.ok(found);
  return found;
}

export function encode(...values: string[]): EncodedBatch {
  const encoder = new BatchEncoder();
  for (const value of values) {
    assert.ok(encoder.add({ key: null, value: Buffer.from(value), headers: [] }, 0n));
  }
  return encoder.finish();
}

/** A batch as a broker has stored it. */
export function stored(baseOffset: bigint, ...values: string[]): Uint8Array {
  const stamp = { baseOffset, leaderEpoch: 0, logAppendTime: 1_700_000_000_000n + baseOffset };
  return stampLog(encode(...values).bytes, stamp);
}

/** A partition as a broker leaves it on its disk. */
export async function storedPartition(
  root: string,
  name: string,
  segments: Readonly<Record<string, Uint8Array>>,
  topicId: string = TOPIC_ID,
): Promise<void> {
  const folder = join(root, name);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'partition.metadata'), `version: 0\ntopic_id: ${topicId}`);
  for (const [file, bytes] of Object.entries(segments)) await writeFile(join(folder, file), bytes);
}

export interface Outcome {
  readonly values: readonly string[];
  readonly offsets: readonly bigint[];
  readonly highWatermark: bigint;
  readonly error: SealstreamError | null;
}

/**
 * All that a partition shows, up to its high watermark or an error that is not worth another try.
 */
export async function readPartition(
  stream: Stream,
  topic: TopicIdentity,
  partition = 0,
  from = 0n,
): Promise<Outcome> {
  const records: StreamRecord[] = [];
  const reader = await stream.reader(topic);
  try {
    reader.seek({ partition, offset: from });
    for (let polls = 0; polls < 1000; polls += 1) {
      for (const fetched of await reader.poll(1000)) {
        for (const batch of fetched.batches) {
          for (let index = 0; index < batch.count; index += 1) records.push(batch.record(index));
        }
        const { error, next } = fetched;
        const highWatermark = fetched.highWatermark ?? -1n;
        const done = error === null ? next.offset >= highWatermark : error.class !== 'retry';
        if (done) return { ...shown(records), highWatermark, error };
      }
    }
    return assert.fail('reading does not end');
  } finally {
    await reader.close();
  }
}

function shown(records: readonly StreamRecord[]): Pick<Outcome, 'values' | 'offsets'> {
  return {
    values: records.map(({ value }) => Buffer.from(value ?? []).toString()),
    offsets: records.map(({ offset }) => offset),
  };
}

/** Appends each batch of values, and expects each to be acknowledged. */
export async function append(
  stream: Stream,
  topic: TopicIdentity,
  ...batches: readonly (readonly string[])[]
): Promise<bigint[]> {
  const appender = await stream.appender(topic);
  const offsets: bigint[] = [];
  for (const values of batches) {
    const outcome = await appender.append(0, encode(...values));
    assert.ok(outcome.kind === 'acknowledged', 'error' in outcome ? outcome.error.message : '');
    offsets.push(outcome.baseOffset);
  }
  await appender.close();
  return offsets;
}
