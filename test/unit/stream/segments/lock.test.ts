import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { FileLock, removeDeadLock } from '../../../../stream/segments/lock.js';
import { liveness, thisProcess } from '../../../../stream/segments/process.js';
import { SILENCE_MS, SilenceWatch } from '../../../../stream/segments/silence.js';
import { temporaryFolder, until } from './support.js';

const WORKER = fileURLToPath(new URL('./lock-worker.js', import.meta.url));
const DEAD_PID = 4_194_305; // above Linux's largest process id

const TOKEN = '00000000-0000-0000-0000-000000000001';

/** Of another container: whether it lives cannot be looked up from here. */
function foreignHolder(): string {
  return JSON.stringify({ token: TOKEN, ...thisProcess(), host: 'another host' });
}

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
  for (const take of [
    () => new FileLock(path).tryAcquire(),
    () => removeDeadLock(path, new SilenceWatch(() => 0)),
  ]) {
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
    assert.equal(removeDeadLock(path, new SilenceWatch(() => 0)), false, text);
  }
});

test('who cannot be looked up is followed after silence between looks, by no clock but ours', async (context) => {
  const folder = await temporaryFolder(context);
  const [path, empty] = [join(folder, 'lock'), join(folder, 'empty')];
  writeFileSync(path, foreignHolder());
  // As after a power cut, and written before the clock of the host was set back, or on, an hour.
  writeFileSync(empty, '');
  utimesSync(path, new Date(), new Date(Date.now() + 3_600_000));
  utimesSync(empty, new Date(), new Date(Date.now() - 3_600_000));
  let now = 0;
  const lock = new FileLock(path, () => now);
  const watch = new SilenceWatch(() => now);
  const take = () => [lock.tryAcquire(), removeDeadLock(empty, watch)];
  assert.deepEqual(take(), [false, false]);
  // This process, too, was stopped: of that hour no more counts than of any pause.
  now += 3_600_000;
  assert.deepEqual(take(), [false, false]);
  const stopped = now;
  for (; now < stopped + SILENCE_MS / 2; now += 1000) assert.deepEqual(take(), [false, false]);
  const life = new Date(0);
  for (const file of [path, empty]) utimesSync(file, life, life);
  const shown = now;
  for (; now <= shown + SILENCE_MS; now += 1000) assert.deepEqual(take(), [false, false]);
  assert.deepEqual(take(), [true, true]);
  assert.deepEqual(readdirSync(folder).sort(), ['lock', 'lock.wanted']);
  lock.release();
});

test('a holder that shows life just as it is followed keeps the lock', async (context) => {
  const folder = await temporaryFolder(context);
  const path = join(folder, 'lock');
  writeFileSync(path, foreignHolder());
  let now = 0;
  let wakes = false;
  // Asked between the look at the holder and the steps that follow it; from the first look on that
  // finds it silent for long enough, it was touched just after that.
  const lock = new FileLock(path, () => {
    now += 1000;
    if (now > SILENCE_MS + 1000 && wakes) utimesSync(path, new Date(0), new Date(now));
    return now;
  });
  wakes = true;
  for (let looks = 0; looks < 40; looks += 1) assert.equal(lock.tryAcquire(), false);
  assert.equal(readFileSync(path, 'utf8'), foreignHolder());
  assert.deepEqual(readdirSync(folder).sort(), ['lock', 'lock.wanted']);
  wakes = false;
  for (let looks = 0; looks < 40 && !lock.held; looks += 1) lock.tryAcquire();
  assert.equal(lock.held, true);
  lock.release();
});

test('a holder sees that its lock is gone, is of another, or is about to be', async (context) => {
  const folder = await temporaryFolder(context);
  const path = join(folder, 'lock');
  const follow = () => {
    const { token } = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(`${path}.after.${token}`, foreignHolder());
  };
  const cases: [() => void, string[]][] = [
    [() => rmSync(path), []],
    [() => writeFileSync(path, foreignHolder()), ['lock']],
    [follow, ['lock', 'lock.after']],
  ];
  for (const [happen, left] of cases) {
    const lock = new FileLock(path);
    assert.equal(lock.tryAcquire(), true);
    assert.equal(lock.refresh(), true);
    happen();
    assert.equal(lock.refresh(), false);
    assert.equal(lock.held, false);
    lock.release();
    const names = readdirSync(folder).map((name) => name.slice(0, 'lock.after'.length));
    assert.deepEqual(names.sort(), left);
    for (const name of readdirSync(folder)) rmSync(join(folder, name));
  }
});

test('a lock that could not be given up is given up later, for other processes', async (context) => {
  const parent = await temporaryFolder(context);
  const [folder, away, file] = ['folder', 'away', 'count'].map((name) => join(parent, name));
  assert.ok(folder !== undefined && away !== undefined && file !== undefined);
  mkdirSync(folder);
  const path = join(folder, 'lock');
  const lock = new FileLock(path);
  // Away, and something else in its place: the first is no error, the second is.
  for (const replace of [() => undefined, () => writeFileSync(folder, '')]) {
    assert.equal(lock.tryAcquire(), true);
    renameSync(folder, away);
    replace();
    if (existsSync(folder)) assert.throws(() => lock.release(), { code: 'ENOTDIR' });
    else lock.release();
    rmSync(folder, { force: true });
    renameSync(away, folder);
    await until(() => !existsSync(path));
    writeFileSync(file, '0');
    assert.equal((await work(path, file, '1')).code, 0);
    assert.equal(readFileSync(file, 'utf8'), '1');
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
