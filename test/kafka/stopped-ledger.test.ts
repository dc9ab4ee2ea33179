import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Report } from '../../consumer/index.js';
import { COMPRESSION_CODES, type Compression } from '../../stream/batch/compression.js';
import { BatchEncoder } from '../../stream/batch/encode.js';
import { openStream } from '../../stream/open.js';
import type { Stream } from '../../stream/stream.js';
import { compressedBatch } from '../support/compress.js';
import { checkMade, codes, partition } from '../support/findings.js';
import { clusterTest } from '../support/kafka.js';
import { kafkajsClient } from '../support/kafka-admin.js';
import { deleteRecords, record } from '../support/kafka-reading.js';
import type { MadeLedger } from '../support/made-ledger.js';
import { rollingLedger, untilCompacted } from '../support/rolling-ledger.js';

/** Without the time it took. */
async function reportOf(made: MadeLedger, stream: Stream, now: number): Promise<Report> {
  return { ...(await checkMade(made, stream, { clock: () => now })), seconds: 0 };
}

async function appendCompressed(made: MadeLedger, stream: Stream, number: number): Promise<void> {
  const appender = await stream.appender(made.description);
  for (const compression of Object.keys(COMPRESSION_CODES) as Compression[]) {
    const encoder = new BatchEncoder();
    for (let n = 0; n < 20; n++) encoder.add(record(`${compression} ${n}`.repeat(n)), BigInt(n));
    const batch = compressedBatch(encoder.finish(), compression);
    assert.equal((await appender.append(number, batch)).kind, 'acknowledged');
  }
  await appender.close();
}

/** Aborted and committed records, with control records between. */
async function appendTransactions(bootstrap: string, topic: string): Promise<void> {
  const producer = kafkajsClient(bootstrap).producer({
    transactionalId: topic,
    idempotent: true,
    maxInFlightRequests: 1,
  });
  await producer.connect();
  for (const ending of ['commit', 'abort'] as const) {
    const transaction = await producer.transaction();
    await transaction.send({ topic, messages: [{ value: ending, partition: 0 }] });
    await transaction[ending]();
  }
  await producer.disconnect();
}

/** Waits until every closed segment of the checkpoint topic holds each key once. */
function compacted(made: MadeLedger, stream: Stream, logDir: string): Promise<void> {
  return untilCompacted(made, stream, (records) => {
    const names = readdirSync(join(logDir, `${made.checkpointTopic}-0`));
    const active = names.filter((name) => /^[0-9]{20}\.log$/.test(name)).sort();
    const activeFrom = BigInt(active.at(-1)?.slice(0, 20) ?? 0);
    const closed = records.filter(({ offset }) => offset < activeFrom);
    const keys = new Set(closed.map(({ key }) => key));
    return keys.size === closed.length && BigInt(keys.size) < activeFrom;
  });
}

clusterTest("a stopped broker's disk gives the same report as the broker", {}, async (cluster) => {
  const { bootstrap } = cluster;
  const node = cluster.node(1);
  const disk = await openStream(`file:${node.logDir}`);
  let live = await openStream(`kafka://${bootstrap}`);
  const made = await rollingLedger(live, { topic: 'audit', partitions: 3 });
  const cut = await rollingLedger(live, { topic: 'cut', partitions: 3 });
  for (let round = 0; round < 3; round++) {
    await made.appendAndSeal(0, 20);
    await appendCompressed(made, live, 1);
    await made.seal(1);
    await made.seal(2);
    await cut.appendAndSeal(0, 10);
  }
  await appendTransactions(bootstrap, made.topic);
  await made.seal(0);
  await made.append(1, 5);
  await compacted(made, live, node.logDir);
  await compacted(cut, live, node.logDir);

  // A fixed clock: the age of a head must not decide between two reports.
  const now = Date.now();
  const before = await reportOf(made, live, now);
  assert.equal(before.verdict, 'intact');
  assert.deepEqual(
    before.partitions.map(({ sealed, unsealed }) => [sealed?.size, unsealed.records]),
    [
      [62n, 0n],
      [300n, 5n],
      [0n, 0n],
    ],
  );
  await live.close();
  await node.kill();
  assert.deepEqual(await reportOf(made, disk, now), before);

  await node.start();
  live = await openStream(`kafka://${bootstrap}`);
  await deleteRecords(bootstrap, cut.topic, 0, 5n);
  const intact = await reportOf(made, live, now);
  const deleted = await reportOf(cut, live, now);
  assert.deepEqual(intact, before);
  assert.deepEqual(codes(partition(deleted, 0)), ['log-start-moved']);
  await live.close();
  await node.stop();
  assert.deepEqual(await reportOf(made, disk, now), intact);
  assert.deepEqual(await reportOf(cut, disk, now), deleted);
  await disk.close();
});
