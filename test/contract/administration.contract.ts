import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { AccessRule, Administration, Setting } from '../../stream/administration.js';
import { openAdministration } from '../../stream/open.js';
import { createTopic } from '../support/append-fixture.js';
import { type KafkaCluster, SCRAM_USERS } from '../support/kafka.js';

interface Scene {
  readonly kafka: KafkaCluster;
  readonly admin: Administration;
  /** Ids of the brokers. */
  readonly nodes: readonly number[];
}

const PARTS: readonly (readonly [string, (scene: Scene) => Promise<void>])[] = [
  ['the cluster and what each broker is set to', seesTheCluster],
  ['changing a setting leaves the others', changesOnlyWhatIsNamed],
  ['partitions are added', addsPartitions],
  ['access rules of every kind', addsAndRemovesRules],
  ['quotas of a user and of all', setsQuotas],
];

/** What an operator may rely on, on a new cluster with SCRAM and access rules, whose topic `audit` it
 * makes. */
export async function administrationContract(
  kafka: KafkaCluster,
  nodes: readonly number[],
  context: TestContext,
): Promise<void> {
  const admin = await administrationAs(kafka, 'admin');
  try {
    for (const [name, body] of PARTS) {
      await context.test(name, () => body({ kafka, admin, nodes }));
    }
  } finally {
    await admin.close();
  }
}

export async function administrationAs(
  kafka: KafkaCluster,
  user: string,
  timeoutMs = 30_000,
): Promise<Administration> {
  const { name, password } = SCRAM_USERS.find((each) => each.name === user) ?? assert.fail(user);
  const sasl = { mechanism: 'scram-sha-512', username: name, password } as const;
  return openAdministration(`kafka://${kafka.scramBootstrap}`, { kafka: { sasl }, timeoutMs });
}

export function rule(parts: Partial<AccessRule>): AccessRule {
  return {
    resource: 'topic',
    pattern: 'literal',
    name: 'audit',
    principal: 'User:auditor',
    host: '*',
    operation: 'describe',
    permission: 'allow',
    ...parts,
  };
}

export const ON_CLUSTER = { resource: 'cluster', name: 'kafka-cluster' } as const;

/** What the topic itself is set to. */
async function ownSettings(administration: Administration, topic: string) {
  const { settings } = (await administration.topic(topic)) ?? assert.fail(`no topic ${topic}`);
  const own = [...(settings ?? [])].filter(([, { source }]) => source === 'topic');
  return Object.fromEntries(own.map(([name, { value }]) => [name, value]));
}

async function seesTheCluster({ kafka, admin, nodes }: Scene): Promise<void> {
  const { clusterId, controller, brokers } = await admin.cluster();
  assert.match(clusterId ?? '', /^[A-Za-z0-9_-]{22}$/);
  assert.ok(nodes.includes(controller ?? -1));
  assert.deepEqual(
    brokers.map(({ id, address }) => [id, address]),
    nodes.map((id) => [id, kafka.scramBootstrap?.split(',')[id - 1]]),
  );
  for (const { id, settings } of brokers) {
    assert.deepEqual(settings?.get('node.id'), { value: `${id}`, source: 'file' });
    const deletion: Setting = { value: 'true', source: 'default' };
    assert.deepEqual(settings?.get('delete.topic.enable'), deletion);
    const name = 'listener.name.client.scram-sha-512.sasl.jaas.config';
    assert.equal(settings?.get(name)?.value ?? null, null);
  }
}

async function changesOnlyWhatIsNamed({ kafka, admin, nodes }: Scene): Promise<void> {
  const settings = { 'retention.ms': '-1', 'min.insync.replicas': '2' };
  await createTopic(kafka.bootstrap, 'audit', {
    partitions: 2,
    replication: nodes.length,
    settings,
  });
  const before = await ownSettings(admin, 'audit');
  await admin.changeSettings('audit', new Map([['max.message.bytes', ' 02000000']]));
  assert.deepEqual(await ownSettings(admin, 'audit'), {
    ...before,
    'max.message.bytes': '2000000',
  });
  const back = new Map([
    ['max.message.bytes', null],
    ['segment.bytes', '67108864'],
  ]);
  await admin.changeSettings('audit', back);
  assert.deepEqual(await ownSettings(admin, 'audit'), { ...before, 'segment.bytes': '67108864' });
  await assert.rejects(admin.changeSettings('audit', new Map([['retention.ms', 'long']])), {
    code: 'configuration',
  });
  await assert.rejects(admin.changeSettings('nothing', new Map([['retention.ms', '1']])), {
    code: 'topic-missing',
  });
  assert.deepEqual(await ownSettings(admin, 'audit'), { ...before, 'segment.bytes': '67108864' });
}

async function addsPartitions({ admin, nodes }: Scene): Promise<void> {
  await admin.addPartitions('audit', 4);
  const found = (await admin.topic('audit')) ?? assert.fail('no topic');
  assert.match(found.topicId, /^[A-Za-z0-9_-]{22}$/);
  assert.deepEqual(
    found.partitions.map(({ partition }) => partition),
    [0, 1, 2, 3],
  );
  for (const { leader, replicas, inSync, offline } of found.partitions) {
    assert.ok(replicas.includes(leader ?? -1));
    assert.deepEqual([[...replicas].sort(), [...inSync].sort(), offline], [nodes, nodes, []]);
  }
  await admin.addPartitions('audit', 4);
  await assert.rejects(admin.addPartitions('audit', 3), { code: 'configuration' });
  await assert.rejects(admin.addPartitions('nothing', 3), { code: 'topic-missing' });
  assert.equal(await admin.topic('nothing'), null);
}

const RULES: readonly AccessRule[] = [
  rule({ operation: 'read' }),
  rule({ operation: 'all', permission: 'deny', host: '127.0.0.9' }),
  rule({ resource: 'group', pattern: 'prefixed', name: 'sealstream-sealer/' }),
  rule({ ...ON_CLUSTER, operation: 'idempotent-write' }),
  rule({ ...ON_CLUSTER, operation: 'cluster-action' }),
  rule({ resource: 'transactional-id', name: '*', principal: 'User:*', operation: 'write' }),
  rule({ resource: 'delegation-token', name: 'token' }),
  rule({ resource: 'user', name: 'User:x', operation: 'create-tokens' }),
];

async function addsAndRemovesRules({ admin }: Scene): Promise<void> {
  assert.deepEqual(await admin.accessRules(), []);
  await admin.addAccessRules(RULES);
  await admin.addAccessRules(RULES.slice(0, 2));
  assert.equal((await admin.accessRules())?.length, RULES.length);
  for (const each of RULES) {
    const found = (await admin.accessRules()) ?? [];
    assert.equal(found.filter((one) => sameRule(one, each)).length, 1, JSON.stringify(each));
  }
  await admin.removeAccessRules([...RULES.slice(1), rule({ name: 'never there' })]);
  const [left, ...more] = (await admin.accessRules()) ?? [];
  assert.ok(left !== undefined && sameRule(left, rule({ operation: 'read' })));
  assert.deepEqual(more, []);
  await admin.removeAccessRules([left]);
  assert.deepEqual(await admin.accessRules(), []);
}

function sameRule(one: AccessRule, other: AccessRule): boolean {
  const parts = (each: AccessRule) => Object.entries(each).sort().join();
  return parts(one) === parts(other);
}

async function setsQuotas({ admin }: Scene): Promise<void> {
  assert.deepEqual(await admin.quotas(), []);
  const both = new Map([
    ['producer_byte_rate', 10_485_760],
    ['consumer_byte_rate', 1_048_576],
  ]);
  await admin.setQuota({ user: 'producer', limits: both });
  await admin.setQuota({ user: null, limits: new Map([['request_percentage', 12.5]]) });
  await admin.setQuota({ user: 'producer', limits: new Map([['producer_byte_rate', 1024]]) });
  const found = new Map((await admin.quotas()).map(({ user, limits }) => [user, limits]));
  assert.equal(found.size, 2);
  assert.deepEqual(found.get('producer'), new Map(both).set('producer_byte_rate', 1024));
  assert.deepEqual(found.get(null), new Map([['request_percentage', 12.5]]));
  await assert.rejects(admin.setQuota({ user: 'producer', limits: new Map([['speed', 1]]) }), {
    code: 'configuration',
    message: /speed/,
  });
}
