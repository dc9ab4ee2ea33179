import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { loadDeclared } from '../../policy/file/parse.js';
import { dayOf } from '../../policy/file/waiver.js';
import { applyDifferences } from '../../policy/plan/apply.js';
import { observe } from '../../policy/plan/observed.js';
import { plan } from '../../policy/plan/plan.js';
import { configurationOf } from '../../policy/plan/recorded.js';
import type { AccessRule, Administration } from '../../stream/administration.js';
import { readCheckpointRecords } from '../../stream/checkpoint-topic.js';
import { openAdministration, openStream } from '../../stream/open.js';
import type { Stream } from '../../stream/stream.js';
import { Desk, type Session } from '../support/cli.js';
import { type KafkaCluster, startCluster } from '../support/kafka.js';

const ENVIRONMENT = { KAFKA_USER: 'admin', KAFKA_PASSWORD: 'admin-password' };

interface PlanDocument {
  readonly hash: string;
  readonly recorded: string | null;
  readonly changes: readonly {
    readonly code: string;
    readonly subject: string;
    readonly found: string | null;
    readonly refused: boolean;
  }[];
}

interface File {
  readonly topic: string;
  readonly partitions?: number;
  readonly seal?: boolean;
  readonly more?: string;
}

function ledgerFile(url: string, { topic, partitions = 2, seal = true, more = '' }: File): string {
  return `version: 1
ledger: audit.example.com/${topic}
stream: ${url}
kafka: { sasl: { mechanism: scram-sha-512, username: env:KAFKA_USER, password: env:KAFKA_PASSWORD } }
topics: [{ name: ${topic}, partitions: ${partitions}, replication: 3 }]
configuration: { topic: ${topic}.configuration }
principals:
  publisher: [{ principal: 'User:producer', bytesPerSecond: 10485760 }]
  sealer: ['User:sealer']
  verifier: ['User:auditor']
  admin: ['User:deploy']
${seal ? 'seal: { key: keys/sealer.pem, memory: ./memory }\n' : ''}${more}`;
}

/** One real cluster for all: three brokers, SCRAM, ACLs. */
describe('plan and apply on three brokers with SCRAM and ACLs', { concurrency: false }, () => {
  let cluster: KafkaCluster | null = null;
  let skipped = '';
  let desk: Desk;
  let stream: Stream;
  let administration: Administration;

  before(async () => {
    const started = await startCluster({
      nodes: 3,
      scram: true,
      properties: { 'delete.topic.enable': 'false' },
    });
    if ('skip' in started) {
      assert.notEqual(process.env['SEALSTREAM_REQUIRE_KAFKA'], '1', started.skip);
      skipped = started.skip;
      return;
    }
    cluster = started;
    desk = await Desk.open();
    stream = await openStream(`kafka://${cluster.bootstrap}`);
    administration = await openAdministration(`kafka://${cluster.bootstrap}`);
  });
  after(async () => {
    if (cluster === null) return;
    await administration.close();
    await stream.close();
    await desk.close();
    await cluster.close();
  });

  const run = (...words: string[]): Promise<Session> =>
    desk.run(words, { environment: ENVIRONMENT });

  async function declare(file: File): Promise<void> {
    const url = `kafka://${cluster?.scramBootstrap}`;
    await writeFile(desk.path('ledger.yaml'), ledgerFile(url, file));
  }

  async function planned(): Promise<{ code: number; document: PlanDocument }> {
    const { code, stdout, stderr } = await run('plan', '--json');
    if (stdout === '') throw new Error(`plan ended with ${code}: ${stderr}`);
    return { code, document: JSON.parse(stdout) as PlanDocument };
  }

  async function assertAsDeclared(): Promise<void> {
    const { code, document } = await planned();
    assert.deepEqual(document.changes, []);
    assert.equal(code, 0);
    assert.equal(document.recorded, document.hash);
  }

  /** Hashes of the configuration topic, oldest first. */
  async function history(topic: string): Promise<(string | undefined)[]> {
    const identity = (await stream.describe(`${topic}.configuration`)) ?? assert.fail();
    const hashes: (string | undefined)[] = [];
    for await (const each of readCheckpointRecords(stream, identity)) {
      hashes.push(configurationOf(each)?.hash);
    }
    return hashes;
  }

  function kafkaIt(name: string, body: () => Promise<void>): void {
    it(name, async (context) => {
      if (cluster === null) context.skip(skipped);
      else await body();
    });
  }

  kafkaIt('plan, apply, and plan is empty; a second apply appends nothing', async () => {
    await declare({ topic: 'audit' });
    const first = await planned();
    assert.equal(first.code, 2);
    const missing = first.document.changes.filter(({ code }) => code === 'topic-missing');
    assert.deepEqual(
      missing.map(({ subject }) => subject),
      [
        'topic audit.checkpoints',
        'topic audit',
        'topic audit.configuration.checkpoints',
        'topic audit.configuration',
      ],
    );
    assert.deepEqual(await stream.describe('audit'), null);
    const applied = await run('apply');
    assert.equal(applied.code, 0, applied.stderr);
    assert.match(applied.stdout, /audit\.configuration\/0: started/);
    assert.doesNotMatch(applied.stdout + applied.stderr, /admin-password/);
    await assertAsDeclared();
    const again = await run('apply', '--json');
    assert.equal(again.code, 0, again.stderr);
    assert.deepEqual(JSON.parse(again.stdout).changes, []);
    assert.equal((await history('audit')).length, 1);
  });

  const rule = (edit: Partial<AccessRule>): AccessRule => ({
    resource: 'topic',
    pattern: 'literal',
    name: 'audit',
    principal: 'User:mallory',
    host: '*',
    operation: 'delete',
    permission: 'allow',
    ...edit,
  });

  kafkaIt('what an administrator changed is found, one by one, and mended', async () => {
    const drifts: [string, () => Promise<void>][] = [
      [
        'retention-time',
        () => administration.changeSettings('audit', new Map([['retention.ms', '86400000']])),
      ],
      [
        'setting-inherited',
        () => administration.changeSettings('audit', new Map([['cleanup.policy', null]])),
      ],
      [
        'min-insync',
        () => administration.changeSettings('audit', new Map([['min.insync.replicas', '1']])),
      ],
      ['acl-delete', () => administration.addAccessRules([rule({})])],
      ['acl-everyone', () => administration.addAccessRules([rule({ principal: 'User:*' })])],
      [
        'acl-missing',
        () =>
          administration.removeAccessRules([
            rule({ principal: 'User:producer', operation: 'write' }),
          ]),
      ],
      [
        'quota-differs',
        () =>
          administration.setQuota({
            user: 'producer',
            limits: new Map([['producer_byte_rate', 1]]),
          }),
      ],
    ];
    for (const [code, drift] of drifts) {
      await drift();
      const { document } = await planned();
      assert.deepEqual(
        document.changes.map((change) => change.code),
        [code],
      );
      const { code: exit, stderr } = await run('apply');
      assert.equal(exit, 0, stderr);
      await assertAsDeclared();
    }
    assert.equal((await history('audit')).length, 1);
  });

  kafkaIt('rules that others live by are an operator’s to take away', async () => {
    const wide = rule({ pattern: 'prefixed', name: 'aud', operation: 'write' });
    await administration.addAccessRules([wide]);
    const { stdout } = await run('plan');
    assert.match(stdout, /acl-write: kafka-acls\.sh --remove .*'User:mallory'.*prefixed/);
    assert.equal((await run('apply')).code, 0);
    assert.equal((await planned()).code, 2);
    await administration.removeAccessRules([wide]);
    await assertAsDeclared();
  });

  kafkaIt('loosening is refused, and goes through by a waiver with --yes', async () => {
    const loose = (more: string): Promise<void> =>
      writeFile(
        desk.path('ledger.yaml'),
        ledgerFile(`kafka://${cluster?.scramBootstrap}`, {
          topic: 'audit',
          partitions: 3,
          more,
        }).replace('replication: 3 }', 'replication: 3, settings: { retention.ms: 86400000 } }'),
      );
    await loose('');
    const refused = await run('apply', '--yes');
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /retention\.ms: -1 -> 86400000 \(refused\)/);
    assert.equal((await stream.describe('audit'))?.partitions, 2);
    const tomorrow = dayOf(new Date(Date.now() + 86_400_000));
    await loose(
      `waivers: [{ code: retention-time, until: ${tomorrow}, reason: a test of waivers }]\n`,
    );
    assert.equal((await run('apply')).code, 1);
    assert.equal((await stream.describe('audit'))?.settings.get('retention.ms'), '-1');
    const applied = await run('apply', '--yes');
    assert.equal(applied.code, 0, applied.stderr);
    assert.match(applied.stdout, /audit\/2: started/);
    assert.equal((await stream.describe('audit'))?.settings.get('retention.ms'), '86400000');
    await assertAsDeclared();
    const hashes = await history('audit');
    assert.equal(new Set(hashes).size, 2);
    assert.equal(hashes.length, 2);
  });

  for (const steps of [1, 3, 5, 12]) {
    kafkaIt(`cut short after ${steps} changes, the next apply goes on`, async () => {
      const topic = `cut-${steps}`;
      await declare({ topic, seal: false });
      const declared = await loadDeclared(join(desk.folder, 'ledger.yaml'));
      const observed = await observe(administration, stream, declared.configuration);
      const differences = plan(declared, observed, dayOf(new Date()));
      let done = 0;
      for await (const _ of applyDifferences(administration, stream, differences)) {
        done += 1;
        if (done === steps) break;
      }
      assert.equal(done, steps);
      const { code, stderr } = await run('apply');
      assert.equal(code, 0, stderr);
      await assertAsDeclared();
      assert.equal((await history(topic)).length, 1);
    });
  }

  kafkaIt('who sees half of what the file declares changes nothing', async () => {
    const topic = 'halves';
    await declare({ topic });
    assert.equal((await run('apply')).code, 0);
    await declare({ topic, more: 'verify: { maxAge: 1h }\n' });
    const before = await history(topic);
    const environment = { KAFKA_USER: 'auditor', KAFKA_PASSWORD: 'auditor-password' };
    const half = await desk.run(['apply', '--yes', '--json'], { environment });
    assert.deepEqual([half.code, half.stdout], [70, '']);
    assert.match(half.stderr, /^sealstream: cluster: acl cannot be seen: grant Describe on/m);
    assert.match(half.stderr, /^sealstream: cluster: quota cannot be seen: grant DescribeConfigs/m);
    assert.deepEqual(await history(topic), before);
  });

  kafkaIt('an admin of the file is enough, also for a topic that is new in it', async () => {
    // The other ledgers' admin may alter the cluster, which is a finding for this one.
    const rules = (await administration.accessRules()) ?? assert.fail('no rules');
    await administration.removeAccessRules(rules.filter(({ resource }) => resource === 'cluster'));
    const auditor = { KAFKA_USER: 'auditor', KAFKA_PASSWORD: 'auditor-password' };
    const asAdmin = (...words: string[]): Promise<Session> =>
      desk.run(words, { environment: auditor });
    const write = async (topics: string): Promise<void> => {
      const url = `kafka://${cluster?.scramBootstrap}`;
      const text = ledgerFile(url, { topic: 'own', seal: false })
        .replace("verifier: ['User:auditor']", 'verifier: []')
        .replace('User:deploy', 'User:auditor')
        .replace(/^topics: .*$/m, `topics: [${topics}]`);
      await writeFile(desk.path('ledger.yaml'), text);
    };
    await write('{ name: own, partitions: 1, replication: 3 }');
    const stranger = await asAdmin('apply');
    assert.equal(stranger.code, 70);
    assert.match(
      stranger.stderr,
      /^sealstream: topic own: topic cannot be seen: grant Describe on/m,
    );
    assert.equal(await stream.describe('own'), null);
    const founded = await run('apply');
    assert.equal(founded.code, 0, founded.stderr);
    assert.equal((await asAdmin('plan')).code, 0);
    await write(
      '{ name: own, partitions: 2, replication: 3 }, { name: newer, partitions: 1, replication: 3 }',
    );
    const extended = await asAdmin('apply', '--json');
    assert.equal(extended.code, 0, extended.stderr);
    const { topics } = JSON.parse(extended.stdout) as { topics: { created: boolean }[] };
    assert.deepEqual(
      topics.map(({ created }) => created),
      [false, true],
    );
    const { code, stdout } = await asAdmin('plan');
    assert.equal(code, 0, stdout);
    assert.equal((await history('own')).length, 2);
  });
});
