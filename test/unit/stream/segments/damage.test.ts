import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFile,
  mkdir,
  readdir,
  readFile,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { TopicIdentity } from '../../../../stream/stream.js';
import {
  append,
  createTopic,
  encode,
  FIRST_SEGMENT,
  type Outcome,
  openIn,
  readPartition,
  stored,
  storedPartition,
  TOPIC_ID,
  temporaryFolder,
} from './support.js';

const TOPIC: TopicIdentity = { topic: 'audit', topicId: TOPIC_ID };
const VALUES = ['a', 'b', 'c', 'd', 'e'];
const FIRST = [stored(0n, 'a', 'b'), stored(2n, 'c')];
const SECOND = [stored(3n, 'd'), stored(4n, 'e')];
const SECOND_SEGMENT = '00000000000000000003.log';

function assertPrefix(outcome: Outcome, place: string): void {
  assert.deepEqual(outcome.values, VALUES.slice(0, outcome.values.length), place);
  if (outcome.error !== null) assert.equal(outcome.error.class, 'data', outcome.error.message);
}

/** Reads the two segments with `name` replaced by `bytes`. */
async function readWith(
  context: TestContext,
): Promise<(name: string, bytes: Uint8Array) => Promise<Outcome>> {
  const root = await temporaryFolder(context);
  const segments = {
    [FIRST_SEGMENT]: Buffer.concat(FIRST),
    [SECOND_SEGMENT]: Buffer.concat(SECOND),
  };
  const stream = await openIn(context, root);
  return async (name, bytes) => {
    await storedPartition(root, 'audit-0', { ...segments, [name]: bytes });
    return readPartition(stream, TOPIC);
  };
}

test('a log cut at any byte ends at its last whole batch', async (context) => {
  const read = await readWith(context);
  const whole = Buffer.concat(SECOND);
  const boundary = SECOND[0]?.length ?? 0;
  for (let length = 0; length <= whole.length; length += 1) {
    const outcome = await read(SECOND_SEGMENT, whole.subarray(0, length));
    const left = length < boundary ? 3 : length < whole.length ? 4 : 5;
    assert.equal(outcome.error, null, `cut at ${length}`);
    assert.deepEqual(outcome.values, VALUES.slice(0, left), `cut at ${length}`);
    assert.equal(outcome.highWatermark, BigInt(left));
  }
});

test('a segment cut before a later one is corrupt', async (context) => {
  const read = await readWith(context);
  const whole = Buffer.concat(FIRST);
  const boundary = FIRST[0]?.length ?? 0;
  for (let length = 1; length < whole.length; length += 1) {
    if (length === boundary) continue;
    const outcome = await read(FIRST_SEGMENT, whole.subarray(0, length));
    assertPrefix(outcome, `cut at ${length}`);
    assert.equal(outcome.error?.code, 'batch-corrupt', `cut at ${length}`);
  }
});

test('a flipped bit at any byte is an error, or hides no more than the last batch', async (context) => {
  const read = await readWith(context);
  for (const [name, batches] of [
    [FIRST_SEGMENT, FIRST],
    [SECOND_SEGMENT, SECOND],
  ] as const) {
    const whole = Buffer.concat(batches);
    const boundary = batches[0]?.length ?? 0;
    for (let at = 0; at < whole.length; at += 1) {
      const bytes = Buffer.from(whole);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
      const place = `${name} byte ${at}`;
      const outcome = await read(name, bytes);
      assertPrefix(outcome, place);
      const field = at < boundary ? at : at - boundary;
      // The CRC covers neither base offset nor leader epoch.
      if (field >= 12 && field < 16) continue;
      if (field < 8) {
        const moved = outcome.offsets.some((offset, index) => offset !== BigInt(index));
        assert.ok(moved || outcome.error?.code === 'batch-corrupt', place);
        continue;
      }
      const last = name === SECOND_SEGMENT && at >= boundary;
      if (last) assert.equal(outcome.highWatermark, 4n, place);
      else assert.equal(outcome.error?.code, 'batch-corrupt', place);
    }
  }
});

test('garbage is never read as records', async (context) => {
  const read = await readWith(context);
  for (const [fill, length] of [
    [0x00, 5000],
    [0x02, 5000],
    [0xff, 5000],
    [0x02, 3 * 1024 * 1024],
  ] as const) {
    const garbage = Buffer.alloc(length, fill);
    const place = `${length} × ${fill}`;
    const first = await read(FIRST_SEGMENT, garbage);
    assert.deepEqual([first.values, first.error?.code], [[], 'batch-corrupt'], place);
    const middle = Buffer.concat([FIRST[0] ?? garbage, garbage]);
    const second = await read(FIRST_SEGMENT, middle);
    assert.deepEqual([second.values, second.error?.code], [['a', 'b'], 'batch-corrupt'], place);
    const before = Buffer.concat([garbage, ...SECOND]);
    const third = await read(SECOND_SEGMENT, before);
    assert.deepEqual([third.values, third.error?.code], [['a', 'b', 'c'], 'batch-corrupt'], place);
    const tail = await read(SECOND_SEGMENT, Buffer.concat([...SECOND, garbage]));
    assert.deepEqual([tail.values, tail.error], [VALUES, null], place);
  }
});

test('a stream that is open sees its log damaged in place', async (context) => {
  const root = await temporaryFolder(context);
  const whole = Buffer.concat(FIRST);
  await storedPartition(root, 'audit-0', { [FIRST_SEGMENT]: whole });
  const stream = await openIn(context, root);
  const bounds = async () => stream.bounds(TOPIC, [0]);
  assert.deepEqual(await bounds(), [{ partition: 0, logStart: 0n, highWatermark: 3n }]);
  const file = join(root, 'audit-0', FIRST_SEGMENT);
  const damaged = Buffer.from(whole);
  damaged[whole.length - 1] = (damaged[whole.length - 1] ?? 0) ^ 1;
  await writeFile(file, damaged);
  // Two writes may fall into one tick of the file's clock.
  await utimes(file, 1, 1);
  assert.equal((await readPartition(stream, TOPIC)).highWatermark, 2n);
  assert.deepEqual(await bounds(), [{ partition: 0, logStart: 0n, highWatermark: 2n }]);
});

test('a rest too long to be a write that was cut short is an error', async (context) => {
  const root = await temporaryFolder(context);
  await storedPartition(root, 'audit-0', { [FIRST_SEGMENT]: Buffer.concat(FIRST) });
  await truncate(join(root, 'audit-0', FIRST_SEGMENT), 10 * 1024 ** 4);
  const outcome = await readPartition(await openIn(context, root), TOPIC);
  assert.deepEqual([outcome.values, outcome.error?.code], [['a', 'b', 'c'], 'batch-corrupt']);
});

test('a reader changes nothing, an appender cuts a torn end off and keeps it', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit');
  await append(stream, topic, ['a'], ['b']);
  const file = join(root, 'audit-0', FIRST_SEGMENT);
  const torn = stored(2n, 'torn').subarray(0, 65);
  await appendFile(file, torn);
  const before = await readFile(file);

  const reading = await openIn(context, root);
  assert.deepEqual((await readPartition(reading, topic)).values, ['a', 'b']);
  assert.deepEqual(await readFile(file), before);

  assert.deepEqual(await append(stream, topic, ['c']), [2n]);
  assert.deepEqual((await readPartition(reading, topic)).values, ['a', 'b', 'c']);
  const kept = (await readdir(join(root, 'audit-0'))).filter((name) => name.endsWith('.torn'));
  assert.equal(kept.length, 1);
  assert.deepEqual(await readFile(join(root, 'audit-0', kept[0] ?? '')), Buffer.from(torn));
});

test('an appender never cuts off damage that whole batches follow', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit');
  await append(stream, topic, ['a'], ['b'], ['c']);
  const file = join(root, 'audit-0', FIRST_SEGMENT);
  const bytes = await readFile(file);
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await writeFile(file, bytes);
  const appender = await (await openIn(context, root)).appender(topic);
  const outcome = await appender.append(0, encode('d'));
  assert.ok(outcome.kind === 'rejected' && outcome.error.code === 'batch-corrupt');
  assert.deepEqual(await readFile(file), bytes);
});

test('links, pipes and folders in place of segments are not followed', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const makers = {
    link: (path: string) => symlink('/dev/zero', path),
    pipe: async (path: string) => void execFileSync('/usr/bin/env', ['mkfifo', path]),
    folder: (path: string) => mkdir(path),
  };
  for (const [name, make] of Object.entries(makers)) {
    await storedPartition(root, `${name}-0`, {});
    await make(join(root, `${name}-0`, FIRST_SEGMENT));
    const [bounds] = await stream.bounds({ topic: name, topicId: TOPIC_ID }, [0]);
    assert.ok(bounds && 'code' in bounds && bounds.code === 'unreadable', name);
  }
  await storedPartition(root, 'elsewhere', {});
  await symlink(join(root, 'elsewhere'), join(root, 'linked-0'));
  assert.equal(await stream.describe('linked'), null);
});

test('metadata that is missing or wrong is unreadable', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const file = join(root, 'audit-0', 'partition.metadata');
  await storedPartition(root, 'audit-0', { [FIRST_SEGMENT]: stored(0n, 'a') });
  for (const text of ['', 'version: 1\ntopic_id: x', `version: 0\ntopic_id: ${'A'.repeat(22)}`]) {
    await writeFile(file, text);
    await assert.rejects(stream.describe('audit'), { code: 'unreadable' }, text);
  }
  await truncate(file, 2 ** 40);
  await assert.rejects(stream.describe('audit'), { code: 'unreadable' });
});
