import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openMemory } from '../../store/folder.js';
import { openStream } from '../../stream/open.js';
import { checkMade, codes, expectFinding, partition } from '../support/findings.js';
import { kafkaTest } from '../support/kafka.js';
import { rollingLedger, untilCompacted } from '../support/rolling-ledger.js';

const HOUR = 3_600_000;

kafkaTest('an earlier checkpoint published again, and compaction does the rest', async (kafka) => {
  const stream = await openStream(`kafka://${kafka}`);
  const folder = mkdtempSync(join(tmpdir(), 'sealstream-compaction-'));
  const memory = await openMemory(folder, { create: true });
  const topic = `compacted-${randomUUID()}`;
  const made = await rollingLedger(stream, { topic, partitions: 2 });
  // One key for all: the first seconds of this hour.
  const hour = Math.floor(Date.now() / HOUR) * HOUR;
  const clock = () => hour + 10_000;
  const time = (second: number) => ({ time: hour + second * 1000 });
  await made.append(0, 10);
  const early = await made.seal(0, time(0));
  await made.append(0, 20);
  await made.seal(0, time(1));
  await made.seal(1, time(1));
  assert.equal((await checkMade(made, stream, { memory, clock })).verdict, 'intact');

  await made.publish(early);
  await made.seal(1, time(2));
  await untilCompacted(made, stream, (records) => records.every(({ offset }) => offset > 1n));
  const unaided = await checkMade(made, stream, { clock });
  assert.deepEqual(codes(partition(unaided, 0)), []);
  assert.equal(partition(unaided, 0).sealed?.size, 10n);
  expectFinding(await checkMade(made, stream, { memory, clock }), 'rolled-back', 10n, 30n);
  await memory.close();
  await stream.close();
  rmSync(folder, { recursive: true });
});
