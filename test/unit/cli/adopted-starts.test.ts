import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { withoutAdopted } from '../../../cli/adopted-starts.js';
import { formatOrigin } from '../../../ledger/origin.js';
import { parseDeclared } from '../../../policy/file/parse.js';
import { plan } from '../../../policy/plan/plan.js';
import { openMemory } from '../../../store/folder.js';
import { logStart } from '../policy/plan/edits.js';
import { asDeclared, TODAY } from '../policy/plan/plan-support.js';

it('a log that was adopted without its first records is as declared, and none but that log', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'sealstream-adopted-'));
  const declared = parseDeclared(
    `version: 1
ledger: audit.example.com/payments
stream: kafka://127.0.0.1:9092
topics: [{ name: audit, partitions: 1 }]
seal: { key: sealer.pem, memory: ${folder} }
`,
    'ledger.yaml',
  );
  const { configuration } = declared;
  const { ledger } = configuration;
  const before = asDeclared(declared);
  const left = async (from: bigint): Promise<string[]> => {
    const observed = logStart('audit', from)(before);
    const found = plan(declared, observed, TODAY);
    const differences = await withoutAdopted(found, observed, configuration);
    return differences.map(({ code }) => code);
  };
  const remember = async (topicId: string): Promise<void> => {
    const memory = await openMemory(folder, { create: true });
    const key = { ledger, topic: 'audit', partition: 0 };
    const origin = formatOrigin({ ...key, topicId });
    const slot = await memory.read(key);
    const record = { origin, first: 5n, checkpoint: null, retired: [] };
    assert.ok(await memory.compareAndSet(key, slot?.version ?? null, record));
    await memory.close();
  };
  try {
    assert.deepEqual(await left(5n), ['log-start-moved']);
    await remember('BAAAAAAAAAAAAAAAAAAAAA');
    assert.deepEqual(await left(5n), ['log-start-moved'], 'the log of another topic');
    await remember(before.topics.get('audit')?.topicId ?? assert.fail());
    assert.deepEqual(await left(5n), []);
    assert.deepEqual(await left(6n), ['log-start-moved']);
    assert.deepEqual(await left(0n), []);
  } finally {
    await rm(folder, { recursive: true });
  }
});
