import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { createTopic, encode, openIn, readPartition, temporaryFolder, until } from './support.js';

const WORKERS = {
  append: new URL('./append-worker.js', import.meta.url),
  create: new URL('./create-worker.js', import.meta.url),
  own: new URL('./own-worker.js', import.meta.url),
};

function start(
  context: TestContext,
  worker: keyof typeof WORKERS,
  ...values: string[]
): ChildProcess {
  const file = fileURLToPath(WORKERS[worker]);
  const child = spawn(process.execPath, [file, ...values], { stdio: ['pipe', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  return child;
}

function linesOf(child: ChildProcess): string[] {
  const lines: string[] = [];
  assert.ok(child.stdout);
  createInterface(child.stdout).on('line', (line) => lines.push(line));
  return lines;
}

test('appenders of several processes, some of them killed, lose and repeat nothing', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const settings = new Map([['segment.bytes', '4096']]);
  const topic = await createTopic(stream, 'audit', 1, settings);
  const names = ['a', 'b', 'killed', 'shot'];
  const children = names.map((name) => start(context, 'append', root, 'audit', name, '80'));
  const lines = children.map(linesOf);
  const ended = children.map((child) => once(child, 'close'));
  for (const index of [2, 3]) {
    await until(() => (lines[index]?.length ?? 0) >= 5 * index);
    children[index]?.kill('SIGKILL');
  }
  await Promise.all(ended);

  const { values, offsets, error } = await readPartition(stream, topic);
  assert.equal(error, null);
  assert.deepEqual(
    offsets,
    offsets.map((_, index) => BigInt(index)),
  );
  assert.equal(new Set(values).size, values.length, 'a record is there twice');
  for (const [index, name] of names.entries()) {
    const acknowledged = (lines[index] ?? []).filter((line) => line.endsWith(' acknowledged'));
    assert.equal(acknowledged.length, lines[index]?.length);
    const own = values.filter((value) => value.startsWith(`${name}.`));
    // What was acknowledged is there, in order, whole batches only; a killed one may have more.
    assert.ok(own.length >= 2 * acknowledged.length, name);
    const expected = own.map((_, n) => `${name}.${n >> 1}${n % 2 === 0 ? '' : '+'}`);
    assert.deepEqual(own, expected);
    assert.equal(own.length % 2, 0);
    if (index < 2) assert.equal(acknowledged.length, 80);
  }
});

test('a killed member leaves its partitions to the others', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  await createTopic(stream, 'audit', 6);
  const members = [1, 2, 3].map(() => start(context, 'own', root, 'audit'));
  const told = members.map(linesOf);
  const owned = (index: number) => told[index]?.at(-1)?.split(',').filter(Boolean) ?? [];
  await until(() => [0, 1, 2].every((index) => owned(index).length === 2));
  assert.deepEqual([...owned(0), ...owned(1), ...owned(2)].sort(), ['0', '1', '2', '3', '4', '5']);

  members[1]?.kill('SIGKILL');
  await until(() => owned(0).length === 3 && owned(2).length === 3);
  assert.deepEqual([...owned(0), ...owned(2)].sort(), ['0', '1', '2', '3', '4', '5']);

  members[0]?.stdin?.end();
  await until(() => owned(2).length === 6);
});

test('processes that create one topic at once: one does, and all see the same', async (context) => {
  const root = await temporaryFolder(context);
  const children = [1, 2, 3, 4].map(() => start(context, 'create', root, 'audit'));
  const lines = children.map(linesOf);
  await Promise.all(children.map((child) => once(child, 'close')));
  const answers = lines.map(([answer]) => answer?.split(' ') ?? []);
  assert.deepEqual(answers.map(([made]) => made).sort(), ['false', 'false', 'false', 'true']);
  assert.equal(new Set(answers.map(([, topicId]) => topicId)).size, 1);
});

test('an appender killed in mid-write leaves a mark that leads to the same end', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit');
  // Two records of 60 kB a batch: the end is marked every 35 batches or so.
  const child = start(context, 'append', root, 'audit', 'x'.repeat(60_000), '100000');
  const lines = linesOf(child);
  const ended = once(child, 'close');
  const mark = join(root, 'audit-0', 'sealstream.end');
  await until(() => lines.length > 20 && existsSync(mark));
  child.kill('SIGKILL');
  await ended;

  const marked = await readPartition(stream, topic);
  await rm(mark);
  const unmarked = await readPartition(stream, topic);
  assert.equal(marked.error, null);
  assert.deepEqual(marked.offsets, unmarked.offsets);
  assert.equal(marked.highWatermark, unmarked.highWatermark);
  assert.ok(marked.highWatermark >= BigInt(2 * lines.length));
  const outcome = await (await stream.appender(topic)).append(0, encode('after'));
  assert.equal(outcome.kind === 'acknowledged' && outcome.baseOffset, marked.highWatermark);
});

test('on a full disk what is whole stays and is acknowledged, the rest is refused', async (context) => {
  const root = await temporaryFolder(context);
  const stream = await openIn(context, root);
  const topic = await createTopic(stream, 'audit');
  const worker = [fileURLToPath(WORKERS.append), root, 'audit', 'x'.repeat(8000), '5'];
  // Five batches of 16 kB in one write, to a file that may not grow beyond some tens of kilobytes.
  const limited = ['-c', 'ulimit -f 64 && exec "$0" "$@"', process.execPath, ...worker];
  const child = spawn('sh', limited, { stdio: ['pipe', 'pipe', 'inherit'] });
  context.after(() => child.kill('SIGKILL'));
  const lines = linesOf(child);
  await once(child, 'close');

  const kinds = lines.map((line) => line.split(' ')[1]);
  const acknowledged = kinds.filter((kind) => kind === 'acknowledged').length;
  assert.equal(kinds.length, 5);
  assert.equal(kinds.filter((kind) => kind === 'rejected').length, 5 - acknowledged);
  assert.ok(acknowledged > 0 && acknowledged < 5, `${acknowledged} acknowledged`);
  const appender = await stream.appender(topic);
  const after = await appender.append(0, encode('after'));
  assert.equal(after.kind === 'acknowledged' && after.baseOffset, 2n * BigInt(acknowledged));
  const { values, error } = await readPartition(stream, topic);
  assert.equal(error, null);
  assert.equal(values.length, 2 * acknowledged + 1);
});
