import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gitSource } from '../../../producer/sources/git.js';
import { completeEvent, encodeEvent } from '../../../schemas/codec.js';
import type { AuditEvent } from '../../../schemas/generated.js';
import { all } from './chunks.js';

interface Repository {
  readonly folder: string;
  git(...args: string[]): string;
  write(name: string | Buffer, text: string): void;
}

function repository(t: TestContext): Repository {
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-git-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada Ä',
    GIT_AUTHOR_EMAIL: 'ada@example.com',
    GIT_AUTHOR_DATE: '1700000000 +0100',
    GIT_COMMITTER_NAME: 'Bob',
    GIT_COMMITTER_EMAIL: 'bob@example.com',
    GIT_COMMITTER_DATE: '1700000100 -0500',
  };
  const git = (...args: string[]): string =>
    execFileSync('git', ['-C', folder, ...args], { env, encoding: 'utf8' }).trim();
  git('init', '-q', '-b', 'main');
  return {
    folder,
    git,
    write: (name, text) => {
      const path = Buffer.isBuffer(name)
        ? Buffer.concat([Buffer.from(`${folder}/`), name])
        : join(folder, name);
      writeFileSync(path, text);
    },
  };
}

async function history(folder: string, options = {}): Promise<AuditEvent[]> {
  const items = await all(gitSource(folder, options));
  return items.map((item) => {
    if ('error' in item) throw item.error;
    const event = completeEvent(item.event);
    encodeEvent(event);
    assert.equal(item.place, `${folder}@${event.resources[0]?.id}`);
    return event;
  });
}

test('a commit says who, when and what, oldest first', async (t) => {
  const { folder, git, write } = repository(t);
  write('a.txt', 'one');
  write('b c\n"d".txt', 'odd name');
  git('add', '-A');
  git('commit', '-qm', 'first: subject\n\nBody with :100644 and\n\nblank lines');
  write('a.txt', 'two');
  git('rm', '-q', 'b c\n"d".txt');
  git('add', '-A');
  git('commit', '-qm', 'second');
  const events = await history(folder);
  assert.deepEqual(
    events.map(({ action, operation }) => [action, operation]),
    [
      ['git.commit', 'CREATE'],
      ['git.commit', 'UPDATE'],
    ],
  );
  const [first, second] = events;
  assert.equal(first?.occurred_at, 1_700_000_100_000_000n);
  assert.equal(first?.actor.id, 'ada@example.com');
  assert.equal(first?.actor.display, 'Ada Ä');
  assert.equal(first?.attributes['committer_email'], 'bob@example.com');
  assert.equal(first?.attributes['authored_at'], '1700000000');
  assert.equal(
    first?.attributes['message'],
    'first: subject\n\nBody with :100644 and\n\nblank lines\n',
  );
  const [firstId, secondId] = git('log', '--reverse', '--format=%H').split('\n');
  assert.deepEqual(first?.resources[0], {
    type: 'git.commit',
    id: firstId,
    parent: null,
    version: git('rev-parse', `${firstId}^{tree}`),
  });
  assert.equal(second?.resources[0]?.id, secondId);
  assert.equal(second?.resources[0]?.parent, firstId);
  const one = git('rev-parse', `${firstId}:a.txt`);
  const two = git('rev-parse', `${secondId}:a.txt`);
  const odd = git('rev-parse', `${firstId}:b c\n"d".txt`);
  assert.deepEqual(
    second?.resources.slice(1).map(({ id, version }) => [id, version]),
    [
      ['a.txt', two],
      ['b c\n"d".txt', null],
    ],
  );
  assert.deepEqual(
    second?.changes.map(({ resource, before, after }) => [resource, before, after]),
    [
      [1, `"${one}"`, `"${two}"`],
      [2, `"${odd}"`, null],
    ],
  );
});

test('the same commit has the same event_id, of version 8', async (t) => {
  const { folder, git } = repository(t);
  git('commit', '-qm', 'a', '--allow-empty');
  git('commit', '-qm', 'b', '--allow-empty');
  const ids = (await history(folder)).map(({ event_id }) => event_id);
  assert.deepEqual(
    (await history(folder)).map(({ event_id }) => event_id),
    ids,
  );
  assert.equal(new Set(ids).size, 2);
  for (const id of ids) assert.match(id, /^.{8}-.{4}-8.{3}-[89ab].{3}-.{12}$/);
});

test('a merge says what it brought to its first parent', async (t) => {
  const { folder, git, write } = repository(t);
  write('a', '1');
  git('add', '-A');
  git('commit', '-qm', 'root');
  git('checkout', '-qb', 'side');
  write('b', '2');
  git('add', '-A');
  git('commit', '-qm', 'side');
  git('checkout', '-q', 'main');
  git('commit', '-qm', 'empty', '--allow-empty');
  git('merge', '-q', '--no-ff', '-m', 'merge', 'side');
  const events = await history(folder);
  assert.equal(events.length, 4);
  const merge = events.at(-1);
  assert.equal(merge?.action, 'git.merge');
  assert.equal(merge?.attributes['parents']?.split(' ').length, 2);
  assert.deepEqual(
    merge?.resources.slice(1).map(({ id }) => id),
    ['b'],
  );
  const empty = events.find(({ attributes }) => attributes['message'] === 'empty\n');
  assert.equal(empty?.attributes['files'], '0');
  assert.equal(empty?.changes.length, 0);
});

test('many files are counted and the first ones listed', async (t) => {
  const { folder, git, write } = repository(t);
  for (let at = 0; at < 12; at++) write(`f${String(at).padStart(2, '0')}`, 'x');
  git('add', '-A');
  git('commit', '-qm', 'x'.repeat(40_000));
  const [event] = await history(folder, { maxFiles: 5 });
  assert.equal(event?.attributes['files'], '12');
  assert.equal(event?.attributes['files_listed'], '5');
  assert.deepEqual(
    event?.resources.slice(1).map(({ id }) => id),
    ['f00', 'f01', 'f02', 'f03', 'f04'],
  );
  assert.equal(event?.attributes['message']?.length, 16 * 1024);
  assert.equal(event?.attributes['message_bytes'], '40001');
});

test('a path that is no UTF-8 is quoted as git quotes it', async (t) => {
  const { folder, git, write } = repository(t);
  write(Buffer.from([0x61, 0xff, 0x22]), 'x');
  git('add', '-A');
  git('commit', '-qm', 'x');
  const [event] = await history(folder);
  assert.equal(event?.resources[1]?.id, '"a\\377\\042"');
});

test('the repository’s own configuration changes nothing and runs nothing', async (t) => {
  const { folder, git, write } = repository(t);
  write('a', '1');
  git('add', '-A');
  git('commit', '-qm', 'one');
  const before = await history(folder);
  const ran = join(folder, '.git', 'ran');
  for (const [name, value] of [
    ['log.showSignature', 'true'],
    ['gpg.program', `touch ${ran}; false`],
    ['diff.external', `touch ${ran}; false`],
    ['log.showRoot', 'false'],
    ['log.date', 'relative'],
    ['diff.renames', 'copies'],
    ['color.ui', 'always'],
    ['format.pretty', 'oneline'],
    ['core.pager', `touch ${ran}`],
  ] as const) {
    git('config', name, value);
  }
  assert.deepEqual(await history(folder), before);
  assert.throws(() => execFileSync('ls', [ran], { stdio: 'ignore' }));
});

test('stopping early ends git', async (t) => {
  const { folder, git } = repository(t);
  for (let at = 0; at < 3; at++) git('commit', '-qm', 'x', '--allow-empty');
  for await (const item of gitSource(folder)) {
    assert.ok('event' in item);
    break;
  }
});

test('what is no repository, has no commit or no such revision is an error', async (t) => {
  const empty = repository(t);
  const plain = mkdtempSync(join(tmpdir(), 'sealstream-plain-'));
  t.after(() => rmSync(plain, { recursive: true }));
  const full = repository(t);
  full.git('commit', '-qm', 'x', '--allow-empty');
  for (const [folder, message, options] of [
    [plain, /not a git repository/, {}],
    [`${plain}/absent`, /No such file or directory/, {}],
    [empty.folder, /git log: fatal/, {}],
    [full.folder, /git log: fatal: .*absent/, { revision: 'absent' }],
    [full.folder, /git log: fatal/, { revision: '--output=/dev/null' }],
  ] as const) {
    const items = await all(gitSource(folder, options));
    assert.equal(items.length, 1);
    assert.ok(items[0] !== undefined && 'error' in items[0]);
    assert.equal(items[0].place, folder);
    assert.match(items[0].error.message, message);
  }
});
