import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { test } from 'node:test';
import { ComposedCluster } from '../support/kafka/compose.js';
import { kafkaClassPath } from '../support/kafka/jars.js';
import { skipOrFail } from '../support/kafka.js';

const EVENT = '{"tenant_id":"acme","action":"payment.refund","actor":{"type":"USER","id":"u-1"}}\n';

test('docker-compose.yml: its brokers, users, ledger, sealer and commands', async (context) => {
  const jars = await kafkaClassPath();
  if ('skip' in jars) return skipOrFail(context, jars.skip);
  const cluster = await ComposedCluster.open(jars.classPath);
  const { desk } = cluster;
  const as = (user: string) => ({ environment: cluster.environment('sealstream', user) });
  const step = (name: string, body: () => Promise<void>) => context.test(name, body);
  const outputs: string[] = [];
  const run = async (code: number, words: string[], environment: Record<string, string>) => {
    const session = await desk.run(words, { environment, input: EVENT });
    outputs.push(session.stdout, session.stderr);
    assert.equal(session.code, code, `${words.join(' ')}: ${session.stdout}${session.stderr}`);
    return session.stdout;
  };
  const admin = cluster.environment('apply');
  try {
    await step('keys and users, twice', async () => {
      for (let time = 1; time <= 2; time += 1) {
        outputs.push(await cluster.script('keys'), await cluster.script('users'));
      }
      assert.equal((await stat(desk.path('sealer', 'sealer.pem'))).mode & 0o777, 0o600);
    });
    await step('apply, then an empty plan, and apply again', async () => {
      const words = cluster.command('apply');
      assert.match(await run(0, words, admin), /audit: created, 6 partitions/);
      await run(0, ['plan'], admin);
      await run(0, words, admin);
    });
    await step('the sealer seals what a publisher publishes; smoke, verify, replay', async () => {
      const environment = cluster.environment('sealer');
      const sealer = desk.start([...cluster.command('sealer')], { environment });
      await run(0, ['publish'], as('publisher').environment);
      const text = await run(0, ['smoke'], cluster.environment('sealstream'));
      assert.match(text, /PASSED/);
      await run(0, cluster.command('sealstream'), as('auditor').environment);
      const replayed = await run(0, ['replay'], as('analyst').environment);
      assert.match(replayed, /payment\.refund/);
      sealer.kill('SIGTERM');
      const { code, stderr } = await sealer.session;
      outputs.push(stderr);
      assert.equal(code, 0, stderr);
    });
    await step('each user is refused what its role is not for', async () => {
      for (const [user, words] of [
        ['publisher', ['seal', '--once']],
        ['auditor', ['publish']],
        ['inspector', ['publish']],
        ['analyst', ['publish']],
        ['sealer', ['publish']],
        ['publisher', ['replay']],
      ] as const) {
        const { code, stdout, stderr } = await desk.run(words, { ...as(user), input: EVENT });
        outputs.push(stdout, stderr);
        assert.notEqual(code, 0, `${user} ${words.join(' ')}: ${stdout}${stderr}`);
      }
      const wrong = { ...as('smoke').environment, KAFKA_PASSWORD: 'not-the-password' };
      await run(3, ['smoke'], wrong);
    });
    await step('a pipeline plans and diagnoses as the inspector', async () => {
      const environment = as('inspector').environment;
      await run(0, ['plan'], environment);
      const { findings } = JSON.parse(await run(0, ['doctor', '--json'], environment)) as {
        findings: { severity: string; code: string }[];
      };
      assert.ok(findings.every(({ severity }) => severity === 'note'));
      assert.ok(findings.some(({ code }) => code === 'tls-off-local'));
    });
    await step('no secret is in any output', async () => {
      for (const [name, secret] of cluster.variables) {
        if (!name.endsWith('_PASSWORD')) continue;
        for (const text of outputs) assert.ok(!text.includes(secret), `${name} in ${text}`);
      }
    });
  } finally {
    await cluster.close();
  }
});
