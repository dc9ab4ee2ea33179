/**
 * Loaded into every child before its own code. It ends the child when its parent is gone, however
 * that went, and notes what was still open when it ended: a child that ends by itself has nothing
 * left, one that was ended by process.exit may have.
 */
import { appendFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';

const file = process.env['SEALSTREAM_CHAOS_EXITS'];
const PARENT_GONE = 99;

function endWithParent(): void {
  process.stdin.on('end', () => process.exit(PARENT_GONE));
  process.stdin.on('error', () => process.exit(PARENT_GONE));
  process.stdin.resume();
  const input: unknown = process.stdin;
  if (typeof input === 'object' && input !== null && 'unref' in input) {
    (input as { unref(): void }).unref();
  }
}

// A thread has no input of its own, and one that only listens must not look as if it had ended.
if (isMainThread) endWithParent();

process.on('exit', (code) => {
  if (file === undefined || !isMainThread) return;
  const resources = process.getActiveResourcesInfo();
  appendFileSync(file, `${JSON.stringify({ pid: process.pid, code, resources })}\n`);
});
