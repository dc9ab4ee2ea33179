import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { Desk, type Session } from '../support/cli.js';
import { clusterTest, type KafkaCluster } from '../support/kafka.js';

interface Document {
  readonly checks: readonly {
    readonly check: string;
    readonly ran: boolean;
    readonly unseen: readonly { readonly message: string; readonly remedy: string }[];
  }[];
  readonly findings: readonly { readonly code: string; readonly severity: string }[];
}

const ALONE = ['super-users-unseen', 'tls-off-local'];

function ledgerFile(url: string): string {
  return `version: 1
ledger: audit.example.com/doctor
stream: ${url}
kafka:
  sasl: { mechanism: scram-sha-512, username: env:KAFKA_USER, password: env:KAFKA_PASSWORD }
  timeout: 30s
topics: [{ name: audit, partitions: 2, replication: 1 }]
configuration: { topic: audit.configuration }
principals:
  publisher: [{ principal: 'User:producer', bytesPerSecond: 10485760 }]
  sealer: ['User:sealer']
  verifier: ['User:auditor']
  admin: ['User:admin']
seal: { key: keys/sealer.pem, memory: ./memory }
verify: { publicKey: keys/sealer.pub.pem }
`;
}

function run(desk: Desk, user: string, words: readonly string[], input = ''): Promise<Session> {
  const environment = { KAFKA_USER: user, KAFKA_PASSWORD: `${user}-password` };
  return desk.run(words, { environment, input });
}

async function doctor(desk: Desk, user: string, file = 'ledger.yaml') {
  const words = ['doctor', '--json', '--config', file];
  const { code, stdout, stderr } = await run(desk, user, words);
  assert.notEqual(stdout, '', stderr);
  const document = JSON.parse(stdout) as Document;
  return { code, stderr, document, codes: document.findings.map((each) => each.code).sort() };
}

/** A ledger that is applied, has an event, and is sealed. */
async function makeLedger(desk: Desk, cluster: KafkaCluster): Promise<void> {
  assert.equal((await desk.run(['init', '--ledger', 'audit.example.com/doctor'])).code, 0);
  await writeFile(desk.path('ledger.yaml'), ledgerFile(`kafka://${cluster.scramBootstrap}`));
  const event = {
    action: 'payment.refund.approve',
    actor: { type: 'USER', id: 'u' },
    resources: [{ type: 'payment', id: 'p' }],
    outcome: { status: 'SUCCESS' },
  };
  for (const [user, words, input] of [
    ['admin', ['apply'], ''],
    ['producer', ['publish', '--format', 'event'], `${JSON.stringify(event)}\n`],
    ['sealer', ['seal', '--once'], ''],
  ] as const) {
    const { code, stderr } = await run(desk, user, words, input);
    assert.equal(code, 0, stderr);
  }
}

async function edited(desk: Desk, name: string, from: RegExp | string, to: string): Promise<void> {
  const text = await readFile(desk.path('ledger.yaml'), 'utf8');
  assert.notEqual(text.replace(from, to), text);
  await writeFile(desk.path(name), text.replace(from, to));
}

const SETTINGS = { scram: true, properties: { 'delete.topic.enable': 'false' } };

clusterTest('doctor on a cluster with SCRAM and ACLs', SETTINGS, async (cluster, context) => {
  const desk = await Desk.open();
  context.after(() => desk.close());
  await makeLedger(desk, cluster);

  await context.test('is green where all is as declared', async () => {
    const { code, document, codes, stderr } = await doctor(desk, 'admin');
    assert.deepEqual(codes, ALONE);
    assert.deepEqual(
      document.checks.filter(({ ran }) => !ran),
      [],
    );
    assert.equal(code, 0, stderr);
  });

  await context.test('names the rights that a verifier lacks, and checks the rest', async () => {
    const { code, document, codes } = await doctor(desk, 'auditor');
    assert.deepEqual(codes, ['tls-off-local']);
    assert.equal(code, 3);
    const blind = document.checks.filter(({ ran }) => !ran);
    assert.deepEqual(
      blind.map(({ check }) => check),
      ['brokers', 'access', 'quotas'],
    );
    const told = blind.flatMap(({ unseen }) => unseen.map(({ remedy }) => remedy)).join('\n');
    assert.match(told, /DescribeConfigs on the cluster/);
    assert.match(told, /Describe on the cluster/);
  });

  await context.test('names the rights of somebody without any', async () => {
    const { code, document } = await doctor(desk, 'producer');
    assert.equal(code, 3);
    const topics = document.checks.find(({ check }) => check === 'topics');
    const remedies = topics?.unseen.map(({ remedy }) => remedy).join('\n') ?? '';
    assert.match(remedies, /Describe on the topic/);
  });

  await context.test('a wrong password: one line, exit 3', async () => {
    const environment = { KAFKA_USER: 'admin', KAFKA_PASSWORD: 'not-the-password' };
    const { code, stdout, stderr } = await desk.run(['doctor'], { environment });
    assert.equal(code, 3);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.match(stderr, /authenticat/i);
    assert.ok(!(stdout + stderr).includes('not-the-password'));
  });

  await context.test('TLS to a listener without it: one line, exit 3', async () => {
    await edited(desk, 'tls.yaml', /^ {2}timeout/m, '  tls: true\n  timeout');
    const { code, stderr } = await doctor(desk, 'admin', 'tls.yaml');
    assert.equal(code, 3);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  });

  await context.test('no broker: one line, exit 3', async () => {
    await edited(desk, 'hasty.yaml', 'timeout: 30s', 'timeout: 8s');
    await cluster.node(1).stop();
    const { code, stderr, codes } = await doctor(desk, 'admin', 'hasty.yaml');
    assert.deepEqual(codes, ['tls-off-local']);
    assert.equal(code, 3);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
  });
});
