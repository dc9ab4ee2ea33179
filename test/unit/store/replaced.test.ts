import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { openMemory } from '../../../store/folder.js';
import type { Memory, MemoryRecord } from '../../../store/memory.js';

const key = { ledger: 'audit.example.com', topic: 'audit', partition: 0 };

function record(first: bigint): MemoryRecord {
  return { origin: 'o', first, checkpoint: null, retired: [] };
}

/** A folder with one record, `first` being 1; and a name for where it may be taken. */
async function makeMemory(context: TestContext): Promise<{ folder: string; taken: string }> {
  const root = await mkdtemp(join(tmpdir(), 'sealstream-memory-'));
  context.after(() => rm(root, { recursive: true, force: true }));
  const folder = join(root, 'memory');
  await set(folder, null, 1n);
  return { folder, taken: join(root, 'taken') };
}

/** Writes as another would: opens, writes, closes. */
async function set(folder: string, expected: bigint | null, first: bigint): Promise<void> {
  const memory = await openMemory(folder, { create: true });
  const slot = await memory.read(key);
  assert.equal(slot?.record.first ?? null, expected);
  assert.ok(await memory.compareAndSet(key, slot?.version ?? null, record(first)));
  await memory.close();
}

async function firstAt(folder: string): Promise<bigint | undefined> {
  const memory = await openMemory(folder, { readOnly: true });
  const slot = await memory.read(key);
  await memory.close();
  return slot?.record.first;
}

async function opened(context: TestContext, folder: string): Promise<Memory> {
  const memory = await openMemory(folder);
  context.after(() => memory.close());
  return memory;
}

test('another folder at the path is what is read and written', async (context) => {
  const { folder, taken } = await makeMemory(context);
  const memory = await opened(context, folder);
  const old = await memory.read(key);
  assert.ok(old);
  await rename(folder, taken);
  await cp(taken, folder, { recursive: true });
  await set(folder, 1n, 5n);
  const two = { ...key, partition: 1 };
  // Its first look is by writing.
  assert.equal(await memory.compareAndSet(key, old.version, record(2n)), null);
  assert.ok(await memory.compareAndSet(two, null, record(2n)));
  const slot = await memory.read(key);
  assert.equal(slot?.record.first, 5n);
  assert.ok(await memory.compareAndSet(key, slot.version, record(6n)));
  assert.deepEqual(
    (await memory.list(key.ledger)).map((one) => [one.key.partition, one.slot.record.first]),
    [
      [0, 6n],
      [1, 2n],
    ],
  );
  assert.equal(await firstAt(taken), 1n);
});

test('another folder at the path is what a read and a list find first', async (context) => {
  const { folder, taken } = await makeMemory(context);
  const one = await opened(context, folder);
  const other = await openMemory(folder, { readOnly: true });
  context.after(() => other.close());
  await rename(folder, taken);
  await set(folder, null, 7n);
  assert.equal((await one.read(key))?.record.first, 7n);
  assert.equal((await other.list(key.ledger))[0]?.slot.record.first, 7n);
});

test('a memory that is gone is not made anew, nor written where it was moved', async (context) => {
  const { folder, taken } = await makeMemory(context);
  const memory = await opened(context, folder);
  const slot = await memory.read(key);
  assert.ok(slot);
  const busy = { code: 'busy', message: /memory is gone: put it/ };
  await rename(folder, taken);
  for (const emptied of [false, true]) {
    // A mount point is there, and empty, while nothing is mounted.
    if (emptied) await mkdir(folder);
    await assert.rejects(memory.compareAndSet(key, slot.version, record(2n)), busy);
    await assert.rejects(memory.read(key), busy);
    await assert.rejects(memory.list(key.ledger), busy);
    assert.deepEqual(existsSync(folder) ? readdirSync(folder) : [], []);
  }
  assert.equal(await firstAt(taken), 1n);
  await rm(folder, { recursive: true });
  await rename(taken, folder);
  assert.deepEqual(await memory.read(key), slot);
  assert.ok(await memory.compareAndSet(key, slot.version, record(2n)));
});

test('a memory that is taken away during a write was not written', async (context) => {
  const { folder, taken } = await makeMemory(context);
  const memory = await opened(context, folder);
  const slot = await memory.read(key);
  assert.ok(slot);
  const signal = `${taken}.now`;
  const mover = start('mover-worker', [folder, taken, signal]);
  assert.equal(await mover.line(), 'inside');
  const written = new Promise((resolve, reject) => {
    // Nothing is between this and the write but the check before it.
    setImmediate(() => writeFileSync(signal, ''));
    memory.compareAndSet(key, slot.version, record(2n)).then(resolve, reject);
  });
  await assert.rejects(written, { code: 'busy', message: /memory/ });
  await mover.end();
  assert.equal(existsSync(folder), false);
});

test('a process that writes goes on with the copy that takes the place', async (context) => {
  const { folder, taken } = await makeMemory(context);
  const racer = start('racer', [folder, '300']);
  assert.equal(await racer.line(), 'open');
  await firstReaches(folder, 50n);
  await rename(folder, taken);
  // From here on it writes nothing until there is a memory again.
  assert.equal(await racer.line(), 'busy');
  const before = await firstAt(taken);
  const bytes = await readFile(join(taken, 'data.mdb'));
  await cp(taken, `${folder}.copy`, { recursive: true });
  await rename(`${folder}.copy`, folder);
  await racer.end();
  assert.deepEqual(await readFile(join(taken, 'data.mdb')), bytes);
  assert.equal(await firstAt(taken), before);
  // One more than it knows of where it was taken away during a write.
  const first = (await firstAt(folder)) ?? 0n;
  assert.ok(first === 301n || first === 302n, `${first}`);
});

test('threads and processes that share a memory all go on with the copy', async (context) => {
  const { folder, taken } = await makeMemory(context);
  await rm(folder, { recursive: true });
  const memory = await openMemory(folder, { create: true });
  context.after(() => memory.close());
  const racers = [0, 1].map(() => startThread('racer', [folder, '200']));
  racers.push(start('racer', [folder, '200']));
  for (const racer of racers) assert.equal(await racer.line(), 'open');
  assert.ok(await memory.compareAndSet(key, null, record(1n)));
  await firstReaches(folder, 50n);
  await rename(folder, taken);
  for (const racer of racers) assert.equal(await racer.line(), 'busy');
  const bytes = await readFile(join(taken, 'data.mdb'));
  await cp(taken, `${folder}.copy`, { recursive: true });
  await rename(`${folder}.copy`, folder);
  for (const racer of racers) await racer.end();
  assert.deepEqual(await readFile(join(taken, 'data.mdb')), bytes);
  const first = (await memory.read(key))?.record.first ?? 0n;
  assert.ok(first >= 601n && first <= 604n, `${first}`);
});

test('one that cannot be used in its place is waited out', async (context) => {
  const { folder, taken } = await makeMemory(context);
  const memory = await opened(context, folder);
  await rename(folder, taken);
  await mkdir(folder);
  for (const size of [0, 100, 64 * 1024]) {
    const bytes = Buffer.alloc(size, 0x5a);
    await writeFile(join(folder, 'data.mdb'), bytes);
    await assert.rejects(memory.read(key), { code: 'busy', message: /cannot be used.*restore it/ });
    assert.deepEqual(await readFile(join(folder, 'data.mdb')), bytes);
  }
  await rm(folder, { recursive: true });
  await set(folder, null, 3n);
  assert.equal((await memory.read(key))?.record.first, 3n);
});

test('a data file alone is not taken over under the lock file in use', async (context) => {
  const { folder, taken } = await makeMemory(context);
  const memory = await opened(context, folder);
  await set(taken, null, 9n);
  await rename(join(taken, 'data.mdb'), join(folder, 'data.mdb'));
  await assert.rejects(memory.read(key), { code: 'busy', message: /only data\.mdb was replaced/ });
});

function script(name: string): string {
  return fileURLToPath(new URL(`./${name}.js`, import.meta.url));
}

interface Started {
  /** The next line that it tells. */
  line(): Promise<string>;
  /** Waits for its end; throws where it failed. */
  end(): Promise<void>;
}

function start(name: string, args: readonly string[]): Started {
  const child = spawn(process.execPath, [script(name), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exit = once(child, 'exit');
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  return {
    line: async () => String((await lines.next()).value),
    end: async () => assert.equal((await exit)[0], 0),
  };
}

function startThread(name: string, argv: string[]): Started {
  const thread = new Worker(script(name), { argv });
  const exit = once(thread, 'exit');
  const messages = on(thread, 'message');
  return {
    line: async () => String((await messages.next()).value),
    end: async () => assert.equal((await exit)[0], 0),
  };
}

async function firstReaches(folder: string, first: bigint): Promise<void> {
  const memory = await openMemory(folder, { readOnly: true });
  while (((await memory.read(key))?.record.first ?? 0n) < first) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await memory.close();
}
