/**
 * `npm run build:native`: compiles append.c with the machine's C compiler and the headers that come
 * with Node, and keeps the result if it hashes as JavaScript does. Where that cannot be it says why,
 * and records are hashed in JavaScript.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NATIVE_FILE } from './choose.js';

const CHOICE = new URL('./choose.js', import.meta.url);
const target = fileURLToPath(new URL(NATIVE_FILE, import.meta.url));
const source = fileURLToPath(new URL('../../../ledger/hashing/append.c', import.meta.url));
const headers = join(dirname(dirname(process.execPath)), 'include', 'node');
const FLAGS = ['-std=c11', '-O2', '-Wall', '-Wextra', '-Werror', '-fPIC', `-I${headers}`];
// Symbols that Node lacks are found when the file is loaded, not when they are first called.
const LINKING =
  process.platform === 'darwin'
    ? ['-bundle', '-undefined', 'dynamic_lookup', '-Wl,-bind_at_load']
    : ['-shared', '-Wl,-z,now'];
const MOST_OUTPUT = 64 * 1024 * 1024;

/** Loads the file that is named and holds it against JavaScript. */
const CHECK = `
  const [, choice, made] = process.argv;
  const { chooseHashing } = await import(choice);
  const { createRequire } = await import('node:module');
  try {
    chooseHashing('required', () => createRequire(choice)(made));
  } catch (error) {
    process.stderr.write(error.message);
    process.exitCode = 1;
  }
`;

/** Throws what the program wrote on stderr where it does not end with 0. */
function run(program: string, words: readonly string[]): void {
  const result = spawnSync(program, words, {
    encoding: 'utf8',
    maxBuffer: MOST_OUTPUT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  if (result.error !== undefined) {
    throw new Error(`${program} cannot be run (${result.error.message})`, { cause: result.error });
  }
  if (result.status === 0) return;
  throw new Error(`${program} ended with ${result.status ?? result.signal}:\n${result.stderr}`);
}

function build(): void {
  if (!existsSync(join(headers, 'node_api.h'))) throw new Error(`no Node headers in ${headers}`);
  const [compiler = 'cc', ...options] = (process.env['CC'] ?? '').split(/\s+/).filter(Boolean);
  const made = target.replace(/\.node$/, `.${process.pid}.node`);
  try {
    run(compiler, [...options, ...FLAGS, ...LINKING, source, '-o', made]);
    // In a process of its own: loading what is no library for this machine can end the process.
    run(process.execPath, ['--input-type=module', '-e', CHECK, CHOICE.href, made]);
    // A process that has the old file open keeps it.
    renameSync(made, target);
  } finally {
    rmSync(made, { force: true });
  }
}

try {
  build();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  process.stderr.write(
    `native hashing not built: ${reason}\nrecords are hashed in JavaScript, at less than half the speed\n`,
  );
  if (process.env['SEALSTREAM_NATIVE'] === 'required') process.exitCode = 1;
  try {
    rmSync(target, { force: true });
  } catch (left) {
    process.stderr.write(`${target} is left as it was: ${String(left)}\n`);
    process.exitCode = 1;
  }
}
