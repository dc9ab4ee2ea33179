/**
 * `npm run build:native`: compiles append.c with the machine's C compiler and the headers that come
 * with Node. Where either is missing it says so, and records are hashed in JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NATIVE_FILE } from './choose.js';

const SLOWER = 'records are hashed in JavaScript, at about a third of the speed';

const target = fileURLToPath(new URL(NATIVE_FILE, import.meta.url));
const source = fileURLToPath(new URL('../../../ledger/hashing/append.c', import.meta.url));
const headers = join(dirname(dirname(process.execPath)), 'include', 'node');

/** What keeps the native code from being there; null where it is. */
function compile(): string | null {
  if (!existsSync(join(headers, 'node_api.h'))) return `no Node headers in ${headers}`;
  const compiler = process.env['CC'] ?? 'cc';
  const made = `${target}.${process.pid}`;
  // Symbols that Node lacks are found when the file is loaded, not when they are first called.
  const linking =
    process.platform === 'darwin'
      ? ['-bundle', '-undefined', 'dynamic_lookup', '-Wl,-bind_at_load']
      : ['-shared', '-Wl,-z,now'];
  const flags = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', `-I${headers}`];
  const result = spawnSync(compiler, [...flags, ...linking, source, '-o', made], {
    encoding: 'utf8',
  });
  if (result.error !== undefined) return `no C compiler (${compiler}: ${result.error.message})`;
  if (result.status !== 0) {
    rmSync(made, { force: true });
    return `${compiler} failed:\n${result.stderr}`;
  }
  // A process that has the old file open keeps it.
  renameSync(made, target);
  return null;
}

const problem = compile();
if (problem !== null) {
  rmSync(target, { force: true });
  process.stderr.write(`native hashing not built: ${problem}; ${SLOWER}\n`);
  if (process.env['SEALSTREAM_NATIVE'] === 'required') process.exitCode = 1;
}
