/**
 * A process that adds one to a number in a file, many times, each under the lock, and not
 * atomically; with `die` it is killed while it holds the lock. Arguments: lock, file, times, [die].
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { FileLock } from '../../../../stream/segments/lock.js';

const [path, file, times, die] = process.argv.slice(2);
if (path === undefined || file === undefined) throw new Error('usage: LOCK FILE TIMES [die]');
for (let done = 0; done < Number(times); done += 1) {
  const lock = new FileLock(path);
  while (!lock.tryAcquire()) await wait(1);
  if (die !== undefined) process.kill(process.pid, 'SIGKILL');
  const count = Number(readFileSync(file, 'utf8'));
  if (done % 5 === 0) await wait(1);
  writeFileSync(file, String(count + 1));
  lock.release();
}
