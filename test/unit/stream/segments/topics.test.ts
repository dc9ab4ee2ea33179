import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { stampLog } from '../../../../stream/batch/stamp.js';
import { openStream } from '../../../../stream/open.js';
import { FileLock } from '../../../../stream/segments/lock.js';
import type { Ownership } from '../../../../stream/stream.js';
import {
  append,
  createTopic,
  encode,
  FIRST_SEGMENT,
  openIn,
  readPartition,
  stored,
  storedPartition,
  TOPIC_ID,
  temporaryFolder,
} from './support.js';

/** It would wait for ever where it fails. */
const PATIENT = { timeout: 60_000 };
const BAD_NAMES = [
  '',
  '.',
  '..',
  'a/b',
  '../a',
  'a\0b',
  'a'.repeat(201),
  '.checkpoints',
  'ä',
  'a b',
];

test('a folder that is not there is unreachable, never a missing topic', async (context) => {
  const root = join(await temporaryFolder(context), 'absent');
  const stream = await openIn(context, root);
  const topic = { topic: 'audit', topicId: TOPIC_ID };
  await assert.rejects(stream.describe('audit'), { code: 'unreachable', class: 'retry' });
  await assert.rejects(stream.reader(topic), { code: 'unreachable' });
  await assert.rejects(stream.appender(topic), { code: 'unreachable' });
  const [bounds] = await stream.bounds(topic, [0]);
  assert.ok(bounds && 'code' in bounds && bounds.code === 'unreachable');
  await createTopic(stream, 'audit');
  assert.equal(await stream.describe('other'), null);
});

test('a folder that goes away while reading is unreachable, and may come back', async (context) => {
  const root = join(await temporaryFolder(context), 'stream');
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit');
  await append(stream, topic, ['a']);
  const reader = await stream.reader(topic);
  reader.seek({ partition: 0, offset: 0n });
  const kept = await readFile(join(root, 'audit-0', FIRST_SEGMENT));
  await rm(root, { recursive: true });
  const [gone] = await reader.poll(20);
  assert.equal(gone?.error?.code, 'unreachable');
  assert.equal(gone?.next.offset, 0n);
  await storedPartition(root, 'audit-0', { [FIRST_SEGMENT]: kept }, topic.topicId);
  const [back] = await reader.poll(1000);
  assert.equal(back?.next.offset, 1n);
});

test('an append makes nothing where the folder went away: it is unreachable for all', async (context) => {
  const parent = await temporaryFolder(context);
  const root = join(parent, 'stream');
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit', 2);
  const appender = await stream.appender(topic);
  context.after(() => appender.close());
  assert.equal((await appender.append(0, encode('a'))).kind, 'acknowledged');
  await rename(root, join(parent, 'unmounted'));
  const unreachable = async (): Promise<void> => {
    for (const partition of [0, 1]) {
      const outcome = await appender.append(partition, encode('b'));
      assert.ok(outcome.kind === 'rejected' && outcome.error.code === 'unreachable');
    }
    await assert.rejects(stream.describe('audit'), { code: 'unreachable' });
  };
  await unreachable();
  // What a mount leaves behind.
  await mkdir(root);
  await unreachable();
  await rmdir(root);
  await rename(join(parent, 'unmounted'), root);
  for (const partition of [0, 1]) {
    assert.equal((await appender.append(partition, encode('b'))).kind, 'acknowledged');
  }
  assert.deepEqual((await readPartition(stream, topic)).values, ['a', 'b']);
});

test(
  'whoever owned partitions while the folder went away owns all when it is back',
  PATIENT,
  async (context) => {
    const parent = await temporaryFolder(context);
    const root = join(parent, 'stream');
    const stream = await openIn(context, root);
    const topic = await createTopic(stream, 'audit', 3);
    const own = () =>
      new Promise<Ownership>((resolve, reject) => {
        const onChange = (partitions: ReadonlySet<number>): void => {
          if (partitions.size === 3) resolve(owning);
        };
        const owning = stream.own(topic, { group: 'g', onChange, onError: reject });
        owning.catch(reject);
      });
    const before = await own();
    await rename(root, join(parent, 'unmounted'));
    await before.close();
    await rename(join(parent, 'unmounted'), root);
    await (await own()).close();
  },
);

test('names that are none of a topic are refused', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  for (const topic of BAD_NAMES) {
    const specification = { topic, partitions: 1, replication: 1, settings: new Map() };
    await assert.rejects(stream.describe(topic), { code: 'malformed' }, topic);
    await assert.rejects(stream.createTopic(specification), { code: 'malformed' }, topic);
  }
  assert.deepEqual(await readdir(root), []);
  await createTopic(stream, 'audit.checkpoints');
});

test('specifications that cannot be kept are refused', async (context) => {
  const stream = await openIn(context, await temporaryFolder(context));
  const make = (partitions: number, ...settings: [string, string][]) =>
    stream.createTopic({ topic: 'audit', partitions, replication: 1, settings: new Map(settings) });
  for (const partitions of [0, -1, 1.5, 10_001, Number.NaN]) {
    await assert.rejects(make(partitions), { code: 'configuration' }, String(partitions));
  }
  await assert.rejects(make(1, ['segment.bytes', '12']), { code: 'configuration' });
  await assert.rejects(make(1, ['message.timestamp.type', 'CreateTime']), { code: 'unsupported' });
  await assert.rejects(stream.describe('audit'), { code: 'unreachable' }, 'still an empty folder');
});

test('a topic stands on the disk as Kafka writes it, settings beside', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const settings = new Map([
    ['retention.ms', '-1'],
    ['__proto__', 'x'],
  ]);
  const topic = await createTopic(stream, 'audit', 2, settings);
  assert.deepEqual([...topic.settings], [...settings, ['message.timestamp.type', 'LogAppendTime']]);
  const metadata = await readFile(join(root, 'audit-1', 'partition.metadata'), 'latin1');
  assert.equal(metadata, `version: 0\ntopic_id: ${topic.topicId}`);
  assert.equal((await stat(join(root, 'audit-1', FIRST_SEGMENT))).size, 0);
  assert.deepEqual(await (await openIn(context, root)).describe('audit'), topic);
});

test('what a killed creation left is no topic and is made anew', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const old = await createTopic(stream, 'audit', 3);
  await rm(join(root, 'audit-0'), { recursive: true });
  await mkdir(join(root, '.sealstream-new-left-over', 'audit-0'), { recursive: true });
  assert.equal(await stream.describe('audit'), null);
  const topic = await createTopic(stream, 'audit', 2);
  assert.notEqual(topic.topicId, old.topicId);
  assert.deepEqual((await readdir(root)).sort(), ['.sealstream', 'audit-0', 'audit-1']);
});

test('a topic whose partition 0 was taken away is still there if it holds data', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit', 2);
  await writeFile(join(root, 'audit-1', FIRST_SEGMENT), stored(0n, 'a'));
  await rm(join(root, 'audit-0'), { recursive: true });
  assert.deepEqual(await stream.describe('audit'), topic);
  const specification = { topic: 'audit', partitions: 2, replication: 1, settings: new Map() };
  assert.equal(await stream.createTopic(specification), false);
  const [zero, one] = await stream.bounds(topic, [0, 1]);
  assert.ok(zero && 'code' in zero && zero.code === 'partition-missing');
  assert.ok(one && 'highWatermark' in one && one.highWatermark === 1n);
});

test('settings that are damaged are unreadable', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  await createTopic(stream, 'audit');
  for (const text of [
    '',
    'null',
    '{"version":2,"partitions":1,"settings":[]}',
    '{"version":1,"partitions":1e9,"settings":[]}',
    '{"version":1,"partitions":1,"settings":[["a"]]}',
    '{"version":1,"partitions":1,"settings":{}}',
  ]) {
    await writeFile(join(root, 'audit-0', 'sealstream.json'), text);
    await assert.rejects(stream.describe('audit'), { code: 'unreadable' }, text);
  }
});

test('segments roll by size and are read through and into', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit', 1, new Map([['segment.bytes', '1024']]));
  const values = Array.from({ length: 90 }, (_, n) => `value ${n}`);
  const batches = Array.from({ length: 30 }, (_, n) => values.slice(3 * n, 3 * n + 3));
  await append(stream, topic, ...batches);
  const files = (await readdir(join(root, 'audit-0'))).filter((name) => name.endsWith('.log'));
  assert.ok(files.length > 2, `${files.length} segments`);
  for (const file of files) assert.ok((await stat(join(root, 'audit-0', file))).size <= 1024);
  for (let from = 0; from <= 90; from += 1) {
    const read = await readPartition(stream, topic, 0, BigInt(from));
    assert.deepEqual([read.values, read.error], [values.slice(from), null]);
  }
});

test('log append time never goes back, over segments and openings too', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit');
  const future = BigInt(Date.now()) + 3_600_000n;
  const ahead = Buffer.from(stored(0n, 'a'));
  const stamp = { baseOffset: 0n, leaderEpoch: 0, logAppendTime: future };
  await writeFile(join(root, 'audit-0', FIRST_SEGMENT), stampLog(ahead, stamp));
  await writeFile(join(root, 'audit-0', '00000000000000000001.log'), '');
  for (let opening = 0; opening < 2; opening += 1) {
    const appender = await (await openIn(context, root)).appender(topic);
    const outcome = await appender.append(0, encode('b'));
    assert.ok(outcome.kind === 'acknowledged');
    assert.equal(outcome.timestamp, future);
    await appender.close();
  }
});

test('a batch that is not whole, or too large, is rejected', async (context) => {
  const stream = await openIn(context, await temporaryFolder(context));
  const appender = await stream.appender(await createTopic(stream, 'audit'));
  const { bytes, count } = encode('a', 'b');
  const cases = [
    { bytes: bytes.subarray(0, 60), count },
    { bytes: bytes.subarray(0, -1), count },
    { bytes: Buffer.concat([bytes, bytes]), count },
    { bytes, count: 1 },
    { bytes: Buffer.from(bytes).fill(0, 70), count },
    { bytes: new Uint8Array(0), count: 0 },
  ];
  for (const batch of cases) {
    const outcome = await appender.append(0, batch);
    assert.ok(outcome.kind === 'rejected' && outcome.error.class === 'data');
  }
  const large = await appender.append(0, { bytes: new Uint8Array(64 * 1024 * 1024), count: 1 });
  assert.ok(large.kind === 'rejected' && large.error.code === 'record-too-large');
});

test('an append that waits for a lock until its deadline is rejected: nothing was written', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit');
  const lock = new FileLock(join(root, '.sealstream', 'audit-0.append'));
  assert.equal(lock.tryAcquire(), true);
  const appender = await stream.appender(topic, { deadlineMs: 30 });
  const late = await appender.append(0, encode('late'));
  assert.ok(late.kind === 'rejected' && late.error.code === 'busy', late.kind);
  lock.release();
  await append(stream, topic, ['a']);
  await appender.close();
  assert.deepEqual((await readPartition(stream, topic)).values, ['a']);
});

test('urls name a folder, or are a configuration error', async (context) => {
  const root = await temporaryFolder(context);
  await createTopic(await openIn(context, root), 'audit');
  const stream = await openStream(pathToFileURL(root).href);
  assert.equal((await stream.describe('audit'))?.partitions, 1);
  await stream.close();
  for (const url of ['', 'file:', 'audit', '/data', 'http://host/', 'file:a\0b', 'file://host/x']) {
    await assert.rejects(openStream(url), { code: 'configuration' }, url);
  }
  const file = join(root, 'audit-0', FIRST_SEGMENT);
  await assert.rejects((await openIn(context, file)).describe('audit'), { code: 'configuration' });
  await assert.rejects(openStream('ftp://user:secret@host/'), (error: Error) => {
    return !error.message.includes('secret');
  });
});
