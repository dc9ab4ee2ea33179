import assert from 'node:assert/strict';
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Bounds } from '../../../../stream/stream.js';
import {
  encode,
  FIRST_SEGMENT,
  openIn,
  readPartition,
  stored,
  storedPartition,
  TOPIC_ID,
  temporaryFolder,
} from './support.js';

const TOPIC = { topic: 'audit', topicId: TOPIC_ID };
const BATCHES = [stored(0n, 'a', 'b'), stored(2n, 'c', 'd'), stored(4n, 'e', 'f')];
const OTHER_ID = 'T3RoZXJUb3BpY09uRGlzaw';

/** A stopped broker's log directory with the topic's partitions 0 and 2. */
async function brokerFolder(root: string, clean: boolean): Promise<void> {
  const segments = { [FIRST_SEGMENT]: Buffer.concat(BATCHES) };
  for (const name of ['audit-0', 'audit-2']) await storedPartition(root, name, segments);
  const ignored = ['.index', '.timeindex', '.snapshot', '.log.deleted'];
  for (const suffix of ignored) {
    await writeFile(join(root, 'audit-0', `00000000000000000002${suffix}`), 'not a log');
  }
  await writeFile(join(root, 'audit-0', 'leader-epoch-checkpoint'), '0\n1\n0 0\n');
  await storedPartition(root, `audit-1.${'0'.repeat(32)}-delete`, segments);
  await storedPartition(root, `audit-3.${'0'.repeat(32)}-stray`, segments);
  await storedPartition(root, '__consumer_offsets-0', segments);
  await storedPartition(root, 'audit-log-7', segments);
  await writeFile(join(root, 'meta.properties'), 'version=1\n');
  if (clean) await writeFile(join(root, '.kafka_cleanshutdown'), '{"version":0}');
}

async function checkpoint(root: string, name: string, ...lines: string[]): Promise<void> {
  await writeFile(
    join(root, name),
    `0\n${lines.length}\n${lines.map((line) => `${line}\n`).join('')}`,
  );
}

test("a stopped broker's topics are found by their folders alone", async (context) => {
  const root = await temporaryFolder(context);
  await brokerFolder(root, true);
  const stream = await openIn(context, root);
  const found = await stream.describe('audit');
  assert.deepEqual([found?.topicId, found?.partitions, found?.settings.size], [TOPIC_ID, 3, 0]);
  assert.equal((await stream.describe('audit-log'))?.partitions, 8);
  assert.equal(await stream.describe('__consumer_offsets'), null);
  assert.equal(await stream.describe('audit-log-7'), null);
  const [zero, one] = await stream.bounds(TOPIC, [0, 1]);
  assert.deepEqual(zero, { partition: 0, logStart: 0n, highWatermark: 6n });
  assert.ok(one && 'code' in one && one.code === 'partition-missing');
  assert.deepEqual((await readPartition(stream, TOPIC, 2)).values, ['a', 'b', 'c', 'd', 'e', 'f']);
});

test('after an orderly stop the recorded offsets bound what is read', async (context) => {
  const root = await temporaryFolder(context);
  await brokerFolder(root, true);
  await checkpoint(root, 'log-start-offset-checkpoint', 'other 0 9', 'audit 0 1');
  await checkpoint(root, 'replication-offset-checkpoint', 'audit 2 2', 'audit 0 4');
  const stream = await openIn(context, root);
  assert.deepEqual(await stream.bounds(TOPIC, [0]), [
    { partition: 0, logStart: 1n, highWatermark: 4n },
  ]);
  const read = await readPartition(stream, TOPIC, 0, 1n);
  assert.deepEqual([read.values, read.error], [['b', 'c', 'd'], null]);
  const before = await readPartition(stream, TOPIC, 0, 0n);
  assert.equal(before.error?.code, 'offset-out-of-range');
  assert.deepEqual((await readPartition(stream, TOPIC, 2)).values, ['a', 'b']);
});

test('after a crash the recorded high watermark may be old, and the end counts', async (context) => {
  const root = await temporaryFolder(context);
  await brokerFolder(root, false);
  await checkpoint(root, 'replication-offset-checkpoint', 'audit 0 2');
  const stream = await openIn(context, root);
  assert.equal((await readPartition(stream, TOPIC)).highWatermark, 6n);
});

test('below a recorded high watermark a broken end is corrupt, a cut one is short', async (context) => {
  const root = await temporaryFolder(context);
  await brokerFolder(root, true);
  await checkpoint(root, 'replication-offset-checkpoint', 'audit 0 6');
  const stream = await openIn(context, root);
  const whole = Buffer.concat(BATCHES);
  const flipped = Buffer.from(whole);
  flipped[whole.length - 1] = (flipped[whole.length - 1] ?? 0) ^ 1;
  for (const bytes of [flipped, whole.subarray(0, -1)]) {
    await storedPartition(root, 'audit-0', { [FIRST_SEGMENT]: bytes });
    const { values, error, highWatermark } = await readPartition(stream, TOPIC);
    assert.deepEqual([values, error?.code], [['a', 'b', 'c', 'd'], 'batch-corrupt']);
    assert.equal(highWatermark, 6n);
  }
  const cut = Buffer.concat(BATCHES.slice(0, 2));
  await storedPartition(root, 'audit-0', { [FIRST_SEGMENT]: cut });
  const { error, highWatermark } = await readPartition(stream, TOPIC);
  assert.deepEqual([error, highWatermark], [null, 4n]);
});

test('offset checkpoints that are damaged are unreadable, never guessed at', async (context) => {
  const root = await temporaryFolder(context);
  await brokerFolder(root, true);
  const stream = await openIn(context, root);
  for (const text of [
    '',
    'x',
    '1\n0\n',
    '0\n2\naudit 0 1\n',
    '0\n1\naudit 0 -1\n',
    '0\n1\naudit 0\n',
  ]) {
    await writeFile(join(root, 'replication-offset-checkpoint'), text);
    const [bounds] = await stream.bounds(TOPIC, [0]);
    assert.ok(bounds && 'code' in bounds && bounds.code === 'unreadable', JSON.stringify(text));
  }
});

test("nothing is written to a broker's folder, nor to a copy of its topics", async (context) => {
  const root = await temporaryFolder(context);
  await brokerFolder(root, true);
  const stream = await openIn(context, root);
  const listing = async () => (await readdir(root, { recursive: true })).sort();
  const before = await listing();
  const refused = { code: 'unsupported' };
  const own = { group: 'g', onChange: () => undefined, onError: () => undefined };
  await assert.rejects(stream.appender(TOPIC), refused);
  await assert.rejects(stream.own(TOPIC, own), refused);
  const specification = { topic: 'new', partitions: 1, replication: 1, settings: new Map() };
  await assert.rejects(stream.createTopic(specification), refused);
  assert.deepEqual((await readPartition(stream, TOPIC)).error, null);
  await rm(join(root, 'meta.properties'));
  await assert.rejects(stream.appender(TOPIC), refused);
  assert.equal(before.length - 1, (await listing()).length);
});

test('a folder that becomes a broker’s is appended to no more', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  await stream.createTopic({ topic: 'audit', partitions: 1, replication: 1, settings: new Map() });
  const found = await stream.describe('audit');
  assert.ok(found);
  const appender = await stream.appender(found);
  await writeFile(join(root, 'meta.properties'), '');
  const outcome = await appender.append(0, encode('a'));
  assert.ok(outcome.kind === 'rejected' && outcome.error.code === 'unsupported');
});

test('a partition of another topic id was made anew', async (context) => {
  const root = await temporaryFolder(context);
  await brokerFolder(root, true);
  await storedPartition(root, 'audit-2', {}, OTHER_ID);
  const [zero, two] = await (await openIn(context, root)).bounds(TOPIC, [0, 2]);
  assert.equal((zero as Bounds).highWatermark, 6n);
  assert.ok(two && 'code' in two && two.code === 'topic-recreated');
});

test('compacted logs with holes are read over them', async (context) => {
  const root = await temporaryFolder(context);
  await storedPartition(root, 'audit-0', {
    [FIRST_SEGMENT]: Buffer.concat([stored(0n, 'a'), stored(7n, 'b')]),
    '00000000000000000020.log': stored(25n, 'c'),
    '00000000000000000030.log': Buffer.alloc(0),
  });
  const stream = await openIn(context, root);
  for (const [from, expected] of [
    [0n, [0n, 7n, 25n]],
    [1n, [7n, 25n]],
    [8n, [25n]],
    [22n, [25n]],
    [26n, []],
  ] as const) {
    const { offsets, error, highWatermark } = await readPartition(stream, TOPIC, 0, from);
    assert.deepEqual([offsets, error, highWatermark], [expected, null, 30n]);
  }
});

test('a partition number beyond reason is refused', async (context) => {
  const root = await temporaryFolder(context);
  await storedPartition(root, 'audit-0', {});
  await mkdir(join(root, 'audit-2147483647'));
  await assert.rejects((await openIn(context, root)).describe('audit'), { code: 'unreadable' });
});

test('an offset beyond 63 bits in a checkpoint file is unreadable, and no exception', async (context) => {
  const root = await temporaryFolder(context);
  await brokerFolder(root, true);
  const stream = await openIn(context, root);
  await checkpoint(root, 'log-start-offset-checkpoint', 'audit 0 9223372036854775808');
  const [bounds] = await stream.bounds(TOPIC, [0]);
  assert.ok(bounds && 'code' in bounds && bounds.code === 'unreadable');
});
