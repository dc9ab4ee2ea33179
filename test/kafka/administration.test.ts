import assert from 'node:assert/strict';
import type { AccessRule, Administration } from '../../stream/administration.js';
import { openAdministration } from '../../stream/open.js';
import {
  administrationAs,
  administrationContract,
  ON_CLUSTER,
  rule,
} from '../contract/administration.contract.js';
import { createTopic } from '../support/append-fixture.js';
import { clusterTest } from '../support/kafka.js';

const SETTING = new Map([['max.message.bytes', '2000000']]);

clusterTest(
  'administration of three brokers with SCRAM and access rules',
  { scram: true, nodes: 3 },
  async (kafka, context) => {
    await administrationContract(kafka, [1, 2, 3], context);
    await context.test(
      'a broker that is killed leaves the cluster, and its replicas show',
      async () => {
        const admin = await administrationAs(kafka, 'admin');
        try {
          await kafka.node(3).kill();
          const { brokers } = await admin.cluster();
          assert.deepEqual(
            brokers.map(({ id }) => id),
            [1, 2],
          );
          const { partitions } = (await admin.topic('audit')) ?? assert.fail('no topic');
          for (const { leader, replicas, inSync, offline } of partitions) {
            assert.ok(leader === 1 || leader === 2);
            assert.deepEqual(
              [[...replicas].sort(), [...inSync].sort()],
              [
                [1, 2, 3],
                [1, 2],
              ],
            );
            assert.deepEqual(offline, [3]);
          }
          await admin.changeSettings('audit', SETTING);
          await admin.addAccessRules([rule({ operation: 'write' })]);
        } finally {
          await admin.close();
        }
      },
    );
    await context.test('without a controller a change fails, and reading goes on', async () => {
      const admin = await administrationAs(kafka, 'admin', 15_000);
      try {
        await kafka.node(2).kill();
        const error = { class: 'retry', message: /max\.message\.bytes|topic audit/ };
        await assert.rejects(admin.changeSettings('audit', SETTING), error);
        assert.equal((await admin.accessRules())?.length, 1);
        await kafka.node(1).kill();
        await assert.rejects(admin.accessRules(), { code: 'unreachable', class: 'retry' });
        await assert.rejects(admin.cluster(), { code: 'unreachable', class: 'retry' });
        await assert.rejects(admin.setQuota({ user: null, limits: new Map([['x', 1]]) }), {
          code: 'unreachable',
        });
      } finally {
        await admin.close();
      }
    });
  },
);

/** Each call, the right that it needs and how it is told. */
const CALLS: readonly (readonly [
  AccessRule,
  RegExp,
  (administration: Administration) => Promise<unknown>,
])[] = [
  [
    rule({ ...ON_CLUSTER, operation: 'describe' }),
    /grant Describe on the cluster$/,
    (one) => one.accessRules(),
  ],
  [
    rule({ ...ON_CLUSTER, operation: 'describe-configs' }),
    /grant DescribeConfigs on the cluster$/,
    (one) => one.quotas(),
  ],
  [
    rule({ ...ON_CLUSTER, operation: 'alter' }),
    /grant Alter on the cluster$/,
    (one) => one.addAccessRules([rule({ operation: 'read' })]),
  ],
  [
    rule({ ...ON_CLUSTER, operation: 'alter' }),
    /grant Alter on the cluster$/,
    (one) => one.removeAccessRules([rule({ operation: 'read' })]),
  ],
  [
    rule({ ...ON_CLUSTER, operation: 'alter-configs' }),
    /grant AlterConfigs on the cluster$/,
    (one) => one.setQuota({ user: 'producer', limits: new Map([['producer_byte_rate', 9]]) }),
  ],
  [rule({ operation: 'describe' }), /grant Describe on topic audit$/, (one) => one.topic('audit')],
  [
    rule({ operation: 'alter-configs' }),
    /grant AlterConfigs on topic audit$/,
    (one) => one.changeSettings('audit', SETTING),
  ],
  [
    rule({ operation: 'alter' }),
    /grant Alter on topic audit$/,
    (one) => one.addPartitions('audit', 3),
  ],
];

clusterTest('each call needs its right and no other', { scram: true }, async (kafka) => {
  await createTopic(kafka.bootstrap, 'audit');
  const admin = await administrationAs(kafka, 'admin');
  const auditor = await administrationAs(kafka, 'auditor');
  try {
    const { brokers } = await auditor.cluster();
    assert.deepEqual(
      brokers.map(({ id, settings }) => [id, settings]),
      [[1, null]],
    );
    for (const [right, message, call] of CALLS) {
      await assert.rejects(call(auditor), { code: 'unauthorized', message });
      await admin.addAccessRules([right]);
      await call(auditor);
      if (right.operation === 'describe' && right.resource === 'topic') {
        assert.equal((await auditor.topic('audit'))?.settings, null);
      }
      await admin.removeAccessRules([right]);
    }
  } finally {
    await auditor.close();
    await admin.close();
  }
});

clusterTest('a cluster without authorizer has no rules, and takes none', {}, async (kafka) => {
  const administration = await openAdministration(`kafka://${kafka.bootstrap}`);
  try {
    assert.equal(await administration.accessRules(), null);
    for (const change of [
      () => administration.addAccessRules([rule({})]),
      () => administration.removeAccessRules([rule({})]),
    ]) {
      await assert.rejects(change, { code: 'unsupported', message: /authorizer\.class\.name/ });
    }
    assert.equal((await administration.cluster()).brokers.length, 1);
  } finally {
    await administration.close();
  }
});
