import assert from 'node:assert/strict';
import { dayOf } from '../../policy/file/waiver.js';
import { openStream } from '../../stream/open.js';
import {
  type Attempt,
  clientOf,
  clusterAttempts,
  isAllowed,
  topicAttempts,
} from '../support/attempts.js';
import { DeclaredLedger, type User } from '../support/declared-ledger.js';
import { clusterTest, type KafkaCluster } from '../support/kafka.js';

const TOPICS = {
  events: 'audit',
  checkpoints: 'audit.checkpoints',
  configurations: 'audit.configuration',
  'checkpoints of configurations': 'audit.configuration.checkpoints',
} as const;
const NAMES = Object.keys(TOPICS);
const on = (...deeds: readonly string[]): string[] =>
  deeds.flatMap((deed) => NAMES.map((name) => `${deed} ${name}`));

/** All that each role may do, and what is not named it may not. */
const ROLES: readonly (readonly [string, User, readonly string[]])[] = [
  ['publisher', 'producer', ['see events', 'see settings of events', 'write events']],
  [
    'sealer',
    'sealer',
    [
      ...on('see', 'see settings of', 'read'),
      'write checkpoints',
      'write checkpoints of configurations',
      'join the sealers',
    ],
  ],
  ['verifier', 'auditor', on('see', 'see settings of', 'read')],
  [
    'inspector',
    'watch',
    [
      ...on('see', 'see settings of', 'read'),
      'see the access rules',
      'see the quotas',
      'see settings of the brokers',
    ],
  ],
  ['replayer', 'analyst', ['see events', 'read events', 'see checkpoints', 'read checkpoints']],
  [
    'admin',
    'deploy',
    [
      ...on('see', 'see settings of', 'alter', 'add partitions to'),
      'read configurations',
      'write configurations',
      'see the access rules',
      'add an access rule',
      'remove an access rule',
      'see the quotas',
      'set a quota',
      'see settings of the brokers',
      'alter the brokers',
      'move replicas',
    ],
  ],
  ['no role', 'mallory', []],
];

/** A role that has no business running a command, the exit code, and what says why. */
const STRANGERS: readonly (readonly [User, readonly string[], number, RegExp])[] = [
  ['auditor', ['publish'], 70, /grant Write/],
  ['analyst', ['publish'], 70, /grant/],
  ['watch', ['publish'], 70, /grant Write/],
  ['producer', ['seal', '--once'], 70, /grant/],
  ['auditor', ['seal', '--once'], 1, /publish-rejected.*grant Write/],
  ['producer', ['verify'], 3, /grant/],
  ['producer', ['replay'], 3, /grant/],
  ['mallory', ['replay'], 3, /grant/],
  ['auditor', ['apply', '--yes'], 70, /^sealstream: cluster: acl cannot be seen: grant Describe/m],
  ['auditor', ['plan'], 2, /acl-unseen: grant Describe on the cluster/],
  ['mallory', ['plan'], 2, /topic-unseen: grant Describe on the topic/],
  [
    'mallory',
    ['apply', '--yes'],
    70,
    /^sealstream: topic audit: topic cannot be seen: grant Describe/m,
  ],
  ['auditor', ['doctor'], 3, /grant Describe on the cluster/],
];

const EVENT = '{"action":"test.publish","actor":{"id":"a"}}\n';

async function assertSession(ledger: DeclaredLedger): Promise<void> {
  assert.equal((await ledger.plan()).code, 2);
  await ledger.ok('admin', 'apply');
  const plan = await ledger.plan();
  assert.deepEqual([plan.changes, plan.code], [[], 0]);
  assert.match(await ledger.ok('deploy', 'apply'), /audit/);
  await ledger.publish(20);
  await ledger.ok('sealer', 'seal', '--once');
  const { code, findings } = await ledger.verify();
  assert.deepEqual([findings, code], [[], 0]);
  const replayed = (await ledger.ok('analyst', 'replay')).trimEnd().split('\n');
  assert.equal(replayed.length, 20);
}

/** What no admin is needed for: to look. */
async function assertInspection(ledger: DeclaredLedger): Promise<void> {
  const [plan, doctor, whole, verify] = await Promise.all([
    ledger.as('watch', 'plan', '--json'),
    ledger.doctor(),
    ledger.as('admin', 'doctor', '--json'),
    ledger.as('watch', 'verify', '--json'),
  ]);
  const { changes, brokers } = JSON.parse(plan.stdout) as Readonly<Record<string, unknown>>;
  assert.deepEqual([changes, brokers, plan.code], [[], [], 0]);
  assert.deepEqual([doctor.findings, doctor.code], [[], 0], doctor.session.stderr);
  assert.equal(doctor.session.stdout, whole.stdout);
  const { checks } = JSON.parse(whole.stdout) as { checks: { check: string; ran: boolean }[] };
  assert.deepEqual(
    checks.filter(({ ran }) => !ran),
    [],
  );
  assert.equal(verify.code, 0, verify.stdout);
  await ledger.declare({ maxAge: '2h' });
  try {
    const pending = await ledger.as('watch', 'plan');
    assert.equal(pending.code, 2, pending.stdout + pending.stderr);
    assert.match(pending.stdout, /^1 change: 1 by apply/m);
    const apply = await ledger.as('watch', 'apply', '--yes');
    assert.equal(apply.code, 70, apply.stdout + apply.stderr);
    assert.match(apply.stderr, /grant Write/);
  } finally {
    await ledger.declare();
  }
}

async function allAttempts(
  cluster: KafkaCluster,
  ledger: string,
): Promise<readonly [string, Attempt][]> {
  const stream = await openStream(`kafka://${cluster.bootstrap}`);
  try {
    const attempts: [string, Attempt][] = [];
    const deletions: [string, Attempt][] = [];
    for (const [name, topic] of Object.entries(TOPICS)) {
      const description = (await stream.describe(topic)) ?? assert.fail(`no topic ${topic}`);
      if (name === 'events') attempts.push(...clusterAttempts(ledger, description));
      const own = topicAttempts(name, description);
      deletions.push(...own.splice(-1));
      attempts.push(...own);
    }
    return [...attempts, ...deletions];
  } finally {
    await stream.close();
  }
}

async function allowedTo(
  cluster: KafkaCluster,
  user: User,
  attempts: readonly [string, Attempt][],
): Promise<string[]> {
  const client = await clientOf(cluster, user);
  try {
    const allowed: string[] = [];
    for (const [name, attempt] of attempts) {
      if (await isAllowed(attempt, client)) allowed.push(name);
    }
    return allowed.sort();
  } finally {
    await client.close();
  }
}

// Deletion is switched on: where it is off, no request reaches the rules that refuse it.
const OPTIONS = {
  nodes: 3,
  scram: true,
  properties: { 'delete.topic.enable': 'true', 'super.users': 'User:admin;User:ANONYMOUS' },
} as const;

clusterTest('each role does its part and nothing else', OPTIONS, async (cluster, context) => {
  const until = dayOf(new Date(Date.now() + 86_400_000));
  const reason = 'what refuses deletion here is to be the access rules';
  const more = `waivers: [{ code: delete-topic-enabled, until: ${until}, reason: ${reason} }]\n`;
  const ledger = await DeclaredLedger.begin(cluster, { topic: 'audit', more });
  try {
    await context.test('plan, apply, publish, seal, verify, replay, each as its own user', () =>
      assertSession(ledger),
    );
    await context.test('an inspector sees what a super user sees, and changes nothing', () =>
      assertInspection(ledger),
    );
    for (const [user, words, exit, message] of STRANGERS) {
      await context.test(`${words.join(' ')} as ${user}: exit ${exit}`, async () => {
        const environment = { KAFKA_USER: user, KAFKA_PASSWORD: `${user}-password` };
        const { code, stdout, stderr } = await ledger.run(words, { environment, input: EVENT });
        assert.equal(code, exit, stdout + stderr);
        assert.match(stdout + stderr, message);
      });
    }
    await context.test('and the ledger is what it was', async () => {
      assert.deepEqual(await ledger.verify(), { code: 0, findings: [] });
    });
    const attempts = await allAttempts(cluster, 'audit.example.com/audit');
    for (const [role, user, allowed] of ROLES) {
      await context.test(`${role}: ${attempts.length} attempts`, async () => {
        assert.deepEqual(await allowedTo(cluster, user, attempts), [...allowed].sort());
      });
    }
    await context.test('a super user may do all of it: the attempts are well made', async () => {
      const all = attempts.map(([name]) => name).sort();
      assert.deepEqual(await allowedTo(cluster, 'admin', attempts), all);
    });
  } finally {
    await ledger.close();
  }
});
