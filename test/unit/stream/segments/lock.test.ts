import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FileLock, removeDeadLock } from '../../../../stream/segments/lock.js';
import { liveness, thisProcess } from '../../../../stream/segments/process.js';
import { temporaryFolder } from './support.js';

const WORKER = fileURLToPath(new URL('./lock-worker.js', import.meta.url));
const DEAD_PID = 4_194_305; // above Linux's largest process id

function deadHolder(token: string): string {
  return JSON.stringify({ token, ...thisProcess(), pid: DEAD_PID });
}

async function work(...values: string[]): Promise<{ code: number | null; signal: string | null }> {
  const child = spawn(process.execPath, [WORKER, ...values], { stdio: 'inherit' });
  const [code, signal] = await once(child, 'exit');
  return { code, signal };
}

test('a lock has one holder at a time', async (context) => {
  const path = join(await temporaryFolder(context), 'lock');
  const [one, two] = [new FileLock(path), new FileLock(path)];
  assert.equal(one.tryAcquire(), true);
  assert.equal(one.tryAcquire(), false);
  assert.equal(two.tryAcquire(), false);
  assert.equal(one.wanted(), true);
  assert.equal(one.wanted(), false);
  one.release();
  assert.equal(two.tryAcquire(), true);
  one.release();
  assert.equal(two.held, true);
  assert.equal(new FileLock(path).tryAcquire(), false);
  two.release();
});

test('a lock that was given up while its folder was away is free when that is back', async (context) => {
  const parent = await temporaryFolder(context);
  const [folder, away] = [join(parent, 'folder'), join(parent, 'away')];
  mkdirSync(folder);
  const path = join(folder, 'lock');
  const given = new FileLock(path);
  for (const take of [() => new FileLock(path).tryAcquire(), () => removeDeadLock(path)]) {
    assert.equal(given.tryAcquire(), true);
    renameSync(folder, away);
    given.release();
    renameSync(away, folder);
    assert.deepEqual(readdirSync(folder), ['lock']);
    assert.equal(take(), true);
    rmSync(path, { force: true });
  }
});

test('the lock of a dead process, and of dead followers, is taken over', async (context) => {
  const folder = await temporaryFolder(context);
  const path = join(folder, 'lock');
  const token = (digit: number) => `00000000-0000-0000-0000-00000000000${digit}`;
  writeFileSync(path, deadHolder(token(1)));
  writeFileSync(`${path}.after.${token(1)}`, deadHolder(token(2)));
  writeFileSync(`${path}.after.${token(2)}`, deadHolder(token(3)));
  const lock = new FileLock(path);
  assert.equal(lock.tryAcquire(), true);
  assert.deepEqual(readdirSync(folder), ['lock']);
  assert.equal(new FileLock(path).tryAcquire(), false);
  lock.release();
});

test('a follower that is alive is waited for, not overtaken', async (context) => {
  const path = join(await temporaryFolder(context), 'lock');
  const token = '00000000-0000-0000-0000-000000000001';
  writeFileSync(path, deadHolder(token));
  const other = new FileLock(join(`${path}.other`));
  assert.equal(other.tryAcquire(), true);
  linkSync(other.path, `${path}.after.${token}`);
  assert.equal(new FileLock(path).tryAcquire(), false);
  other.release();
});

test('a file that is no lock is not taken for a dead holder at once', async (context) => {
  const path = join(await temporaryFolder(context), 'lock');
  for (const text of ['', 'x', '{}', '{"token":1}', 'null', 'x'.repeat(5000)]) {
    writeFileSync(path, text);
    assert.equal(new FileLock(path).tryAcquire(), false, text);
    assert.equal(removeDeadLock(path), false, text);
  }
});

test('liveness tells a process from a later one of the same id', () => {
  const self = thisProcess();
  assert.equal(liveness(self), 'alive');
  assert.equal(liveness({ ...self, pid: DEAD_PID }), 'dead');
  assert.equal(liveness({ ...self, host: 'another host' }), 'unknown');
  if (self.started === null) return;
  assert.equal(liveness({ ...self, started: '1' }), 'dead');
  assert.equal(liveness({ ...self, boot: 'before' }), 'dead');
  assert.equal(liveness({ ...self, namespace: 'pid:[1]' }), 'unknown');
});

test('processes exclude each other while others are killed holding the lock', async (context) => {
  const folder = await temporaryFolder(context);
  const [path, file] = [join(folder, 'lock'), join(folder, 'count')];
  writeFileSync(file, '0');
  const workers = [1, 2, 3].map(() => work(path, file, '150'));
  const killed = (async () => {
    for (let times = 0; times < 6; times += 1) {
      assert.equal((await work(path, file, '1', 'die')).signal, 'SIGKILL');
    }
  })();
  for (const { code } of await Promise.all(workers)) assert.equal(code, 0);
  await killed;
  assert.equal(readFileSync(file, 'utf8'), '450');
});
