import assert from 'node:assert/strict';
import { cp, readFile, rm, writeFile } from 'node:fs/promises';
import { clusterTest, kafkaTest, sharedKafka } from '../support/kafka.js';
import { LedgerDesk } from '../support/ledger-desk.js';

const EVENT = '{"tenant_id":"acme","action":"test.publish","actor":{"id":"a"}}\n';

async function publish(desk: LedgerDesk, count: number): Promise<void> {
  const { code, stderr } = await desk.run(['publish'], { input: EVENT.repeat(count) });
  assert.equal(code, 0, stderr);
}

async function seal(desk: LedgerDesk): Promise<void> {
  const { code, stdout, stderr } = await desk.run(['seal', '--once']);
  assert.equal(code, 0, stdout + stderr);
}

/** Status and sealing name the reason with exit 1, a dry adopt changes nothing, nothing is signed. */
async function assertSignsNothing(desk: LedgerDesk, reason: RegExp): Promise<void> {
  const notes = await desk.notes();
  const status = await desk.run(['status', '--json']);
  assert.equal(status.code, 1, status.stdout + status.stderr);
  assert.match(status.stdout, reason);
  const dry = await desk.run(['adopt']);
  assert.match(dry.stderr, /Nothing was written|refused/);
  await assertRefused(desk, reason);
  assert.equal(await desk.notes(), notes);
}

async function assertRefused(desk: LedgerDesk, reason: RegExp): Promise<void> {
  const refused = await desk.run(['seal', '--once']);
  assert.equal(refused.code, 1, refused.stdout + refused.stderr);
  assert.match(refused.stderr, reason);
}

async function assertAdoptIsTheWayOn(desk: LedgerDesk, records: number): Promise<void> {
  const adopted = await desk.run(['adopt', '--yes']);
  assert.equal(adopted.code, 0, adopted.stderr);
  await seal(desk);
  const { code, report } = await desk.verify();
  assert.equal(code, 0, JSON.stringify(report));
  assert.equal(report.records, String(records));
}

kafkaTest('without its memory a sealer signs nothing until adopt', (bootstrap) =>
  LedgerDesk.use({ bootstrap }, async (desk) => {
    await publish(desk, 5);
    await seal(desk);
    await publish(desk, 2);
    await rm(desk.path('memory'), { recursive: true });
    assert.equal((await desk.run(['apply'])).code, 1);
    await assertSignsNothing(desk, /memory-missing/);
    await assertAdoptIsTheWayOn(desk, 7);
  }),
);

kafkaTest('with an older copy of its memory a sealer signs nothing until adopt', (bootstrap) =>
  LedgerDesk.use({ bootstrap }, async (desk) => {
    await publish(desk, 5);
    await seal(desk);
    await cp(desk.path('memory'), desk.path('older'), { recursive: true });
    await publish(desk, 2);
    await seal(desk);
    await publish(desk, 1);
    await rm(desk.path('memory'), { recursive: true });
    await cp(desk.path('older'), desk.path('memory'), { recursive: true });
    await assertSignsNothing(desk, /memory-behind/);
    await assertAdoptIsTheWayOn(desk, 8);
  }),
);

clusterTest('a cluster that shows another history is not sealed', {}, async (cluster) => {
  const node = cluster.node(1);
  const { bootstrap } = cluster;
  await LedgerDesk.use({ bootstrap, partitions: 1 }, async (desk) => {
    await publish(desk, 5);
    await seal(desk);
    await node.stop();
    await cp(node.logDir, desk.path('disk'), { recursive: true });
    await node.start();
    await publish(desk, 3);
    await seal(desk);
    await node.stop();
    await rm(node.logDir, { recursive: true });
    await cp(desk.path('disk'), node.logDir, { recursive: true });
    await node.start();
    await assertSignsNothing(desk, /checkpoint-rolled-back/);
    // What was signed is gone: there is no way on for this log, and adopt does not make one.
    const adopted = await desk.run(['adopt', '--yes']);
    assert.equal(adopted.code, 1);
    assert.match(adopted.stderr, /ends at 5/);
    await assertRefused(desk, /checkpoint-rolled-back/);
  });
});

clusterTest('another cluster with the same topic names is not sealed', {}, async (cluster) => {
  const shared = await sharedKafka();
  if ('skip' in shared) throw new Error(shared.skip);
  await LedgerDesk.use({ bootstrap: shared.bootstrap }, async (desk) => {
    await publish(desk, 4);
    await seal(desk);
    await LedgerDesk.use({ bootstrap: cluster.bootstrap, topics: desk.topics }, async (other) => {
      await publish(other, 3);
      await pointAt(desk, other.url);
      await assertSignsNothing(desk, /topic-recreated/);
      await assertAdoptIsTheWayOn(desk, 3);
    });
  });
});

/** Edits ledger.yaml so that the same ledger, key and memory meet another stream. */
async function pointAt(desk: LedgerDesk, url: string): Promise<void> {
  const path = desk.path('ledger.yaml');
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.replace(/^stream: .*$/m, `stream: ${url}`));
}
