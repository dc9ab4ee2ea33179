import assert from 'node:assert/strict';
import { openAdministration } from '../../stream/open.js';
import { codesOf, DeclaredLedger } from '../support/declared-ledger.js';
import { clusterTest } from '../support/kafka.js';
import { DATA_DRIFTS, type DataDrift } from './data-drifts.js';
import type { Scene } from './drifts.js';

/** In the files of the brokers, which no client can change. */
const STATIC = ['auto-create', 'delete-topic-enabled'];
const OPTIONS = {
  nodes: 3,
  scram: true,
  properties: { 'delete.topic.enable': 'true', 'auto.create.topics.enable': 'true' },
} as const;

function explained(found: readonly object[]): string {
  return found.map((each) => JSON.stringify(each)).join('\n');
}

async function assertOnlyStatic({ ledger }: Scene): Promise<void> {
  const [plan, doctor] = await Promise.all([ledger.plan(), ledger.doctor()]);
  assert.deepEqual(
    [codesOf(plan.brokers), plan.changes, plan.code],
    [STATIC, [], 0],
    explained(plan.changes),
  );
  const { findings } = doctor;
  assert.deepEqual([codesOf(findings), doctor.code], [STATIC, 1], explained(findings));
  assert.equal(findings.length, STATIC.length * 3, 'for each broker');
}

async function assertFound({ ledger }: Scene, drift: DataDrift): Promise<void> {
  const [plan, doctor, verify] = await Promise.all([
    ledger.plan(),
    ledger.doctor(),
    ledger.verify(),
  ]);
  const { findings, session } = doctor;
  const told = explained(findings) + session.stderr;
  assert.deepEqual(codesOf(findings), [...STATIC, ...drift.doctor].sort(), told);
  assert.deepEqual(codesOf(plan.changes), [...drift.plan].sort());
  const [exit, codes] = drift.verify;
  const expected = [[...codes].sort(), exit];
  assert.deepEqual([codesOf(verify.findings), verify.code], expected, explained(verify.findings));
}

clusterTest('what cannot be taken back is found', OPTIONS, async (cluster, context) => {
  const administration = await openAdministration(`kafka://${cluster.bootstrap}`);
  try {
    for (const [index, drift] of DATA_DRIFTS.entries()) {
      const { name, what, make, doctor } = drift;
      await context.test(`${what}: ${doctor.join(', ')}`, async () => {
        const ledger = await DeclaredLedger.make(cluster, { topic: name, partitions: 1 });
        const scene = { cluster, ledger, administration };
        try {
          if (index === 0) await assertOnlyStatic(scene);
          await make(scene);
          await assertFound(scene, drift);
        } finally {
          await ledger.close();
        }
      });
    }
  } finally {
    await administration.close();
  }
});
