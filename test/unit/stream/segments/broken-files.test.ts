import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { append, createTopic, encode, openIn, readPartition, temporaryFolder } from './support.js';

test('an empty folder, as of a volume that is not mounted, is unreachable', async (context) => {
  const root = join(await temporaryFolder(context), 'stream');
  await mkdir(root);
  const stream = await openIn(context, root);
  await assert.rejects(stream.describe('audit'), { code: 'unreachable', class: 'retry' });
  const topic = await createTopic(stream, 'audit');
  assert.equal(await stream.describe('other'), null);
  await rename(root, `${root}.real`);
  await mkdir(root);
  await assert.rejects(stream.reader(topic), { code: 'unreachable' });
  const [bounds] = await stream.bounds(topic, [0]);
  assert.ok(bounds && 'code' in bounds && bounds.code === 'unreachable');
});

test('a plain file that is named as a partition beyond the last is ignored', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit', 2);
  await writeFile(join(root, 'audit-12345'), '');
  assert.deepEqual(await stream.describe('audit'), topic);
  await rm(join(root, 'audit-12345'));
  await mkdir(join(root, 'audit-12345'));
  await assert.rejects(stream.describe('audit'), { code: 'unreadable' });
});

for (const file of ['partition.metadata', 'sealstream.json']) {
  for (const [how, text] of [
    ['missing', null],
    ['garbage', '{'],
  ] as const) {
    test(`${file} of partition 0 ${how}: the others are read and written`, async (context) => {
      const root = await temporaryFolder(context);
      const stream = await openIn(context, root);
      const topic = await createTopic(stream, 'audit', 3);
      await append(stream, topic, ['a']);
      if (text === null) await rm(join(root, 'audit-0', file));
      else await writeFile(join(root, 'audit-0', file), text);
      assert.deepEqual(await stream.describe('audit'), topic);
      const appender = await stream.appender(topic);
      assert.equal((await appender.append(1, encode('b'))).kind, 'acknowledged');
      const refused = await appender.append(0, encode('c'));
      assert.ok(refused.kind === 'rejected' && refused.error.code === 'unreadable', refused.kind);
      assert.deepEqual((await readPartition(stream, topic, 1)).values, ['b']);
      const owned = await new Promise((resolve, onError) => {
        const onChange = (partitions: ReadonlySet<number>) => {
          if (partitions.size > 0) resolve([...partitions]);
        };
        stream.own(topic, { group: 'g', onChange, onError }).catch(onError);
      });
      assert.deepEqual(owned, [0, 1, 2]);
    });
  }
}

test('a folder for locks that is none: an append is rejected, and owning fails', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit');
  await rm(join(root, '.sealstream'), { recursive: true });
  await writeFile(join(root, '.sealstream'), '');
  const appender = await stream.appender(topic);
  assert.equal((await appender.append(0, encode('a'))).kind, 'rejected');
  const options = { group: 'g', onChange: () => undefined, onError: () => undefined };
  await assert.rejects(stream.own(topic, options), { code: 'unreadable' });
});

test('a topic with the longest name is appended to and owned', async (context) => {
  const stream = await openIn(context, await temporaryFolder(context));
  const topic = await createTopic(stream, 'a'.repeat(200));
  await append(stream, topic, ['a']);
  await createTopic(stream, `${topic.topic}.checkpoints`);
  const options = { group: 'g', onChange: () => undefined, onError: () => undefined };
  await (await stream.own(topic, options)).close();
});

test('a lock that cannot be written leaves no file behind', async (context) => {
  const folder = await temporaryFolder(context);
  const lock = new URL('../../../../stream/segments/lock.js', import.meta.url).href;
  const script = `
    const { FileLock } = await import(${JSON.stringify(lock)});
    try {
      new FileLock(${JSON.stringify(join(folder, 'lock'))}).tryAcquire();
    } catch (error) {
      process.stdout.write(error.code);
    }`;
  const program = 'ulimit -f 0; exec "$0" --input-type=module --eval "$1"';
  const told = execFileSync('sh', ['-c', program, process.execPath, script], { encoding: 'utf8' });
  assert.equal(told, 'EFBIG');
  assert.deepEqual(await readdir(folder), []);
});
