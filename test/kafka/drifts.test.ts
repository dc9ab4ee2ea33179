import assert from 'node:assert/strict';
import { openAdministration } from '../../stream/open.js';
import { codesOf, DeclaredLedger } from '../support/declared-ledger.js';
import { clusterTest } from '../support/kafka.js';
import { ACCESS, BROKERS, type Drift, MACHINE, type Scene, SETTINGS } from './drifts.js';

const OPTIONS = {
  nodes: 3,
  scram: true,
  properties: { 'delete.topic.enable': 'false' },
} as const;

async function assertGreen({ ledger }: Scene): Promise<void> {
  const [plan, doctor] = await Promise.all([ledger.plan(), ledger.doctor()]);
  assert.deepEqual([plan.changes, plan.code], [[], 0]);
  const { stdout, stderr } = doctor.session;
  assert.deepEqual([doctor.findings, doctor.code], [[], 0], stdout + stderr);
}

async function assertFound({ ledger }: Scene, { code, planned }: Drift): Promise<void> {
  const [plan, doctor] = await Promise.all([ledger.plan(), ledger.doctor()]);
  assert.deepEqual(
    [codesOf(doctor.findings), doctor.code],
    [[code], 1],
    explained(doctor.findings),
  );
  const expected = planned ? [[code], 2] : [[], 0];
  assert.deepEqual([codesOf(plan.changes), plan.code], expected, explained(plan.changes));
}

function explained(found: readonly object[]): string {
  return found.map((each) => JSON.stringify(each)).join('\n');
}

clusterTest('a drift is found by its code, and mended', OPTIONS, async (cluster, context) => {
  const ledger = await DeclaredLedger.make(cluster, { topic: 'audit' });
  const administration = await openAdministration(`kafka://${cluster.bootstrap}`);
  const scene = { cluster, ledger, administration };
  try {
    await context.test('as declared, before', () => assertGreen(scene));
    // That one is mended shows with the next: nothing else is found then.
    for (const drift of [...SETTINGS, ...ACCESS, ...BROKERS, ...MACHINE]) {
      const { what, code, mend } = drift;
      await context.test(`${what}: ${code}`, async () => {
        await drift.make(scene);
        try {
          await assertFound(scene, drift);
        } finally {
          if (mend === 'apply') await ledger.ok('deploy', 'apply');
          else await mend(scene);
        }
      });
    }
    await context.test('as declared, after', () => assertGreen(scene));
  } finally {
    await administration.close();
    await ledger.close();
  }
});
