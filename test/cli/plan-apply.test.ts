import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { Desk, type Session } from '../support/cli.js';
import { until } from '../support/ledger-desk.js';

const INIT = ['init', '--ledger', 'audit.example.com/plan'];

interface PlanDocument {
  readonly hash: string;
  readonly recorded: string | null;
  readonly changes: readonly { readonly code: string; readonly refused: boolean }[];
}

describe('plan and apply on the embedded stream', () => {
  let desk: Desk;
  before(async () => {
    desk = await Desk.open();
    assert.equal((await desk.run(INIT)).code, 0);
    await desk.undeclareConfiguration();
  });
  after(() => desk.close());

  const edit = (change: (text: string) => string): Promise<void> => desk.edit(change);

  async function codes(): Promise<{ exit: number; found: string[]; document: PlanDocument }> {
    const { code, stdout } = await desk.run(['plan', '--json']);
    const document = JSON.parse(stdout) as PlanDocument;
    return { exit: code, found: document.changes.map((change) => change.code), document };
  }

  async function applied(...words: string[]): Promise<Session> {
    const session = await desk.run(['apply', ...words]);
    assert.equal(session.code, 0, session.stderr);
    return session;
  }

  it('plan changes nothing, and tells what apply then does', async () => {
    const { code, stdout } = await desk.run(['plan']);
    assert.equal(code, 2);
    assert.match(stdout, /^topic audit\n {2}\+ topic: absent -> 3 partitions$/m);
    assert.match(stdout, /2 changes: 2 by apply, 0 by others, 0 refused\./);
    assert.equal(existsSync(desk.path('data')), false);
    await applied();
    const after = await desk.run(['plan']);
    assert.equal(after.code, 0);
    assert.equal(after.stdout, 'Nothing to do: the cluster is as declared.\n');
  });

  it('the configuration is recorded once for each that is applied', async () => {
    await edit((text) => `${text}configuration: { topic: audit.configuration }\n`);
    const first = await applied();
    assert.match(first.stdout, /audit\.configuration\/0: started/);
    assert.match(first.stdout, /recorded at audit\.configuration\/0 offset 0/);
    assert.match((await applied()).stdout, /^configuration .{44}: known$/m);
    await edit((text) => text.replace('every: 10s', 'every: 20s'));
    assert.deepEqual((await codes()).found, ['configuration-unrecorded']);
    assert.match((await applied()).stdout, /offset 1/);
    await edit((text) => `# a comment changes nothing\n${text}`);
    const { exit, document } = await codes();
    assert.equal(exit, 0);
    assert.equal(document.recorded, document.hash);
  });

  it('the JSON of apply has audit topics only, and the configuration apart', async () => {
    const document = JSON.parse((await applied('--json')).stdout) as {
      topics: Record<string, unknown>[];
      logs: Record<string, unknown>[];
      configuration: Record<string, unknown>;
    };
    assert.deepEqual(
      document.topics.map(({ topicId: _, ...rest }) => rest),
      [{ topic: 'audit', partitions: 3, created: false }],
    );
    assert.deepEqual(
      document.logs,
      [0, 1, 2].map((partition) => {
        return { topic: 'audit', partition, state: 'known', reason: null };
      }),
    );
    assert.deepEqual(
      [document.configuration['topic'], document.configuration['recorded']],
      ['audit.configuration', null],
    );
  });

  it('what cannot be done as declared is no success', async () => {
    await edit((text) => text.replace('partitions: 3', 'partitions: 5'));
    const { code, stderr } = await desk.run(['apply', '--yes']);
    assert.equal(code, 1);
    assert.match(stderr, /partitions-fewer: a file: stream cannot add partitions/);
    await edit((text) => text.replace('partitions: 5', 'partitions: 2'));
    const fewer = await desk.run(['apply', '--yes']);
    assert.equal(fewer.code, 1);
    assert.match(fewer.stderr, /partitions: 3 -> 2 \(refused\)/);
    assert.match(fewer.stderr, /Nothing was changed/);
    await edit((text) => text.replace('partitions: 2', 'partitions: 3'));
    await applied();
  });

  it('a topic is dropped from the file by a waiver only, and never deleted', async () => {
    await edit((text) => text.replace('name: audit\n', 'name: trail\n'));
    const refused = await desk.run(['apply', '--yes']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /\{ code: topic-undeclared, topic: audit, until: YYYY-MM-DD/);
    assert.equal(existsSync(desk.path('data', 'trail-0')), false);
    const waiver = '{ code: topic-undeclared, topic: audit, until: DAY, reason: moved to trail }';
    await edit((text) => `${text}waivers: [${waiver.replace('DAY', '2020-01-01')}]\n`);
    assert.match((await desk.run(['apply', '--yes'])).stderr, /expired after 2020-01-01/);
    const month = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);
    await edit((text) => text.replace('2020-01-01', month));
    const unasked = await desk.run(['apply']);
    assert.equal(unasked.code, 1);
    assert.match(unasked.stderr, /needs --yes/);
    assert.equal(existsSync(desk.path('data', 'trail-0')), false);
    await applied('--yes');
    assert.equal((await codes()).exit, 0);
    assert.equal(existsSync(desk.path('data', 'audit-0')), true);
  });
});

describe('apply, killed', () => {
  for (const sign of ['audit.checkpoints-0', 'audit-2', 'audit.configuration-0']) {
    it(`is run again once ${sign} was there`, async () => {
      const desk = await Desk.open();
      try {
        assert.equal((await desk.run(INIT)).code, 0);
        const running = desk.start(['apply']);
        await until(sign, () => existsSync(desk.path('data', sign)));
        running.kill('SIGKILL');
        await running.session;
        const { code, stderr } = await desk.run(['apply']);
        if (code !== 0) {
          // Cut between a topic and its log in the memory: then only a person may start that log.
          assert.match(stderr, /run adopt/);
          assert.equal((await desk.run(['adopt', '--yes'])).code, 0);
          const again = await desk.run(['apply']);
          assert.equal(again.code, 0, again.stderr);
        }
        const { code: exit, stdout } = await desk.run(['plan']);
        assert.equal(exit, 0, stdout);
        assert.equal((await desk.run(['seal', '--once'])).code, 0);
      } finally {
        await desk.close();
      }
    });
  }
});
