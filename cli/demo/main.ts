/**
 * `npm start`: the main job on the embedded stream, with the commands anyone would type. The input
 * is this repository's own git history; then one stored byte is changed in a copy, as someone with
 * the disk could, and the verifier has to find it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { cp, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT } from '../exit.js';
import { printLine } from '../output.js';
import { paint } from '../paint.js';
import { changeOneByte } from './change.js';

const PROGRAM = fileURLToPath(new URL('../main.js', import.meta.url));
const REPOSITORY = fileURLToPath(new URL('../../..', import.meta.url));

const LEDGER = 'audit.example.com/demo';

/** Runs one command as a person would and gives its exit code. */
async function sealstream(folder: string, ...words: string[]): Promise<number> {
  await printLine(paint.bold(`\n$ sealstream ${words.join(' ')}`));
  const child = spawn(process.execPath, [PROGRAM, ...words], { cwd: folder, stdio: 'inherit' });
  const code = await new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status ?? EXIT.failed));
  });
  await printLine(paint.dim(`exit ${code}`));
  return code;
}

function expectExit(code: number, expected: number, what: string): void {
  if (code === expected) return;
  throw new Error(`${what} ended with exit ${code}, expected ${expected}`);
}

function hasHistory(): boolean {
  const git = spawnSync('git', ['-C', REPOSITORY, 'rev-list', '-n', '1', 'HEAD'], {
    stdio: 'ignore',
  });
  return git.status === 0;
}

/** Events for a machine without git: plainly made up. */
function madeEvents(): string {
  const lines = Array.from({ length: 500 }, (_, index) =>
    JSON.stringify({
      action: 'demo.document.read',
      actor: { id: `user-${index % 7}`, type: 'USER' },
      resources: [{ type: 'document', id: `document-${index}` }],
    }),
  );
  return `${lines.join('\n')}\n`;
}

async function publish(folder: string): Promise<void> {
  if (hasHistory()) {
    const words = ['publish', '--format', 'git', REPOSITORY];
    expectExit(await sealstream(folder, ...words), EXIT.done, 'publish');
    return;
  }
  await printLine('\nThere is no git history here: these events are made up.');
  await writeFile(join(folder, 'events.ndjson'), madeEvents());
  expectExit(await sealstream(folder, 'publish', 'events.ndjson'), EXIT.done, 'publish');
}

async function main(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-demo-'));
  await printLine(`A new ledger in ${folder}`);
  expectExit(await sealstream(folder, 'init', '--ledger', LEDGER), EXIT.done, 'init');
  expectExit(await sealstream(folder, 'apply'), EXIT.done, 'apply');
  await publish(folder);
  expectExit(await sealstream(folder, 'seal', '--once'), EXIT.done, 'seal');
  expectExit(await sealstream(folder, 'verify'), EXIT.done, 'verify');

  await printLine('\nNow someone with the disk changes one byte in a copy, checksum repaired:');
  await cp(join(folder, 'data'), join(folder, 'changed'), { recursive: true });
  const change = await changeOneByte(join(folder, 'changed'), 'audit');
  await printLine(`  ${change.file}, byte ${change.at}, offset ${change.offset}`);
  const auditor = [
    ['--stream', 'file:./changed'],
    ['--ledger', LEDGER],
    ['--topic', 'audit'],
    ['--public-key', 'keys/sealer.pub.pem'],
  ].flat();
  const code = await sealstream(folder, 'verify', ...auditor);
  expectExit(code, EXIT.tampered, 'verify of the changed copy');
  await printLine(
    '\nThe untouched ledger verified, and the change was found. ' +
      `Everything is kept in ${folder} for you to look at.`,
  );
}

await main();
