import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { afterEach } from 'node:test';
import { adoptLog } from '../../sealer/index.js';
import { clusterTest, kafkaTest } from '../support/kafka.js';
import { withAdmin } from '../support/kafka-admin.js';
import { LEDGER, TestLedger, until } from '../support/sealer/ledger.js';
import { ended, endSealers, startSealer, unsealed } from '../support/sealer/process.js';
import { tamper } from '../support/tamper.js';

const ledgers: TestLedger[] = [];

afterEach(async () => {
  endSealers();
  for (const ledger of ledgers.splice(0)) await ledger.remove();
});

async function make(bootstrap: string, partitions: number): Promise<TestLedger> {
  const place = { url: `kafka://${bootstrap}`, topic: `sealer-${randomUUID()}` };
  const ledger = await TestLedger.make(partitions, place);
  ledgers.push(ledger);
  return ledger;
}

kafkaTest(
  'sealed to the end, again after more records, and nothing is wrong',
  async (bootstrap) => {
    const ledger = await make(bootstrap, 3);
    await ledger.append(50, 0);
    await ledger.append(7, 2);
    for (const { refusal, error } of await ledger.sealOnce({ records: 20 })) {
      assert.deepEqual([refusal, error], [null, null]);
    }
    await ledger.append(3, 0);
    const sealed = (await ledger.sealOnce()).map((one) => one.sealed?.size);
    assert.deepEqual(sealed, [53n, 0n, 7n]);
    for (const partition of [0, 1, 2]) assert.deepEqual(await ledger.wrong(partition), []);
  },
);

kafkaTest(
  'two processes of one group, one killed: the other seals everything',
  async (bootstrap) => {
    const ledger = await make(bootstrap, 4);
    const doomed = startSealer(ledger, 'run', 'recorded', 3);
    const other = startSealer(ledger, 'run');
    const killed = ended(doomed);
    for (let batch = 0; batch < 12; batch += 1) await ledger.append(5, batch % 4);
    assert.deepEqual(await killed, { code: null, signal: 'SIGKILL' });
    const since = Date.now();
    await ledger.append(1, 3);
    await until(async () => (await unsealed(ledger, 4, since)) === null, 90_000);
    other.kill('SIGTERM');
    assert.deepEqual(await ended(other), { code: 0, signal: null });
    for (const partition of [0, 1, 2, 3]) assert.deepEqual(await ledger.wrong(partition), []);
  },
);

kafkaTest(
  'records deleted before they were sealed: refused; sealed ones: not',
  async (bootstrap) => {
    const ledger = await make(bootstrap, 2);
    for (const partition of [0, 1]) await ledger.append(4, partition);
    await ledger.sealOnce();
    for (const partition of [0, 1]) await ledger.append(4, partition);
    const partitions = [
      { partition: 0, offset: '6' },
      { partition: 1, offset: '4' },
    ];
    await withAdmin(bootstrap, async (admin) => {
      // Asking for offsets first makes the client load the topic's metadata.
      await admin.fetchTopicOffsets(ledger.topic);
      await admin.deleteTopicRecords({ topic: ledger.topic, partitions });
    });
    const [moved, going] = await ledger.sealOnce();
    assert.equal(moved?.refusal?.reason, 'log-start-moved');
    assert.equal(going?.refusal, null);
    assert.equal(going.sealed?.size, 8n);
  },
);

kafkaTest('a topic deleted and created again is refused until it is adopted', async (bootstrap) => {
  const ledger = await make(bootstrap, 1);
  await ledger.append(4);
  await ledger.sealOnce();
  const origin = await ledger.origin();
  await withAdmin(bootstrap, (admin) => admin.deleteTopics({ topics: [ledger.topic] }));
  await until(async () => (await ledger.stream.describe(ledger.topic)) === null);
  await ledger.createTopics(1);
  await until(async () => (await ledger.stream.describe(ledger.topic)) !== null);
  await ledger.append(2);
  const [refused] = await ledger.sealOnce();
  assert.equal(refused?.refusal?.reason, 'topic-recreated');
  const { stream, memory, topic, key } = ledger;
  const log = { stream, memory, ledger: LEDGER, topic, partition: 0, publicKey: key.publicKey };
  const adoption = await adoptLog({ ...log, yes: true });
  assert.deepEqual([adoption.action, adoption.retired], ['start', origin]);
  const [sealed] = await ledger.sealOnce();
  assert.equal(sealed?.sealed?.size, 2n);
});

clusterTest('an outage is waited out; a record changed on disk is refused', {}, async (cluster) => {
  const ledger = await make(cluster.bootstrap, 2);
  await ledger.append(3, 0);
  await ledger.append(3, 1);
  const sealer = await ledger.sealer({ every: 50, heartbeat: 500, truncatedAfter: 30_000 });
  const stopping = new AbortController();
  const running = sealer.run(stopping.signal);
  const log = (partition: number) =>
    sealer.report().find((report) => report.partition === partition);
  try {
    await until(() => log(0)?.sealed?.size === 3n && log(1)?.sealed?.size === 3n, 60_000);
    const node = cluster.node(1);
    await node.stop();
    await until(() => log(0)?.waiting != null || log(1)?.waiting != null, 60_000);
    assert.deepEqual([log(0)?.refusal, log(1)?.refusal], [null, null]);
    tamper(node.logDir, ledger.topic, 0, (stored) => stored.changeByte(2n));
    await node.start();
    await ledger.append(2, 1);
    await until(() => log(0)?.refusal?.reason === 'record-altered', 90_000);
    await until(() => log(1)?.sealed?.size === 5n, 90_000);
    assert.equal(log(1)?.refusal, null);
  } finally {
    stopping.abort();
    await running;
  }
  assert.deepEqual(await ledger.wrong(1), []);
});
