import assert from 'node:assert/strict';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readCheckpointRecords } from '../../../stream/checkpoint-topic.js';
import { type ReadOptions, type ReadRange, readRange } from '../../../stream/read.js';
import type { Stream, TopicIdentity } from '../../../stream/stream.js';
import { append, createTopic, openIn, temporaryFolder } from './segments/support.js';

const IMPATIENT = { timeoutMs: 100 };

async function offsetsOf(
  stream: Stream,
  topic: TopicIdentity,
  range: Omit<ReadRange, 'partition'>,
  options: ReadOptions = {},
): Promise<bigint[]> {
  const offsets: bigint[] = [];
  for await (const fetched of readRange(stream, topic, { partition: 0, ...range }, options)) {
    for (const batch of fetched.batches) offsets.push(...batch.offsets);
  }
  return offsets;
}

test('a range ends at the high watermark of its start, or where asked', async (context) => {
  const stream = await openIn(context, await temporaryFolder(context));
  const topic = await createTopic(stream, 'audit');
  assert.deepEqual(await offsetsOf(stream, topic, { from: 0n }), []);
  await append(stream, topic, ['a', 'b'], ['c'], ['d']);
  assert.deepEqual(await offsetsOf(stream, topic, { from: 0n }), [0n, 1n, 2n, 3n]);
  assert.deepEqual(await offsetsOf(stream, topic, { from: 4n }), []);
  const some = await offsetsOf(stream, topic, { from: 1n, until: 3n }, { maxBytes: 1 });
  assert.deepEqual(some, [1n, 2n]);
});

test('waiting for what never comes ends in class retry', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, join(root, 'stream'));
  const topic = await createTopic(stream, 'audit');
  await append(stream, topic, ['a']);
  const late = offsetsOf(stream, topic, { from: 0n, until: 9n }, IMPATIENT);
  await assert.rejects(late, { code: 'timeout', class: 'retry' });
  await rename(join(root, 'stream'), join(root, 'away'));
  await assert.rejects(offsetsOf(stream, topic, { from: 0n }, IMPATIENT), { code: 'unreachable' });
  const waiting = offsetsOf(stream, topic, { from: 0n });
  await rename(join(root, 'away'), join(root, 'stream'));
  assert.deepEqual(await waiting, [0n]);
});

test('an error that waiting cannot mend is thrown at once', async (context) => {
  const stream = await openIn(context, await temporaryFolder(context));
  const topic = await createTopic(stream, 'audit');
  await append(stream, topic, ['a']);
  const outside = offsetsOf(stream, topic, { from: 5n, until: 9n });
  await assert.rejects(outside, { code: 'offset-out-of-range' });
  const other = { ...topic, topicId: 'Qk9vVGhpbmdzQXJlSGVyZQ' };
  await assert.rejects(offsetsOf(stream, other, { from: 0n }), { code: 'topic-recreated' });
  const nowhere = { topic: 'nowhere', topicId: topic.topicId };
  await assert.rejects(offsetsOf(stream, nowhere, { from: 0n }), { code: 'topic-missing' });
});

test('an aborted read ends with the reason', async (context) => {
  const stream = await openIn(context, await temporaryFolder(context));
  const topic = await createTopic(stream, 'audit');
  const controller = new AbortController();
  const options = { signal: controller.signal };
  const reading = offsetsOf(stream, topic, { from: 0n, until: 1n }, options);
  controller.abort(new Error('enough'));
  await assert.rejects(reading, { message: 'enough' });
});

test('a checkpoint topic is read whole, oldest first', async (context) => {
  const stream = await openIn(context, await temporaryFolder(context));
  const topic = await createTopic(stream, 'audit.checkpoints');
  await append(stream, topic, ['a', 'b'], ['c']);
  const values: string[] = [];
  for await (const { value } of readCheckpointRecords(stream, topic)) {
    values.push(Buffer.from(value ?? []).toString());
  }
  assert.deepEqual(values, ['a', 'b', 'c']);
});
