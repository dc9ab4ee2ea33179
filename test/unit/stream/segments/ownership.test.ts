import assert from 'node:assert/strict';
import {
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SealstreamError } from '../../../../ledger/error.js';
import { ownPartitions } from '../../../../stream/segments/ownership.js';
import { thisProcess } from '../../../../stream/segments/process.js';
import type { Ownership, TopicIdentity } from '../../../../stream/stream.js';
import { createTopic, openIn, temporaryFolder, until } from './support.js';

interface Place {
  readonly root: string;
  readonly topic: TopicIdentity;
}

async function make(context: TestContext, partitions: number): Promise<Place> {
  const root = await temporaryFolder(context);
  return { root, topic: await createTopic(await openIn(context, root), 'audit', partitions) };
}

interface Told {
  readonly ownership: Ownership;
  readonly changes: number[][];
  readonly errors: SealstreamError[];
}

/** Time passes by a second with each look at a holder that cannot be looked up. */
function enter(context: TestContext, { root, topic }: Place): Told {
  const changes: number[][] = [];
  const errors: SealstreamError[] = [];
  let now = 0;
  const ownership = ownPartitions(
    root,
    topic,
    {
      group: 'group',
      onChange: (partitions) => void changes.push([...partitions].sort()),
      onError: (error) => void errors.push(error),
    },
    () => (now += 1000),
  );
  context.after(() => ownership.close());
  return { ownership, changes, errors };
}

function locksOf({ root, topic }: Place): string {
  const locks = join(root, '.sealstream');
  const name = readdirSync(locks).find((found) => found.startsWith(`audit-${topic.topicId}-`));
  assert.ok(name);
  return join(locks, name);
}

/** Of a container that is gone, or whose host has another name now. */
function foreignHolder(digit: number): string {
  const token = `00000000-0000-4000-8000-00000000000${digit}`;
  return JSON.stringify({ token, ...thisProcess(), host: 'gone' });
}

/** Puts files where the locks are while no member is there. */
async function leave(
  context: TestContext,
  place: Place,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  await enter(context, place).ownership.close();
  const folder = locksOf(place);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test('partitions whose holder cannot be looked up are taken over once it was silent', async (context) => {
  const place = await make(context, 3);
  // An empty file is what a power cut leaves.
  await leave(context, place, { 'partition-0': '', 'partition-1': foreignHolder(1) });
  const { ownership, changes } = enter(context, place);
  await until(() => ownership.partitions.size === 3);
  assert.deepEqual(changes[0], [2]);
  assert.deepEqual(changes.at(-1), [0, 1, 2]);
});

test('a member that cannot be looked up counts until it was silent, whatever the clock', async (context) => {
  const place = await make(context, 4);
  const member = 'member-00000000-0000-4000-8000-000000000000';
  // While a partition of its share is taken a member looks ten times a second.
  const files = { [member]: foreignHolder(1), 'partition-1': '' };
  const folder = await leave(context, place, files);
  const later = new Date(Date.now() + 3_600_000);
  utimesSync(join(folder, member), later, later);
  const { ownership, changes } = enter(context, place);
  await until(() => ownership.partitions.size === 4);
  assert.deepEqual(changes[0], [3]);
  assert.equal(existsSync(join(folder, member)), false);
});

test('a member whose lock files are gone takes the partitions anew, and goes on sharing', async (context) => {
  const place = await make(context, 4);
  const first = enter(context, place);
  const second = enter(context, place);
  await until(() => [first, second].every(({ ownership }) => ownership.partitions.size === 2));
  const folder = locksOf(place);
  for (const partition of first.ownership.partitions)
    rmSync(join(folder, `partition-${partition}`));
  await second.ownership.close();
  await until(() => first.ownership.partitions.size === 4);
  assert.deepEqual(first.errors, []);

  rmSync(folder, { recursive: true });
  const third = enter(context, place);
  const both = [first, third];
  await until(() => both.every(({ ownership }) => ownership.partitions.size === 2));
  const all = both.flatMap(({ ownership }) => [...ownership.partitions]);
  assert.deepEqual(all.sort(), [0, 1, 2, 3]);
  assert.deepEqual(first.errors, []);
});

test('a member that was followed says so, and leaves the lock to its holder', async (context) => {
  const place = await make(context, 2);
  const { ownership, changes } = enter(context, place);
  await until(() => ownership.partitions.size === 2);
  const file = join(locksOf(place), 'partition-0');
  writeFileSync(file, foreignHolder(1));
  let life = 0;
  await until(() => {
    life += 1;
    if (changes.at(-1)?.length === 1) return true;
    utimesSync(file, new Date(), new Date(life * 1000));
    return false;
  });
  assert.deepEqual(changes.at(-1), [1]);
  assert.equal(readFileSync(file, 'utf8'), foreignHolder(1));
});

test('where locks cannot be removed the error is told, once, and they are removed later', async (context) => {
  const place = await make(context, 2);
  const { ownership, errors } = enter(context, place);
  await until(() => ownership.partitions.size === 2);
  const folder = locksOf(place);
  assert.equal(readdirSync(folder).length, 3);
  // Nothing in it can be looked at or removed, even by root.
  renameSync(folder, `${folder}.away`);
  writeFileSync(folder, '');
  await until(() => errors.length > 0);
  assert.equal(ownership.partitions.size, 0);
  rmSync(folder);
  renameSync(`${folder}.away`, folder);
  await until(() => readdirSync(folder).length === 0);
  assert.equal(errors.length, 1);
  await ownership.close();
});
