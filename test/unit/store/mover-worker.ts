/**
 * A process that takes LMDB's write lock on a folder, says so, and, once a file asks it to, moves
 * the folder away before it lets go. Arguments: the folder, where to, the file.
 */
import { existsSync, renameSync, writeSync } from 'node:fs';
import { open } from 'lmdb';

const [folder, target, signal] = process.argv.slice(2);
if (folder === undefined || target === undefined || signal === undefined) {
  throw new Error('usage: mover-worker FOLDER TARGET SIGNAL');
}
const database = open<Buffer, Buffer>({ path: folder, noSubdir: false, encoding: 'binary' });
const sleep = new Int32Array(new SharedArrayBuffer(4));
database.transactionSync(() => {
  writeSync(1, 'inside\n');
  while (!existsSync(signal)) Atomics.wait(sleep, 0, 0, 10);
  // The process that asked waits for the lock now.
  Atomics.wait(sleep, 0, 0, 300);
  renameSync(folder, target);
});
await database.close();
