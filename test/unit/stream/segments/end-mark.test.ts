import assert from 'node:assert/strict';
import {
  appendFile,
  mkdir,
  open,
  readdir,
  readFile,
  rm,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { BatchEncoder } from '../../../../stream/batch/encode.js';
import { stampLog } from '../../../../stream/batch/stamp.js';
import { type EndMark, formatMark, readMark } from '../../../../stream/segments/end-mark.js';
import { openSegments } from '../../../../stream/segments/segments.js';
import type { Stream, TopicDescription } from '../../../../stream/stream.js';
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

const BATCHES = [
  stored(0n, 'a', 'b'),
  stored(2n, 'c'),
  stored(3n, 'd', 'e', 'f'),
  stored(6n, 'g'),
  stored(7n, 'h', 'i'),
];
const LOG = Buffer.concat(BATCHES);
const STARTS = BATCHES.map((_, index) => Buffer.concat(BATCHES.slice(0, index)).length);
const OFFSETS = [0n, 2n, 3n, 6n, 7n];
const LAST: EndMark = { segment: 0n, position: STARTS[4] ?? 0, offset: 7n };

interface Scene {
  readonly root: string;
  readonly stream: Stream;
  readonly topic: TopicDescription;
  readonly segment: string;
  readonly mark: string;
}

async function scene(context: TestContext): Promise<Scene> {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit');
  const folder = join(root, 'audit-0');
  return {
    root,
    stream,
    topic,
    segment: join(folder, FIRST_SEGMENT),
    mark: join(folder, 'sealstream.end'),
  };
}

async function highWatermark({ root, topic }: Scene): Promise<bigint> {
  const stream = await openSegments(`file:${root}`);
  const [bounds] = await stream.bounds(topic, [0]);
  await stream.close();
  assert.ok(bounds && 'highWatermark' in bounds);
  return bounds.highWatermark;
}

/**
 * A reader sees of these bytes with the mark what it sees without. `moved`: batches may stand below
 * offsets before them, which with a mark may be read or reported, without one be taken for a torn end.
 */
async function compare(
  at: Scene,
  bytes: Uint8Array,
  mark: EndMark,
  { place, moved }: { readonly place: string; readonly moved: boolean },
): Promise<void> {
  await writeFile(at.segment, bytes);
  await rm(at.mark, { force: true });
  const wanted = await readPartition(at.stream, at.topic);
  await writeFile(at.mark, formatMark(at.topic.topicId, mark));
  const found = await readPartition(at.stream, at.topic);
  const count = moved ? wanted.values.length : found.values.length;
  assert.deepEqual(found.values.slice(0, count), wanted.values, place);
  assert.deepEqual(found.offsets.slice(0, count), wanted.offsets, place);
  if (moved && wanted.error === null) {
    assert.equal(found.error?.code ?? 'batch-corrupt', 'batch-corrupt', place);
    return;
  }
  assert.equal(found.error?.code, wanted.error?.code, place);
  if (found.error === null) assert.equal(found.highWatermark, wanted.highWatermark, place);
}

test('a mark is read as it was written, and changed in any bit it is none', async (context) => {
  const folder = await temporaryFolder(context);
  const file = join(folder, 'sealstream.end');
  assert.equal(readMark(folder, TOPIC_ID), null);
  const text = Buffer.from(formatMark(TOPIC_ID, LAST));
  await writeFile(file, text);
  assert.deepEqual(readMark(folder, TOPIC_ID), LAST);
  assert.equal(readMark(folder, `${TOPIC_ID.slice(0, -1)}x`), null);
  for (let at = 0; at < text.length; at += 1) {
    const changed = Buffer.from(text);
    changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
    await writeFile(file, changed);
    assert.equal(readMark(folder, TOPIC_ID), null, `byte ${at}`);
    await writeFile(file, text.subarray(0, at));
    assert.equal(readMark(folder, TOPIC_ID), null, `cut at ${at}`);
  }
  for (const far of [{ offset: 2n ** 63n }, { position: 2 ** 60 }]) {
    await writeFile(file, formatMark(TOPIC_ID, { ...LAST, ...far }));
    assert.equal(readMark(folder, TOPIC_ID), null);
  }
  await truncate(file, 2 ** 40);
  assert.equal(readMark(folder, TOPIC_ID), null);
  await rm(file);
  await symlink('/dev/zero', file);
  assert.equal(readMark(folder, TOPIC_ID), null);
  await rm(file);
  await mkdir(file);
  assert.equal(readMark(folder, TOPIC_ID), null);
});

test('what is before the mark is not looked at for the end, and met when it is read', async (context) => {
  const at = await scene(context);
  const hole = 2 ** 36;
  const handle = await open(at.segment, 'r+');
  await handle.write(LOG, 0, LOG.length, 0);
  await handle.write(stored(9n, 'j'), 0, null, hole);
  await handle.close();
  assert.equal(await highWatermark(at), 10n);
  await writeFile(
    at.mark,
    formatMark(at.topic.topicId, { segment: 0n, position: hole, offset: 9n }),
  );
  assert.equal(await highWatermark(at), 10n);
  const { values, error } = await readPartition(at.stream, at.topic);
  assert.equal(values.join(''), 'abcdefghi');
  assert.equal(error?.code, 'batch-corrupt');
});

test('with a mark a reader sees of a log with any bit flipped what it sees without', async (context) => {
  const at = await scene(context);
  for (let byte = 0; byte < LOG.length; byte += 1) {
    const bytes = Buffer.from(LOG);
    bytes[byte] = (bytes[byte] ?? 0) ^ (1 << (byte % 8));
    await compare(at, bytes, LAST, { place: `byte ${byte}`, moved: false });
  }
});

const anyMark: fc.Arbitrary<EndMark> = fc.oneof(
  fc.integer({ min: 0, max: 4 }).map((index) => ({
    segment: 0n,
    position: STARTS[index] ?? 0,
    offset: OFFSETS[index] ?? 0n,
  })),
  fc.record({
    segment: fc.constantFrom(0n, 0n, 0n, 3n),
    position: fc.oneof(fc.constantFrom(...STARTS), fc.nat(LOG.length + 100)),
    offset: fc.oneof(fc.constantFrom(...OFFSETS), fc.bigInt({ min: 0n, max: 2n ** 63n - 1n })),
  }),
);

interface Change {
  readonly of: (bytes: Buffer) => Buffer;
  readonly moved: boolean;
}

const anyChange: fc.Arbitrary<Change> = fc.oneof(
  fc.nat(LOG.length).map((length) => ({
    of: (bytes: Buffer) => bytes.subarray(0, length),
    moved: false,
  })),
  fc.uint8Array({ minLength: 1, maxLength: 200 }).map((more) => ({
    of: (bytes: Buffer) => Buffer.concat([bytes, more]),
    moved: false,
  })),
  fc.tuple(fc.nat(LOG.length - 1), fc.nat(100)).map(([from, length]) => ({
    of: (bytes: Buffer) => {
      const { length: end } = bytes;
      return Buffer.from(bytes).fill(0, Math.min(from, end), Math.min(from + length, end));
    },
    moved: true,
  })),
  fc
    .tuple(fc.nat(4), fc.oneof(fc.bigInt({ min: 0n, max: 20n }), fc.constant(2n ** 60n)))
    .map(([index, offset]) => ({
      of: (bytes: Buffer) => {
        const start = STARTS[index] ?? 0;
        const changed = Buffer.from(bytes);
        if (start + 8 <= changed.length) changed.writeBigInt64BE(offset, start);
        return changed;
      },
      moved: true,
    })),
  fc.nat(4).map((index) => ({
    of: (bytes: Buffer) => {
      const [start, end] = [STARTS[index] ?? 0, STARTS[index + 1] ?? LOG.length];
      return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
    },
    moved: false,
  })),
);

test('whatever the mark says of whatever log, a reader misses nothing for it', async (context) => {
  const at = await scene(context);
  const changes = fc.array(anyChange, { maxLength: 2 });
  await fc.assert(
    fc.asyncProperty(changes, anyMark, async (all, mark) => {
      const bytes = all.reduce<Buffer>((before, change) => change.of(before), LOG);
      const moved = all.some((change) => change.moved);
      await compare(at, bytes, mark, { place: bytes.toString('hex'), moved });
    }),
    { numRuns: 200 },
  );
});

test('a base offset that was raised over the end looks the same with a mark', async (context) => {
  const at = await scene(context);
  for (const [index, start] of STARTS.entries()) {
    for (const offset of [0n, 4n, 6n, 7n, 8n, 9n, 20n, 2n ** 60n]) {
      const bytes = Buffer.from(LOG);
      bytes.writeBigInt64BE(offset, start);
      for (const [later, position] of STARTS.entries()) {
        const mark = { segment: 0n, position, offset: OFFSETS[later] ?? 0n };
        const place = `batch ${index} at ${offset}, mark at ${position}`;
        await compare(at, bytes, mark, { place, moved: true });
      }
    }
  }
});

test('a mark that leads to a batch inside a record raises no end that a reader keeps', async (context) => {
  const at = await scene(context);
  // The value of its last header ends a record, and this record the file.
  const inner = stored(1000n, 'forged');
  const encoder = new BatchEncoder();
  const headers = [{ key: Buffer.from('h'), value: inner }];
  assert.ok(encoder.add({ key: null, value: Buffer.from('j'), headers }, 0n));
  const stamp = { baseOffset: 9n, leaderEpoch: 0, logAppendTime: 1_700_000_000_009n };
  const bytes = Buffer.concat([LOG, stampLog(encoder.finish().bytes, stamp)]);
  const mark = { segment: 0n, position: bytes.length - inner.length, offset: 1000n };
  await compare(at, bytes, mark, { place: 'inside a record', moved: false });
  assert.equal(await highWatermark(at), 1001n);
  assert.equal((await readPartition(at.stream, at.topic)).values.join(''), 'abcdefghij');
});

test('where no file says that the log is ours, the mark counts for nothing', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = { topic: 'audit', topicId: TOPIC_ID };
  const log = Buffer.concat([LOG.subarray(0, STARTS[4]), Buffer.alloc(70), BATCHES[4] ?? LOG]);
  await storedPartition(root, 'audit-0', { [FIRST_SEGMENT]: log });
  const mark = formatMark(TOPIC_ID, { segment: 0n, position: (STARTS[4] ?? 0) + 70, offset: 7n });
  await writeFile(join(root, 'audit-0', 'sealstream.end'), mark);
  const { error, values } = await readPartition(stream, topic);
  assert.deepEqual([error?.code, values.join('')], ['batch-corrupt', 'abcdefg']);
});

test('an appender marks the end when it is closed, and not over a later mark', async (context) => {
  const at = await scene(context);
  const one = await at.stream.appender(at.topic);
  await one.append(0, encode('a'));
  const second = await one.append(0, encode('b'));
  const batch = (await readFile(at.segment)).length / 2;
  assert.ok(second.kind === 'acknowledged');
  await append(at.stream, at.topic, ['c'], ['d']);
  const { topicId } = at.topic;
  const folder = join(at.root, 'audit-0');
  const later = { segment: 0n, position: 3 * batch, offset: 3n };
  assert.deepEqual(readMark(folder, topicId), later);
  await one.close();
  assert.deepEqual(readMark(folder, topicId), later);
});

test('an appender marks the end from time to time', async (context) => {
  const at = await scene(context);
  const appender = await at.stream.appender(at.topic);
  const value = 'x'.repeat(512 * 1024);
  for (let n = 0; n < 20; n += 1) await appender.append(0, encode(value));
  const mark = readMark(join(at.root, 'audit-0'), at.topic.topicId);
  assert.ok(mark !== null && mark.offset >= 8n && mark.offset < 20n, `offset ${mark?.offset}`);
  await writeFile(at.mark, 'x');
  assert.equal(await highWatermark(at), 20n);
  await appender.close();
  assert.equal(readMark(join(at.root, 'audit-0'), at.topic.topicId)?.offset, 19n);
});

test('an end that cannot be marked is told, and nothing else', async (context) => {
  const at = await scene(context);
  await mkdir(at.mark);
  const told: string[] = [];
  const tell = (_: unknown, message: string) => void told.push(message);
  const logger = { debug: tell, info: tell, warn: tell, error: tell };
  const stream = await openSegments(`file:${at.root}`, { logger });
  assert.deepEqual(await append(stream, at.topic, ['a'], ['b']), [0n, 1n]);
  await stream.close();
  assert.match(told.join('\n'), /^cannot mark the end/);
  assert.equal((await readPartition(at.stream, at.topic)).values.join(''), 'ab');
});

test('an appender checks what is before the mark, and cuts a torn end after it off', async (context) => {
  const at = await scene(context);
  await append(at.stream, at.topic, ['a'], ['b'], ['c']);
  const whole = await readFile(at.segment);
  const torn = stored(3n, 'torn').subarray(0, 65);
  await appendFile(at.segment, torn);
  assert.equal(await highWatermark(at), 3n);
  assert.deepEqual(await append(at.stream, at.topic, ['d']), [3n]);
  assert.equal(
    (await readdir(join(at.root, 'audit-0'))).filter((n) => n.endsWith('.torn')).length,
    1,
  );
  assert.equal((await readPartition(at.stream, at.topic)).values.join(''), 'abcd');

  const damaged = Buffer.from(whole);
  damaged[65] = (damaged[65] ?? 0) ^ 1;
  await writeFile(at.segment, damaged);
  await writeFile(
    at.mark,
    formatMark(at.topic.topicId, { segment: 0n, position: (2 * whole.length) / 3, offset: 2n }),
  );
  assert.equal(await highWatermark(at), 3n);
  const stream = await openIn(context, at.root);
  const outcome = await (await stream.appender(at.topic)).append(0, encode('e'));
  assert.ok(outcome.kind === 'rejected' && outcome.error.code === 'batch-corrupt');
  assert.deepEqual(await readFile(at.segment), damaged);
});
