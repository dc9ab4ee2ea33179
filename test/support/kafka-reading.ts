import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordParts } from '../../ledger/records.js';
import type { Fetched, Reader, Stream, TopicDescription } from '../../stream/stream.js';
import { withAdmin } from './kafka-admin.js';

const PATIENCE_MS = 60_000;

/** Resolves when the topic is gone. */
export async function deleteTopic(bootstrap: string, stream: Stream, topic: string): Promise<void> {
  await withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [topic] }));
  const deadline = performance.now() + PATIENCE_MS;
  while ((await stream.describe(topic)) !== null) {
    if (performance.now() > deadline) assert.fail(`topic ${topic} is still there`);
    await sleep(50);
  }
}

/** As an administrator does: the log then starts at `offset`. */
export async function deleteRecords(
  bootstrap: string,
  topic: string,
  partition: number,
  offset: bigint,
): Promise<void> {
  await withAdmin(bootstrap, async (admin) => {
    // Loads the metadata that deleteTopicRecords expects to be there.
    await admin.fetchTopicOffsets(topic);
    const partitions = [{ partition, offset: offset.toString() }];
    await admin.deleteTopicRecords({ topic, partitions });
  });
}

export async function newTopic(
  stream: Stream,
  { partitions = 1, replication = 1 } = {},
): Promise<TopicDescription> {
  const topic = `fetch-${randomBytes(6).toString('hex')}`;
  const settings = new Map([['message.timestamp.type', 'LogAppendTime']]);
  assert.equal(await stream.createTopic({ topic, partitions, replication, settings }), true);
  const description = await stream.describe(topic);
  assert.ok(description !== null);
  return description;
}

export function record(text: string): RecordParts {
  return { key: null, value: Buffer.from(text), headers: [] };
}

/** Polls until `enough` of what came; errors of class retry are kept where `withRetries`. */
export async function pollUntil(
  reader: Reader,
  enough: (all: readonly Fetched[]) => boolean,
  { withRetries = false } = {},
): Promise<readonly Fetched[]> {
  const all: Fetched[] = [];
  const deadline = performance.now() + PATIENCE_MS;
  while (performance.now() < deadline) {
    for (const fetched of await reader.poll(500)) {
      if (withRetries || fetched.error?.class !== 'retry') all.push(fetched);
    }
    if (enough(all)) return all;
  }
  return assert.fail(`what was waited for never came; ${all.length} reports did`);
}

export function values(all: readonly Fetched[], partition = 0): string[] {
  return all
    .filter((one) => one.partition === partition)
    .flatMap(({ batches }) => batches)
    .flatMap((batch) => Array.from({ length: batch.count }, (_, index) => batch.record(index)))
    .map(({ value }) => (value === null ? 'null' : Buffer.from(value).toString()));
}

export function errorCodes(all: readonly Fetched[]): string[] {
  return all.flatMap(({ error }) => (error === null ? [] : [error.code]));
}
