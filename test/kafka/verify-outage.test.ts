import assert from 'node:assert/strict';
import { openStream } from '../../stream/open.js';
import type { Stream } from '../../stream/stream.js';
import { checkMade, partition } from '../support/findings.js';
import { clusterTest } from '../support/kafka.js';
import { MadeLedger } from '../support/made-ledger.js';

/** Long enough that much of it is still to be read when the first records have been. */
async function longLedger(stream: Stream, replication = 1): Promise<MadeLedger> {
  const made = await MadeLedger.create(stream, { partitions: 1, replication });
  const value = Buffer.alloc(50_000, 'x');
  for (let size = 0; size < 300; size += 100) {
    await made.appendRecords(0, Array(100).fill({ key: null, value, headers: [] }));
    await made.seal(0);
  }
  return made;
}

clusterTest('a broker that ends while its log is read is no evidence', {}, async (cluster) => {
  const node = cluster.node(1);
  const stream = await openStream(`kafka://${cluster.bootstrap}`);
  const made = await longLedger(stream);
  // Enough for what is read before the broker ends.
  const timeoutMs = 5_000;
  const hasty = await openStream(`kafka://${cluster.bootstrap}`, { timeoutMs });
  const kill = { end: () => node.kill(), undo: () => node.start() };
  const freeze = { end: async () => node.freeze(), undo: async () => node.thaw() };
  for (const { end, undo } of [kill, freeze]) {
    let ended: Promise<void> | undefined;
    const onProgress = () => {
      ended ??= end();
    };
    const report = await checkMade(made, hasty, { timeoutMs, onProgress });
    assert.ok(ended !== undefined, 'nothing was read');
    await ended;
    assert.equal(report.verdict, 'unchecked');
    const { findings, verified } = partition(report, 0);
    assert.deepEqual(
      findings.map(({ code }) => code),
      ['unreachable'],
    );
    assert.ok(verified.records < 300n);
    await undo();
    assert.equal((await checkMade(made, stream)).verdict, 'intact');
  }
  await hasty.close();
  await stream.close();
});

clusterTest('a broker that is only just starting is waited for', {}, async (cluster) => {
  const node = cluster.node(1);
  const stream = await openStream(`kafka://${cluster.bootstrap}`);
  const made = await longLedger(stream);
  for (const end of [() => node.stop(), () => node.kill()]) {
    await end();
    const [report] = await Promise.all([checkMade(made, stream), node.start()]);
    assert.equal(report.verdict, 'intact', partition(report, 0).findings.at(0)?.message);
  }
  await stream.close();
});

clusterTest('leaders killed while the log is read', { nodes: 3 }, async (cluster) => {
  const stream = await openStream(`kafka://${cluster.bootstrap}`);
  const made = await longLedger(stream, 3);
  for (let id = 1; id <= 3; id++) {
    const node = cluster.node(id);
    let killed: Promise<void> | undefined;
    const onProgress = () => {
      killed ??= node.kill();
    };
    const report = await checkMade(made, stream, { onProgress });
    await killed;
    assert.equal(report.verdict, 'intact', partition(report, 0).findings.at(0)?.message);
    assert.equal(report.records, 300n);
    await node.start();
  }
  await stream.close();
});
