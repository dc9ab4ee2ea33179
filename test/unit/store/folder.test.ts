import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openMemory } from '../../../store/folder.js';
import type { MemoryRecord } from '../../../store/memory.js';

const key = { ledger: 'audit.example.com/payments', topic: 'audit', partition: 0 };

function record(first: bigint, note: string | null = null): MemoryRecord {
  const checkpoint =
    note === null
      ? null
      : { note, last: new Uint8Array(81).fill(1), frontier: new Uint8Array(32), published: false };
  return { origin: 'o', first, checkpoint, retired: [{ origin: 'older', note: null }] };
}

async function temporaryFolder(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-memory-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return join(folder, 'memory.v1');
}

test('a record is there again after closing and opening', async (context) => {
  const folder = await temporaryFolder(context);
  const memory = await openMemory(folder, { create: true });
  assert.equal(await memory.read(key), null);
  const written = await memory.compareAndSet(key, null, record(5n, 'a note\n'));
  assert.deepEqual(written?.record, record(5n, 'a note\n'));
  await memory.close();

  const again = await openMemory(folder);
  context.after(() => again.close());
  assert.deepEqual(await again.read(key), written);
});

test('compareAndSet writes only over what was expected', async (context) => {
  const memory = await openMemory(await temporaryFolder(context), { create: true });
  context.after(() => memory.close());
  const one = await memory.compareAndSet(key, null, record(1n));
  assert.ok(one);
  assert.equal(await memory.compareAndSet(key, null, record(2n)), null);
  const two = await memory.compareAndSet(key, one.version, record(2n));
  assert.ok(two);
  assert.equal(await memory.compareAndSet(key, one.version, record(3n)), null);
  assert.deepEqual((await memory.read(key))?.record, record(2n));
});

test('what is asked for in the same turn is compared one by one, in that order', async (context) => {
  const folder = await temporaryFolder(context);
  const memory = await openMemory(folder, { create: true });
  const keys = Array.from({ length: 50 }, (_, partition) => ({ ...key, partition }));
  const asked = keys.flatMap((one) => [
    memory.compareAndSet(one, null, record(1n)),
    memory.compareAndSet(one, null, record(2n)),
  ]);
  // What is not yet written when it is closed is written first.
  const closed = memory.close();
  const answers = await Promise.all(asked);
  await closed;
  assert.deepEqual(
    answers.map((slot) => slot?.record.first ?? null),
    keys.flatMap(() => [1n, null]),
  );
  const again = await openMemory(folder);
  context.after(() => again.close());
  for (const [index, one] of keys.entries()) {
    assert.deepEqual(await again.read(one), answers[2 * index]);
  }
});

test('list has the slots of that ledger only, by topic and partition', async (context) => {
  const memory = await openMemory(await temporaryFolder(context), { create: true });
  context.after(() => memory.close());
  const slots = [
    ['a', 'audit', 10],
    ['a', 'audit', 2],
    ['a', 'access', 0],
    ['a/b', 'audit', 0],
    ['ab', 'audit', 0],
  ] as const;
  for (const [ledger, topic, partition] of slots) {
    assert.ok(await memory.compareAndSet({ ledger, topic, partition }, null, record(1n)));
  }
  const listed = (await memory.list('a')).map(({ key: { topic, partition } }) => [
    topic,
    partition,
  ]);
  assert.deepEqual(listed, [
    ['access', 0],
    ['audit', 2],
    ['audit', 10],
  ]);
  assert.deepEqual(await memory.list('absent'), []);
});

test('a missing memory is an error unless it may be made', async (context) => {
  const folder = await temporaryFolder(context);
  await assert.rejects(openMemory(folder), { code: 'memory-missing' });
  await assert.rejects(openMemory(folder, { create: true, readOnly: true }), {
    code: 'memory-missing',
  });
  await mkdir(folder);
  await assert.rejects(openMemory(folder), { code: 'memory-missing' });
});

test('bytes that are no database are an error', async (context) => {
  const folder = await temporaryFolder(context);
  await mkdir(folder);
  await writeFile(join(folder, 'data.mdb'), Buffer.alloc(64 * 1024, 0x5a));
  await assert.rejects(openMemory(folder), { code: 'unreadable' });
});

test('a database cut short by a bad copy is an error', async (context) => {
  const folder = await temporaryFolder(context);
  const memory = await openMemory(folder, { create: true });
  for (let partition = 0; partition < 20; partition += 1) {
    await memory.compareAndSet({ ...key, partition }, null, record(1n, 'n'.repeat(3000)));
  }
  await memory.close();
  const file = join(folder, 'data.mdb');
  for (const length of [9000, 5000, 100]) {
    await truncate(file, length);
    await assert.rejects(openMemory(folder), { code: 'unreadable' }, `${length} bytes`);
  }
  await truncate(file, 0);
  await assert.rejects(openMemory(folder), { code: 'memory-missing' });
});

test('read-only refuses to write', async (context) => {
  const folder = await temporaryFolder(context);
  await (await openMemory(folder, { create: true })).close();
  const memory = await openMemory(folder, { readOnly: true });
  context.after(() => memory.close());
  assert.equal(await memory.read(key), null);
  await assert.rejects(memory.compareAndSet(key, null, record(1n)), { code: 'usage' });
});

test('names that could reach another slot are refused', async (context) => {
  const memory = await openMemory(await temporaryFolder(context), { create: true });
  context.after(() => memory.close());
  await assert.rejects(memory.read({ ...key, topic: 'a/b' }), { code: 'malformed' });
  await assert.rejects(memory.read({ ...key, ledger: '../x' }), { code: 'malformed' });
  await assert.rejects(memory.read({ ...key, partition: 1.5 }), { code: 'usage' });
});

test('two processes racing for one slot lose no write', async (context) => {
  const folder = await temporaryFolder(context);
  const slot = { ledger: 'audit.example.com', topic: 'audit', partition: 0 };
  const memory = await openMemory(folder, { create: true });
  context.after(() => memory.close());
  assert.ok(await memory.compareAndSet(slot, null, record(0n)));
  const racer = fileURLToPath(new URL('./racer.js', import.meta.url));
  const run = () => promisify(execFile)(process.execPath, [racer, folder, '100']);
  await Promise.all([run(), run()]);
  assert.equal((await memory.read(slot))?.record.first, 200n);
});

test('a database file that is a folder is unreadable', async (context) => {
  const folder = await temporaryFolder(context);
  await mkdir(join(folder, 'data.mdb', 'inside'), { recursive: true });
  await assert.rejects(openMemory(folder), { code: 'unreadable', message: /memory\.v1/ });
});
