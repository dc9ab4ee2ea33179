import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../../../', import.meta.url));

/** Each line has one option that there is not, or two that do not go together. */
const REFUSED = [
  "publisher({ stream, topic: 'audit', source: '/s', lingerMS: 5 });",
  "publisher({ stream, topic: 'audit', source: '/s', kafkajs: producer, admin });",
  "publisher({ kafkajs: producer, admin, topic: 'audit', source: '/s', deadlineMs: 5 });",
  "publisher({ stream, topic: 'audit', source: '/s' }).then((out) => out.publish({ action: 'a' }, { partition: 1 }));",
  "publisher({ stream, topic: 'audit', source: '/s' }).then((out) => out.publishRaw({ key: null, value: null, timestamp: 1n }));",
  "openStream('file:x', { timeout: 5 });",
  "openMemory('x', { readonly: true });",
  'verify({ ...place, topics: [], maxAge: 1, timeout: 5 });',
  'replay({ ...place, topics: [], maxAge: 1, until: 5n });',
  "prove({ ...place, topic: 'audit', partition: 0, offset: 0n, maxAge: 1 });",
  "sealer({ stream, memory, ledger: 'l', topics: [], signingKey, interval: 5 });",
  'sealStatus({ ...place, memory, topics: [], signingKey });',
] as const;

const HEAD = `
import { openMemory, openStream, type Memory } from 'sealstream';
import { prove, replay, verify } from 'sealstream/consumer';
import type { PublicKey, SigningKey } from 'sealstream/ledger';
import { type KafkajsAdmin, type KafkajsProducer, publisher } from 'sealstream/producer';
import { sealer, sealStatus } from 'sealstream/sealer';
declare const memory: Memory;
declare const publicKey: PublicKey;
declare const signingKey: SigningKey;
declare const producer: KafkajsProducer;
declare const admin: KafkajsAdmin;
const stream = await openStream('file:x', { timeoutMs: 5 });
const place = { stream, ledger: 'l', publicKey };
await publisher({ stream, topic: 'audit', source: '/s', lingerMs: 5 });
await publisher({ kafkajs: producer, admin, topic: 'audit', source: '/s' });
`;

test('the compiler refuses each option that there is not, and nothing else', async () => {
  // Inside the package, whose own name then leads to its entry points.
  const folder = await mkdtemp(join(root, 'dist', 'types-'));
  try {
    const file = join(folder, 'options.ts');
    await writeFile(file, HEAD + REFUSED.join('\n'));
    const flags = [
      '--noEmit',
      '--strict',
      '--skipLibCheck',
      '--target',
      'es2023',
      '--types',
      'node',
    ];
    const module = ['--module', 'nodenext', '--pretty', 'false', '--ignoreConfig'];
    const output = await new Promise<string>((resolve) => {
      const compiler = join(root, 'node_modules', '.bin', 'tsc');
      execFile(compiler, [...flags, ...module, file], { cwd: root }, (_, stdout) =>
        resolve(stdout),
      );
    });
    const first = HEAD.split('\n').length;
    const errors = [...output.matchAll(/options\.ts\((\d+),\d+\): error (TS\d+)/g)];
    assert.deepEqual(
      [...new Set(errors.map(([, line]) => Number(line) - first))],
      REFUSED.map((_, at) => at),
      output,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
});
